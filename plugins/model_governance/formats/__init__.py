"""Readers of untrusted bytes that the model loaders and the artifact scan share."""

"""Checks of the supply chain: the model file and the training window."""

"""Checks of privacy: what the model discloses of its training data and of itself."""

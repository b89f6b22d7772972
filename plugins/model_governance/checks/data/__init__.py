"""Checks of the data: validation and drift."""

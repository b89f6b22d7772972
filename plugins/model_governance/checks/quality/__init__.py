"""Checks of model quality: measured, estimated, by group, by attribution."""

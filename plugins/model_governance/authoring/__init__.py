"""Tools for writing a policy: suggest one, compare two datasets, calibrate its thresholds, describe a check."""

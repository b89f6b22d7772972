"""What people use while they write a policy: suggest one, compare two datasets, calibrate its thresholds."""

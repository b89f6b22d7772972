"""The evidence of a run: the record of each check, the manifest of the run, and how both are found again."""

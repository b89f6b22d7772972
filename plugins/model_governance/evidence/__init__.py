"""What is kept of a run: the record of each check, the manifest of the night, and how both are found again."""

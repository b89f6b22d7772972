"""Statistics on numbers: intervals and multiple testing. Nothing here knows checks, models or files."""

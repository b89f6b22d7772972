"""How many processors this process may use."""

from __future__ import annotations

import os


def processors() -> int:
    """The processors that the operating system lets this process run on, at least 1; all of the machine where it tells no more."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

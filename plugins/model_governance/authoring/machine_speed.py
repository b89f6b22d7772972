"""How fast this machine is: the CPU seconds of one fixed piece of work, compared with those where the figures were measured."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WORK = "import pandas, pyarrow.parquet, scipy.stats, sklearn.linear_model, matplotlib.figure"
"""What the checks import: most of what a small model costs."""
ROUNDS = 3


def reference_seconds() -> float:
    """CPU seconds of that work in a process of its own, the best of some rounds: what else runs makes it slower, nothing faster."""
    subprocess.run([sys.executable, "-c", WORK], check=True)  # noqa: S603 - our own text; it reads the files once and compiles what is not compiled
    found = []
    for _ in range(ROUNDS):
        process = subprocess.Popen([sys.executable, "-c", WORK])  # noqa: S603 - our own text
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        found.append(usage.ru_utime + usage.ru_stime)
    return min(found)


def speed_of_this_machine(figures: Mapping[str, Any]) -> float:
    """CPU seconds of this machine for one of the machine that the figures are from."""
    return reference_seconds() / float(figures["reference_seconds"])

"""Runs one thing in a process of its own and says what it cost: wall and CPU seconds, peak memory, and what it printed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a whole process cost, imports and all; `mib` is its largest resident size."""

    wall: float
    cpu: float
    mib: float
    printed: str


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command to its end.

    Raises:
        SystemExit: it failed; the message holds what it printed.
    """
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | {"DO_NOT_TRACK": "1"}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        output.seek(0)
        printed = output.read().decode(errors="replace")
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)[:300]} ended with {process.returncode} after {wall:.0f} s:\n{printed[-4000:]}"
        )
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, mib=usage.ru_maxrss / 1024, printed=printed)


def python(code: str, *arguments: object, interpreter: str = sys.executable) -> list[str]:
    """The command that runs a piece of Python, with arguments in sys.argv."""
    return [interpreter, "-W", "ignore", "-c", code, *map(str, arguments)]

"""Child processes of a test that see the package and the tests, and nothing of the surroundings but what is named."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TESTS = Path(__file__).resolve().parent
KEPT = ("PATH", "HOME", "TMPDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_all(commands: Sequence[Sequence[str]], *, more: Mapping[str, str] | None = None) -> list[str]:
    """Run the commands at the same time; what each printed. Raises AssertionError with the output of one that failed."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env |= {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'plugins'}", **(more or {})}
    started = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command in commands
    ]
    printed = [child.communicate()[0] for child in started]
    for child, text in zip(started, printed, strict=True):
        assert child.returncode == 0, f"status {child.returncode}: {text[-3000:]}"
    return printed

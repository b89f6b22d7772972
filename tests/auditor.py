"""The verifier that auditors run without us, as a process of its own with a Python that has no packages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = Path(__file__).resolve().parents[1] / "include" / "auditor" / "verify_archive.py"
OPENSSL = shutil.which("openssl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Exit code, output, and the codes of the problems."""

    code: int
    output: str

    @property
    def problems(self) -> set[str]:
        return set(re.findall(r"^([a-z]+\.[a-z]+)  ", self.output, re.MULTILINE))


def audit(folder: Path, *keys: Path, options: Sequence[str] = ()) -> Answer:
    """Run the verifier; `-I -S` keeps every installed package away."""
    named = [part for key in keys for part in ("--key", str(key))]
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(folder), *named, *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(code=done.returncode, output=done.stdout + done.stderr)

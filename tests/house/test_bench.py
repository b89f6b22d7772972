"""Every script of the bench can be imported: a renamed module or setting is noticed before the next measurement."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "include" / "bench"


def test_every_script_imports():
    names = sorted(path.stem for path in BENCH.glob("*.py"))
    assert "run" in names
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(names)}"], cwd=BENCH, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

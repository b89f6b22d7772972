"""What README says of the two pages beside the demo: commands that anyone can run, with the findings that it tells."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]


def run(script: str) -> str:
    environment = os.environ | {"COLUMNS": "160"}
    command = [sys.executable, str(ROOT / "include" / "demo" / script)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_audit_finds_what_the_overgrown_forest_gives_away_and_passes_its_twin():
    overgrown, regularised = run("audit.py").split("forest-regularised: ", 1)
    for metric in (r"attack_auc\[rmia\]", r"tpr_at_fpr\[rmia@0.01\]", r"member_gap\[confidence@DIS\]"):
        assert re.search(rf"fail .*{metric} ", overgrown), metric
    assert re.search(r"pass .*tpr_at_fpr\[black_box@0.01\] ", overgrown), "the weak attack sees nothing"
    assert regularised.startswith("PASS")


def test_the_review_reads_to_the_end():
    text = run("review.py")
    assert "the page of the review: file://" in text
    assert re.search(r"pass .*estimated_accuracy ", text)

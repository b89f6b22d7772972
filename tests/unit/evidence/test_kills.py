"""Runs that are killed lose no verdict, and runs that end at the same time do not either."""

from __future__ import annotations

import sys
from pathlib import Path

import children
import project
from model_governance.evidence.verification import verify_model

TESTS = Path(__file__).resolve().parents[2]


def test_killed_runs_lose_no_verdict(tmp_path):
    # In a process of its own: pytest-xdist has threads, and a process with threads cannot be forked safely.
    children.run_all([[sys.executable, str(TESTS / "killing.py"), str(tmp_path), "24"]])


def test_appends_of_four_processes_lose_nothing(tmp_path):
    small = project.small_project(tmp_path)
    children.run_all(
        [[sys.executable, str(TESTS / "appending.py"), str(tmp_path / "archive"), str(n)] for n in range(4)]
    )
    found = verify_model(small.store, "loans")
    assert found.links == 32
    assert [problem for problem in found.problems if problem.code.startswith(("chain.", "link.damaged"))] == []

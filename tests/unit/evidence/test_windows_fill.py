"""A level that moved for good: windows fill once somebody accepts a run, and not before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import project
import synthetic
from drift_cases import numbers_only
from model_governance.authoring.accept import accept_run

DRIFT = {
    "drift": {
        "kind": "data_drift",
        "params": {"columns": ["income"], "joint": False, "window": {"kind": "trailing", "runs": 2}},
        "thresholds": [{"metric": "psi", "key": "income", "less_than": 0.1}],
    }
}


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


@pytest.fixture
def small(tmp_path):
    return project.small_project(tmp_path, checks=DRIFT)


def night(small, day: int, *, richer: float) -> str:
    rows = synthetic.rows(1000, seed=20 + day)
    small.write_current(rows.assign(income=rows["income"] + richer))
    return small.run(datetime(2026, 3, day, tzinfo=UTC), f"night-{day}").verdict.findings[0].outcome


@pytest.mark.parametrize("purpose", ["baseline", "reference"])
def test_a_window_fills_with_the_run_that_was_accepted(small, purpose):
    assert [night(small, day, richer=40) for day in (1, 2)] == ["fail", "fail"]
    accept_run(small.store, "synthetic", "2026-03-01", reason="a new product line", by="A. Owner", purpose=purpose)
    assert [night(small, day, richer=40) for day in (3, 4)] == ["pass", "pass"], "compared with run 1, then 3 and 1"
    assert night(small, 5, richer=0) == "fail", "the old level is now the drift"

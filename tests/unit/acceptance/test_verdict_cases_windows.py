"""Verdicts against trailing and seasonal windows that hold in real life, through archived runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import project
import synthetic
from drift_cases import measure, numbers_only
from model_governance.authoring.accept import accept_run
from model_governance.contract.subject import PreviousRun
from verdict_cases import verdict

PSI = {"metric": "psi", "key": "income", "less_than": 0.1}
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


def governed(folder, **window) -> project.Project:
    """A project that compares incomes with a window of runs."""
    params = {"columns": ["income"], "joint": False, "window": window}
    return project.small_project(
        folder, checks={"drift": {"kind": "data_drift", "params": params, "thresholds": [PSI]}}
    )


def run_at(small: project.Project, moment: datetime, *, richer: float) -> str:
    """The outcome of the run of a moment, whose incomes are higher by this much."""
    rows = synthetic.rows(1000, seed=int(moment.timestamp()) // 3600 % 1000)
    small.write_current(rows.assign(income=rows["income"] + richer))
    return small.run(moment, f"{moment:%d-%H}").verdict.findings[0].outcome


def accept(small: project.Project, run: str, **purpose: str) -> None:
    accept_run(small.store, "synthetic", run, reason="as it must be", by="A. Owner", **purpose)


# V29

LEVELS = {4: 0.0, 20: 50.0}
"""What is added to incomes at two of the six hours at which the model runs."""


def test_the_hours_of_a_day_are_compared_with_the_same_hours_before(tmp_path):
    """V29: `season: hour`. The next day passes at each hour, and a level that belongs to another hour fails."""
    small = governed(tmp_path, kind="seasonal", season="hour", runs=7)
    today, tomorrow = ({hour: MIDNIGHT + timedelta(days=day, hours=hour) for hour in LEVELS} for day in (0, 1))
    first = [run_at(small, today[hour], richer=level) for hour, level in LEVELS.items()]
    assert first == ["pass", "fail"], "there is only the fixed reference yet"
    accept(small, "02-20")
    assert [run_at(small, tomorrow[hour], richer=level) for hour, level in LEVELS.items()] == ["pass", "pass"]
    assert run_at(small, tomorrow[20] + timedelta(days=1), richer=LEVELS[4]) == "fail"


# V31


def at_level(subject, mean: float, *, seed: int):
    draw = np.random.default_rng(seed)
    return subject.with_frame("current", synthetic.rows(1000, seed=seed).assign(income=draw.normal(mean, 1, 1000)))


def test_a_run_far_from_its_window_fails_however_far_the_window_is_from_the_reference():
    """V31: the reference is N(0, 1), the three accepted runs of the window are at 8, and the run is at 20, or at 8."""
    healthy = synthetic.subject()
    reference = synthetic.rows(1000, seed=1).assign(income=np.random.default_rng(1).normal(0, 1, 1000))
    subject = healthy.with_frame("reference", reference)
    params = {"columns": ("income",), "joint": False}
    runs = []
    for day in range(1, 4):
        result = measure(at_level(subject, 8, seed=10 + day), **params)
        content = next(artifact.content for artifact in result.artifacts if artifact.name == "profile.json")
        moment = MIDNIGHT - timedelta(days=day)
        runs.append(PreviousRun(logical_date=moment, name="profile.json", key=f"k{day}", sha256="", content=content))
    outcomes = {}
    for mean in (20, 8):
        current = replace(at_level(subject, mean, seed=20), earlier=tuple(runs))
        result = measure(current, window={"kind": "trailing", "runs": 3}, **params)
        (finding,) = verdict(result.metrics, PSI).findings
        outcomes[mean] = finding.outcome
        assert finding.detectable > 0.1, "a shift of nothing is not said to be visible"
    assert outcomes == {20: "fail", 8: "pass"}


# V35


def test_a_level_that_moves_while_the_window_fills_is_red_until_somebody_accepts_it(tmp_path):
    """V35: a window of seven runs holds two when the level moves; it starts anew with the accepted run."""
    small = governed(tmp_path, kind="trailing", runs=7)
    days = [MIDNIGHT + timedelta(days=day) for day in range(7)]
    assert [run_at(small, day, richer=0) for day in days[:2]] == ["pass", "pass"]
    assert [run_at(small, day, richer=40) for day in days[2:4]] == ["fail", "fail"]
    accept(small, f"{days[3]:%d-%H}", purpose="reference")
    assert [run_at(small, day, richer=40) for day in days[4:6]] == ["pass", "pass"]
    assert run_at(small, days[6], richer=0) == "fail", "the old level is the drift now"

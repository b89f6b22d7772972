"""Calibration counts what a run would do: an error on clean rows fails it, and is no promise of quiet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import project
from model_governance.authoring import calibration
from model_governance.authoring.calibration import Calibrated, NotCalibrated, Sampling, calibrate
from model_governance.checks import find
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from model_governance.errors import CheckError

SAMPLING = Sampling(windows=500, rows=100)


@pytest.fixture
def small(tmp_path):
    checks = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
    return project.small_project(tmp_path, checks=checks)


def calibrated(small) -> Calibrated | NotCalibrated:
    found = calibrate(small.policy(), moment=project.DAY, connections=PlainConnections(), sampling=SAMPLING)
    (outcome,) = found.outcomes
    return outcome


@pytest.mark.parametrize("windows", ["50", "0", "-1", "99"])
def test_too_few_windows_are_refused_with_the_least_number(small, capsys, windows):
    """P11: says the minimum, and nothing about rows that nobody asked about."""
    assert main(["calibrate", str(small.policy_file), "--windows", windows]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"--windows {windows}: calibration draws at least 100; fewer show no rate of fails"


def test_a_run_of_no_rows_is_refused(small, capsys):
    """P11: the other number of the same message."""
    assert main(["calibrate", str(small.policy_file), "--rows", "0"]) == 2
    assert capsys.readouterr().err.strip() == "--rows 0: a run has at least 1 row"


@pytest.fixture
def failing_sometimes(monkeypatch):
    """Makes the check of model quality raise on one of `every` windows."""

    def install(every: int, error: Exception):
        check, calls = find("model_quality"), iter(range(10**6))

        def measure(subject, params, seed):
            if next(calls) % every == 0:
                raise error
            return check.measure(subject, params, seed)

        monkeypatch.setattr(calibration, "find", lambda kind: replace(check, measure=measure))

    return install


@pytest.mark.parametrize("error", [CheckError("a slice is empty"), ZeroDivisionError("division by zero")])
def test_an_error_on_some_clean_runs_counts_as_a_fail(small, failing_sometimes, error):
    """P12: a quarter of the runs is an error, so a quarter fails under any bound."""
    failing_sometimes(4, error)
    outcome = calibrated(small)
    assert isinstance(outcome, Calibrated)
    assert outcome.failing.value == pytest.approx(0.25, abs=0.01)
    assert outcome.false_fails.value > 50
    assert "drawn runs were an error and count as fails" in outcome.limits
    assert str(error) in outcome.limits


def test_an_error_on_every_clean_run_is_said_and_promises_nothing(small, failing_sometimes):
    """P12: no number of false fails, but the reason."""
    failing_sometimes(1, CheckError("a slice is empty"))
    outcome = calibrated(small)
    assert isinstance(outcome, NotCalibrated)
    assert "an error, which fails the run, on each of" in outcome.reason
    assert "a slice is empty" in outcome.reason


@pytest.mark.parametrize("metric", ["psi", "drift_share", "missing_increase", "new_category_share"])
@pytest.mark.parametrize("odd", ["infinite", "rare"])
def test_a_drift_check_that_is_an_error_on_its_reference_is_not_promised_to_be_quiet(small, metric, odd):
    """P12: cells are counted without the check, whose model refuses these very rows."""
    for role in ("reference", "current"):
        file = small.folder / f"{role}.parquet"
        frame = pd.read_parquet(file)
        place = np.arange(len(frame))
        frame["debt"] = np.where(place < 200, np.inf, 1.0) if odd == "infinite" else np.where(place < 2, 1.0, np.nan)
        frame.to_parquet(file, index=False)
    small.change(checks={"drift": {"kind": "data_drift", "thresholds": [{"metric": metric, "less_than": 0.3}]}})
    assert small.check("drift").verdict.outcome == "error"
    outcome = calibrated(small)
    assert isinstance(outcome, NotCalibrated)
    assert "an error, which fails the run" in outcome.reason

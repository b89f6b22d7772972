"""A check whose sampling law is known, calibrated on drawn rows: the proposal must keep its promise on fresh runs."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from model_governance.authoring.calibration.resampling import calibrate_resampled
from model_governance.authoring.calibration.results import Calibrated, NotCalibrated
from model_governance.contract.check import Advice, Check, Params, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, Metric, MetricSpec
from model_governance.contract.subject import Columns, Dataset, Feature, Subject
from model_governance.errors import CheckError
from model_governance.policy import AlarmSpec, CheckSpec, Policy

TODAY = datetime(2026, 6, 1, tzinfo=UTC)
LEVEL = 0.05 * 5 / 365
ROWS = 400


def mean(subject: Subject, params: Params, seed: int) -> CheckResult:
    """The mean of `x`, without an interval, so that the judge compares the number itself."""
    values = subject.frame("current")["x"]
    return CheckResult(
        kind="mean", seed=seed,
        metrics=(Metric(name="mean", value=float(values.mean()), n=len(values), meaning="mean", better="higher"),),
    )  # fmt: skip


def check(measure=mean) -> Check:
    return Check(
        kind="mean", title="Mean", question="?", params=Params, roles=("current",), measure=measure,
        metrics=(MetricSpec(name="mean", meaning="mean", better="higher"),),
        self_test=SelfTest(description="", threshold={}, apply=lambda one: one), suggest=lambda *_: Suggestion(),
        advice=Advice(title="Look.", text="Look at it."), cost="Nothing.",
    )  # fmt: skip


def subject(rows: int = 4000, *, seed: int = 3) -> Subject:
    values = np.random.default_rng(seed).normal(10, 2, rows)
    dataset = Dataset("reference", "r", "r", pd.DataFrame({"x": values}))
    return Subject(
        name="s", task="regression", columns=Columns(features={"x": Feature(kind="numeric")}),
        datasets={"reference": dataset},
    )  # fmt: skip


def calibrated(*thresholds, measure=mean, seed=1, windows=200, given=None) -> list[Calibrated | NotCalibrated]:
    policy = Policy.model_construct(
        checks={"c": CheckSpec(kind="mean", thresholds=thresholds)}, waivers=(), fail_on="error", on_uncertain="warn",
        alarms=AlarmSpec(),
    )  # fmt: skip
    return calibrate_resampled(
        policy, "c", range(len(thresholds)), check=check(measure), subject=given or subject(), params=Params(),
        windows=windows, rows=ROWS, seed=seed, level=LEVEL, moment=TODAY,
    )  # fmt: skip


def test_the_proposed_bound_keeps_the_level_on_runs_that_were_never_drawn():
    held, trials = 0, 8
    for seed in range(trials):
        (one,) = calibrated({"metric": "mean", "geq_to": 9.0}, seed=seed, given=subject(seed=seed), windows=50)
        held += stats.norm.cdf(one.proposal.bound, 10, 2 / np.sqrt(ROWS)) <= LEVEL
    assert held >= 6, f"{held} of {trials}; 95% are promised for runs of the reference, whose own mean errs too"


def test_the_shift_it_says_to_see_is_seen():
    (one,) = calibrated({"metric": "mean", "geq_to": 9.0})
    centre = subject().frame("reference")["x"].mean()
    seen = stats.norm.cdf(one.proposal.bound, centre - one.detectable, 2 * np.sqrt(1 / ROWS + 1 / 4000))
    assert 0.9 < seen < 0.99
    assert one.detectable_now > one.detectable, "today's bound is looser"


def test_the_rate_of_todays_bound_is_estimated():
    (one,) = calibrated({"metric": "mean", "geq_to": 9.85}, windows=100)
    centre = subject().frame("reference")["x"].mean()
    truth = 365 * stats.norm.cdf(9.85, centre, 2 * np.sqrt(1 / ROWS + 1 / 4000))
    assert one.false_fails.low < truth < one.false_fails.high


def test_the_same_seed_gives_the_same_record_and_another_one_another():
    condition = {"metric": "mean", "geq_to": 9.0}
    records = [calibrated(condition, seed=seed, windows=30)[0].record() for seed in (1, 1, 2)]
    assert records[0] == records[1] != records[2]


def test_a_loss_against_the_last_run_is_calibrated_on_pairs_of_runs():
    (one,) = calibrated({"metric": "mean", "min_absolute_change": -0.01}, windows=120)
    scatter = 2 * np.sqrt(2 / ROWS)
    assert one.curve.critical.std() == pytest.approx(scatter, rel=0.2), "the reference's own error cancels in a pair"
    assert one.proposal.bound < -stats.norm.isf(LEVEL) * scatter * 0.9


def test_what_cannot_be_calibrated_is_named_with_its_reason():
    band, champion, good = calibrated(
        {"metric": "mean", "between": (9, 11)},
        {"metric": "mean", "min_absolute_change": -0.1, "against": "champion"},
        {"metric": "mean", "geq_to": 9},
        windows=30,
    )
    assert isinstance(good, Calibrated)
    assert "no single bound" in band.reason
    assert "champion" in champion.reason


def test_a_metric_that_is_absent_on_drawn_rows_is_not_calibrated_with_its_own_reason():
    def absent(subject, params, seed):
        return CheckResult(
            kind="mean", seed=seed,
            metrics=(Metric(name="mean", value=None, n=1, meaning="m", better="higher", reason="no labels yet"),),
        )  # fmt: skip

    (one,) = calibrated({"metric": "mean", "geq_to": 9}, measure=absent, windows=30)
    assert "no labels yet" in one.reason


def test_a_check_that_cannot_measure_says_so_rather_than_proposing():
    def broken(subject, params, seed):
        raise CheckError("no such column")

    with pytest.raises(CheckError, match="no such column"):
        calibrated({"metric": "mean", "geq_to": 9}, measure=broken)

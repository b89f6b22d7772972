"""A check whose sampling law is known, calibrated on drawn rows: the proposal must keep its promise on fresh runs."""

from __future__ import annotations

from dataclasses import replace

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
        self_test=SelfTest(description="", threshold={}, apply=lambda given: given), suggest=lambda *_: Suggestion(),
        advice=Advice(title="Look.", text="Look at it."), cost="Nothing.",
    )  # fmt: skip


def subject(rows: int = 4000, *, seed: int = 3) -> Subject:
    values = np.random.default_rng(seed).normal(10, 2, rows)
    dataset = Dataset("reference", "r", "r", pd.DataFrame({"x": values}))
    return Subject(
        name="s", task="regression", columns=Columns(features={"x": Feature(kind="numeric")}),
        datasets={"reference": dataset},
    )  # fmt: skip


def measured_mean(subject: Subject, params: Params, seed: int) -> CheckResult:
    """The mean of `x` with the interval that holds."""
    values = subject.frame("current")["x"]
    middle, reach = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    metric = Metric(
        name="mean", value=middle, low=middle - reach, high=middle + reach, n=len(values), meaning="m", better="higher"
    )
    return CheckResult(kind="mean", seed=seed, metrics=(metric,))


def calibrated(*thresholds, measure=mean, seed=1, windows=200, given=None) -> list[Calibrated | NotCalibrated]:
    policy = Policy.model_construct(
        checks={"c": CheckSpec(kind="mean", thresholds=thresholds)}, waivers=(), fail_on="error", on_uncertain="warn",
        alarms=AlarmSpec(),
    )  # fmt: skip
    return calibrate_resampled(
        policy, "c", range(len(thresholds)), check=check(measure), subject=given or subject(), params=Params(),
        windows=windows, rows=ROWS, seed=seed,
    )  # fmt: skip


def test_a_bare_number_gets_a_bound_that_keeps_the_level_on_runs_that_were_never_drawn():
    held, trials = 0, 8
    for seed in range(trials):
        (found,) = calibrated({"metric": "mean", "geq_to": 9.0}, seed=seed, given=subject(seed=seed), windows=50)
        held += stats.norm.cdf(found.proposal.bound, 10, 2 / np.sqrt(ROWS)) <= LEVEL
    assert held >= 6, f"{held} of {trials}; 95% are promised for runs of the reference, whose own mean errs too"


def test_a_number_with_an_interval_gets_the_bound_that_new_unchanged_runs_pass():
    held, trials = 0, 12
    for seed in range(trials):
        (found,) = calibrated(
            {"metric": "mean", "geq_to": 9.0}, measure=measured_mean, seed=seed, given=subject(40_000, seed=seed)
        )
        # a new run passes where its mean less 1.96 standard errors reaches the bound
        held += stats.norm.cdf(found.proposal.bound + 1.96 * 2 / ROWS**0.5, 10, 2 / ROWS**0.5) <= 0.05
    assert held >= 10, f"{held} of {trials}; 95% are promised"
    assert found.fails.beyond(found.proposal.bound) == 0


def test_the_outcomes_of_unchanged_runs_are_estimated_under_the_current_bound():
    bound = 10 - 1.96 * 2 / ROWS**0.5
    (found,) = calibrated({"metric": "mean", "geq_to": bound}, measure=measured_mean, given=subject(400_000))
    beyond = found.not_passing
    assert found.passes.windows == 200, "in the middle all windows are needed"
    assert beyond.low < 0.5 < beyond.high


def test_windows_end_early_where_every_run_passes():
    (found,) = calibrated({"metric": "mean", "geq_to": 8.0}, measure=measured_mean)
    assert found.passes.windows == 100
    assert found.not_passing.high == pytest.approx(0.0362, abs=1e-4)


def test_the_true_value_it_says_to_fail_fails():
    (found,) = calibrated({"metric": "mean", "geq_to": 9.0}, measure=measured_mean)
    error, level = 2 / np.sqrt(ROWS), 0.8 * LEVEL
    # A run fails where its mean lies below the bound by the level's quantile.
    seen = stats.norm.cdf(9.0 - stats.norm.isf(level) * error, found.detectable_now, error)
    assert seen == pytest.approx(0.95, abs=0.02)


def test_the_rate_of_the_current_bound_is_estimated():
    (found,) = calibrated({"metric": "mean", "geq_to": 9.85}, windows=100)
    centre = subject().frame("reference")["x"].mean()
    truth = 365 * stats.norm.cdf(9.85, centre, 2 * np.sqrt(1 / ROWS + 1 / 4000))
    assert found.false_fails.low < truth < found.false_fails.high


def test_the_same_seed_gives_the_same_record_and_another_one_another():
    condition = {"metric": "mean", "geq_to": 9.0}
    records = [calibrated(condition, seed=seed, windows=30)[0].record() for seed in (1, 1, 2)]
    assert records[0] == records[1] != records[2]


def test_a_loss_against_the_last_run_is_calibrated_on_pairs_of_runs():
    (found,) = calibrated({"metric": "mean", "min_absolute_change": -0.01}, windows=120)
    scatter = 2 * np.sqrt(2 / ROWS)
    assert found.fails.critical.std() == pytest.approx(scatter, rel=0.2), "the reference's own error cancels in a pair"
    assert found.proposal.bound < -stats.norm.isf(LEVEL) * scatter * 0.9


def test_a_check_that_compares_never_meets_a_row_on_both_sides():
    def shared(subject: Subject, params: Params, seed: int) -> CheckResult:
        sides = [set(subject.frame(role)["x"]) for role in ("reference", "current")]
        overlap = len(sides[0] & sides[1]) + ROWS - len(sides[1])
        metric = Metric(name="mean", value=overlap, n=ROWS, meaning="shared rows, repeated rows", better="lower")
        return CheckResult(kind="mean", seed=seed, metrics=(metric,))

    policy = Policy.model_construct(
        checks={"c": CheckSpec(kind="mean", thresholds=[{"metric": "mean", "less_than": 1}])}, waivers=(),
        fail_on="error", on_uncertain="warn", alarms=AlarmSpec(),
    )  # fmt: skip
    compares = replace(check(shared), roles=("reference", "current"))
    (found,) = calibrate_resampled(
        policy, "c", [0], check=compares, subject=subject(), params=Params(), windows=30, rows=ROWS, seed=1
    )
    assert found.fails.critical.tolist() == [0.0] * 30
    assert "no row on both sides" in found.limits


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

    (found,) = calibrated({"metric": "mean", "geq_to": 9}, measure=absent, windows=30)
    assert "no labels yet" in found.reason


def test_a_check_that_cannot_measure_says_so_rather_than_proposing():
    def broken(subject, params, seed):
        raise CheckError("no such column")

    (found,) = calibrated({"metric": "mean", "geq_to": 9}, measure=broken)
    assert isinstance(found, NotCalibrated)
    assert "an error, which fails the run" in found.reason
    assert "no such column" in found.reason

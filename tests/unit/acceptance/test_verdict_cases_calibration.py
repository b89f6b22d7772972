"""Calibration of performance estimation: rows of a drawn run stand on one side only, and its bounds hold on new runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from estimation_cases import CHECK, classifier, drawn, measure, subject_of
from model_governance.authoring.calibration.resampling import calibrate_resampled
from model_governance.contract.repetition import repeated
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import judge

PARAMS = {"calibration": "none", "folds": 2, "resamples": 50}
ROWS = 250


def policy(bound: float) -> Policy:
    threshold = {"metric": "estimated_accuracy", "geq_to": bound}
    return Policy.model_construct(
        checks={"c": CheckSpec(kind="performance_estimation", thresholds=[threshold])}, waivers=(), fail_on="error",
        on_uncertain="warn", alarms=AlarmSpec(),
    )  # fmt: skip


def of_run(reference, run):
    return subject_of(reference, run, classifier(), x="numeric")


def calibrated(reference, *, windows: int, check=CHECK):
    (found,) = calibrate_resampled(
        policy(0.65), "c", [0], check=check, subject=of_run(reference, reference.head(ROWS)),
        params=CHECK.params.model_validate(PARAMS), windows=windows, rows=ROWS, seed=1,
    )  # fmt: skip
    return found


def test_no_row_of_a_drawn_run_is_in_its_reference_or_drawn_twice():
    """V38: overlap and duplicates would cross the folds of the reference."""
    seen = []

    def watched(subject, params, seed):
        seen.append([subject.frame(role)["x"] for role in ("reference", "current")])
        return CHECK.measure(subject, params, seed)

    calibrated(drawn(1000, seed=1), windows=4, check=replace(CHECK, measure=watched))
    assert [(len(reference), len(current)) for reference, current in seen] == [(500, ROWS)] * 4
    for reference, current in seen:
        assert reference.is_unique
        assert current.is_unique
        assert not set(reference) & set(current)


def test_the_proposed_bound_keeps_new_unchanged_runs_quiet_and_sees_a_change():
    """V38: new runs come from the population, not from the rows that were drawn."""
    reference = drawn(1000, seed=2)
    bound = calibrated(reference, windows=20).proposal.bound
    moment = datetime(2026, 6, 1, tzinfo=UTC)

    def outcome(run) -> str:
        result = measure(of_run(reference, run), **PARAMS)
        return judge("c", result, policy(bound), moment=moment).outcome

    with repeated():
        quiet = Counter(outcome(drawn(ROWS, seed=10 + run)) for run in range(10))
        unsure = outcome(drawn(ROWS, seed=30, spread=0.05))
    assert quiet["fail"] == 0
    assert quiet["pass"] >= 9
    assert unsure == "fail", "all rows lie where the model is no better than a coin"

"""What a policy's owner sees of fairness: steady differences within the bound, borrowed evidence, rare rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fairness_cases import drawn, measure, subject_of
from model_governance.checks.quality.fairness.disparity import (
    Shares,
    difference,
    equal_shares_p_value,
    range_of_shares,
)
from model_governance.checks.quality.fairness.metrics import METRICS
from model_governance.contract.result import CheckResult, make_metric
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import judge
from verdict_cases import TODAY


def outcomes(result: CheckResult, *thresholds: dict) -> list[str]:
    spec = CheckSpec(kind="fairness", thresholds=thresholds)
    policy = Policy.model_construct(
        checks={"fairness": spec}, waivers=(), fail_on="error", on_uncertain="warn", alarms=AlarmSpec()
    )
    return [finding.outcome for finding in judge("fairness", result, policy, moment=TODAY).findings]


PARITY = {"metric": "demographic_parity_difference", "less_than": 0.10}


def groups_of(counts: dict[str, tuple[int, int]]) -> pd.DataFrame:
    """Rows of groups with (selected, rows)."""
    frames = [
        pd.DataFrame({"group": name, "says": np.arange(rows) < selected, "label": 0})
        for name, (selected, rows) in counts.items()
    ]
    return pd.concat(frames, ignore_index=True).astype({"says": int})


def confusion(counts: dict[str, tuple[int, int, int, int]]) -> pd.DataFrame:
    """Rows of groups with (true positives, positives, false positives, negatives)."""
    frames = []
    for name, (hits, positives, false, negatives) in counts.items():
        says = np.concatenate([np.arange(positives) < hits, np.arange(negatives) < false]).astype(int)
        label = np.repeat([1, 0], [positives, negatives])
        frames.append(pd.DataFrame({"group": name, "says": says, "label": label}))
    return pd.concat(frames, ignore_index=True)


def parity(draw: np.random.Generator, first: float, second: float) -> CheckResult:
    """The difference alone of two groups of 1,500 rows with these selection rates."""
    shares = Shares(successes=draw.binomial(1500, [first, second]), rows=np.array([1500, 1500]))
    metric = make_metric(
        METRICS, "demographic_parity_difference", float(difference(shares.observed)), n=3000, key="group",
        limits=range_of_shares(shares, seed=1, resamples=500), p_value=equal_shares_p_value(shares, seed=1),
    )  # fmt: skip
    return CheckResult(kind="fairness", seed=1, metrics=(metric,))


def test_a_steady_difference_within_the_bound_fails_at_most_once_in_sixty_runs():
    draw = np.random.default_rng(2)
    seen = [outcome for _ in range(60) for outcome in outcomes(parity(draw, 0.545, 0.455), PARITY)]
    assert seen.count("fail") <= 1
    assert set(seen) <= {"fail", "uncertain", "pass"}


def test_a_difference_of_twice_the_bound_fails_at_once():
    draw = np.random.default_rng(3)
    assert [outcomes(parity(draw, 0.6, 0.4), PARITY) for _ in range(20)].count(["fail"]) >= 19


def test_equalized_odds_takes_no_evidence_from_the_rate_that_does_not_differ_much():
    frame = confusion({"a": (15, 25, 200, 4000), "b": (11, 25, 260, 4000)})
    result = measure(subject_of(frame))
    metric = result.metric("equalized_odds_difference", key="group")
    assert metric.value == pytest.approx(0.16)
    assert metric.low < 0.1 < metric.high
    assert outcomes(result, {"metric": "equalized_odds_difference", "less_than": 0.10}) == ["uncertain"]


def test_equalized_odds_fails_where_one_of_its_rates_surely_differs():
    frame = confusion({"a": (240, 400, 200, 4000), "b": (120, 400, 260, 4000)})
    assert outcomes(measure(subject_of(frame)), {"metric": "equalized_odds_difference", "less_than": 0.10}) == ["fail"]


def test_of_several_groups_the_difference_surely_fails_and_surely_passes():
    apart = drawn({"a": 800, "b": 800, "c": 800}, {"a": 0.6, "b": 0.5, "c": 0.3})
    alike = drawn({"a": 9000, "b": 9000, "c": 9000}, {"a": 0.5, "b": 0.5, "c": 0.5})
    assert outcomes(measure(subject_of(apart)), PARITY) == ["fail"]
    assert outcomes(measure(subject_of(alike)), PARITY) == ["pass"]


def test_nobody_predicted_positive_is_uncertain_and_no_error():
    result = measure(subject_of(groups_of({"a": (0, 500), "b": (0, 500)})))
    assert outcomes(result, {"metric": "selection_rate_ratio", "geq_to": 0.8}, PARITY) == ["uncertain", "pass"]


def test_too_few_rows_in_a_group_are_uncertain_and_no_error():
    result = measure(subject_of(groups_of({"a": (10, 500), "b": (3, 12)})))
    thresholds = [
        {"metric": "selection_rate_ratio", "geq_to": 0.8},
        {"metric": "equalized_odds_difference", "less_than": 0.1},
        {"metric": "accuracy_gap", "less_than": 0.1},
        PARITY,
    ]
    assert outcomes(result, *thresholds) == ["uncertain"] * 4


def test_a_ratio_of_rare_rates_fails_by_many_rows_only():
    few = groups_of({"a": (4, 300), "b": (1, 300)})
    many = groups_of({"a": (400, 30_000), "b": (100, 30_000)})
    ratio = {"metric": "selection_rate_ratio", "geq_to": 0.8}
    assert outcomes(measure(subject_of(few)), ratio) == ["uncertain"]
    assert outcomes(measure(subject_of(many)), ratio) == ["fail"]

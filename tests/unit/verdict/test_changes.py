"""A change against a baseline: as uncertain as both of its ends, and judged on intervals only."""

from __future__ import annotations

import pytest

from model_governance.contract.result import CheckResult
from model_governance.policy import AlarmSpec
from model_governance.verdict import Baseline, baselines_of
from verdict_cases import metric, verdict

UNBOUND = AlarmSpec(false_fails_per_year=400)
"""A budget so generous that no interval has to be widened beyond its 95%."""


def outcome(seen, base, condition, **options):
    threshold = {"metric": seen.name, **condition}
    return verdict([seen], threshold, baselines={"approved": {seen.label: base}}, **options).outcome


def test_the_baseline_of_a_metric_is_its_value_with_both_ends_of_its_interval():
    metrics = (
        metric(0.5, low=0.4, high=0.7, key="age"),
        metric(0.2, name="ks"),
        metric(None, name="js", reason="none"),
    )
    assert baselines_of(CheckResult(kind="data_drift", seed=1, metrics=metrics)) == {
        "psi[age]": Baseline(value=0.5, low=0.4, high=0.7),
        "ks": Baseline(value=0.2),
    }


@pytest.mark.parametrize(
    ("better", "value", "base", "expected"),
    [
        # The number may be as low as 0.3 if the baseline was as high as 0.45: within 0.1 of it.
        ("lower", 0.5, Baseline(value=0.25, low=0.24, high=0.45), "uncertain"),
        ("lower", 0.5, Baseline(value=0.25, low=0.05, high=0.26), "fail"),
        ("higher", 0.5, Baseline(value=0.75, low=0.55, high=0.76), "uncertain"),
        ("higher", 0.5, Baseline(value=0.75, low=0.74, high=0.95), "fail"),
    ],
)
def test_the_side_of_the_baseline_that_lies_towards_the_number_decides(better, value, base, expected):
    seen = metric(value, low=value - 0.01, high=value + 0.01, better=better)
    assert outcome(seen, base, {"min_absolute_change": -0.1}, alarms=UNBOUND) == expected


@pytest.mark.parametrize(
    ("better", "value", "base", "expected"),
    [
        ("lower", 0.25, Baseline(value=0.25, low=0.05, high=0.26), "uncertain"),
        ("lower", 0.25, Baseline(value=0.25, low=0.24, high=0.45), "pass"),
        ("higher", 0.25, Baseline(value=0.25, low=0.24, high=0.45), "uncertain"),
        ("higher", 0.25, Baseline(value=0.25, low=0.05, high=0.26), "pass"),
    ],
)
def test_a_pass_needs_the_far_side_of_the_baseline_too(better, value, base, expected):
    seen = metric(value, low=value - 0.01, high=value + 0.01, better=better)
    assert outcome(seen, base, {"min_absolute_change": -0.1}, alarms=UNBOUND) == expected


@pytest.mark.parametrize(("allowed", "expected"), [(-0.151, "uncertain"), (-0.149, "fail")])
def test_the_two_errors_are_added_in_squares(allowed, expected):
    seen, base = metric(0.5, low=0.44, high=0.56), Baseline(value=0.25, low=0.17, high=0.33)
    # 0.06 and 0.08 make 0.10, so the change is at least 0.15.
    assert outcome(seen, base, {"min_absolute_change": allowed}, alarms=UNBOUND) == expected


@pytest.mark.parametrize("base", [Baseline(value=0.25, low=0.05), Baseline(value=0.25, high=0.45)])
def test_half_an_interval_of_the_baseline_is_none(base):
    seen = metric(0.5, low=0.49, high=0.51)
    assert outcome(seen, base, {"min_absolute_change": -0.1}, alarms=UNBOUND) == "fail"


@pytest.mark.parametrize("p_value", [1e-9, 0.9])
def test_the_p_value_of_a_metric_says_nothing_about_its_change(p_value):
    # It tells whether the current rows differ from the reference, not whether they differ more than last time.
    condition = {"min_absolute_change": -0.1}
    straddling = metric(0.5, low=0.3, high=0.7, p_value=p_value)
    assert outcome(straddling, Baseline(value=0.25), condition, alarms=UNBOUND) == "uncertain"
    clear = metric(0.5, low=0.45, high=0.55, p_value=p_value)
    assert outcome(clear, Baseline(value=0.25), condition, alarms=UNBOUND) == "fail"


def test_a_change_is_shown_with_its_baseline_and_what_it_was_compared_with():
    judged = verdict(
        [metric(0.5)], {"metric": "psi", "min_absolute_change": -0.1, "against": "champion"},
        baselines={"approved": {"psi": Baseline(value=0.5)}, "champion": {"psi": Baseline(value=0.25)}},
    )  # fmt: skip
    finding = judged.findings[0]
    assert (finding.outcome, finding.against, finding.baseline) == ("fail", "champion", 0.25)
    assert finding.sentence == (
        "drift: psi is 0.5 (n = 1,000), must be at most 0.1 worse than the champion (baseline 0.25): fail"
    )


def test_a_condition_is_compared_with_nothing():
    judged = verdict(
        [metric(0.15)], {"metric": "psi", "less_than": 0.2},
        baselines={"approved": {"psi": Baseline(value=0.9)}},
    )  # fmt: skip
    finding = judged.findings[0]
    assert (finding.outcome, finding.against, finding.baseline) == ("pass", None, None)


def test_a_relative_change_is_a_share_of_the_size_of_the_baseline():
    condition = {"min_relative_change": -0.5}
    assert outcome(metric(-1.9, better="higher"), Baseline(value=-1.0), condition) == "fail"
    assert outcome(metric(-1.4, better="higher"), Baseline(value=-1.0), condition) == "pass"
    assert outcome(metric(2.9, better="lower"), Baseline(value=2.0), condition) == "pass"


def test_the_tolerance_of_a_change_is_a_share_of_the_change():
    condition = {"min_absolute_change": -0.1, "tolerance": 0.5}
    assert outcome(metric(0.39), Baseline(value=0.25), condition) == "pass"
    assert outcome(metric(0.41), Baseline(value=0.25), condition) == "fail"


@pytest.mark.parametrize(("base", "value"), [(0.72, 0.70), (0.82, 0.80), (0.3, 0.28), (0.92, 0.90)])
def test_a_loss_of_exactly_the_bound_is_allowed_whatever_the_binary_fractions(base, value):
    """0.70 - 0.72 is below -0.02 in binary arithmetic, 0.80 - 0.82 is not."""
    seen = metric(value, better="higher")
    assert outcome(seen, Baseline(value=base), {"min_absolute_change": -0.02}) == "pass"
    just_more = metric(value - 1e-6, better="higher")
    assert outcome(just_more, Baseline(value=base), {"min_absolute_change": -0.02}) == "fail"

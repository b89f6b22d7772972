from __future__ import annotations

from datetime import date

import pytest

from model_governance.contract.result import CheckResult, Metric
from model_governance.policy import AlarmSpec, CheckSpec, Policy, Threshold, Waiver
from model_governance.verdict import (
    RANK,
    Baseline,
    FailPolicy,
    Verdict,
    budget_of,
    combine,
    judge,
    read_verdict,
    unmeasured,
)
from verdict_cases import TODAY, metric, verdict


@pytest.mark.parametrize(
    ("condition", "value", "outcome"),
    [
        ({"less_than": 0.2}, 0.2, "fail"),
        ({"less_than": 0.2}, 0.19, "pass"),
        ({"leq_to": 0.2}, 0.2, "pass"),
        ({"greater_than": 0.2}, 0.2, "fail"),
        ({"geq_to": 0.2}, 0.2, "pass"),
        ({"equal_to": 0}, 0, "pass"),
        ({"equal_to": 0}, 1, "fail"),
        ({"equal_to": 10, "tolerance": 0.1}, 11, "pass"),
        ({"equal_to": 10, "tolerance": 0.1}, 11.2, "fail"),
        ({"between": (1, 2)}, 2, "pass"),
        ({"between": (1, 2)}, 2.1, "fail"),
        ({"less_than": 0.2, "tolerance": 0.1}, 0.21, "pass"),
        ({"less_than": -1.0, "tolerance": 0.1}, -0.95, "pass"),
        ({"less_than": 0.2, "severity": "warn"}, 0.3, "warn"),
        ({"less_than": 0.2, "severity": "info"}, 0.3, "pass"),
    ],
)
def test_a_number_meets_its_bound(condition, value, outcome):
    assert verdict([metric(value)], {"metric": "psi", **condition}).outcome == outcome


@pytest.mark.parametrize(
    ("condition", "low", "high", "outcome"),
    [
        ({"less_than": 0.2}, 0.1, 0.19, "pass"),
        ({"less_than": 0.2}, 0.1, 0.3, "uncertain"),
        ({"less_than": 0.2}, 0.25, 0.3, "fail"),
        ({"between": (0.1, 0.2)}, 0.05, 0.3, "uncertain"),
        ({"between": (0.1, 0.2)}, 0.05, 0.08, "fail"),
        ({"between": (0.1, 0.2)}, 0.12, 0.19, "pass"),
        ({"equal_to": 0.2}, 0.1, 0.3, "uncertain"),
        ({"equal_to": 0.5}, 0.1, 0.3, "fail"),
    ],
)
def test_an_interval_decides_where_there_is_one(condition, low, high, outcome):
    value = (low + high) / 2
    assert verdict([metric(value, low=low, high=high)], {"metric": "psi", **condition}).outcome == outcome


def test_an_effect_counts_only_with_evidence():
    threshold = {"metric": "psi", "less_than": 0.1}
    assert verdict([metric(0.3, p_value=1e-9)], threshold).outcome == "fail"
    doubtful = verdict([metric(0.3, p_value=0.01)], threshold)
    assert doubtful.outcome == "uncertain"
    assert "without evidence that it is more than chance (p = 0.01" in doubtful.sentence
    assert verdict([metric(0.05, p_value=1e-9)], threshold).outcome == "pass", (
        "evidence of a change too small to matter"
    )


def test_evidence_is_adjusted_over_the_columns_of_a_threshold():
    night = AlarmSpec(false_fails_per_year=4, confidence=0.95, runs_per_year=5, adjust="bonferroni")  # level 0.05
    alone = verdict([metric(0.3, key="a", p_value=0.02)], {"metric": "psi", "less_than": 0.1}, alarms=night)
    among = [metric(0.3, key="a", p_value=0.02), *(metric(0.0, key=str(k), p_value=0.9) for k in range(9))]
    assert alone.outcome == "fail"
    assert verdict(among, {"metric": "psi", "less_than": 0.1}, alarms=night).outcome == "uncertain"


def test_the_budget_is_shared_by_the_thresholds_that_can_fail_a_night():
    one = Policy.model_construct(
        checks={"a": CheckSpec(kind="k", thresholds=[{"metric": "m", "less_than": 1}])}, fail_on="error",
        alarms=AlarmSpec(),
    )  # fmt: skip
    two = Policy.model_construct(
        checks={
            "a": CheckSpec(kind="k", thresholds=[{"metric": "m", "less_than": 1}, {"metric": "n", "less_than": 1}]),
            "b": CheckSpec(kind="k", thresholds=[{"metric": "m", "less_than": 1, "severity": "warn"}]),
        },
        fail_on="error", alarms=AlarmSpec(),
    )  # fmt: skip
    assert budget_of(one).level == pytest.approx(0.05 * 5 / 365)
    assert budget_of(two).level == pytest.approx(0.05 * 5 / 365 / 2)


def test_an_interval_must_clear_the_bound_at_the_level_of_the_budget():
    threshold = {"metric": "psi", "less_than": 0.2}
    near = [metric(0.25, low=0.21, high=0.29)]  # beyond at 97.5%, not at 99.93%
    assert verdict(near, threshold).outcome == "uncertain"
    assert "alarm budget" in verdict(near, threshold).sentence
    assert verdict(near, threshold, alarms=AlarmSpec(false_fails_per_year=400)).outcome == "fail"
    assert verdict(near, threshold | {"severity": "warn"}).outcome == "warn", "warnings are bound by no budget"
    assert verdict([metric(0.15, low=0.11, high=0.19)], threshold).outcome == "pass", "a pass needs 95% only"


def test_a_change_is_as_uncertain_as_both_of_its_ends():
    change = {"metric": "psi", "min_absolute_change": -0.1}
    seen = [metric(0.5, low=0.45, high=0.55, better="lower")]
    known, vague = Baseline(value=0.25), Baseline(value=0.25, low=0.05, high=0.45)
    assert verdict(seen, change, baselines={"approved": {"psi": known}}).outcome == "fail"
    assert verdict(seen, change, baselines={"approved": {"psi": vague}}).outcome == "uncertain"


@pytest.mark.parametrize(
    ("before", "outcome"), [([], "warn"), ([0.1, 0.1], "warn"), ([0.1, 0.3], "fail"), ([0.3, 0.1], "fail")]
)
def test_a_fail_that_other_nights_confirm(before, outcome):
    threshold = {"metric": "psi", "less_than": 0.2, "confirm": {"violations": 2, "window": 3}}
    nights = [verdict([metric(value)], threshold) for value in before]
    tonight = verdict([metric(0.3)], threshold, earlier=nights)
    assert tonight.outcome == outcome
    assert f"violated in {1 + before.count(0.3)} of the last 3 runs, 2 make a fail" in tonight.sentence


def test_few_rows_are_uncertain_not_pass():
    judged = verdict([metric(0.01, n=20)], {"metric": "psi", "less_than": 0.2, "minimum_rows": 1000})
    assert judged.outcome == "uncertain"
    assert "fewer than 1,000 rows" in judged.sentence


def test_a_threshold_without_its_metric_is_an_error_not_a_pass():
    judged = verdict([metric(0.01)], {"metric": "psi", "key": "AGEP", "less_than": 0.2})
    assert judged.outcome == "error"
    assert judged.stops


def test_an_absent_metric_is_an_error_with_its_reason():
    judged = verdict([metric(None, reason="one class only")], {"metric": "psi", "less_than": 0.2}, fail_on="never")
    assert judged.outcome == "error"
    assert "one class only" in judged.sentence
    assert judged.stops


def test_a_repeated_metric_is_judged_for_each_or_for_the_one_named():
    metrics = [metric(0.1, key="a"), metric(0.3, key="b")]
    each = verdict(metrics, {"metric": "psi", "less_than": 0.2})
    assert [one.outcome for one in each.findings] == ["pass", "fail"]
    one = verdict(metrics, {"metric": "psi", "key": "a", "less_than": 0.2})
    assert one.outcome == "pass"


@pytest.mark.parametrize(
    ("better", "condition", "base", "value", "outcome"),
    [
        ("higher", {"min_absolute_change": -0.02}, 0.80, 0.79, "pass"),
        ("higher", {"min_absolute_change": -0.02}, 0.80, 0.77, "fail"),
        ("higher", {"min_absolute_change": 0.01}, 0.80, 0.82, "pass"),
        ("higher", {"min_absolute_change": 0.25}, 0.50, 0.75, "pass"),
        ("lower", {"min_absolute_change": 0}, 0.10, 0.10, "pass"),
        ("lower", {"min_absolute_change": -0.02}, 0.10, 0.13, "fail"),
        ("lower", {"min_relative_change": 0.1}, 1.0, 0.85, "pass"),
        ("lower", {"min_relative_change": 0.1}, 1.0, 0.95, "fail"),
        ("higher", {"min_relative_change": 0.1}, 0.0, 0.5, "error"),
    ],
)
def test_a_change_is_an_improvement_in_the_better_direction(better, condition, base, value, outcome):
    judged = verdict(
        [metric(value, better=better)],
        {"metric": "psi", **condition},
        baselines={"approved": {"psi": Baseline(value=base)}},
    )
    assert judged.outcome == outcome


def test_the_first_night_has_nothing_to_compare_with_and_says_so():
    judged = verdict([metric(0.1)], {"metric": "psi", "min_absolute_change": 0})
    assert judged.outcome == "uncertain"
    assert "no approved run" in judged.sentence


def test_what_a_check_that_does_not_apply_measured_all_the_same_is_judged():
    policy = Policy.model_construct(
        checks={"drift": CheckSpec(kind="data_drift", thresholds=[
            {"metric": "psi", "less_than": 0.2}, {"metric": "ks", "less_than": 0.2}])},
        waivers=(), fail_on="error", on_uncertain="warn", alarms=AlarmSpec(),
    )  # fmt: skip
    result = CheckResult(
        kind="data_drift", seed=1, status="not_applicable", reason="no labels yet", metrics=(metric(0.5),)
    )
    judged = judge("drift", result, policy, moment=TODAY)
    assert [(finding.metric, finding.outcome) for finding in judged.findings] == [(None, "skipped"), ("psi", "fail")]


def test_a_champion_that_was_not_measured_is_an_error():
    judged = verdict([metric(0.1)], {"metric": "psi", "min_absolute_change": 0, "against": "champion"})
    assert judged.outcome == "error"


WAIVER = Waiver(
    check="drift", metric="psi", reason="the top code changed", approver="R. Isk", ticket="GOV-7", expires=TODAY.date()
)


def test_a_live_waiver_is_shown_and_does_not_stop():
    judged = verdict([metric(0.3)], {"metric": "psi", "less_than": 0.2}, waivers=(WAIVER,))
    assert judged.outcome == "waived"
    assert not judged.stops
    assert "waived until 2026-06-01 by R. Isk (GOV-7): the top code changed" in judged.sentence


def test_an_expired_waiver_does_nothing():
    expired = WAIVER.model_copy(update={"expires": date(2026, 5, 31)})
    assert verdict([metric(0.3)], {"metric": "psi", "less_than": 0.2}, waivers=(expired,)).outcome == "fail"


def test_a_waiver_never_covers_what_could_not_be_measured():
    judged = verdict([metric(None, reason="broken")], {"metric": "psi", "less_than": 0.2}, waivers=(WAIVER,))
    assert judged.outcome == "error"


@pytest.mark.parametrize(
    ("fail_on", "on_uncertain", "outcome", "severity", "stops"),
    [
        ("error", "warn", "fail", "error", True),
        ("error", "warn", "warn", "warn", False),
        ("warn", "warn", "warn", "warn", True),
        ("never", "fail", "fail", "error", False),
        ("never", "warn", "error", "error", True),
        ("error", "warn", "uncertain", "error", False),
        ("error", "fail", "uncertain", "error", True),
        ("error", "fail", "uncertain", "warn", False),
        ("warn", "warn", "uncertain", "error", True),
        ("warn", "pass", "uncertain", "error", False),
        ("warn", "fail", "waived", "error", False),
        ("warn", "fail", "skipped", "error", False),
    ],
)
def test_what_stops_the_run(fail_on, on_uncertain, outcome, severity, stops):
    assert FailPolicy(fail_on=fail_on, on_uncertain=on_uncertain).stops(outcome, severity) is stops


def test_a_check_that_does_not_apply_is_skipped_with_its_reason():
    spec = CheckSpec(kind="evasion", thresholds=[{"metric": "robust_accuracy", "geq_to": 0.5}])
    policy = Policy.model_construct(checks={"attack": spec}, waivers=(), fail_on="error", on_uncertain="warn")
    result = CheckResult(kind="evasion", seed=1, status="not_applicable", reason="no mutable feature")
    judged = judge("attack", result, policy, moment=TODAY)
    assert judged.outcome == "skipped"
    assert "no mutable feature" in judged.sentence


def test_a_run_in_which_everything_was_skipped_is_an_error():
    spec = CheckSpec(kind="evasion", thresholds=[{"metric": "robust_accuracy", "geq_to": 0.5}])
    policy = Policy.model_construct(checks={"attack": spec}, waivers=(), fail_on="error", on_uncertain="warn")
    result = CheckResult(kind="evasion", seed=1, status="not_applicable", reason="no mutable feature")
    run = combine("m", [judge("attack", result, policy, moment=TODAY)], fail_policy=FailPolicy())
    assert run.outcome == "error"
    assert run.stops


def test_a_verdict_without_findings_cannot_be_made():
    with pytest.raises(ValueError, match="pass by default"):
        Verdict(name="m", findings=())


def test_a_verdict_survives_its_record():
    judged = verdict([metric(0.3, low=0.2, high=0.4)], {"metric": "psi", "between": (0.1, 0.2)})
    again = read_verdict(judged.record())
    assert again == judged


def test_what_could_not_measure_is_an_error():
    judged = unmeasured("drift", "column AGEP is missing", fail_policy=FailPolicy(fail_on="never"))
    assert judged.outcome == "error"
    assert judged.stops
    assert "column AGEP is missing" in judged.sentence


def test_the_sentence_says_what_was_seen_what_was_demanded_and_where():
    seen = Metric(
        name="psi", value=1.934, low=1.9, high=1.96, n=69126, meaning="m", better="lower", detail="largest at AGEP"
    )
    judged = verdict([seen], {"metric": "psi", "less_than": 0.2})
    assert judged.findings[0].sentence == (
        "drift: psi is 1.934 (largest at AGEP; 95% interval 1.9 to 1.96; n = 69,126), must be less than 0.2: fail"
    )


def test_every_outcome_has_a_rank():
    assert set(RANK) == {"pass", "warn", "fail", "error", "uncertain", "skipped", "waived"}


def test_a_threshold_needs_one_demand():
    with pytest.raises(ValueError, match="exactly one"):
        Threshold(metric="psi")

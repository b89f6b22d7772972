"""What a finding records and says: every field, every sentence, every limit of a tolerance."""

from __future__ import annotations

import pytest

from model_governance.contract.result import CheckResult
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import Baseline, Finding, judge
from model_governance.verdict.words import describe
from verdict_cases import TODAY, metric, verdict


def only(metrics, threshold, **options) -> Finding:
    (finding,) = verdict(metrics, threshold, **options).findings
    return finding


def test_a_finding_holds_the_numbers_the_threshold_and_what_they_were_compared_with():
    seen = metric(0.3, low=0.29, high=0.31, key="age", n=1234)
    threshold = {"metric": "psi", "less_than": 0.2, "tolerance": 0.1, "severity": "warn"}
    assert only([seen], threshold) == Finding(
        check="drift", outcome="warn", severity="warn", metric="psi", key="age", value=0.3, low=0.29, high=0.31, n=1234,
        condition="less_than", bound=0.2, tolerance=0.1, against=None, baseline=None, waiver=None,
        p_value=pytest.approx(0, abs=1e-30), level=pytest.approx(0.04), limit=pytest.approx(0.2911, abs=1e-4),
        detectable=pytest.approx(0.2373, abs=1e-4), log_evidence=(0.0,) * 4, violated=True,
        sentence="drift: psi[age] is 0.3 (95% interval 0.29 to 0.31; n = 1,234), must be less than 0.2: warn",
    )  # fmt: skip


def test_a_finding_on_a_change_holds_its_baseline():
    alarms = AlarmSpec(false_fails_per_year=400, runs_per_year=401)  # level 0.05
    finding = only(
        [metric(0.5)], {"metric": "psi", "min_relative_change": 0.1, "against": "champion"}, alarms=alarms,
        baselines={"champion": {"psi": Baseline(value=0.4)}, "approved": {"psi": Baseline(value=9.0)}},
    )  # fmt: skip
    assert finding == Finding(
        check="drift", outcome="fail", severity="error", metric="psi", value=0.5, n=1000, bound=0.1,
        condition="min_relative_change", tolerance=0.0, against="champion", baseline=0.4, level=pytest.approx(0.04),
        violated=True,
        sentence="drift: psi is 0.5 (n = 1,000), must be at least 10% better than the champion (baseline 0.4): fail",
    )  # fmt: skip


@pytest.mark.parametrize(("key", "label"), [(None, "psi"), ("age", "psi[age]")])
def test_a_finding_without_its_metric_holds_the_threshold(key, label):
    threshold = {"metric": "psi", "key": key, "less_than": 0.2, "severity": "warn"}
    finding = only([metric(0.1, name="ks")], threshold)
    assert finding == Finding(
        check="drift", outcome="error", severity="warn", metric="psi", key=key, condition="less_than", bound=0.2,
        tolerance=0.0, violated=False,
        sentence=f"drift: {label} was not measured, so its threshold cannot be judged",
    )  # fmt: skip
    assert finding.label == label


@pytest.mark.parametrize(
    ("seen", "threshold", "sentence"),
    [
        (
            metric(None, reason="one class only"),
            {"less_than": 0.2},
            "drift: psi is absent (n = 1,000), must be less than 0.2: error, one class only",
        ),
        (
            metric(0.1, n=20),
            {"less_than": 0.2, "minimum_rows": 21},
            "drift: psi is 0.1 (n = 20), must be less than 0.2: uncertain, fewer than 21 rows",
        ),
        (
            metric(0.3, low=0.1, high=0.5),
            {"less_than": 0.2},
            ("drift: psi is 0.3 (95% interval 0.1 to 0.5; n = 1,000), must be less than 0.2: uncertain, "
            "the interval lies on both sides"),
        ),
        (
            metric(0.25, low=0.21, high=0.29),
            {"less_than": 0.2},
            ("drift: psi is 0.25 (95% interval 0.21 to 0.29; n = 1,000), must be less than 0.2: uncertain, "
            "beyond the bound, but not surely enough for the alarm budget (its limit at level 0.00055 is 0.1834); "
            "as far beyond it every time, 3 more runs make a fail at most"),
        ),
        (
            metric(0.3, p_value=0.01),
            {"less_than": 0.2},
            ("drift: psi is 0.3 (n = 1,000), must be less than 0.2: uncertain, "
            "without evidence that it is more than chance (p = 0.01, needed 0.00055)"),
        ),
        (
            metric(0.3),
            {"less_than": 0.2, "severity": "info"},
            "drift: psi is 0.3 (n = 1,000), must be less than 0.2: pass, for information only",
        ),
        (metric(0.1), {"less_than": 0.2, "severity": "info"}, "drift: psi is 0.1 (n = 1,000), must be less than 0.2: pass"),
        (
            metric(0.1),
            {"min_absolute_change": 0},
            ("drift: psi is 0.1 (n = 1,000), must be no worse than the approved run: uncertain, "
            "no approved run has measured it yet; a run of this model that passes is approved by that, or accept one: "
            "model-governance accept RUN --policy FILE --reason TEXT --by NAME"),
        ),
        (
            metric(0.1),
            {"min_absolute_change": 0, "against": "last_passed"},
            ("drift: psi is 0.1 (n = 1,000), must be no worse than the last run that passed: uncertain, "
            "no run that passed has measured it yet; the first run that passes is the baseline of the next one"),
        ),
        (
            metric(0.1),
            {"min_absolute_change": 0, "against": "champion"},
            "drift: psi is 0.1 (n = 1,000), must be no worse than the champion: error, the champion was not measured",
        ),
    ],
)  # fmt: skip
def test_a_sentence_says_the_outcome_and_why(seen, threshold, sentence):
    assert only([seen], {"metric": "psi", **threshold}).sentence == sentence


def test_a_relative_change_against_nothing_is_an_error():
    finding = only(
        [metric(0.1)],
        {"metric": "psi", "min_relative_change": 0},
        baselines={"approved": {"psi": Baseline(value=0)}},
    )
    assert finding.outcome == "error"
    assert finding.sentence.endswith("(baseline 0): error, a relative change against a baseline of 0 has no meaning")
    absolute = {"metric": "psi", "min_absolute_change": 0}
    assert only([metric(0.1)], absolute, baselines={"approved": {"psi": Baseline(value=0)}}).outcome == "fail"


def test_a_check_that_does_not_apply_says_so_and_judges_nothing():
    policy = Policy.model_construct(
        checks={"drift": CheckSpec(kind="data_drift", thresholds=[{"metric": "psi", "less_than": 1}])},
        waivers=(), fail_on="warn", on_uncertain="fail",
    )  # fmt: skip
    result = CheckResult(kind="data_drift", seed=1, status="not_applicable", reason="no rows")
    judged = judge("drift", result, policy, moment=TODAY)
    assert judged.findings == (
        Finding(check="drift", outcome="skipped", sentence="drift: skipped, not applicable: no rows"),
    )
    assert (judged.name, judged.fail_policy.fail_on, judged.fail_policy.on_uncertain) == ("drift", "warn", "fail")


def test_every_threshold_is_judged_on_its_own_metrics():
    metrics = [metric(0.3), metric(0.1, name="ks"), metric(0.4, name="js", key="a"), metric(0.5, name="js", key="b")]
    judged = verdict(
        metrics,
        {"metric": "ks", "less_than": 0.2},
        {"metric": "js", "less_than": 0.2},
        {"metric": "js", "key": "b", "less_than": 1},
    )
    assert [(finding.label, finding.outcome) for finding in judged.findings] == [
        ("ks", "pass"), ("js[a]", "fail"), ("js[b]", "fail"), ("js[b]", "pass"),
    ]  # fmt: skip
    assert judged.name == "drift"


@pytest.mark.parametrize(("rows", "outcome"), [(999, "uncertain"), (1000, "pass"), (1001, "pass")])
def test_as_many_rows_as_demanded_are_enough(rows, outcome):
    threshold = {"metric": "psi", "less_than": 0.2, "minimum_rows": 1000}
    assert only([metric(0.1, n=rows)], threshold).outcome == outcome


@pytest.mark.parametrize(
    ("condition", "inside", "outside"),
    [
        ({"equal_to": 8}, [7, 9], [6.9, 9.1]),
        ({"equal_to": -8}, [-7, -9], [-6.9, -9.1]),
        ({"greater_than": 8}, [7.1], [7]),
        ({"greater_than": -8}, [-8.9], [-9]),
        ({"geq_to": 8}, [7], [6.9]),
        ({"geq_to": -8}, [-9], [-9.1]),
        ({"less_than": 8}, [8.9], [9]),
        ({"less_than": -8}, [-7.1], [-7]),
        ({"leq_to": 8}, [9], [9.1]),
        ({"leq_to": -8}, [-7], [-6.9]),
        ({"between": (8, 16)}, [7, 18], [6.9, 18.1]),
        ({"between": (-16, -8)}, [-18, -7], [-18.1, -6.9]),
    ],
)
def test_a_tolerance_widens_a_condition_by_its_share_of_the_bound(condition, inside, outside):
    threshold = {"metric": "psi", "tolerance": 0.125, **condition}
    assert [only([metric(value)], threshold).outcome for value in inside] == ["pass"] * len(inside)
    assert [only([metric(value)], threshold).outcome for value in outside] == ["fail"] * len(outside)


@pytest.mark.parametrize("p_value", [0.0399999, 0.0400001])
def test_evidence_at_the_level_counts_and_beyond_it_does_not(p_value):
    alarms = AlarmSpec(false_fails_per_year=0, confidence=0.95, runs_per_year=1)  # 0.8 of 0.05 for one run
    expected = "fail" if p_value <= 0.04 else "uncertain"
    assert only([metric(0.3, p_value=p_value)], {"metric": "psi", "less_than": 0.2}, alarms=alarms).outcome == expected


@pytest.mark.parametrize(
    ("condition", "bound", "against", "text"),
    [
        ("equal_to", 0.2, None, "equal to 0.2"),
        ("greater_than", 0.2, None, "greater than 0.2"),
        ("less_than", 0.2, None, "less than 0.2"),
        ("geq_to", 1000, None, "at least 1,000"),
        ("leq_to", 0.2, None, "at most 0.2"),
        ("between", (1.0, 2.5), None, "between 1 and 2.5"),
        ("min_absolute_change", 0, "champion", "no worse than the champion"),
        ("min_absolute_change", -0.02, "champion", "at most 0.02 worse than the champion"),
        ("min_absolute_change", 0.02, "approved", "at least 0.02 better than the approved run"),
        ("min_relative_change", -0.05, "approved", "at most 5% worse than the approved run"),
        ("min_relative_change", -0.05, "last_passed", "at most 5% worse than the last run that passed"),
        ("min_relative_change", 0.5, "champion", "at least 50% better than the champion"),
    ],
)
def test_a_condition_is_described(condition, bound, against, text):
    assert describe(condition, bound, against) == text


def test_a_finding_describes_its_own_condition():
    change = {"metric": "psi", "min_absolute_change": -0.1}
    finding = only([metric(0.5)], change, baselines={"approved": {"psi": Baseline(value=0.5)}})
    assert finding.requirement == "at most 0.1 worse than the approved run"
    assert Finding(check="drift", outcome="error", sentence="broken").requirement == ""
    assert Finding(check="drift", outcome="error", sentence="broken").label == "drift"
    for half in ({"condition": "less_than"}, {"bound": 0.2}):
        assert Finding(check="drift", outcome="error", sentence="broken", **half).requirement == ""


def test_a_finding_of_a_check_as_a_whole_is_an_error_of_full_severity_without_tolerance():
    finding = Finding(check="drift", outcome="error", sentence="broken")
    assert (finding.severity, finding.tolerance, finding.violated) == ("error", 0.0, False)

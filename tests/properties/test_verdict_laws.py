"""Laws of judging that hold for every number, threshold and order."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from model_governance.contract.result import CheckResult, Metric
from model_governance.policy import CheckSpec, Policy
from model_governance.verdict import RANK, Verdict, judge, read_verdict

numbers = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
one_sided = st.sampled_from(["less_than", "leq_to", "greater_than", "geq_to"])
severities = st.sampled_from(["error", "warn"])


@st.composite
def metrics(draw) -> Metric:
    low, value, high = sorted(draw(st.lists(numbers, min_size=3, max_size=3)))
    interval = draw(st.booleans())
    return Metric(
        name="m", value=value, n=draw(st.integers(1, 10_000)), meaning="m", better="lower",
        low=low if interval else None, high=high if interval else None,
    )  # fmt: skip


def judged(metric: Metric, *thresholds: dict, fail_on: str = "error") -> Verdict:
    spec = CheckSpec(kind="data_drift", thresholds=[{"metric": "m", **one} for one in thresholds])
    policy = Policy.model_construct(checks={"c": spec}, waivers=(), fail_on=fail_on, on_uncertain="warn")
    return judge(
        "c", CheckResult(kind="data_drift", seed=0, metrics=(metric,)), policy, moment=datetime(2026, 1, 1, tzinfo=UTC)
    )


@given(metrics(), one_sided, numbers, st.floats(0, 1e6), severities)
def test_tightening_a_threshold_never_improves_the_outcome(metric, condition, bound, step, severity):
    tighter = bound - step if condition in ("less_than", "leq_to") else bound + step
    loose = judged(metric, {condition: bound, "severity": severity}).outcome
    tight = judged(metric, {condition: tighter, "severity": severity}).outcome
    # warn ranks below uncertain: compare how far the number is from holding, not the word.
    distance = {"pass": 0, "uncertain": 1, "warn": 2, "fail": 2}
    assert distance[tight] >= distance[loose]


@given(metrics(), st.lists(st.tuples(one_sided, numbers, severities), min_size=1, max_size=5), st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_thresholds(metric, raw, random):
    thresholds = [{condition: bound, "severity": severity} for condition, bound, severity in raw]
    shuffled = list(thresholds)
    random.shuffle(shuffled)
    one, other = judged(metric, *thresholds), judged(metric, *shuffled)
    assert (one.outcome, one.stops) == (other.outcome, other.stops)


@given(metrics(), one_sided, numbers, severities)
def test_a_stricter_fail_on_never_lets_more_through(metric, condition, bound, severity):
    threshold = {condition: bound, "severity": severity}
    stops = [judged(metric, threshold, fail_on=rule).stops for rule in ("never", "error", "warn")]
    assert stops == sorted(stops)


@given(metrics(), one_sided, numbers, severities)
def test_a_wider_interval_never_turns_a_doubt_into_a_certainty(metric, condition, bound, severity):
    threshold = {condition: bound, "severity": severity}
    if judged(metric, threshold).outcome != "uncertain":
        return
    wider = Metric(
        name="m", value=metric.value, n=metric.n, meaning="m", better="lower", low=metric.low - 1, high=metric.high + 1
    )
    assert judged(wider, threshold).outcome == "uncertain"


@given(metrics(), one_sided, numbers, severities)
def test_a_verdict_survives_its_record(metric, condition, bound, severity):
    verdict = judged(metric, {condition: bound, "severity": severity})
    assert read_verdict(verdict.record()) == verdict


@given(metrics(), st.lists(st.tuples(one_sided, numbers, severities), min_size=1, max_size=5))
def test_the_verdict_is_its_worst_finding(metric, raw):
    verdict = judged(metric, *({condition: bound, "severity": severity} for condition, bound, severity in raw))
    assert verdict.outcome in {one.outcome for one in verdict.findings}
    assert all(RANK.index(one.outcome) <= RANK.index(verdict.outcome) for one in verdict.findings)

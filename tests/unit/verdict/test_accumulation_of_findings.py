"""Evidence adds up over the findings of one threshold: from the run before, on the same metric, bound and reference."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from model_governance.stats.accumulation import NOTHING, accumulated, deviate_of, log_evidence_of
from model_governance.verdict import Baseline, budget_of
from verdict_cases import policy_of, share, verdict

AT_LEAST = {"metric": "accuracy", "geq_to": 0.9}
CHANGE = {"metric": "accuracy", "min_absolute_change": 0.0, "against": "approved"}
WEAK, STRONGER = 1778, 1770  # of 2,000: some 1.6 and 2.2 standard errors below .9
MUCH = (40.0,) * len(NOTHING)


def accuracy(hits: float, *, key: str | None = None, rows: float = 2000):
    return share(hits, rows, name="accuracy", better="higher", key=key)


def judged(metrics, threshold=AT_LEAST, *, earlier=(), basis="reference", baselines=None):
    return verdict(metrics, threshold, earlier=earlier, basis=basis, baselines=baselines)


def accumulated_level(threshold: dict) -> float:
    """The level that evidence over runs has where the threshold has one key."""
    rules = policy_of(threshold)
    return budget_of(rules).accumulated_level_for(rules.checks["drift"].thresholds[0])


def evidence_of(judgement, place: int = 0) -> tuple[float, ...]:
    return judgement.findings[place].log_evidence


def with_first(judgement, **fields):
    """The verdict with its only finding changed."""
    (finding,) = judgement.findings
    return replace(judgement, findings=(replace(finding, **fields),))


def test_a_run_adds_its_own_evidence_to_that_of_the_run_before():
    first = judged([accuracy(WEAK)])
    assert evidence_of(first) == accumulated(NOTHING, deviate_of(first.findings[0].p_value, shared=0.0, tail=0.5))
    second = judged([accuracy(WEAK)], earlier=[first])
    assert sum(evidence_of(second)) > sum(evidence_of(first))


def test_only_the_run_before_hands_evidence_on():
    before, long_ago = judged([accuracy(WEAK)]), with_first(judged([accuracy(WEAK)]), log_evidence=MUCH)
    assert judged([accuracy(WEAK)], earlier=[before, long_ago]) == judged([accuracy(WEAK)], earlier=[before])
    assert judged([accuracy(WEAK)], earlier=[long_ago]).outcome == "fail"


@pytest.mark.parametrize(
    "other",
    [{"metric": "recall"}, {"key": "north"}, {"condition": "greater_than"}, {"bound": 0.91}, {"basis": "another"}],
    ids=lambda other: next(iter(other)),
)
def test_evidence_on_another_threshold_or_against_another_reference_does_not_count(other):
    alone = judged([accuracy(WEAK)])
    elsewhere = with_first(alone, log_evidence=MUCH, **other)
    assert judged([accuracy(WEAK)], earlier=[elsewhere]) == alone


def test_each_key_has_evidence_of_its_own():
    first = judged([accuracy(WEAK, key="a"), accuracy(1900, key="b")])
    second = judged([accuracy(WEAK, key="a"), accuracy(1900, key="b")], earlier=[first])
    assert [finding.key for finding in second.findings] == ["a", "b"]
    assert sum(evidence_of(second)) > sum(evidence_of(first)) > sum(evidence_of(second, 1))


def test_a_run_that_could_not_be_judged_leaves_the_next_one_without_evidence():
    few = judged([accuracy(WEAK)], AT_LEAST | {"minimum_rows": 3000})
    assert few.findings[0].log_evidence is None
    assert evidence_of(judged([accuracy(WEAK)], earlier=[few])) == evidence_of(judged([accuracy(WEAK)]))


def test_the_finding_names_what_it_was_compared_with():
    assert judged([accuracy(WEAK)], basis="of June").findings[0].basis == "of June"


def test_a_run_whose_own_number_is_allowed_is_not_red_for_those_before_it():
    before = with_first(judged([accuracy(WEAK)]), log_evidence=MUCH)
    within = judged([accuracy(1801)], earlier=[before]).findings[0]
    assert (within.outcome, within.log_evidence) != ("fail", NOTHING)
    assert within.outcome == "uncertain"


@pytest.mark.parametrize("hits", [WEAK, 1500], ids=["over runs", "in one run"])
def test_a_fail_spends_the_evidence(hits):
    before = with_first(judged([accuracy(WEAK)]), log_evidence=MUCH)
    found = judged([accuracy(hits)], earlier=[before]).findings[0]
    assert (found.outcome, found.log_evidence) == ("fail", NOTHING)


@pytest.mark.parametrize("keys", [1, 3])
def test_the_error_of_the_baseline_is_left_out_at_the_level_of_the_key(keys):
    """The baseline of 1,000 rows brings two thirds of the variance of the change, and all runs share it."""
    base = accuracy(910, rows=1000)
    names = [None] if keys == 1 else [f"k{number}" for number in range(keys)]
    metrics = [accuracy(WEAK, key=name) for name in names]
    known = {
        metric.label: Baseline(value=base.value, low=base.low, high=base.high, limits=base.limits) for metric in metrics
    }
    found = judged(metrics, CHANGE, baselines={"approved": known})
    tail = accumulated_level(CHANGE) / keys
    widths = [(metric.high - metric.low) ** 2 for metric in (metrics[0], base)]
    bare = judged(metrics[:1], CHANGE | ({"key": names[0]} if names[0] else {}), baselines={"approved": known})
    deviate = deviate_of(bare.findings[0].p_value, shared=widths[1] / sum(widths), tail=tail)
    assert evidence_of(found) == pytest.approx(accumulated(NOTHING, deviate), rel=1e-6)


def test_the_number_of_runs_to_come_is_told_only_where_they_would_make_a_fail():
    promising = judged([accuracy(STRONGER)]).findings[0].sentence
    assert "more runs make a fail at most" in promising
    fixed = Baseline(value=0.903, low=0.893, high=0.913)
    exact = replace(accuracy(WEAK), low=None, high=None, limits=None)
    hopeless = judged([exact], CHANGE, baselines={"approved": {"accuracy": fixed}}).findings[0]
    assert hopeless.outcome == "uncertain"
    assert "beyond the bound, but not surely enough" in hopeless.sentence
    assert "make a fail at most" not in hopeless.sentence
    assert hopeless.log_evidence is not None
    assert not any(evidence > 0 for evidence in hopeless.log_evidence), "all of its error is that of the baseline"


@pytest.mark.parametrize(("keys", "outcome"), [(1, "fail"), (2, "uncertain")])
def test_the_evidence_that_is_needed_is_one_over_the_level_of_a_key(keys, outcome):
    metrics = [accuracy(WEAK, key="a"), accuracy(1950, key="b")][:keys]
    needed = -math.log(accumulated_level(AT_LEAST))
    first = judged(metrics)
    alone = judged(metrics[:1]).findings[0]
    gained = log_evidence_of(accumulated((1.0,) * len(NOTHING), deviate_of(alone.p_value, shared=0.0, tail=0.5))) - 1.0
    known = replace(first.findings[0], log_evidence=(needed + 0.3 - gained,) * len(NOTHING))
    before = replace(first, findings=(known, *first.findings[1:]))
    assert judged(metrics, earlier=[before]).findings[0].outcome == outcome


def test_several_keys_need_as_many_times_the_evidence():
    needed = -math.log(accumulated_level(AT_LEAST))
    enough = replace(judged([accuracy(1801)]).findings[0], log_evidence=(needed + 0.5,) * len(NOTHING))
    alone = with_first(judged([accuracy(WEAK)]), log_evidence=enough.log_evidence)
    assert judged([accuracy(WEAK)], earlier=[alone]).outcome == "fail"
    both = judged([accuracy(WEAK, key="a"), accuracy(1950, key="b")])
    two = replace(
        both, findings=(replace(both.findings[0], log_evidence=(needed - 2.0,) * len(NOTHING)), both.findings[1])
    )
    ten = judged([accuracy(WEAK, key="a"), *(accuracy(1950, key=f"b{number}") for number in range(9))], earlier=[two])
    assert ten.findings[0].outcome == "uncertain"

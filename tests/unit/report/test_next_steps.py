"""What a run page says to do next: the advice that the checks declare, in their order."""

from __future__ import annotations

from typing import get_args

import pytest

from model_governance.checks import catalogue, find
from model_governance.report.next_steps import next_steps
from model_governance.verdict import Outcome

OWN = {"title": "Ask the owner.", "text": "Only the owner knows.", "rank": 5}


def entry(name: str, kind: str | None, outcome: str) -> dict[str, object]:
    advice = find(kind).advice.record() if kind in catalogue() else None
    return {"name": name, "kind": kind, "outcome": outcome, "advice": advice}


def titles(*entries: dict[str, object], **others: object) -> list[str]:
    return [step.title for step in next_steps(entries, **others)]


def test_broken_data_is_looked_at_before_what_was_measured_on_it():
    steps = next_steps([entry("d", "data_drift", "fail"), entry("v", "data_validation", "fail")])
    assert [step.checks for step in steps] == [("v",), ("d",)]


def test_what_could_not_measure_is_repaired_first_even_when_it_never_reported():
    assert titles(entry("v", "data_validation", "fail"), entry("p", None, "error"))[0] == "Make it measurable again."


def test_a_violation_of_a_check_of_others_is_not_forgotten():
    (step,) = next_steps([entry("bias", "our_own_bias", "warn")])
    assert step.checks == ("bias",)
    assert step.title == "Read why."


def test_the_advice_is_that_of_the_entry_and_its_rank_is_its_place():
    ours = {"name": "ours", "kind": "our_own", "outcome": "warn", "advice": OWN}
    first, second = next_steps([entry("v", "data_validation", "fail"), ours])
    assert (first.title, first.text, first.checks) == (OWN["title"], OWN["text"], ("ours",))
    assert second.checks == ("v",)


def test_two_checks_of_one_kind_share_a_step():
    (step,) = next_steps([entry("a", "data_drift", "fail"), entry("b", "data_drift", "warn")])
    assert step.checks == ("a", "b")


def test_the_order_of_causes_is_data_then_quality_then_attacks():
    ranked = sorted(catalogue().values(), key=lambda check: check.advice.rank)
    ranks = [check.advice.rank for check in ranked]
    assert ranks == sorted(set(ranks))
    assert [check.kind for check in ranked] == [
        "data_validation", "artifact_scan", "data_drift", "model_quality", "performance_estimation", "fairness",
        "attribution_drift", "evasion", "membership_inference", "attribute_inference", "structural_disclosure",
        "model_inversion", "synthetic_release", "model_extraction", "external_report", "poisoning_screen", "corruption",
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_there_is_something_to_say_about_every_outcome(outcome):
    steps = next_steps([entry("x", "data_drift", outcome)], expiries=["2030-01-01"] if outcome == "waived" else [])
    quiet = [step.title for step in steps] == ["Nothing to do."]
    assert quiet == (outcome == "pass")


def test_the_waiver_that_ends_first_is_named():
    (step,) = next_steps([entry("x", "data_drift", "waived")], expiries=["2031-01-01", "2030-05-01"])
    assert "2030-05-01" in step.text

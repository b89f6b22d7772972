"""A fail that earlier runs must confirm: only the same demand on the same metric counts."""

from __future__ import annotations

import pytest

from model_governance.policy import Waiver
from verdict_cases import TODAY, metric, verdict

CONFIRM = {"confirm": {"violations": 2, "window": 3}}
THRESHOLD = {"metric": "psi", "less_than": 0.2, **CONFIRM}


def after(*earlier, seen=(0.3, None), threshold=THRESHOLD):
    """The finding on a number, after verdicts of which the newest is the first."""
    value, key = seen
    return verdict([metric(value, key=key)], threshold, earlier=earlier).findings[0]


@pytest.mark.parametrize(
    "earlier",
    [
        verdict([metric(0.3)], {"metric": "psi", "less_than": 0.1}),
        verdict([metric(0.3)], {"metric": "psi", "leq_to": 0.2}),
        verdict([metric(0.3, key="age")], {"metric": "psi", "less_than": 0.2}),
        verdict([metric(0.3, name="ks")], {"metric": "ks", "less_than": 0.2}),
    ],
    ids=["another bound", "another condition", "another key", "another metric"],
)
def test_what_missed_another_demand_confirms_nothing(earlier):
    assert after(earlier).outcome == "warn"


def test_what_missed_the_same_demand_confirms_it():
    assert after(verdict([metric(0.9)], THRESHOLD)).outcome == "fail"


def test_a_doubt_confirms_nothing():
    doubtful = verdict([metric(0.3, low=0.1, high=0.5)], {"metric": "psi", "less_than": 0.2})
    assert after(doubtful).outcome == "warn"


def test_a_waived_violation_confirms_like_any_other():
    waiver = Waiver(
        check="drift",
        metric="psi",
        reason="the top code changed",
        approver="R. Isk",
        ticket="GOV-7",
        expires=TODAY.date(),
    )
    waived = verdict([metric(0.3)], THRESHOLD | {"confirm": None}, waivers=(waiver,))
    assert waived.outcome == "waived"
    assert after(waived).outcome == "fail"


def test_only_the_last_runs_of_the_window_count():
    clean, missed = verdict([metric(0.1)], THRESHOLD), verdict([metric(0.3)], THRESHOLD)
    assert after(clean, missed).outcome == "fail"
    assert after(clean, clean, missed).outcome == "warn"


def test_the_same_miss_noted_twice_in_one_run_is_one():
    both = verdict([metric(0.3)], THRESHOLD, THRESHOLD)
    condition = {"metric": "psi", "less_than": 0.2, "confirm": {"violations": 3, "window": 3}}
    assert after(both, threshold=condition).outcome == "warn"


def test_a_warning_needs_no_confirmation():
    finding = after(threshold=THRESHOLD | {"severity": "warn"})
    assert finding.outcome == "warn"
    assert "violated in" not in finding.sentence


def test_a_pass_needs_no_confirmation():
    finding = after(verdict([metric(0.3)], THRESHOLD), seen=(0.1, None))
    assert finding.outcome == "pass"
    assert "violated in" not in finding.sentence


def test_an_unconfirmed_fail_is_still_a_violation():
    assert after().violated
    assert not after(seen=(0.1, None)).violated

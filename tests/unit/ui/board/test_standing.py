"""Where a model stands: since when, how urgent, and in which words."""

from __future__ import annotations

import pytest

from model_governance.ui.board.standing import URGENCY, cells, newness, standing_of, urgency, word_of


def runs(*outcomes):
    return [{"outcome": each, "stops": each == "fail", "moment": 100.0 * place} for place, each in enumerate(outcomes)]


def row(outcome="pass", streak=1, due_at=None, damaged=0):
    return {"outcome": outcome, "streak": streak, "due_at": due_at, "damaged": damaged}


def test_a_standing_counts_the_unbroken_series_of_the_newest_outcome():
    standing = standing_of(runs("fail", "pass", "fail", "fail", "fail"))
    assert (standing.outcome, standing.streak, standing.since, standing.stops) == ("fail", 3, 200.0, True)
    assert standing.strip == "51555"


def test_a_model_without_runs_has_no_standing():
    with pytest.raises(ValueError, match="no standing"):
        standing_of([])


def test_a_strip_holds_thirty_runs_and_marks_what_is_no_outcome():
    assert len(standing_of(runs(*["pass"] * 40)).strip) == 30
    assert cells(["pass", None, "someday", "error"]) == "1..6"


def test_the_order_is_that_of_the_design():
    rows = [
        row("error"), row("fail"), row("fail", 4), row("uncertain"), row("warn"), row("waived"),
        row("skipped"), row("pass"),
    ]  # fmt: skip
    places = [urgency(each, now=2.0) for each in rows]
    assert places == list(URGENCY[3:])
    assert URGENCY[:3] == ("ungoverned", "overdue", "halted")


def test_overdue_is_above_a_fail_and_not_before_its_moment():
    assert urgency(row("fail", due_at=1.0), now=2.0) == "overdue"
    assert urgency(row("fail", due_at=1.0), now=0.5) == "fail_new"


def test_what_runs_no_more_is_above_every_outcome_and_below_what_is_overdue():
    assert urgency(row("pass"), now=0.0, halted=True) == "halted"
    assert urgency(row("fail"), now=0.0, halted=True) == "halted"
    assert urgency(row("pass", due_at=1.0), now=2.0, halted=True) == "overdue"


def test_a_damaged_chain_is_no_pass():
    assert urgency(row("pass", damaged=1), now=0.0) == "error"


def test_an_outcome_that_this_release_does_not_know_is_no_pass():
    assert urgency(row("marvellous"), now=0.0) == "error"


def test_newness_is_said_of_what_does_not_hold():
    assert [newness("fail", 1), newness("warn", 4), newness("pass", 9), newness("skipped", 1), newness("", 0)] == [
        "new", "4 runs", "", "", "",
    ]  # fmt: skip


def test_every_place_has_a_word():
    assert [word_of(place) for place in URGENCY][:5] == ["Ungoverned", "Overdue", "Not running", "Error", "Fail"]

"""The portfolio: order, filters, folding, pages, words, and a CSV that runs no formula."""

from __future__ import annotations

import base64
import csv
import io
import json

import pytest

from model_governance.ui.board.portfolio import PAGE, SORTS, csv_of, portfolio, query_of, waiver_note

NOW = 1_772_600_000.0
DAY = 86_400.0


def row(model, outcome="pass", **changes):
    return {
        "id": 1, "archive": "file:///a", "model": model, "dag_id": f"governance_{model}", "owner": "risk", "description": "",
        "tags": "[]", "cron": None, "outcome": outcome, "stops": int(outcome in ("fail", "error")), "since": NOW - DAY,
        "streak": 1, "strip": "1", "runs": 1, "moment": NOW - DAY, "recorded": NOW, "due_at": None, "reasons": "[]",
        "waived_until": None, "checks": "[]", "manifest": "0" * 16, "requested": None, "damaged": 0,
    } | changes  # fmt: skip


def asked(models, ungoverned=(), **parameters):
    return portfolio(models, query_of(parameters), now=NOW, ungoverned=ungoverned)


def names(found):
    return [each["model"] for each in found.rows]


MODELS = [
    row("holds"), row("warns", "warn"), row("old", "fail", streak=4, since=NOW - 4 * DAY), row("new", "fail"),
    row("broken", "error"), row("unsure", "uncertain"), row("waived", "waived"), row("nothing", "skipped"),
    row("late", "pass", due_at=NOW - 3 * DAY, moment=NOW - 4 * DAY),
]  # fmt: skip
SILENT = [{"dag_id": "train_churn", "owner": "growth", "tags": ["model"], "reason": "no policy"}]


def test_the_worst_is_first_and_a_pass_is_never_above_a_fail():
    found = asked(MODELS, SILENT, passes="1")
    assert names(found) == [
        "train_churn", "late", "broken", "new", "old", "unsure", "warns", "waived", "nothing", "holds",
    ]  # fmt: skip


def test_a_model_whose_dag_is_paused_gone_or_stuck_is_never_folded_and_says_why():
    paused = "Its DAG is paused; no run starts until somebody unpauses it"
    halts = {"governance_holds": [paused], "governance_late": ["Airflow has no DAG of it"]}
    found = portfolio(MODELS, query_of({}), now=NOW, halts=halts)
    assert names(found)[:3] == ["late", "holds", "broken"]
    late, holds = found.rows[:2]
    assert (holds["word"], holds["reasons"][0]) == ("Not running", paused)
    assert holds["reasons"][1].endswith(", pass")
    assert late["reasons"][0] == "Airflow has no DAG of it"
    assert "; the next was due" in late["reasons"][1]
    assert "2 models are not running: the Dag is paused, gone or stuck, or its policy was refused." in found.sentences
    rows = list(csv.DictReader(io.StringIO(csv_of(MODELS, query_of({}), now=NOW, halts=halts))))
    assert {each["model"]: each["state"] for each in rows}["holds"] == "halted"


def test_models_that_hold_are_folded_and_counted():
    found = asked(MODELS)
    assert "holds" not in names(found)
    assert (found.found, found.folded, found.total) == (9, 1, 9)
    assert names(asked(MODELS, outcome="pass")) == ["holds"]
    assert names(asked(MODELS, q="holds")) == ["holds"]


def test_the_sentences_say_what_must_be_known_first():
    found = asked(MODELS, SILENT)
    assert found.sentences == [
        "3 of 9 models are stopped, 2 of them since the newest run.",
        "1 model is overdue; the oldest evidence is of 2026-02-28 04:53:20 UTC.",
        "1 Dag of a model has no evidence.",
    ]
    assert asked([row("a")]).sentences[0] == "No run of 1 model is stopped."


def test_a_row_says_how_old_its_evidence_is_and_the_verdict_of_each_wing():
    checks = json.dumps([{"name": "q", "kind": "model_quality", "outcome": "warn"}])
    found = asked([row("a", "warn", checks=checks, moment=NOW - 3 * DAY), row("b", "warn", moment=NOW - 60)], SILENT)
    shown = {each["model"]: (each["ago"], each["wings"]) for each in found.rows}
    assert shown == {"a": ("3 days ago", {"quality": "warn"}), "b": ("today", {}), "train_churn": ("", {})}


def test_filters_are_and_ed_and_unknown_values_are_said():
    models = [
        row("a", "fail", owner="risk", tags='["credit"]'),
        row("b", "fail", owner="growth"),
        row("c", owner="risk"),
    ]
    assert names(asked(models, owner="risk", outcome="fail")) == ["a"]
    assert names(asked(models, tag="credit")) == ["a"]
    assert names(asked(models, q="GROWTH")) == ["b"]
    query = query_of({"outcome": "faild,error", "sort": "mood", "page": "x", "colour": "red"})
    assert [each.partition(";")[0] for each in query.mistakes] == [
        "There is no outcome 'faild'",
        "There is no order 'mood'",
    ]
    assert (query.outcomes, query.sort, query.page) == (("error",), "urgency", 1)


def test_pages_hold_fifty_rows_and_stop_at_the_end():
    models = [row(f"m{number:03d}", "fail") for number in range(2 * PAGE + 1)]
    assert len(asked(models).rows) == PAGE
    assert len(asked(models, page="3").rows) == 1
    assert asked(models, page="99").rows == asked(models, page="3").rows


@pytest.mark.parametrize(("sort", "first"), [("name", "broken"), ("since", "broken"), ("owner", "late")])
def test_other_orders(sort, first):
    assert names(asked(MODELS, sort=sort))[0] == first


def test_an_overdue_model_says_since_when_and_what_its_last_evidence_was():
    (late,) = [each for each in asked(MODELS).rows if each["model"] == "late"]
    assert late["newness"] == "for 3 days"
    assert late["reasons"][0].startswith("Last evidence is of 2026-02-28 04:53:20 UTC, pass; the next was due")
    assert late["days_since_evidence"] == 4


def test_a_waiver_is_in_force_until_its_second_and_then_expired():
    assert waiver_note("2026-03-03", now=1_772_582_399.0) == "waived until 2026-03-03"
    assert waiver_note("2026-03-03", now=1_772_582_400.0) == "waiver expired 2026-03-03"
    assert waiver_note("2026-03-03T12:00:00Z", now=1_772_539_199.0) == "waived until 2026-03-03T12:00:00Z"
    assert waiver_note("2026-03-03T12:00:00Z", now=1_772_539_200.0) == "waiver expired 2026-03-03T12:00:00Z"
    assert waiver_note(None, now=NOW) == ""


def test_the_csv_holds_the_whole_filtered_list_and_no_formula():
    hostile = row("m", "fail", owner="=HYPERLINK(1)", reasons=json.dumps(["+1", "accuracy, low"]), tags='["@x"]')
    rows = list(csv.DictReader(io.StringIO(csv_of([*MODELS, hostile], query_of({}), now=NOW))))
    assert len(rows) == len(MODELS) + 1
    (found,) = [each for each in rows if each["model"] == "m"]
    assert (found["owner"], found["reasons"], found["tags"]) == ("'=HYPERLINK(1)", "'+1; accuracy, low", "'@x")
    assert found["stops"] == "yes"
    assert [
        each["model"] for each in csv.DictReader(io.StringIO(csv_of(MODELS, query_of({"outcome": "warn"}), now=NOW)))
    ] == ["warns"]


def read_by_cursor(models, sort, *, limit, between=lambda models: models):
    """Every model that a reader of all pages gets; `between` changes the list after each page."""
    query, cursor, read = query_of({"passes": "1", "sort": sort}), "", []
    while True:
        found = portfolio(models, query, now=NOW, ungoverned=SILENT, limit=limit, cursor=cursor)
        read += names(found)
        models, cursor = between(models), found.next
        if not cursor:
            return read


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 3, 10, 50])
def test_cursors_lead_through_the_whole_list_in_its_order(sort, limit):
    assert read_by_cursor(MODELS, sort, limit=limit) == names(asked(MODELS, SILENT, passes="1", sort=sort))


def test_a_model_that_comes_or_goes_between_two_pages_repeats_and_skips_no_other():
    def between(models):
        gone = [model for model in models if model["model"] != "broken"]
        return gone if any(model["model"] == "a-new-one" for model in gone) else [row("a-new-one", "error"), *gone]

    read = read_by_cursor(MODELS, "urgency", limit=2, between=between)
    assert len(read) == len(set(read))
    assert set(read) >= {model["model"] for model in MODELS} - {"broken"}


def test_two_models_of_one_name_and_moment_are_both_read():
    twins = [row("twin", dag_id=f"governance_{name}", archive=f"file:///{name}") for name in "abc"]
    assert read_by_cursor(twins, "urgency", limit=1).count("twin") == 3


@pytest.mark.parametrize(
    "cursor",
    ["!", "e30", "not base64 at all", *(base64.urlsafe_b64encode(json.dumps(place).encode()).decode() for place in (
        ["name", "a"], ["urgency"], ["urgency", "x", 1, 2, 3, 4, 5], ["urgency", [], {}, None, "a", "b", "c"], {},
    ))],
)  # fmt: skip
def test_what_is_no_cursor_of_this_order_is_refused(cursor):
    with pytest.raises(ValueError, match=r"cursor|place"):
        portfolio(MODELS, query_of({}), now=NOW, cursor=cursor)

"""From facts about a model to alerts: each fact alone, at its edge, and all of them together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

import pytest

from model_governance.notify.forms import as_text
from model_governance.notify.watch import ModelFacts, alerts_of, due_moments, watch_note

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = (NOW - 10 * HOUR, NOW - 34 * HOUR)


def facts(**changes) -> ModelFacts:
    """A model that is governed: its evidence is younger than the oldest run that is due."""
    good = {"model": "loans", "owner": "risk", "policy": "loans.yaml", "known_since": NOW - 90 * DAY}
    return ModelFacts(**good | {"dag": "active", "due": DUE, "evidence": NOW - 9 * HOUR, "limit": 2 * HOUR} | changes)


def kinds(**changes) -> list[str]:
    return [alert.kind for alert in alerts_of([facts(**changes)], moment=NOW)]


def test_a_governed_model_gives_no_alert():
    assert kinds() == []
    assert kinds(dag="unknown") == []
    assert kinds(running_since=NOW - HOUR) == []
    assert kinds(due=(), evidence=None) == [], "a policy without schedule is never due"


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dag": "paused"}, ["paused"]),
        ({"dag": "missing"}, ["missing"]),
        ({"refused": "line 3: unknown key"}, ["refused"]),
        ({"running_since": NOW - 2 * HOUR}, []),
        ({"running_since": NOW - 2 * HOUR - SECOND}, ["stuck"]),
        ({"evidence": DUE[-1] + SECOND}, []),
        ({"evidence": DUE[-1]}, ["silent"]),
        ({"evidence": None}, ["never ran"]),
        ({"evidence": None, "known_since": DUE[-1] + SECOND}, []),
        ({"evidence": None, "known_since": DUE[-1]}, ["never ran"]),
        ({"archive_problem": "bucket does not answer", "evidence": None}, ["unreadable"]),
        ({"policy": None}, ["vanished"]),
        ({"policy": None, "evidence": None}, []),
        ({"policy": None, "dag": "paused", "running_since": NOW - 9 * DAY}, ["vanished"]),
    ],
)
def test_each_fact_alone_and_at_its_edge(changes, expected):
    assert kinds(**changes) == expected


def test_every_combination_gives_exactly_the_alerts_of_its_facts():
    """288 states of a model: no fact hides another, except that nothing is said of a model whose policy is gone."""
    states = {
        "policy": (("loans.yaml", None), (None, "vanished")),
        "refused": (("", None), ("line 3", "refused")),
        "archive_problem": (("", None), ("no answer", "unreadable")),
        "dag": (("active", None), ("unknown", None), ("missing", "missing"), ("paused", "paused")),
        "running_since": ((None, None), (NOW - HOUR, None), (NOW - 3 * HOUR, "stuck")),
        "evidence": ((NOW - HOUR, None), (NOW - 9 * DAY, "silent"), (None, "never ran")),
    }
    seen = 0
    for chosen in product(*states.values()):
        seen += 1
        given = {name: value for name, (value, _) in zip(states, chosen, strict=True)}
        expected = [kind for _, kind in chosen if kind]
        if given["policy"] is None:
            expected = ["vanished"] if given["evidence"] is not None else []
        elif given["archive_problem"]:
            expected = [kind for kind in expected if kind not in ("silent", "never ran")]
        assert kinds(**given) == expected, given
    assert seen == 288


def test_the_sentences_say_since_when_and_what_to_do():
    said = [
        alert.sentence
        for alert in alerts_of(
            [facts(dag="paused", running_since=NOW - 5 * HOUR, evidence=NOW - 3 * DAY), facts(policy=None)], moment=NOW
        )
    ]
    assert said == [
        "loans: its DAG is paused; no run starts until somebody unpauses it",
        (
            "loans: a run is running since 2026-06-10 07:00 UTC (5 h 0 min), and may take 2 h 0 min; look for tasks that wait "
            "for a pool, a worker or data"
        ),
        "loans: no evidence since 2026-06-07 12:00 UTC; 2 runs due since then left none",
        (
            "loans: its policy file is gone; the newest run was recorded on 2026-06-10 03:00 UTC. Restore the file, or name "
            "the model in `retired` of the watch"
        ),
    ]


@pytest.mark.parametrize(
    ("cron", "moment", "missed", "expected"),
    [
        ("0 2 * * *", NOW, 2, ["2026-06-10 02:00", "2026-06-09 02:00"]),
        ("0 11 * * *", NOW, 1, ["2026-06-09 11:00"]),
        ("0 10 * * *", NOW, 1, ["2026-06-09 10:00"]),
        ("59 9 * * *", NOW, 1, ["2026-06-10 09:59"]),
        ("0 2 * * 1-5", datetime(2026, 6, 8, 12, tzinfo=UTC), 2, ["2026-06-08 02:00", "2026-06-05 02:00"]),
        ("*/30 * * * *", NOW, 3, ["2026-06-10 09:30", "2026-06-10 09:00", "2026-06-10 08:30"]),
        (None, NOW, 2, []),
    ],
)
def test_what_was_due_and_must_have_ended(cron, moment, missed, expected):
    policy = SimpleNamespace(schedule=SimpleNamespace(cron=cron, timezone="UTC"))
    found = due_moments(policy, moment=moment, limit=2 * HOUR, missed=missed)
    assert [f"{each:%Y-%m-%d %H:%M}" for each in found] == expected


def test_a_schedule_fires_in_its_time_zone():
    berlin = SimpleNamespace(schedule=SimpleNamespace(cron="0 2 * * *", timezone="Europe/Berlin"))
    found = due_moments(berlin, moment=datetime(2026, 3, 30, 12, tzinfo=UTC), limit=2 * HOUR, missed=3)
    assert [f"{each:%m-%d %H:%M %Z}" for each in found][::2] == ["03-30 00:00 UTC", "03-28 01:00 UTC"], "summer began"


def test_a_watch_says_what_is_new_ongoing_and_over():
    alerts = alerts_of([facts(dag="paused"), facts(model="churn", evidence=None)], moment=NOW)
    note = watch_note(alerts, before={"loans/paused": NOW - DAY, "fraud/stuck": NOW - DAY}, moment=NOW)
    text = as_text(note)
    assert text.startswith("2 models not governed\nWatch of 2026-06-10 12:00 UTC: 1 new, 1 ongoing, 1 over.")
    assert "New:\n- churn: no run has left evidence" in text
    assert "[since 2026-06-09 12:00 UTC]" in text
    assert "Over:\n- fraud is no longer stuck" in text
    assert note.level == "fail"


def test_a_watch_without_alerts_is_silent_unless_something_is_over():
    assert watch_note([], before={}, moment=NOW) is None
    over = watch_note([], before={"loans/paused": NOW}, moment=NOW)
    assert (over.title, over.level) == ("Every model is governed again", "good")

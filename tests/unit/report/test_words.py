from __future__ import annotations

from typing import get_args

import pytest

from model_governance.report import words
from model_governance.verdict import Outcome


def entry(name: str, kind: str | None, outcome: str) -> dict[str, object]:
    return {"name": name, "kind": kind, "outcome": outcome}


def titles(*entries: dict[str, object], **others: object) -> list[str]:
    return [one.title for one in words.advice(entries, **others)]


def test_every_outcome_has_a_word():
    assert set(words.OUTCOMES) == set(get_args(Outcome))


def test_broken_data_is_looked_at_before_what_was_measured_on_it():
    steps = words.advice([entry("d", "data_drift", "fail"), entry("v", "data_validation", "fail")])
    assert [one.checks for one in steps] == [("v",), ("d",)]


def test_what_could_not_measure_is_repaired_first_even_when_it_never_reported():
    assert titles(entry("v", "data_validation", "fail"), entry("p", None, "error"))[0] == "Make it measurable again."


def test_a_violation_of_a_check_of_others_is_not_forgotten():
    (step,) = words.advice([entry("bias", "our_own_bias", "warn")])
    assert step.checks == ("bias",)


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_there_is_something_to_say_about_every_outcome(outcome):
    steps = words.advice([entry("x", "data_drift", outcome)], expiries=["2030-01-01"] if outcome == "waived" else [])
    quiet = [one.title for one in steps] == ["Nothing to do."]
    assert quiet == (outcome == "pass")


def test_the_waiver_that_ends_first_is_named():
    (step,) = words.advice([entry("x", "data_drift", "waived")], expiries=["2031-01-01", "2030-05-01"])
    assert "2030-05-01" in step.text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (True, "yes"),
        (False, "no"),
        (2018, "2018"),
        (70131, "70,131"),
        (0.123456, "0.1235"),
        (1e-7, "1e-07"),
        (12345.678, "12,346"),
        ("text", "text"),
        ({"b": 1, "a": [2]}, '{"a": [2], "b": 1}'),
    ],
)
def test_a_cell_is_short_and_honest(value, shown):
    assert words.cell(value) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (3_900_000, "3.9 MB"),
        (5 * 10**12, "5000.0 GB"),
    ],
)
def test_sizes(count, shown):
    assert words.size(count) == shown


@pytest.mark.parametrize(("amount", "shown"), [(None, "—"), (0.42, "0.4 s"), (61, "1 min 1 s"), (3599.6, "60 min 0 s")])
def test_seconds(amount, shown):
    assert words.seconds(amount) == shown

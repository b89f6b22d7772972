"""Thresholds, confirmations and waivers that contradict themselves are refused where they are read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from model_governance.policy import Threshold, Waiver
from model_governance.policy.model import ConfirmSpec

WAIVER = {
    "check": "drift", "metric": "psi", "reason": "ten chars.", "approver": "a", "ticket": "t", "expires": "2026-06-01",
}  # fmt: skip


def refused(model, raw) -> str:
    with pytest.raises(ValidationError) as failed:
        model.model_validate(raw)
    return failed.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "found none"),
        ({"less_than": 1, "geq_to": 0}, "found less_than and geq_to"),
        ({"less_than": 1, "min_absolute_change": 0}, "found less_than and min_absolute_change"),
        ({"between": [2, 1]}, "the lower end 2.0 is above the upper end 1.0"),
        ({"less_than": 1, "against": "champion"}, "against fits min_absolute_change and min_relative_change only"),
        ({"less_than": 1, "tolerance": -0.1}, "greater than or equal to 0"),
        ({"less_than": 1, "minimum_rows": 0}, "greater than or equal to 1"),
        ({"less_than": 1, "confirm": {"violations": 3, "window": 2}}, "3 .* 2 "),
        ({"less_than": 1, "confirm": {"violations": 0, "window": 2}}, "greater than or equal to 1"),
        ({"less_than": 1, "confirm": {"violations": 0, "window": 0}}, "greater than or equal to 1"),
        ({"less_than": 1, "confirm": {"violations": 1, "window": 0}}, "greater than or equal to 1"),
    ],
)
def test_a_threshold_that_cannot_be_judged_is_refused(raw, words):

    assert re.search(words, refused(Threshold, {"metric": "psi", **raw}))


@pytest.mark.parametrize(
    ("raw", "condition", "is_change"),
    [
        ({"equal_to": 0}, "equal_to", False),
        ({"greater_than": 0}, "greater_than", False),
        ({"less_than": 0}, "less_than", False),
        ({"geq_to": 0}, "geq_to", False),
        ({"leq_to": 0}, "leq_to", False),
        ({"between": [1, 1]}, "between", False),
        ({"min_absolute_change": 0, "against": "champion"}, "min_absolute_change", True),
        ({"min_relative_change": 0, "against": "approved"}, "min_relative_change", True),
    ],
)
def test_a_threshold_has_one_condition(raw, condition, is_change):
    threshold = Threshold.model_validate({"metric": "psi", **raw})
    bound = raw[condition]
    assert (threshold.condition, threshold.is_change) == (condition, is_change)
    assert threshold.bound == (tuple(bound) if isinstance(bound, list) else bound)


def test_what_a_threshold_does_not_say():
    threshold = Threshold(metric="psi", less_than=1)
    assert (threshold.key, threshold.against, threshold.tolerance) == (None, "approved", 0)
    assert (threshold.severity, threshold.minimum_rows, threshold.confirm) == ("error", 1, None)


def test_every_run_of_a_window_may_have_to_confirm():
    assert ConfirmSpec(violations=2, window=2).violations == 2
    assert ConfirmSpec(violations=1, window=1).window == 1


@pytest.mark.parametrize("field", ["check", "metric", "reason", "approver", "ticket", "expires"])
def test_a_waiver_says_who_why_and_until_when(field):
    assert refused(Waiver, {name: value for name, value in WAIVER.items() if name != field}) == "Field required"


@pytest.mark.parametrize(
    ("field", "value"),
    [("reason", "nine char"), ("approver", ""), ("ticket", ""), ("expires", "soon"), ("expires", "2026-02-30")],
)
def test_a_waiver_with_an_empty_answer_is_refused(field, value):
    assert refused(Waiver, WAIVER | {field: value})


def test_a_waiver_as_short_as_allowed_is_taken():
    assert Waiver.model_validate(WAIVER).key is None


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("2026-06-01", date(2026, 6, 1)),
        ("2026-06-01T12:30:00Z", datetime(2026, 6, 1, 12, 30, tzinfo=UTC)),
        ("2026-06-01T00:00:00Z", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01 00:00", datetime(2026, 6, 1)),
    ],
    ids=["day", "moment", "midnight", "midnight without zone"],
)
def test_a_waiver_ends_with_a_day_or_at_a_moment_as_it_is_written(text, expires):
    read = Waiver.model_validate(WAIVER | {"expires": text}).expires
    assert (type(read), read) == (type(expires), expires)

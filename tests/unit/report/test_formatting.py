from __future__ import annotations

from typing import get_args

import pytest

from model_governance.report import formatting
from model_governance.verdict import Outcome


def test_every_outcome_has_a_word():
    assert set(formatting.OUTCOMES) == set(get_args(Outcome))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (True, "yes"),
        (False, "no"),
        (2018, "2018"),
        (70131, "70,131"),
        (0.123456, "0.1235"),
        (1e-7, "0.0000001"),
        (12345.678, "12,346"),
        ("text", "text"),
        ({"b": 1, "a": [2]}, '{"a": [2], "b": 1}'),
    ],
)
def test_a_cell_is_short_and_honest(value, shown):
    assert formatting.cell(value) == shown


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
    assert formatting.size(count) == shown


@pytest.mark.parametrize(("amount", "shown"), [(None, "—"), (0.42, "0.4 s"), (61, "1 min 1 s"), (3599.6, "60 min 0 s")])
def test_seconds(amount, shown):
    assert formatting.seconds(amount) == shown

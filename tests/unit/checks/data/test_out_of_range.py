"""Numbers beyond the range of the reference: a wrong unit in a few rows, and the chance of new extremes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drift_cases import measure, numbers_only
from joint_cases import unpredicted
from model_governance.checks.data.data_drift.metrics import METRICS
from model_governance.contract.result import Estimate, declared
from model_governance.contract.subject import Columns, Feature
from model_governance.engine.distances import difference_of_shares
from model_governance.policy import Threshold
from verdict_cases import verdict

COLUMNS = Columns(features={"amount": Feature(kind="numeric"), "rooms": Feature(kind="integer")})


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    with numbers_only():
        yield


def rows(count: int, *, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"amount": 20 * np.exp(draw.normal(size=count) / 2), "rooms": draw.integers(1, 6, count)})


def measured(reference: pd.DataFrame, current: pd.DataFrame):
    return measure(unpredicted({"reference": reference, "current": current}, COLUMNS), joint=False)


def outcome(result, key: str, bound: float) -> str:
    metric = result.metric("out_of_range_share", key=key)
    return verdict([metric], Threshold(metric="out_of_range_share", less_than=bound)).outcome


def test_a_wrong_unit_in_one_row_of_a_hundred_is_red_though_psi_is_small():
    reference, current = rows(20_000, seed=1), rows(2_000, seed=2)
    current.loc[:19, "amount"] *= 100
    result = measured(reference, current)
    assert result.metric("psi", key="amount").value < 0.02
    assert result.metric("out_of_range_share", key="amount").value == pytest.approx(0.01 - 2 / 20_000, abs=0.001)
    assert outcome(result, "amount", 0.001) == "fail"


def test_whole_numbers_of_many_rows_each_have_no_new_extremes():
    reference, current = rows(2_000, seed=3), rows(500, seed=4)
    result = measured(reference, current)
    assert result.metric("out_of_range_share", key="rooms").value == 0
    current.loc[:9, "rooms"] = -1
    assert outcome(measured(reference, current), "rooms", 0.001) == "fail"


def test_new_extremes_of_an_unchanged_column_are_not_red():
    """Of runs that exceed a small reference by chance, at most the budget's share may be red under a bound of 0."""
    draw, found = np.random.default_rng(5), []
    for _ in range(2_000):
        reference, current = draw.normal(size=200), draw.normal(size=1_000)
        beyond = int(((current < reference.min()) | (current > reference.max())).sum())
        distance = difference_of_shares((2, 200), (beyond, 1_000))
        estimate = Estimate(name="out_of_range_share", value=distance.value, n=1_000, key="x", limits=distance.limits)
        rule = Threshold(metric="out_of_range_share", leq_to=0.0)
        found.append(verdict([declared(METRICS, estimate)], rule).outcome if beyond > 25 else "not red")
    assert found.count("fail") <= 2

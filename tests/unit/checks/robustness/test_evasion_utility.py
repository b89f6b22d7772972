"""Costs as a share of what a row is worth to the attacker, and what is gained net of cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.tree import DecisionTreeClassifier

from attack_cases import evasion, subject_of, table
from model_governance.checks import find
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import CheckError

KINDS = {"risk": {"kind": "numeric", "minimum": 0, "maximum": 1}, "amount": {"kind": "numeric", "mutable": False}}
THREAT = ThreatModel.model_validate({"features": {"risk": {"cost": 10.0}}})
PARAMS = {
    "norm": "cost",
    "utility": "amount",
    "epsilon": [0.01, 0.1, 0.5],
    "attacks": ["greedy", "exact"],
    "exact_rows": 60,
}


def payments():
    """Refused where the risk is above a half: the cheapest flip costs 10 for each unit of risk above it."""
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"risk": draw.uniform(0, 1, 60).round(3), "amount": draw.gamma(2, 10, 60).round(2)})
    frame.loc[:9, "amount"] = [0.0, -5.0, np.nan, *[50.0] * 7]
    frame.loc[:9, "risk"] = 0.9
    labels = (frame["risk"] > 0.5).astype(int).to_numpy()
    native = DecisionTreeClassifier(max_depth=1).fit(frame[["risk", "amount"]].fillna(0), labels)
    return subject_of(native, frame, labels, KINDS, threat_model=THREAT), frame, float(native.tree_.threshold[0])


def test_shares_are_those_of_what_each_row_is_worth():
    subject, frame, boundary = payments()
    result = evasion(subject, samples=60, rows={"predicted": "positive"}, **PARAMS)
    worth = frame[(frame["risk"] > boundary) & (frame["amount"] > 0)]
    cost = 10.0 * (worth["risk"] - boundary) / worth["amount"]
    for share in (0.01, 0.1, 0.5):
        found = result.metric("attack_success_rate_at", key=f"{share:g}")
        assert found.n == len(worth)
        assert found.value == pytest.approx((cost <= share).mean(), abs=0.02)
    gain = np.maximum(worth["amount"] - 10.0 * (worth["risk"] - boundary), 0.0).mean()
    assert result.metric("attacker_gain").value == pytest.approx(gain, rel=1e-3)
    assert result.metric("attacker_gain").low < gain < result.metric("attacker_gain").high
    assert result.metric("exact_attack_success_rate", key="exact@0.1").value > 0
    searched = evasion(
        subject, samples=60, rows={"predicted": "positive"}, **(PARAMS | {"attacks": ["greedy", "exact"]})
    )
    assert searched.metric("attack_success_rate", key="greedy").n == len(worth)
    assert all(searched.metric("missed_share", key=f"exact@{share}").value <= 0.05 for share in ("0.01", "0.1", "0.5"))
    steps = {row["step"]: row for row in table(result, "rows")}
    assert "3 are not attacked because nothing of them may change within 0.5" in steps["attacked"]["remark"]


def test_the_gains_are_told_per_slice_and_budget():
    subject, _, _ = payments()
    slices = [{"column": "amount", "between": [20, 1000]}]
    result = evasion(subject, samples=60, rows={"predicted": "positive"}, slices=slices, **PARAMS)
    rows = table(result, "gains")
    assert [row["cost up to (share of the worth)"] for row in rows] == [0.01, 0.1, 0.5] * 2
    large = {row["cost up to (share of the worth)"]: row for row in rows[3:]}
    assert large[0.5]["share flipped"] > rows[2]["share flipped"]
    assert large[0.5]["mean gain net of cost"] > rows[2]["mean gain net of cost"] > 0


def test_without_utility_nothing_is_said_of_gains():
    subject, _, _ = payments()
    result = evasion(subject, samples=60, **(PARAMS | {"utility": None}))
    assert not [metric for metric in result.metrics if metric.name == "attacker_gain"]
    assert "gains" not in {found.name for found in result.tables}


@pytest.mark.parametrize(
    ("column", "sentence"), [("no_such", "no column of current"), ("word", "holds object in current")]
)
def test_a_utility_that_is_no_number_is_an_error(column, sentence):
    subject, _, _ = payments()
    current = subject.datasets["current"].frame.assign(word="a")
    with pytest.raises(CheckError, match=sentence):
        evasion(subject.with_frame("current", current), **(PARAMS | {"utility": column}))


def test_utility_needs_costs():
    with pytest.raises(ValidationError, match="set norm: cost"):
        find("evasion").params.model_validate({"utility": "amount"})


def test_the_gradient_attack_says_that_it_has_one_budget_for_all_rows():
    subject, _, _ = payments()
    with pytest.raises(CheckError, match=r"gradient: it has one budget for all rows"):
        evasion(subject, **(PARAMS | {"attacks": ["gradient"]}))

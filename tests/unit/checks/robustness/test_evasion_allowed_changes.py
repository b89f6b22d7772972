"""Rows that nothing may change, budgets that nothing fits into, and rows that no attack flips: none of them counts as robust."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from attack_cases import evasion, table
from linear_cases import linear
from model_governance.checks import find
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import CheckError

SMALL = {"attacks": ["hopskipjump"], "max_iterations": 2, "max_evaluations": 20, "initial_size": 50}


def only(subject, name: str, **entry):
    """The subject with one feature that may change."""
    return replace(subject, threat_model=ThreatModel.model_validate({"mutable": [name], "features": {name: entry}}))


def stubborn(subject):
    """A model that reads one column, `d`, and none that an attacker changes."""
    model = replace(
        subject.require_model(),
        call=lambda rows: (rows["d"] > 0.5).to_numpy().astype(int),
        call_logits=None,
        call_gradient=None,
    )
    frame = subject.datasets["current"].frame
    answers = model.predict(frame)
    return only(replace(subject, model=model), "a").with_frame("current", frame.assign(y=answers))


def test_rows_at_the_end_of_their_range_are_not_attacked_and_counted():
    subject = linear(digits=1)
    at_end = int((subject.datasets["current"].frame["a"] >= 0.6).sum())
    result = evasion(only(subject, "a", direction="up", maximum=0.6, minimum=0.0), **SMALL)
    attacked = {row["step"]: row for row in table(result, "rows")}["attacked"]
    assert 0 < at_end < 24
    assert attacked["rows"] == result.metric("attack_success_rate", key="all").n == 24 - at_end
    assert f"{at_end} are not attacked because nothing of them may change within 0.1" in attacked["remark"]
    assert result.metric("robust_accuracy").n == 24 - at_end


def test_a_step_beyond_every_budget_is_an_error_that_names_the_smallest_change():
    with pytest.raises(
        CheckError, match=r"none of 24 rows can be changed within epsilon 0.05: the smallest allowed change is 0.1"
    ):
        evasion(only(linear(digits=1), "a", step=0.1), attacks=["hopskipjump"], epsilon=0.05)


def test_a_budget_within_which_nothing_may_change_has_no_value():
    result = evasion(only(linear(digits=1), "a", step=0.1), **SMALL, epsilon=[0.05, 0.3])
    small, large = (result.metric("attack_success_rate_at", key=key) for key in ("0.05", "0.3"))
    assert (small.value, small.absence) == (None, "uncertain")
    assert "no allowed change of an attacked row lies within 0.05" in small.reason
    assert result.metric("attack_success_rate", key="all").absence == "uncertain"
    assert large.value is not None


def test_an_epsilon_of_the_size_of_rounding_is_refused():
    with pytest.raises(ValidationError, match="which attacks take for rounding"):
        find("evasion").params.model_validate({"epsilon": [0.1, 1e-9]})


def test_rows_that_no_attack_flips_at_any_distance_are_unknown_where_they_are_most():
    result = evasion(stubborn(linear()), **SMALL)
    assert result.metric("unattacked_share").value == 1.0
    for name, key in (
        ("attack_success_rate", "all"),
        ("attack_success_rate", "hopskipjump"),
        ("robust_accuracy", None),
    ):
        metric = result.metric(name, key=key) if key else result.metric(name)
        assert (metric.low, metric.high) == (0.0, 1.0)
    assert result.metric("attack_success_rate", key="all").value == 0.0
    assert result.metric("robust_accuracy").value == 1.0
    assert "count as unknown" in result.metric("attack_success_rate", key="all").detail

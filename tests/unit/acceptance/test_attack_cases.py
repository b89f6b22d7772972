"""Cases of attacks that let a gate pass although nobody attacked, with what is right."""

from __future__ import annotations

import re

import pytest

import synthetic
from linear_cases import linear
from model_governance.attacks.schedule import AttackCutShort
from model_governance.checks import find


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


def evasion(subject, **params):
    check = find("evasion")
    return check.measure(subject, check.params.model_validate({"samples": 16} | params), 1)


@pytest.mark.parametrize("attack", ["hopskipjump", "greedy", "gradient", "square", "autoattack", "apgd", "fab"])
@pytest.mark.parametrize("queries", [1, 5, 15])
def test_t1_a_budget_below_one_question_a_row_is_an_error(attack, queries):
    with pytest.raises(AttackCutShort, match="a row that nobody attacked is not robust"):
        evasion(linear(), attacks=[attack], budget={attack: {"max_queries": queries}}, samples=24)


@pytest.mark.parametrize("attack", ["hopskipjump", "greedy", "gradient", "square", "apgd", "fab"])
def test_t1_the_error_names_a_budget_that_suffices(attack):
    queries, rounds = 5, 0
    while True:
        try:
            result = evasion(linear(), attacks=[attack], budget={attack: {"max_queries": queries}}, samples=24)
            break
        except AttackCutShort as refused:
            (enough,) = re.findall(r"at least ([\d,]+)", str(refused))
            queries, rounds = int(enough.replace(",", "")), rounds + 1
    assert rounds <= 3
    assert result.metric("attack_success_rate", key="all").n == 24


def test_t1_every_budget_is_refused_or_asked_every_row(healthy):
    """No number of queries gives a robust share in which a row counts that nobody asked about."""
    measured = 0
    for queries in (1, 10, 40, 80, 160, 320, 640, 1_280, 2_560):
        try:
            result = evasion(healthy, attacks=["hopskipjump"], budget={"hopskipjump": {"max_queries": queries}})
        except AttackCutShort:
            continue
        measured += 1
        assert result.metric("queries_per_row", key="hopskipjump").value >= 50
    assert measured > 0


def test_t2_an_inversion_of_ten_queries_is_an_error(healthy):
    check = find("model_inversion")
    params = check.params.model_validate({"budget": {"search": {"max_queries": 10}}})
    with pytest.raises(AttackCutShort, match=r"budget\.search\.max_queries"):
        check.measure(check.self_test.apply(healthy), params, 1)

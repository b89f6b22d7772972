"""Cases of attacks that let a gate pass although nobody attacked, with what is right."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

import project
import synthetic
from linear_cases import linear
from model_governance.attacks.schedule import AttackCutShort
from model_governance.authoring.lint import lint
from model_governance.checks import catalogue, find
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import PolicyError


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


AGE = {"kind": "integer", "minimum": 18, "maximum": 99}
NOWHERE = {
    "a maximum below the minimum of the column": ({"maximum": -5}, AGE, "maximum: -5 is below the minimum 18"),
    "a minimum above the maximum of the column": ({"minimum": 120}, AGE, "minimum: 120 is above the maximum 99"),
    "a step without a grid point": ({"step": 200}, AGE, "step: no multiple of 200 lies between 18 and 99"),
    "a step between two ends": ({"step": 10, "minimum": 31, "maximum": 39}, AGE, "step: no multiple of 10 lies between 31 and 39"),
    "an integer between two wholes": ({"minimum": 20.2, "maximum": 20.8}, AGE, "minimum: no multiple of 1 lies between 20.2 and 20.8"),
    "moves to the own value": (
        {"moves": {"web": ["web"], "shop": ["shop"]}}, {"kind": "category"}, "leads from each value to itself only",
    ),
}  # fmt: skip


def linted(folder, *, feature, column, **checks):
    small = project.small_project(folder, checks={"evasion": {"thresholds": [ROBUST]} | checks})
    features = small.raw["columns"]["features"] | {"age": column}
    small.change(columns=small.raw["columns"] | {"features": features}, threat_model={"features": {"age": feature}})
    with pytest.raises(PolicyError) as refused:
        lint(small.policy_file, catalogue(), moment=datetime(2026, 1, 1, tzinfo=UTC))
    return str(refused.value)


ROBUST = {"metric": "attack_success_rate", "key": "all", "leq_to": 0.5}


@pytest.mark.parametrize("case", NOWHERE)
def test_t3_a_feature_without_a_value_to_move_to_is_a_mistake_with_its_line(tmp_path, case):
    feature, column, sentence = NOWHERE[case]
    said = linted(tmp_path, feature=feature, column=column)
    assert sentence in said
    assert re.search(r"policy\.yaml:\d+ threat_model\.features\.age", said)


@pytest.mark.parametrize(
    ("feature", "column"),
    [({"maximum": 18}, AGE), ({"step": 9}, AGE), ({"minimum": 120}, {"kind": "integer"}), ({"minimum": 0}, AGE)],
)
def test_t3_a_range_with_a_value_is_no_mistake(feature, column):
    model = ThreatModel(features={"age": feature})
    ranges = {"age": (column.get("minimum"), column.get("maximum"))}
    assert list(model.problems({"age": "integer"}, ranges=ranges)) == []


def test_t4_a_cost_that_no_check_reads_is_a_mistake(tmp_path):
    assert "cost: no check reads it" in linted(tmp_path, feature={"cost": 3.0}, column=AGE)


def test_t4_a_tolerance_on_a_classifier_is_a_mistake(tmp_path):
    said = linted(tmp_path, feature={"direction": "up"}, column=AGE, params={"tolerance": 0.5})
    assert "checks.evasion.params.tolerance: it is for regression" in said

"""Relations between columns: the little language of their expressions, and what lint says about them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model_governance.contract.expressions import read_equation, read_inequality
from model_governance.contract.relations import Relation, in_order
from model_governance.contract.threat_model import ThreatModel

KINDS = {
    "debt": "numeric",
    "income": "numeric",
    "dti": "numeric",
    "city": "category",
    "state": "category",
    "own": "boolean",
    "rent": "integer",
}


@pytest.mark.parametrize(
    ("text", "columns", "value"),
    [
        ("y = a / b", {"a": 6.0, "b": 4.0}, 1.5),
        ("y = 100 * (a - b) / 2", {"a": 5.0, "b": 4.0}, 50.0),
        ("y = -a + 2.5", {"a": 1.0}, 1.5),
        ("`debt ratio` = `total debt` / a", {"total debt": 3.0, "a": 2.0}, 1.5),
    ],
)
def test_an_equation_is_calculated_from_its_columns(text, columns, value):
    name, made = read_equation(text)
    assert name in ("y", "debt ratio")
    assert set(made.names) == set(columns)
    assert made.value(columns) == value
    assert made.value({key: np.full(3, number) for key, number in columns.items()}).tolist() == [value] * 3


@pytest.mark.parametrize(
    "text",
    [
        "y = __import__('os').getpid()", "y = a.real", "y = a[0]", "y = a ** 9", "y = a if b else c", "y = lambda: a", "y = 'a'", "y = True",
        "y = a; z = b", "y == a", "a / b", "y = z = a", "(y, z) = a", "y = 3", "y = y + 1", "y = a // b", "y = f(a)", "y =", "", "y = a\nb = c",
        "y = " + "a + " * 200 + "a", "y = a < b", "y = 1j * a",
    ],
)  # fmt: skip
def test_anything_but_arithmetic_is_no_equation(text):
    with pytest.raises(ValueError, match=r"equation|expression|derives|without a column|characters"):
        read_equation(text)


@given(text=st.text(max_size=40))
def test_no_text_runs_or_crashes(text):
    for read in (read_equation, read_inequality):
        try:
            read(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("text", "between"), [("a <= b", "<="), ("a + 1 < 2 * b", "<"), ("a >= b", ">="), ("a > `b c`", ">")]
)
def test_an_inequality_has_two_sides(text, between):
    left, found, right = read_inequality(text)
    assert found == between
    assert left.names == ("a",)
    assert right.names[0] in ("b", "b c")


@pytest.mark.parametrize("text", ["a <= b <= c", "a == b", "a", "a <= 3 <", "not a"])
def test_one_comparison_of_two_expressions_is_an_inequality(text):
    with pytest.raises(ValueError, match="no inequality"):
        read_inequality(text)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({}, "exactly one of"),
        ({"derived": "a = b", "inequality": "a <= b"}, "exactly one of"),
        ({"inequality": "a <= b", "decimals": 2}, "decimals belongs to derived"),
        ({"one_of": ["a", "a"]}, "names a column twice"),
        ({"determines": {"a": "a"}}, "one column and one other"),
        ({"determines": {"a": "b", "c": "d"}}, "one column and one other"),
    ],
)
def test_a_relation_without_meaning_is_refused(raw, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Relation.model_validate(raw)


def lint(*relations: dict, **threat):
    model = ThreatModel.model_validate({"relations": relations} | threat)
    return [(".".join(map(str, path)), text) for path, text in model.problems(KINDS)]


@pytest.mark.parametrize(
    ("relations", "threat", "place", "sentence"),
    [
        ([{"derived": "dti = debts / income"}], {}, "relations.0.derived", "'debts' is not in columns.features"),
        ([{"derived": "dti = debt / city"}], {}, "relations.0.derived", "city: only numbers"),
        ([{"one_of": ["own", "city"]}], {}, "relations.0.one_of", "city: a flag of a group"),
        (
            [{"derived": "dti = debt / income"}, {"derived": "dti = debt"}],
            {},
            "relations.1.derived",
            "follows from another",
        ),
        ([{"derived": "dti = debt"}, {"derived": "debt = dti"}], {}, "relations", "in a circle"),
        ([{"one_of": ["own", "rent"]}, {"one_of": ["rent", "own"]}], {}, "relations", "'own' is in two groups"),
        ([{"derived": "dti = debt / income"}], {"mutable": ["dti", "debt"]}, "mutable", "cannot move by itself"),
        (
            [{"determines": {"city": "state"}}],
            {"features": {"state": {"moves": "any"}}},
            "features.state",
            "cannot move by itself",
        ),
    ],
)
def test_lint_names_what_a_relation_disagrees_with(relations, threat, place, sentence):
    found = lint(*relations, **threat)
    assert any(at == place and sentence in text for at, text in found), found


def test_relations_that_fit_are_no_mistake():
    assert (
        lint(
            {"derived": "dti = debt / income", "decimals": 2},
            {"inequality": "debt <= 9 * income"},
            {"one_of": ["own", "rent"]},
            {"determines": {"city": "state"}},
            mutable=["debt", "city"],
        )
        == []
    )


def test_columns_are_recomputed_after_those_that_they_follow_from():
    relations = [Relation(derived="dti = total / income"), Relation(derived="total = debt + rent")]
    assert [relation.dependent for relation in in_order(relations)] == ["total", "dti"]

"""What an attacker can do to one feature, from preset, lists, feature entry and columns; and which of these contradict."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from model_governance.contract.threat_model import MEANINGS, Capability, FeatureThreat, Preset, ThreatModel

KINDS = {"amount": "numeric", "age": "integer", "merchant": "category", "vip": "boolean", "note": "text"}


def what(threat: ThreatModel, name: str, **options) -> str:
    """`moves`, or the reason why the feature stays."""
    rule = threat.capability(name, kind=KINDS[name], **options)
    assert rule.moves == (rule.why == "")
    return rule.why or "moves"


@pytest.mark.parametrize(
    ("raw", "name", "options", "expected"),
    [
        ({}, "amount", {}, "moves"),
        ({}, "amount", {"mutable": False}, "immutable"),
        ({}, "note", {}, "text without edits in the threat model"),
        ({}, "merchant", {}, "categories are fixed"),
        ({}, "merchant", {"categories": "any"}, "moves"),
        ({}, "vip", {"categories": "any"}, "moves"),
        ({"features": {"amount": {"mutable": True}}}, "amount", {"mutable": False}, "moves"),
        ({"features": {"amount": {"mutable": False}}}, "amount", {}, "immutable"),
        ({"features": {"merchant": {"mutable": True}}}, "merchant", {}, "moves"),
        ({"features": {"merchant": {"moves": ["A"]}}}, "merchant", {}, "moves"),
        ({"features": {"merchant": {"moves": "none"}}}, "merchant", {"categories": "any"}, "categories are fixed"),
        ({"mutable": ["merchant"]}, "merchant", {}, "moves"),
        ({"mutable": ["merchant"]}, "amount", {}, "not controlled by the attacker"),
        ({"mutable": ["merchant"]}, "merchant", {"mutable": False}, "immutable"),
        ({"increase_only": ["age"]}, "age", {}, "moves"),
        ({"increase_only": ["age"]}, "amount", {}, "not controlled by the attacker"),
        ({"preset": "fraud", "mutable": ["amount"]}, "merchant", {}, "not controlled by the attacker"),
        ({"preset": "fraud", "increase_only": ["age"]}, "age", {}, "moves"),
        ({"preset": "sensor"}, "merchant", {"categories": "any"}, "categories are fixed"),
        ({"preset": "sensor"}, "vip", {"categories": "any"}, "categories are fixed"),
        ({"preset": "sensor"}, "amount", {}, "moves"),
        ({"preset": "sensor", "mutable": ["merchant"]}, "merchant", {}, "moves"),
        ({"preset": "sensor", "features": {"merchant": {"moves": "any"}}}, "merchant", {}, "moves"),
        ({"preset": "sensor", "mutable": ["amount"]}, "vip", {}, "categories are fixed"),
    ],
)
def test_a_feature_moves_or_stays_for_a_reason(raw, name, options, expected):
    assert what(ThreatModel.model_validate(raw), name, **options) == expected


def test_a_feature_that_moves_keeps_what_its_entry_says():
    entry = {"minimum": 1, "maximum": 9, "step": 0.5, "direction": "down", "cost": 0}
    rule = ThreatModel(features={"amount": entry}).capability("amount", kind="numeric")
    assert (rule.minimum, rule.maximum, rule.step, rule.direction, rule.cost) == (1, 9, 0.5, "down", 0)
    plain = ThreatModel().capability("amount", kind="numeric")
    assert (plain.minimum, plain.maximum, plain.step, plain.direction, plain.cost) == (None, None, None, None, 1)


@pytest.mark.parametrize(
    ("raw", "options", "allowed"),
    [
        ({}, {"categories": "any"}, "any"),
        ({"mutable": ["merchant"]}, {}, "any"),
        ({"features": {"merchant": {"mutable": True}}}, {}, "any"),
        ({"features": {"merchant": {"moves": ["A", "B"]}}}, {}, ("A", "B")),
        ({"mutable": ["merchant"], "features": {"merchant": {"moves": {"A": ["B"]}}}}, {}, {"A": ("B",)}),
    ],
)
def test_a_category_moves_to_what_is_allowed(raw, options, allowed):
    assert ThreatModel.model_validate(raw).capability("merchant", kind="category", **options).allowed == allowed


def test_a_feature_that_stays_has_a_reason_and_nothing_else():
    assert ThreatModel().capability("note", kind="text") == Capability(
        moves=False, why="text without edits in the threat model", allowed="any", cost=1.0
    )


def test_a_number_is_bound_to_no_category():
    assert ThreatModel().capability("amount", kind="numeric").moves
    assert ThreatModel(mutable=("amount",)).capability("amount", kind="numeric").direction is None
    assert ThreatModel(mutable=("age",), increase_only=("age",)).capability("age", kind="integer").direction == "up"


def test_the_features_that_are_named_are_listed_once():
    assert ThreatModel(mutable=("a", "b"), increase_only=("b", "c")).listed == ("a", "b", "c")
    assert ThreatModel().listed == ()


@pytest.mark.parametrize(
    ("raw", "stated"),
    [
        ({}, False),
        ({"mutable": ["a"]}, True),
        ({"preset": "sensor"}, True),
        ({"features": {"a": {}}}, True),
    ],
)
def test_a_threat_model_states_something_or_nothing(raw, stated):
    assert ThreatModel.model_validate(raw).stated is stated


def refused(model, raw) -> str:
    with pytest.raises(ValidationError) as failed:
        model.model_validate(raw)
    return failed.value.errors()[0]["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"minimum": 3, "maximum": 2}, "minimum 3.0 is above maximum 2.0"),
        (
            {"moves": "any", "minimum": 0, "maximum": 1, "step": 1, "direction": "up"},
            "moves is for categories and minimum, maximum, step, direction for numbers; keep one of them",
        ),
        ({"moves": "none", "step": 1}, "moves is for categories and step for numbers; keep one of them"),
        ({"moves": []}, "moves is empty; write none where the value stays"),
        ({"moves": {}}, "moves is empty; write none where the value stays"),
        (
            {"mutable": False, "minimum": 0, "cost": 1},
            "mutable: false leaves nothing to say with minimum, cost",
        ),
        ({"mutable": False, "moves": ["A"]}, "mutable: false leaves nothing to say with moves"),
        ({"mutable": False, "moves": ["A"], "cost": 1}, "mutable: false leaves nothing to say with moves, cost"),
        ({"mutable": False, "direction": "up"}, "mutable: false leaves nothing to say with direction"),
        ({"step": 0}, "Input should be greater than 0"),
        ({"cost": -1}, "Input should be greater than or equal to 0"),
        ({"minimum": float("inf")}, "Input should be a finite number"),
        ({"moves": ["A"], "typo": 1}, "Extra inputs are not permitted"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(raw, sentence):
    assert refused(FeatureThreat, raw) == sentence


@pytest.mark.parametrize(
    "raw",
    [
        {"minimum": 2, "maximum": 2},
        {"minimum": 2},
        {"maximum": -2},
        {"cost": 0},
        {"mutable": False, "moves": "none"},
        {"mutable": False},
        {"mutable": True, "minimum": 0},
        {"step": 0.5},
    ],
)
def test_an_entry_that_holds_together_is_taken(raw):
    assert FeatureThreat.model_validate(raw).model_dump(exclude_none=True) == raw


def test_an_entry_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError, match="frozen"):
        FeatureThreat().step = 2


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"preset": "fraud"}, "preset fraud needs mutable: the features that the attacker can change"),
        ({"preset": "credit_applicant"}, "preset credit_applicant needs mutable: the features that the attacker can change"),
        ({"mutable": ["a", "b", "a"]}, "mutable names a feature twice: a, b, a"),
        ({"increase_only": ["a", "a"]}, "increase_only names a feature twice: a, a"),
        ({"increase_only": ["b", "b"], "mutable": ["a", "a"]}, "mutable names a feature twice: a, a"),
        (
            {"mutable": ["a"], "features": {"a": {"cost": 1}, "b": {"cost": 1}}},
            "features.b is not in threat_model.mutable, so it stays; add it there or say mutable: true",
        ),
    ],
)  # fmt: skip
def test_a_threat_model_that_contradicts_itself_is_refused(raw, sentence):
    assert refused(ThreatModel, raw) == sentence


@pytest.mark.parametrize(
    "raw",
    [
        {"preset": "sensor"},
        {"preset": "fraud", "increase_only": ["a"]},
        {"preset": "credit_applicant", "mutable": ["a"]},
        {"mutable": ["a"], "increase_only": ["a"]},
        {"mutable": ["a"], "features": {"b": {"mutable": True}, "c": {"mutable": False}}},
        {"features": {"b": {"cost": 2}}},
    ],
)
def test_a_threat_model_that_holds_together_is_taken(raw):
    assert ThreatModel.model_validate(raw)


def problems(raw, **options) -> list:
    return list(ThreatModel.model_validate(raw).problems(KINDS, **options))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"mutable": ["x", "amount", "y"]}, [
            (("mutable",), "'x' is not in columns.features"), (("mutable",), "'y' is not in columns.features"),
        ]),
        ({"increase_only": ["x"]}, [(("increase_only",), "'x' is not in columns.features")]),
        ({"mutable": ["vip"]}, [
            (("mutable",), "'vip' is not mutable in columns.features; remove it in one of the two places"),
        ]),
        ({"increase_only": ["age"]}, [
            (("increase_only",), "'age' is not mutable in columns.features; remove it in one of the two places"),
        ]),
        ({"mutable": ["vip"], "features": {"vip": {"mutable": True}}}, []),
        ({"mutable": ["vip"], "features": {"vip": {"mutable": False}}}, []),
        ({"mutable": ["note"]}, [(("mutable",), (
            "'note' is text, and threat_model.features.note names no edits, so it would stay; name edits and the most of them "
            "(max_characters, max_words), or remove it"
        ))]),
        ({"increase_only": ["merchant"]}, [(("increase_only",), "'merchant' is category; only numbers can increase")]),
        ({"increase_only": ["note"]}, [(("increase_only",), "'note' is text; only numbers can increase")]),
        ({"increase_only": ["amount"]}, []),
        ({"increase_only": ["amount"], "features": {"amount": {"direction": "down"}}}, [
            (("features", "amount", "direction"), "down, while `increase_only` says up"),
        ]),
        ({"increase_only": ["amount"], "features": {"amount": {"direction": "up"}}}, []),
        ({"mutable": ["amount"], "features": {"amount": {"direction": "down"}}}, []),
        ({"features": {"x": {"step": 1}}}, [(("features", "x"), "'x' is not in columns.features")]),
        ({"features": {"note": {"cost": 1}}}, [
            (("features", "note"), (
                "it is text and names no edits, so it would stay; name edits and the most of them (max_characters, max_words), "
                "or remove it"
            )),
        ]),
        ({"features": {"note": {"mutable": False}}}, []),
        ({"features": {"merchant": {"minimum": 0, "maximum": 1, "step": 1, "direction": "up"}}}, [
            (("features", "merchant", word), f"{word} fits numbers, and this feature is category; use moves")
            for word in ("minimum", "maximum", "step", "direction")
        ]),
        ({"features": {"vip": {"step": 1}}}, [
            (("features", "vip", "step"), "step fits numbers, and this feature is boolean; use moves"),
        ]),
        ({"features": {"amount": {"moves": ["A"]}}}, [
            (
                ("features", "amount", "moves"),
                "moves fits categories, and this feature is numeric; use minimum, maximum, direction",
            ),
        ]),
        ({"features": {"age": {"step": 0.5}}}, [
            (("features", "age", "step"), "0.5 is no whole number, and this feature is integer"),
        ]),
        ({"features": {"age": {"step": 2}}}, []),
        ({"features": {"amount": {"step": 0.5}}}, []),
        ({"features": {"amount": {"minimum": 0}, "merchant": {"moves": "any"}}}, []),
    ],
)  # fmt: skip
def test_what_disagrees_with_the_columns_is_named_once_and_where(raw, expected):
    assert problems(raw, immutable={"vip", "age"}) == expected


def test_nothing_is_immutable_unless_the_columns_say_so():
    assert problems({"mutable": ["vip"], "increase_only": ["age"]}) == []


def test_every_preset_is_explained_where_the_policy_is_documented():
    assert tuple(MEANINGS) == get_args(Preset)
    described = ThreatModel.model_fields["preset"].description
    assert described == "; ".join(f"{name}: {MEANINGS[name]}" for name in get_args(Preset))

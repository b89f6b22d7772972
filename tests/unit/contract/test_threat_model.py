from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from model_governance.contract.threat_model import FeatureThreat, ThreatModel

KINDS = {
    "amount": "numeric",
    "age": "integer",
    "merchant": "category",
    "vip": "boolean",
    "note": "text",
    "at": "datetime",
}


def moving(threat: ThreatModel, **options) -> set[str]:
    return {name for name, kind in KINDS.items() if threat.capability(name, kind=kind, **options).moves}


def test_without_a_word_the_columns_decide_and_categories_stay():
    threat = ThreatModel()
    assert not threat.stated
    assert moving(threat) == {"amount", "age"}
    assert moving(threat, categories="any") == {"amount", "age", "merchant", "vip"}
    assert threat.capability("amount", kind="numeric", mutable=False).why == "immutable"
    assert threat.capability("note", kind="text").why == "text without edits in the threat model"


def test_a_fraudster_moves_what_he_controls_and_nothing_else():
    threat = ThreatModel(preset="fraud", mutable=("amount", "merchant"))
    assert moving(threat) == {"amount", "merchant"}
    assert threat.capability("merchant", kind="category").allowed == "any"
    assert threat.capability("age", kind="integer").why == "not controlled by the attacker"


def test_an_applicant_grows_older_only():
    threat = ThreatModel(preset="credit_applicant", mutable=("amount",), increase_only=("age",))
    assert moving(threat) == {"amount", "age"}
    assert threat.capability("age", kind="integer").direction == "up"
    assert threat.capability("amount", kind="numeric").direction is None


def test_a_sensor_is_off_in_its_numbers():
    assert moving(ThreatModel(preset="sensor"), categories="any") == {"amount", "age"}


def test_an_entry_says_more_than_the_preset():
    threat = ThreatModel(
        preset="fraud",
        mutable=("amount",),
        features={
            "amount": FeatureThreat(minimum=1, maximum=9, step=0.5, direction="down", cost=3),
            "merchant": FeatureThreat(mutable=True, moves={"A": ["B", "C"]}),
        },
    )
    amount, merchant = threat.capability("amount", kind="numeric"), threat.capability("merchant", kind="category")
    assert (amount.minimum, amount.maximum, amount.step, amount.direction, amount.cost) == (1, 9, 0.5, "down", 3)
    assert merchant.allowed == {"A": ("B", "C")}
    assert ThreatModel(features={"amount": {"mutable": False}}).capability("amount", kind="numeric").why == "immutable"


def test_values_keep_their_types():
    moves = FeatureThreat.model_validate({"moves": {1: [2, True], "1": ["2"]}}).moves
    assert list(moves) == [1, "1"]
    assert [type(one) for one in moves[1]] == [int, bool]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"preset": "fraud"}, "needs mutable"),
        ({"mutable": ["a", "a"]}, "twice"),
        ({"mutable": ["a"], "features": {"b": {"cost": 2}}}, "features.b is not in threat_model.mutable"),
        ({"features": {"a": {"minimum": 3, "maximum": 2}}}, "above maximum"),
        ({"features": {"a": {"moves": "any", "direction": "up"}}}, "keep one of them"),
        ({"features": {"a": {"moves": []}}}, "empty"),
        ({"features": {"a": {"mutable": False, "cost": 1}}}, "nothing to say"),
        ({"features": {"a": {"cost": -1}}}, "greater than or equal to 0"),
        ({"features": {"a": {"immutable": True}}}, "Extra inputs"),
    ],
)
def test_what_contradicts_itself_is_refused(raw, words):
    with pytest.raises(ValidationError, match=words):
        ThreatModel.model_validate(raw)


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        ({"mutable": ["amont"]}, ("mutable",), "'amont' is not in columns.features"),
        (
            {"mutable": ["note"]},
            ("mutable",),
            "is text, and threat_model.features.note names no edits, so it would stay",
        ),
        ({"mutable": ["vip"]}, ("mutable",), "not mutable in columns.features"),
        ({"increase_only": ["merchant"]}, ("increase_only",), "only numbers can increase"),
        (
            {"increase_only": ["age"], "features": {"age": {"direction": "down"}}},
            ("features", "age", "direction"),
            "says up",
        ),
        ({"features": {"merchant": {"step": 1}}}, ("features", "merchant", "step"), "use moves"),
        ({"features": {"age": {"moves": "any"}}}, ("features", "age", "moves"), "fits categories"),
        ({"features": {"age": {"step": 0.5}}}, ("features", "age", "step"), "no whole number"),
        ({"features": {"at": {"step": 0.5}}}, ("features", "at"), "datetime"),
        ({"features": {"gone": {"cost": 1}}}, ("features", "gone"), "not in columns.features"),
    ],
)
def test_what_disagrees_with_the_columns_is_located(raw, path, words):
    problems = dict(ThreatModel.model_validate(raw).problems(KINDS, immutable={"vip"}))
    assert words in problems[path]


def test_a_sound_one_has_no_problems_and_survives_json():
    threat = ThreatModel(
        mutable=("amount", "merchant"), increase_only=("age",), features={"merchant": {"moves": {"A": ["B"]}}}
    )
    assert list(threat.problems(KINDS)) == []
    assert ThreatModel.model_validate(json.loads(threat.model_dump_json())) == threat
    assert ThreatModel.model_json_schema()["additionalProperties"] is False

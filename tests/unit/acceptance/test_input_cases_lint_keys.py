"""Lint names keys that no metric can have, pools that Airflow cannot have, and one mistake once (case P7 and its kind)."""

from __future__ import annotations

import pytest

import project
from model_governance.errors import PolicyError

QUALITY = {"metric": "class_recall", "geq_to": 0.5}
ATTACKED = {"metric": "attack_success_rate", "less_than": 0.5}
SLICED = {"metric": "slice_accuracy", "geq_to": 0.5}
SLICES = [{"column": "channel", "equals": "web", "name": "online"}, {"column": "age", "between": [18, 30]}]


@pytest.fixture
def problems(tmp_path):
    """What lint says of a policy of one check, with other keys at its top."""
    small = project.small_project(tmp_path)

    def found(kind: str, *thresholds: dict, params: dict | None = None, **top: object) -> list[str]:
        checks = {"c": {"kind": kind, "params": params or {}, "thresholds": list(thresholds)}}
        small.change(**{"checks": checks, **top})
        try:
            small.policy()
        except PolicyError as error:
            return list(error.problems)
        return []

    return found


def classes_of(small_model: dict, *classes: object) -> dict:
    return {**small_model, "task": "multiclass_classification", "format": "xgboost", "classes": list(classes)}


MODEL = {"name": "m", "uri": "m.ubj", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("kind", "threshold", "params", "words"),
    [
        ("evasion", {**ATTACKED, "key": "hopskip"}, {}, "'hopskip' is no attack that this check runs; there are hopskipjump"),
        ("evasion", {**ATTACKED, "key": "square"}, {"attacks": ["greedy"]}, "there are greedy, all"),
        ("evasion", {"metric": "median_distance", "less_than": 1, "key": "PGD"}, {}, "'PGD' is no attack"),
        ("membership_inference", {"metric": "advantage", "less_than": 0.5, "key": "lira"}, {"attacks": ["loss"]}, "are loss, all"),
        ("model_quality", {**SLICED, "key": "online"}, {}, "'online' is no slice of this check: its params list no `slices`"),
        ("model_quality", {**SLICED, "key": "onlin"}, {"slices": SLICES}, "there are online, age 18 to 30"),
        ("model_quality", {**SLICED, "key": "web"}, {"slices": [{"column": "channel"}]}, "there are channel VALUE"),
        ("corruption", {"metric": "slice_drop", "less_than": 0.5, "key": "x"}, {"slices": SLICES}, "'x' is no slice"),
        ("data_drift", {"metric": "psi", "less_than": 0.5, "key": "incom"}, {}, "'incom' is no column of this policy"),
    ],
)  # fmt: skip
def test_a_key_that_the_metric_cannot_have_is_refused_with_those_there_are(problems, kind, threshold, params, words):
    """P7."""
    found = problems(kind, threshold, params=params)
    assert any(words in line and "thresholds[0].key" in line for line in found), found
    assert all(line.count("; there are ") <= 1 for line in found), found


@pytest.mark.parametrize(
    ("kind", "threshold", "params"),
    [
        ("evasion", {**ATTACKED, "key": "all", "severity": "warn"}, {"attacks": ["greedy"]}),
        ("evasion", {**ATTACKED, "key": "greedy", "severity": "warn"}, {}),
        ("model_quality", {**SLICED, "key": "age 18 to 30", "severity": "warn"}, {"slices": SLICES}),
        ("model_quality", {**SLICED, "key": "channel web", "severity": "warn"}, {"slices": [{"column": "channel"}]}),
        ("data_drift", {"metric": "psi", "less_than": 0.5, "key": "income"}, {}),
    ],
)
def test_a_key_that_there_can_be_is_taken(problems, kind, threshold, params):
    """P7."""
    assert not [line for line in problems(kind, threshold, params=params) if ".key" in line]


def test_a_class_that_the_model_does_not_have_is_refused_where_the_policy_lists_them(problems):
    """P7: without `model.classes` only the model knows."""
    model = classes_of(MODEL, "low", "high", 3)
    for key in ("low", "3"):
        assert not [line for line in problems("model_quality", {**QUALITY, "key": key}, model=model) if ".key" in line]
    found = problems("model_quality", {**QUALITY, "key": "hig"}, model=model)
    assert any("'hig' is no class of model.classes; there are low, high, 3; did you mean" in line for line in found), (
        found
    )
    without = {key: value for key, value in model.items() if key != "classes"}
    assert not [line for line in problems("model_quality", {**QUALITY, "key": "hig"}, model=without) if ".key" in line]


def test_the_key_of_a_waiver_is_checked_too(problems):
    """P7: a waiver of nothing would let its violation fail the run after all."""
    waiver = {
        "check": "c", "metric": "psi", "key": "incom", "reason": "the feed is being repaired", "approver": "me",
        "ticket": "T-1", "expires": "2099-01-01",
    }  # fmt: skip
    threshold = {"metric": "psi", "less_than": 0.5}
    assert any(
        "waivers[0].key: 'incom' is no column" in line for line in problems("data_drift", threshold, waivers=[waiver])
    )
    assert not problems("data_drift", threshold, waivers=[waiver | {"key": "income"}])


@pytest.mark.parametrize("pool", ["", "  ", "two\nlines", "x" * 257, "{{ ds }}", 5])
def test_a_pool_that_airflow_cannot_have_is_refused(problems, pool):
    """P6: Airflow stores names of 1 to 256 characters; a field of tasks that it does not render stays as it stands."""
    found = problems("data_drift", {"metric": "psi", "less_than": 0.5}, schedule={"pool": pool})
    assert any("schedule.pool" in line for line in found), found


@pytest.mark.parametrize("pool", ["default_pool", "Nachts & früh / 2", "x" * 256])
def test_a_pool_that_airflow_can_have_is_taken(problems, pool):
    """P6."""
    assert problems("data_drift", {"metric": "psi", "less_than": 0.5}, schedule={"pool": pool}) == []


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize(
    "condition", ["less_than", "leq_to", "equal_to", "between", "min_absolute_change", "tolerance"]
)
def test_a_bound_that_is_no_number_gives_one_sentence(problems, condition, value):
    """P7: what only follows from it, as a list of no items, is not said."""
    bound = {condition: [0.1, value]} if condition == "between" else {condition: value}
    if condition == "tolerance":
        bound["equal_to"] = 0.5
    found = problems("data_drift", {"metric": "psi", **bound})
    assert len(found) == 1, found
    assert condition in found[0]
    assert "finite number" in found[0]


def test_a_list_in_params_whose_items_are_wrong_is_not_also_called_short(problems):
    """P7: the same for the params of a check, and for an empty list its own sentence."""
    metric = {"metric": "attack_gain", "less_than": 0.9, "severity": "warn"}
    found = problems("attribute_inference", metric, params={"sensitive": [[]]})
    assert not any("at least 1 item" in line for line in found), found
    assert found
    assert any("at least 1 item" in line for line in problems("attribute_inference", metric, params={"sensitive": []}))

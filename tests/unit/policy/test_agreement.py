"""Where a raw policy asks for what no check, metric, role or name answers to: each place, each sentence."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import Field, field_validator

from model_governance.contract.check import Check, Params, Preparation
from model_governance.contract.result import MetricSpec
from model_governance.policy.agreement import disagreements


class DriftParams(Params):
    method: str
    bins: int = Field(default=10, ge=2)

    @field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        if method != "psi":
            raise ValueError("psi is the only method")
        return method


def check(kind, *, params=Params, metrics=(), roles=(), **fields) -> Check:
    return Check(
        kind=kind, title=kind, question="?", params=params, metrics=metrics, roles=roles, measure=None, self_test=None,
        suggest=None, advice=None, cost="Seconds.", **fields,
    )  # fmt: skip


CATALOGUE = {
    "drift": check(
        "drift",
        params=DriftParams,
        metrics=(
            MetricSpec(name="psi", meaning="m", better="lower", per="column"),
            MetricSpec(name="drift_share", meaning="m", better="lower"),
            MetricSpec(name="rows", meaning="m", better="neither"),
        ),
        roles=("reference", "current"),
        stand_ins={"reference": "profile"},
        preparation=Preparation(name="bins", parts=lambda params: params.bins, prepare=None),
        needs_model=False,
    ),
    "quality": check(
        "quality",
        metrics=(MetricSpec(name="accuracy", meaning="m", better="higher"),),
        roles=("current",),
        tasks=("binary_classification", "regression"),
    ),
}
GOOD = {
    "model": {"task": "regression"},
    "datasets": {"reference": {}, "current": {}},
    "columns": {"features": {"age": {"kind": "integer"}, "town": {"kind": "category", "mutable": False}}},
    "checks": {
        "nightly": {"kind": "drift", "params": {"method": "psi"}, "thresholds": [{"metric": "psi", "key": "age"}]},
        "quality": {"thresholds": [{"metric": "accuracy", "min_absolute_change": 0, "against": "approved"}]},
    },
    "retraining": {"checks": ["nightly", "quality"]},
    "waivers": [{"check": "nightly", "metric": "psi"}, {"check": "quality", "metric": "accuracy"}],
}


def found(**changes) -> list:
    return list(disagreements(GOOD | changes, CATALOGUE))


def of_check(name="nightly", **changes) -> list:
    spec = GOOD["checks"][name] | changes
    return found(checks=GOOD["checks"] | {name: spec})


def test_a_sound_policy_disagrees_with_nothing():
    assert found() == []


@pytest.mark.parametrize("shape", [None, [], "text", 3])
def test_what_has_the_wrong_shape_is_not_a_disagreement(shape):
    for key in ("columns", "threat_model", "waivers", "retraining"):
        if key != "columns" or shape is None:
            assert found(**{key: shape}) == []
    assert found(checks=shape, retraining=None, waivers=None) == []
    assert found(checks=GOOD["checks"] | {"nightly": shape}) == []
    assert of_check("quality", thresholds=shape) == []
    assert of_check("quality", thresholds=[shape]) == []
    assert found(waivers=[shape]) == []
    assert found(model=shape) == []
    assert found(retraining={"checks": shape}) == []


def test_a_kind_that_no_check_has_is_named_where_it_stands():
    assert of_check(kind="drft", params={"x": 1}) == [
        (("checks", "nightly", "kind"), "'drft' is not a check; did you mean 'drift'?")
    ]
    assert found(checks=GOOD["checks"] | {"qality": {}}) == [
        (("checks", "qality"), "'qality' is not a check; did you mean 'quality'?")
    ]


def test_one_wrong_check_hides_no_other():
    wrong = {"a": 7, "b": {"kind": "nothing"}, "quality": {"thresholds": [{"metric": "psi"}]}}
    assert found(checks=wrong, retraining=None, waivers=None) == [
        (("checks", "b", "kind"), "'nothing' is not a check; there are drift, quality"),
        (("checks", "quality", "thresholds", 0, "metric"), "'psi' is not a metric of quality; there are accuracy"),
    ]


@pytest.mark.parametrize(
    ("params", "path", "sentence"),
    [
        ({"method": "psi", "bin": 4}, ("bin",), "drift has no such parameter; did you mean 'bins'?"),
        ({}, ("method",), "drift needs this parameter"),
        (None, ("method",), "drift needs this parameter"),
        ({"method": "ks"}, ("method",), "psi is the only method; found 'ks'"),
        ({"method": "psi", "bins": 1}, ("bins",), "Input should be greater than or equal to 2; found 1"),
    ],
)
def test_a_parameter_that_the_check_does_not_take_is_explained(params, path, sentence):
    assert of_check(params=params) == [(("checks", "nightly", "params", *path), sentence)]


@pytest.mark.parametrize("params", [[], "text", 3])
def test_params_of_the_wrong_shape_are_refused_elsewhere(params):
    assert of_check(params=params) == []


@pytest.mark.parametrize(
    ("name", "tasks", "sentence"),
    [
        ("nightly", 11, "11 tasks cannot share 10 bins; write 10 at most"),
        ("quality", 2, "quality has no work that mapped tasks can share; remove mapped_tasks"),
    ],
)
def test_mapped_tasks_that_find_no_work_are_refused(name, tasks, sentence):
    assert of_check(name, mapped_tasks=tasks) == [(("checks", name, "mapped_tasks"), sentence)]


@pytest.mark.parametrize("tasks", [10, 2, None, "ten"])
def test_mapped_tasks_that_find_work_are_sound(tasks):
    assert of_check(mapped_tasks=tasks) == []


def test_mapped_tasks_of_a_check_with_wrong_params_are_not_counted():
    params = {"method": "psi", "bins": 1}
    assert of_check(mapped_tasks=50, params=params) == of_check(params=params)


@pytest.mark.parametrize(
    ("threshold", "key", "sentence"),
    [
        ({"metric": "psi_min"}, "metric", "'psi_min' is not a metric of drift; did you mean 'psi'?"),
        (
            {"metric": "drift_share", "key": "age"},
            "key",
            "drift_share of drift is one number, not one per column or class; remove `key`",
        ),
        (
            {"metric": "rows", "min_absolute_change": 0},
            "metric",
            "rows has no better direction, so a change of it cannot be judged",
        ),
        (
            {"metric": "rows", "min_relative_change": 0},
            "metric",
            "rows has no better direction, so a change of it cannot be judged",
        ),
        (
            {"metric": "drift_share", "min_absolute_change": 0, "against": "champion"},
            "against",
            "the policy names no champion; add `champion:` with uri, sha256, format and task",
        ),
    ],
)
def test_a_threshold_that_its_metric_does_not_allow_is_explained(threshold, key, sentence):
    sound = {"metric": "psi"}
    assert of_check(thresholds=[sound, threshold]) == [(("checks", "nightly", "thresholds", 1, key), sentence)]


@pytest.mark.parametrize(
    "threshold",
    [
        {"metric": "psi", "key": "age"},
        {"metric": "drift_share", "key": None},
        {"metric": "rows", "greater_than": 0},
        {"metric": "drift_share", "min_absolute_change": 0},
        {"metric": None},
        {"metric": 3},
        {"less_than": 1},
    ],
)
def test_a_threshold_that_its_metric_allows_is_none(threshold):
    assert of_check(thresholds=[threshold]) == []


@pytest.mark.parametrize(
    ("task", "needs_model", "found"),
    [
        ("regression", True, [(("checks", "quality", "thresholds", 0, "metric"), "regression has no recall; it is for binary_classification")]),
        ("regression", False, []),
        ("binary_classification", True, []),
        ("ranking", True, [(("checks", "quality"), "quality does not apply to ranking; it applies to binary_classification, regression")]),
    ],
    ids=["not of this task", "a check without model", "of this task", "the whole check does not apply"],
)  # fmt: skip
def test_a_metric_of_another_task_is_told_once(task, needs_model, found):
    recall = MetricSpec(name="recall", meaning="m", better="higher", tasks=("binary_classification",))
    quality = dataclasses.replace(CATALOGUE["quality"], metrics=(recall,), needs_model=needs_model)
    raw = {
        "model": {"task": task},
        "datasets": {"current": {}},
        "checks": {"quality": {"thresholds": [{"metric": "recall"}]}},
    }
    assert list(disagreements(raw, {"quality": quality})) == found


def test_a_threshold_after_a_broken_one_is_still_read():
    broken = [None, {"metric": 3}, {"metric": "psi_min"}, {"metric": "psi_mix"}]
    assert [path[3] for path, _ in of_check(thresholds=broken)] == [2, 3]


@pytest.mark.parametrize("champion", [{}, {"uri": "model.skops"}])
def test_a_champion_that_is_named_can_be_compared_with(champion):
    changed = {"metric": "drift_share", "min_absolute_change": 0, "against": "champion"}
    checks = GOOD["checks"] | {"nightly": GOOD["checks"]["nightly"] | {"thresholds": [changed]}}
    assert found(checks=checks, champion=champion) == []


@pytest.mark.parametrize("datasets", [{"current": {}}, {"current": {}, "train": {}}])
def test_a_dataset_that_the_check_needs_is_named_with_what_may_stand_for_it(datasets):
    sentence = "drift needs datasets.reference (or params.profile), which the policy lacks"
    assert found(datasets=datasets) == [(("checks", "nightly"), sentence)]


@pytest.mark.parametrize("datasets", [None, [], {}])
def test_every_check_names_every_dataset_that_it_lacks(datasets):
    assert found(datasets=datasets) == [
        (("checks", "nightly"), "drift needs datasets.reference (or params.profile), which the policy lacks"),
        (("checks", "nightly"), "drift needs datasets.current, which the policy lacks"),
        (("checks", "quality"), "quality needs datasets.current, which the policy lacks"),
    ]


def test_a_param_stands_for_a_dataset():
    class WithProfile(DriftParams):
        profile: str | None = None

    catalogue = CATALOGUE | {"drift": dataclasses.replace(CATALOGUE["drift"], params=WithProfile)}
    spec = GOOD["checks"]["nightly"] | {"params": {"method": "psi", "profile": "p.json"}}
    raw = GOOD | {"datasets": {"current": {}}, "checks": GOOD["checks"] | {"nightly": spec}}
    assert list(disagreements(raw, catalogue)) == []


def test_a_task_that_the_check_does_not_know_is_named_unless_it_asks_no_model():
    assert found(model={"task": "ranking"}) == [
        (("checks", "quality"), "quality does not apply to ranking; it applies to binary_classification, regression")
    ]
    catalogue = CATALOGUE | {"quality": dataclasses.replace(CATALOGUE["quality"], needs_model=False)}
    assert list(disagreements(GOOD | {"model": {"task": "ranking"}}, catalogue)) == []


def test_the_threat_model_names_columns_that_exist():
    assert found(threat_model={"mutable": ["agee"]}) == [
        (("threat_model", "mutable"), "'agee' is not in columns.features")
    ]
    assert found(threat_model={"mutable": ["town"]}) == [
        (("threat_model", "mutable"), "'town' is not mutable in columns.features; remove it in one of the two places")
    ]
    assert found(threat_model={"mutable": ["age"]}) == []
    assert found(threat_model={"mutable": ["age"], "nonsense": 1}) == [], "refused where the policy is read"


@pytest.mark.parametrize("features", [None, [], {"age": None, "town": "category"}])
def test_columns_of_the_wrong_shape_are_no_reason_to_stop(features):
    assert found(columns={"features": features}) == []


@pytest.mark.parametrize(
    ("waiver", "problem"),
    [
        (
            {"check": "nihtly", "metric": "psi"},
            ("check", "'nihtly' is not a check of this policy; did you mean 'nightly'?"),
        ),
        ({"check": 7}, ("check", "7 is not a check of this policy; there are nightly, quality")),
        (
            {"check": "nightly", "metric": "psy"},
            ("metric", "'psy' is not a metric of nightly; did you mean 'psi'?"),
        ),
        ({"check": "quality", "metric": 7}, ("metric", "7 is not a metric of quality; there are accuracy")),
    ],
)
def test_a_waiver_of_nothing_is_named(waiver, problem):
    sound = {"check": "nightly", "metric": "drift_share"}
    key, sentence = problem
    assert found(waivers=[sound, waiver]) == [(("waivers", 1, key), sentence)]


@pytest.mark.parametrize("waiver", [{"check": "nightly"}, {"metric": "psy"}, {}, None])
def test_a_waiver_that_lacks_a_part_is_refused_elsewhere(waiver):
    assert found(waivers=[waiver]) == []


def test_a_waiver_after_a_wrong_one_is_still_read():
    wrong = [None, {"check": "x"}, {"check": "nightly", "metric": "psy"}]
    assert [path[1] for path, _ in found(waivers=wrong)] == [1, 2]


def test_a_waiver_of_a_check_of_unknown_kind_is_one_mistake_not_two():
    checks = GOOD["checks"] | {"nightly": {"kind": "drft"}}
    assert [path for path, _ in found(checks=checks)] == [("checks", "nightly", "kind")]


def test_a_report_discloses_features_that_exist():
    assert found(report={"disclose": ["age", "agee", 7]}) == [
        (("report", "disclose", 1), "'agee' is not in columns.features; did you mean 'age'?"),
        (("report", "disclose", 2), "7 is not in columns.features; there are age, town"),
    ]
    assert found(report={"disclose": ["age", "town"]}) == []


def test_labels_are_of_columns_of_the_policy_or_of_columns_that_a_check_names():
    labels = {"age": {"name": "age in years"}, "tonw": {"values": {1: "north"}}, "sex": {}}
    by_sex = {"bias": {"kind": "fairness", "params": {"groups": ["sex"]}}}
    problems = {path: text for path, text in found(report={"labels": labels}, checks=by_sex) if path[0] == "report"}
    assert problems == {
        ("report", "labels", "tonw"): "no column, and no param of a check, is called so; did you mean 'town'?"
    }


@pytest.mark.parametrize(
    "report", [None, [], {}, {"disclose": None}, {"disclose": "age"}, {"labels": None}, {"labels": []}]
)
def test_a_report_of_the_wrong_shape_is_refused_elsewhere(report):
    assert found(report=report) == []


def test_retraining_names_checks_that_exist():
    assert found(retraining={"checks": ["quality", "nihtly", 7]}) == [
        (("retraining", "checks", 1), "'nihtly' is not a check of this policy; did you mean 'nightly'?"),
        (("retraining", "checks", 2), "7 is not a check of this policy; there are nightly, quality"),
    ]


def test_problems_come_in_the_order_of_the_sections():
    raw = GOOD | {
        "checks": {"quality": {"kind": "x"}}, "threat_model": {"mutable": ["x"]}, "waivers": [{"check": "x"}],
        "retraining": {"checks": ["x"]},
    }  # fmt: skip
    assert [path[0] for path, _ in disagreements(raw, CATALOGUE)] == ["checks", "threat_model", "waivers", "retraining"]

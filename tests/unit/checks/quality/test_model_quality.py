from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

import synthetic
from model_governance.checks.quality.model_quality import CHECK
from model_governance.contract.result import canonical_json
from model_governance.policy import CheckSpec
from quality_cases import drawn_binary, forecast, measure, ranking, regression, three_classes

DRAW = np.random.default_rng(11)
CASES = {
    "binary": drawn_binary(200),
    "multiclass": three_classes(list("abc") * 20, list("abb") * 20, np.tile([0.5, 0.3, 0.2], (60, 1))),
    "regression": regression(DRAW.normal(size=60), DRAW.normal(size=60)),
    "ranking": ranking(
        np.repeat(range(20), 5), DRAW.normal(size=100), DRAW.integers(0, 2, 100), item=np.tile(range(25), 4)
    ),
    "forecasting": forecast(),
}
QUANTILES = {"quantile_columns": {0.1: "p10", 0.9: "p90"}, "season_length": 7}
MORE = {
    "binary": {"slices": [{"column": "says"}], "search": {"minimum_rows": 30, "maximum_depth": 1}},
    "multiclass": {"slices": [{"column": "says"}]},
    "regression": {"slices": [{"column": "says", "between": [-1, 9]}]},
    "ranking": {"slices": [{"column": "item", "between": [0, 12]}]},
    "forecasting": {"slices": [{"column": "group"}], **QUANTILES},
}


@pytest.mark.parametrize("subject", CASES.values(), ids=CASES)
def test_the_same_seed_gives_the_same_bytes(subject):
    more = next(MORE[name] for name, one in CASES.items() if one is subject)
    once, again = measure(subject, **more), measure(subject, **more)
    assert canonical_json(once.record()) == canonical_json(again.record())
    assert [artifact.content for artifact in once.artifacts] == [artifact.content for artifact in again.artifacts]


@pytest.mark.parametrize("subject", CASES.values(), ids=CASES)
def test_the_record_is_plain_json_and_the_pictures_are_svg(subject):
    result = measure(subject)
    assert json.loads(canonical_json(result.record())) == result.record()
    assert all(artifact.content.startswith(b"<?xml") and artifact.title for artifact in result.artifacts)
    assert result.artifacts


def test_every_declared_metric_is_emitted_by_some_task():
    emitted = set()
    for name, subject in CASES.items():
        answers = replace(subject, champion=subject.model)
        emitted |= {metric.name for metric in measure(answers, **MORE[name]).metrics}
    assert emitted == {metric.name for metric in CHECK.metrics}


def test_the_planted_swap_of_labels_turns_accuracy_over():
    healthy = synthetic.subject()
    faulty = CHECK.self_test.apply(healthy)
    before, after = (measure(subject).metric("accuracy").value for subject in (healthy, faulty))
    assert after == pytest.approx(1 - before)
    assert healthy.frame("current").equals(synthetic.subject().frame("current"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"resamples": 10},
        {"top_k": 0},
        {"calibration_bins": 1},
        {"minimum_label_coverage": -0.1},
        {"treshold": 0.5},
    ],
    ids=lambda one: next(iter(one)),
)
def test_params_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        CHECK.params.model_validate(wrong)


def suggested(subject):
    suggestion = CHECK.suggest(subject.frame("current"), subject.columns)
    CHECK.params.model_validate(dict(suggestion.params))
    spec = CheckSpec(kind=CHECK.kind, thresholds=list(suggestion.thresholds))
    return spec, suggestion


@pytest.mark.parametrize("subject", CASES.values(), ids=CASES)
def test_every_suggested_threshold_is_on_a_metric_that_the_task_emits(subject):
    spec, suggestion = suggested(subject)
    emitted = {metric.name for metric in measure(subject).metrics}
    assert {threshold.metric for threshold in spec.thresholds} <= emitted
    assert suggestion.comment


def test_the_suggested_floor_of_accuracy_is_the_largest_class():
    subject = three_classes(list("aab") * 20, list("aab") * 20)
    floor = next(threshold for threshold in suggested(subject)[0].thresholds if threshold.metric == "accuracy")
    assert floor.greater_than == pytest.approx(2 / 3, abs=1e-3)


def test_no_floor_of_accuracy_is_suggested_for_rare_events():
    subject = three_classes(["a"] * 95 + ["b"] * 5, ["a"] * 100)
    assert "accuracy" not in {threshold.metric for threshold in suggested(subject)[0].thresholds}


def test_the_suggested_floor_of_ndcg_is_that_of_a_random_order():
    subject = ranking(["q"] * 2, [1.0, 2.0], [0, 1])
    floor = next(threshold for threshold in suggested(subject)[0].thresholds if threshold.greater_than is not None)
    assert floor.greater_than == pytest.approx((1 + 1 / np.log2(3)) / 2, abs=1e-3)


def test_a_reference_without_labels_still_gets_a_threshold_and_a_hint():
    healthy = synthetic.subject()
    suggestion = CHECK.suggest(healthy.frame("reference").drop(columns="label"), healthy.columns)
    assert [threshold["metric"] for threshold in suggestion.thresholds] == ["label_coverage"]
    assert "add thresholds" in suggestion.comment

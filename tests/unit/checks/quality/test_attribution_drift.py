from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import synthetic
from model_governance.checks.quality.attribution_drift import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Dataset, Model
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


def measure(subject, **params):
    spelled = {"samples": 200, "draws": 3, "resamples": 100, "permutations": 1000, **params}
    return CHECK.measure(subject, CHECK.params.model_validate(spelled), 7)


def answering(subject, call, *, call_proba=None, task: str = "regression", classes: tuple = ()):
    model = Model(
        name="case", format="skops", sha256="0" * 64, task=task, native=None, call=call, call_proba=call_proba,
        classes=classes,
    )  # fmt: skip
    return replace(subject, model=model)


def test_a_healthy_subject_keeps_the_order(healthy):
    result = measure(healthy)
    agreement = result.metric("attribution_ndcg")
    assert agreement.low > 0.95
    assert agreement.p_value > 0.01
    assert agreement.detail == "first is income on both sides"
    assert result.metric("attribution", key="income").low > result.metric("attribution", key="region").high


def test_the_feature_that_took_over_is_named(healthy):
    result = measure(CHECK.self_test.apply(healthy))
    assert result.metric("attribution_ndcg").detail == "first was income, now age"
    assert result.metric("attribution_change", key="age").low > 0.2
    assert result.metric("attribution_change", key="age").p_value < 1e-9
    assert result.metric("attribution_change", key="income").high < 0
    rows = {row[0]: row[1:] for row in result.tables[0].rows}
    assert rows["age"][3] == 1
    assert rows["income"][1] == 1


def test_a_feature_that_the_model_ignores_has_none(healthy):
    subject = answering(healthy, lambda frame: frame["income"].to_numpy() * 2.0)
    result = measure(subject)
    for name in ("debt", "age", "region", "channel"):
        assert result.metric("attribution", key=name).value == 0
        assert result.metric("attribution", key=name).low is None
        assert result.metric("attribution_change", key=name).p_value == 1
    assert result.metric("attribution_ndcg").value == 1


def test_a_model_that_always_says_the_same_has_no_order(healthy):
    result = measure(answering(healthy, lambda frame: np.ones(len(frame))))
    assert result.metric("attribution_ndcg").value is None
    assert "no order to keep" in result.metric("attribution_ndcg").reason


def test_without_probabilities_labels_that_flip_are_counted(healthy):
    call = lambda frame: np.where(frame["income"] > 60, "yes", "no")  # noqa: E731
    result = measure(answering(healthy, call, task="binary_classification", classes=("no", "yes")))
    assert 0.3 < result.metric("attribution", key="income").value < 0.6
    assert any("predicted labels" in note for note in result.notes)


def test_probabilities_of_many_classes_are_compared_as_a_whole(healthy):
    def chances(frame: pd.DataFrame) -> np.ndarray:
        scores = np.column_stack([frame["income"] / 20, frame["debt"] / 10, np.ones(len(frame))])
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

    subject = answering(healthy, lambda frame: chances(frame).argmax(axis=1), call_proba=chances,
                        task="multiclass_classification", classes=(0, 1, 2))  # fmt: skip
    result = measure(subject)
    assert 0 < result.metric("attribution", key="debt").value < 1
    assert result.metric("attribution", key="age").value == 0


def test_the_model_is_asked_in_few_large_batches_with_the_columns_it_knows(healthy):
    calls = []

    def call(frame: pd.DataFrame) -> np.ndarray:
        calls.append((len(frame), tuple(frame.columns), str(frame["age"].dtype)))
        return frame["income"].to_numpy()

    measure(answering(healthy, call))
    # Per side once as it is, then once per feature.
    assert len(calls) == 2 * (1 + 5)
    assert {call[1:] for call in calls} == {(healthy.columns.names, "int64")}
    assert max(call[0] for call in calls) == 200 * 3


def test_a_small_side_is_refused(healthy):
    with pytest.raises(CheckError, match="at least 50 rows"):
        measure(healthy.with_frame("current", synthetic.rows(40, seed=3)))


def test_a_model_that_answers_nonsense_is_an_error(healthy):
    with pytest.raises(ModelMisbehaved, match="NaN"):
        measure(answering(healthy, lambda frame: np.full(len(frame), np.nan)))


def test_the_order_of_other_columns_does_not_matter(healthy):
    shuffled = {
        role: Dataset(role, one.uri, one.sha256, one.frame[sorted(one.frame.columns)])
        for role, one in healthy.datasets.items()
    }
    again = measure(replace(healthy, datasets=shuffled))
    assert canonical_json(again.record()) == canonical_json(measure(healthy).record())


def test_the_suggestion_warns_at_the_limit_of_clarify(healthy):
    suggestion = CHECK.suggest(healthy.datasets["reference"].frame, healthy.columns)
    assert suggestion.thresholds == ({"metric": "attribution_ndcg", "geq_to": 0.9, "severity": "warn"},)

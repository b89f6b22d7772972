from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import synthetic
from model_governance.checks.quality.attribution_drift import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Dataset, Feature, Model
from model_governance.errors import CheckError, ModelMisbehaved
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.limits import RankAgreement, read_limits
from model_governance.verdict import judge
from verdict_cases import TODAY

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def test_a_small_reference_is_refused(healthy):
    with pytest.raises(CheckError, match="at least 50 rows of 'reference'"):
        measure(healthy.with_frame("reference", synthetic.rows(40, seed=3)))


def test_too_few_rows_of_current_are_uncertain(healthy):
    result = measure(healthy.with_frame("current", synthetic.rows(40, seed=3)))
    assert {metric.absence for metric in result.metrics} == {"uncertain"}
    assert "at least 50 rows of current, found 40" in result.metric("attribution_ndcg").reason


def reversed_order(healthy, *, rows: int):
    """The model relies on five numbers; on current their spreads are exchanged, the smallest for the largest."""
    weights = (1.0, 0.8, 0.7, 0.6, 0.3)
    names = [f"x{place}" for place in range(5)]
    draw = np.random.default_rng(2)

    def frame(spreads: Sequence[float], count: int) -> pd.DataFrame:
        return pd.DataFrame({name: draw.normal(0, spread, count) for name, spread in zip(names, spreads, strict=True)})

    subject = answering(healthy, lambda rows: rows[names].to_numpy().sum(axis=1))
    columns = Columns(features={name: Feature(kind="numeric") for name in names})
    subject = replace(subject, columns=columns)
    # Values come from the reference on both sides, so that only the rows' own spread can turn the order.
    subject = subject.with_frame("reference", frame(weights, 2000))
    return subject.with_frame("current", frame([5 / weight for weight in weights], rows))


def outcome(result, *, thresholds: int) -> str:
    """Of a lower bound of 0.9 in a policy of that many thresholds."""
    demands = tuple({"metric": "attribution_ndcg", "geq_to": 0.9} for _ in range(thresholds))
    policy = Policy.model_construct(
        checks={"drift": CheckSpec(kind="attribution_drift", thresholds=demands)},
        waivers=(), fail_on="error", on_uncertain="warn", alarms=AlarmSpec(),
    )  # fmt: skip
    return judge("drift", result, policy, moment=TODAY).findings[0].outcome


def test_a_reversed_order_fails_under_fourteen_thresholds_and_is_uncertain_with_few_rows(healthy):
    turned = measure(reversed_order(healthy, rows=2000), samples=500)
    assert turned.metric("attribution_ndcg").value < 0.85
    assert outcome(turned, thresholds=14) == "fail"
    assert outcome(measure(reversed_order(healthy, rows=55), samples=500), thresholds=14) in ("uncertain", "fail")
    assert outcome(measure(healthy), thresholds=14) == "pass"


def test_limits_of_an_order_beyond_95_percent_know_the_orders_that_no_resample_showed():
    # The second and third of the order are three standard errors apart: hardly any resample exchanges them.
    limits = RankAgreement(
        value=0.8, middle=0.8, low95=0.79, high95=0.81, gains=(1.0, 0.1, 0.9), gain_errors=(0.01,) * 3,
        scores=(1.0, 0.6, 0.5), score_errors=(0.01, 0.03, 0.02),
    )  # fmt: skip
    assert limits.high(0.025) == 0.81
    assert limits.high(1e-6) == 1.0
    apart = replace(limits, score_errors=(0.001,) * 3)
    assert apart.high(1e-6) < 0.95
    assert read_limits(json.loads(json.dumps(limits.record()))) == limits
    assert limits.inflated(4.0).high(0.025) == pytest.approx(0.82)


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

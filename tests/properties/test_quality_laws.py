"""Laws of model quality that hold for every sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from model_governance.checks.model_quality.binary import estimate_binary
from model_governance.checks.model_quality.calibration import into_bins
from model_governance.checks.model_quality.classification import Outcomes
from model_governance.checks.model_quality.params import QualityParams
from model_governance.checks.model_quality.ranking import score_groups
from model_governance.checks.model_quality.regression import estimate_regression
from model_governance.checks.model_quality.uncertainty import average_interval, f1_interval

PARAMS = QualityParams(resamples=50)
few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
scores = st.integers(0, 20).map(lambda one: one / 20)
binary_rows = st.lists(st.tuples(st.integers(0, 1), scores), min_size=4, max_size=30)
ranked_rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


def of_binary(label, score) -> dict:
    score, label = np.array(score, dtype=float), np.array(label)
    outcomes = Outcomes(
        classes=(0, 1),
        truth=label,
        predicted=(score >= 0.5).astype(int),
        probabilities=np.column_stack([1 - score, score]),
    )
    return {one.name: one.value for one in estimate_binary(outcomes, 1, params=PARAMS, seed=1)}


def of_regression(truth, predicted) -> dict:
    return {one.name: one.value for one in estimate_regression(truth, predicted)}


@few
@given(rows=binary_rows, seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_no_number(rows, seed):
    label, score = (np.array(one) for one in zip(*rows, strict=True))
    assume(len(set(label)) == 2)
    order = np.random.default_rng(seed).permutation(len(rows))
    one, other = of_binary(label, score), of_binary(label[order], score[order])
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert other[name] == (None if value is None else pytest.approx(value, abs=1e-12)), name


@few
@given(label=st.lists(st.integers(0, 1), min_size=2, max_size=40))
def test_perfect_probabilities_give_the_best_values(label):
    assume(len(set(label)) == 2)
    found = of_binary(label, label)
    for name in (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "specificity",
        "roc_auc",
        "average_precision",
    ):
        assert found[name] == pytest.approx(1), name
    for name in ("false_positive_rate", "log_loss", "brier_score", "calibration_error"):
        assert found[name] == pytest.approx(0, abs=1e-9), name


@few
@given(rows=binary_rows)
def test_shares_lie_between_0_and_1_and_false_positives_complete_specificity(rows):
    label, score = zip(*rows, strict=True)
    assume(len(set(label)) == 2)
    found = of_binary(label, score)
    assert all(0 <= value <= 1 for name, value in found.items() if value is not None and name != "log_loss")
    assert found["specificity"] + found["false_positive_rate"] == pytest.approx(1)


@few
@given(label=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), shift=st.floats(-1e3, 1e3))
def test_a_constant_error_is_all_bias(label, shift):
    label = np.array(label)
    found = of_regression(label, label + shift)
    assert found["bias"] == pytest.approx(shift, abs=1e-6)
    for name in ("mae", "rmse", "median_absolute_error"):
        assert found[name] == pytest.approx(abs(shift), abs=1e-6), name


@given(rows=ranked_rows, k=st.integers(1, 12), seed=st.integers(0, 1000))
def test_ranking_metrics_lie_in_0_to_1_in_any_order_of_rows(rows, k, seed):
    group, score, relevance = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(len(rows))
    one = score_groups(group, score, relevance, k=k)
    other = score_groups(group[order], score[order], relevance[order], k=k)
    assert one.groups == other.groups
    for name in ("ndcg", "average_precision", "reciprocal_rank", "hit"):
        first = getattr(one, name)
        assert ((first >= 0) & (first <= 1)).all(), name
        assert np.sort(first) == pytest.approx(np.sort(getattr(other, name)), abs=1e-9), name
    assert (one.reciprocal_rank <= one.hit + 1e-12).all()


@given(rows=ranked_rows, k=st.integers(1, 12))
def test_ranking_by_the_relevance_itself_is_perfect(rows, k):
    group, _, relevance = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    found = score_groups(group, relevance, relevance, k=k)
    for name in ("ndcg", "average_precision", "reciprocal_rank", "hit"):
        assert getattr(found, name) == pytest.approx(1.0, abs=1e-9), name


@given(rows=binary_rows, count=st.integers(2, 12))
def test_bins_hold_every_row_once_and_rise(rows, count):
    label, score = (np.array(one) for one in zip(*rows, strict=True))
    bins = into_bins(score.astype(float), label == 1, count=count)
    assert bins.rows.sum() == len(rows)
    assert bins.positives.sum() == label.sum()
    assert (np.diff(bins.mean) > 0).all()
    assert len(bins.rows) <= count


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(any), min_size=1, max_size=5))
def test_an_interval_of_an_average_holds_the_average(counts):
    shares = [(hits, hits + misses) for hits, misses in counts]
    low, high = average_interval(shares)
    assert 0 <= low <= sum(hits / n for hits, n in shares) / len(shares) <= high <= 1


@given(hits=st.integers(0, 100), misses=st.integers(0, 100))
def test_the_interval_of_f1_holds_f1(hits, misses):
    assume(hits + misses > 0)
    low, high = f1_interval(hits, misses)
    assert low <= 2 * hits / (2 * hits + misses) <= high

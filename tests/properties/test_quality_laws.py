"""Laws of model quality that hold for every sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from model_governance.checks.quality.model_quality.binary import estimate_binary
from model_governance.checks.quality.model_quality.calibration import bin_probabilities
from model_governance.checks.quality.model_quality.classification import Outcomes
from model_governance.checks.quality.model_quality.forecasting import quantile_estimates
from model_governance.checks.quality.model_quality.moments import Moments
from model_governance.checks.quality.model_quality.paired import paired_classes
from model_governance.checks.quality.model_quality.params import QualityParams, Search
from model_governance.checks.quality.model_quality.partitions import CodedColumn, partitions
from model_governance.checks.quality.model_quality.ranking import score_groups
from model_governance.checks.quality.model_quality.regression import estimate_regression
from model_governance.checks.quality.model_quality.search import search_partitions
from model_governance.checks.quality.model_quality.seasonal_naive import seasonal_scales
from model_governance.checks.quality.model_quality.uncertainty import (
    average_interval,
    f1_interval,
    positive_mean_interval,
)
from model_governance.stats.intervals import paired_shares

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
    return {estimate.name: estimate.value for estimate in estimate_binary(outcomes, 1, params=PARAMS, seed=1)}


def of_regression(truth, predicted) -> dict:
    return {estimate.name: estimate.value for estimate in estimate_regression(truth, predicted, seed=1)}


@few
@given(rows=binary_rows, seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_no_number(rows, seed):
    label, score = (np.array(column) for column in zip(*rows, strict=True))
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
@example(label=[0.0, 1.36e-264], shift=1.0)
def test_a_constant_error_is_all_bias(label, shift):
    label = np.array(label)
    found = of_regression(label, label + shift)
    assert found["bias"] == pytest.approx(shift, abs=1e-6)
    for name in ("mae", "rmse", "median_absolute_error"):
        assert found[name] == pytest.approx(abs(shift), abs=1e-6), name


@given(rows=ranked_rows, k=st.integers(1, 12), seed=st.integers(0, 1000))
def test_ranking_metrics_lie_in_0_to_1_in_any_order_of_rows(rows, k, seed):
    group, score, relevance = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(len(rows))
    one = score_groups(group, score, relevance, top_k=k)
    other = score_groups(group[order], score[order], relevance[order], top_k=k)
    assert one.groups == other.groups
    for name in ("ndcg", "average_precision", "reciprocal_rank", "hit"):
        first = getattr(one, name)
        assert ((first >= 0) & (first <= 1)).all(), name
        assert np.sort(first) == pytest.approx(np.sort(getattr(other, name)), abs=1e-9), name
    assert (one.reciprocal_rank <= one.hit + 1e-12).all()


@given(rows=ranked_rows, k=st.integers(1, 12))
def test_ranking_by_the_relevance_itself_is_perfect(rows, k):
    group, _, relevance = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = score_groups(group, relevance, relevance, top_k=k)
    for name in ("ndcg", "average_precision", "reciprocal_rank", "hit"):
        assert getattr(found, name) == pytest.approx(1.0, abs=1e-9), name


@given(rows=binary_rows, count=st.integers(2, 12))
def test_bins_hold_every_row_once_and_rise(rows, count):
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    bins = bin_probabilities(score.astype(float), label == 1, count=count)
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


pairs_of_rows = st.lists(st.tuples(st.integers(0, 1), scores, scores), min_size=6, max_size=40)


@few
@given(rows=pairs_of_rows)
def test_turning_model_and_champion_around_turns_every_gain_around(rows):
    label, one, other = (np.array(each) for each in zip(*rows, strict=True))
    assume(min(label.sum(), (1 - label).sum()) >= 1)
    model, champion = (
        Outcomes(
            classes=(0, 1),
            truth=label,
            predicted=(score >= 0.5).astype(int),
            probabilities=np.column_stack([1 - score, score]),
        )
        for score in (one, other)
    )
    there, back = (
        {each.name: each for each in paired_classes(*pair, seed=1, positive=1)}
        for pair in ((model, champion), (champion, model))
    )
    for name, gain in there.items():
        assert back[name].value == pytest.approx(-gain.value, abs=1e-12), name
        assert (back[name].interval is None) == (gain.interval is None), name
        if gain.interval is not None:
            assert gain.interval[0] <= gain.value <= gain.interval[1], name
            assert back[name].interval == pytest.approx((-gain.interval[1], -gain.interval[0]), abs=1e-6), name


@few
@given(seed=st.integers(0, 1000), unit=st.floats(0.01, 1000), zero=st.floats(-100, 100))
def test_mase_has_no_unit(seed, unit, zero):
    draw = np.random.default_rng(seed)
    past, truth, says = draw.normal(size=40), draw.normal(size=30), draw.normal(size=30)
    found = []
    for factor, shift in ((1.0, 0.0), (unit, zero)):
        scale = seasonal_scales(past * factor + shift, np.arange(40.0), pd.Series(["a"] * 40), season_length=2)["a"]
        moments = Moments(number=np.arange(30), length=4)
        found.append(moments.mean("mase", np.abs(factor * (says - truth)) / scale, scale="log"))
    assert found[0].value == pytest.approx(found[1].value)
    assert found[0].interval == pytest.approx(found[1].interval)


@few
@given(seed=st.integers(0, 1000), rows=st.integers(1, 4))
def test_the_pinball_loss_of_the_median_is_half_the_absolute_error(seed, rows):
    draw = np.random.default_rng(seed)
    truth, says = draw.normal(size=30 * rows), draw.normal(size=30 * rows)
    moments = Moments(number=np.repeat(np.arange(30), rows), length=3)
    loss = quantile_estimates(truth, {0.5: says}, moments)[0]
    assert loss.value == pytest.approx(np.abs(truth - says).mean() / 2)


@few
@given(values=st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=2, max_size=60))
def test_the_interval_of_a_positive_mean_holds_it_and_stays_positive(values):
    found = positive_mean_interval(np.array(values))
    if found is not None:
        assert 0 <= found[0] <= np.mean(values) * (1 + 1e-9)
        assert found[1] >= np.mean(values) * (1 - 1e-9)


@few
@given(ours=st.integers(0, 60), theirs=st.integers(0, 60), same=st.integers(0, 200))
def test_a_paired_interval_holds_the_difference_and_stays_in_range(ours, theirs, same):
    assume(ours + theirs + same > 0)
    n = ours + theirs + same
    low, high = paired_shares(ours, theirs, n)
    assert -1 <= low <= (ours - theirs) / n <= high <= 1


@few
@given(seed=st.integers(0, 10_000), count=st.integers(130, 400))
def test_a_search_gives_p_values_and_does_not_depend_on_names(seed, count):
    draw = np.random.default_rng(seed)
    losses = (draw.random(count) < 0.3).astype(float)
    codes = draw.integers(0, 2, count)
    names = []
    for name in ("a", "z"):
        coded = CodedColumn(name=name, codes=codes, names=(f"{name} 0", f"{name} 1"))
        found = search_partitions(
            list(partitions({name: coded}, depth=2)), losses, search=Search(minimum_rows=30), seed=seed
        )
        assume(found is not None)
        assert all(0 <= p_value <= 1 for p_value in found.p_values)
        names.append(found.nominees[0].name[1:])
    assert names[0] == names[1]

"""Fairness against Fairlearn's numbers, against closed forms, and its intervals against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn import metrics as fl
from scipy.stats import chi2_contingency

from fairness_cases import drawn, measure, subject_of
from model_governance.checks.quality.fairness.disparity import (
    Means,
    Shares,
    difference,
    equal_shares_p_value,
    range_of_shares,
    simulated_limits,
)
from model_governance.stats.limits import DifferenceOfShares, SmallestRatio

SIZES = {"a": 300, "b": 200, "c": 120}
RATES = {"a": 0.6, "b": 0.5, "c": 0.35}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("column", ["group", "side"])
def test_its_numbers_are_those_of_fairlearn(seed, column):
    frame = drawn(SIZES, RATES, seed=seed)
    truth = {"y_true": frame["label"], "y_pred": frame["says"], "sensitive_features": frame[column]}
    result = measure(subject_of(frame), column)
    expected = {
        "demographic_parity_difference": fl.demographic_parity_difference(**truth),
        "selection_rate_ratio": fl.demographic_parity_ratio(**truth),
        "equal_opportunity_difference": fl.equal_opportunity_difference(**truth),
        "equalized_odds_difference": fl.equalized_odds_difference(**truth),
        "accuracy_gap": fl.accuracy_score_difference(**truth),
    }
    for name, value in expected.items():
        metric = result.metric(name, key=column)
        assert metric.value == pytest.approx(value, abs=1e-12), name
        assert metric.low <= metric.value <= metric.high, name
    rates = {
        "selection_rate": fl.selection_rate,
        "true_positive_rate": fl.true_positive_rate,
        "false_positive_rate": fl.false_positive_rate,
    }
    by_group = fl.MetricFrame(metrics=rates, **truth).by_group
    for name in rates:
        for group, value in by_group[name].items():
            assert result.metric(name, key=f"{column}={group}").value == pytest.approx(value, abs=1e-12)


def test_intersections_are_those_of_fairlearn():
    frame = drawn(SIZES, RATES)
    found = measure(subject_of(frame), "group", "side", intersections=True)
    both = fl.demographic_parity_difference(frame["label"], frame["says"], sensitive_features=frame[["group", "side"]])
    assert found.metric("demographic_parity_difference", key="group x side").value == pytest.approx(both, abs=1e-12)


def test_newcombe_gives_the_published_interval():
    # Newcombe (1998), table II, example (a): 56/70 against 48/80, method 10.
    low, high = DifferenceOfShares(first=(48, 80), second=(56, 70)).interval()
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_evidence_is_pearson_s_where_counts_allow_and_a_permutation_s_elsewhere():
    large = Shares(successes=np.array([60, 45, 30]), rows=np.array([100, 90, 80]))
    table = np.stack([large.successes, large.rows - large.successes])
    assert equal_shares_p_value(large, seed=1) == pytest.approx(
        chi2_contingency(table, correction=False).pvalue, abs=1e-12
    )
    few = Shares(successes=np.array([4, 0]), rows=np.array([12, 12]))
    # Both margins fixed, the two ends of the hypergeometric distribution: 2 * C(12,4) / C(24,4).
    assert equal_shares_p_value(few, seed=1) == pytest.approx(2 * 495 / 10626, abs=0.003)
    none = Shares(successes=np.array([0, 0]), rows=np.array([50, 50]))
    assert equal_shares_p_value(none, seed=1) == 1


CASES = [
    pytest.param([0.4, 0.4], [100, 100], id="two equal groups"),
    pytest.param([0.4, 0.5], [150, 80], id="two groups"),
    pytest.param([0.4, 0.4, 0.4], [100, 200, 300], id="three equal groups"),
    pytest.param([0.45, 0.5, 0.5], [300, 300, 300], id="three groups near one another"),
    pytest.param([0.3, 0.5, 0.7], [100, 200, 300], id="three groups"),
]


@pytest.mark.parametrize(("shares", "rows"), CASES)
def test_the_true_distance_lies_in_the_interval(shares, rows):
    draw = np.random.default_rng(5)
    shares, rows = np.array(shares), np.array(rows)
    true, covered = float(difference(shares)), []
    for seed in range(60):
        seen = Shares(successes=draw.binomial(rows, shares), rows=rows)
        low, high = range_of_shares(seen, seed=seed, resamples=400).interval()
        covered.append(low - 1e-9 <= true <= high + 1e-9)
    # 60 draws from 95% fall below 53 once in 100 times.
    assert sum(covered) >= 53, sum(covered)


RATIOS = [
    pytest.param([0.02, 0.02], [300, 300], id="rare and equal"),
    pytest.param([0.01, 0.02], [400, 800], id="rare"),
    pytest.param([0.4, 0.5], [150, 80], id="frequent"),
    pytest.param([0.3, 0.5, 0.7], [100, 200, 300], id="three groups"),
]


@pytest.mark.parametrize(("shares", "rows"), RATIOS)
def test_the_true_ratio_lies_in_the_interval_for_rare_rows_too(shares, rows):
    draw = np.random.default_rng(11)
    true, covered = min(shares) / max(shares), []
    for _ in range(2000):
        counts = draw.binomial(rows, shares).astype(float)
        if counts.any():
            low, high = SmallestRatio(shares=tuple(zip(counts, map(float, rows), strict=True))).interval()
            covered.append(low - 1e-9 <= true <= high + 1e-9)
    assert 0.94 <= np.mean(covered) <= (0.995 if len(shares) == 2 else 1.0)


def test_equal_groups_are_not_told_apart_although_their_range_is_never_zero():
    draw = np.random.default_rng(6)
    rows = np.array([80] * 6)
    seen = [Shares(successes=draw.binomial(rows, 0.4), rows=rows) for _ in range(40)]
    assert np.mean([float(difference(shares.observed)) for shares in seen]) > 0.1
    lows = [range_of_shares(shares, seed=1, resamples=500).interval()[0] for shares in seen]
    assert np.mean([low > 0 for low in lows]) < 0.09


def test_of_two_means_the_interval_is_that_of_their_difference():
    means = Means(observed=np.array([3.0, 1.0]), errors=np.array([0.3, 0.4]))
    low, _, high = simulated_limits(means, seed=1, resamples=20_000)
    # The tails of the simulation are 1.8% each: 2.097 standard errors.
    assert (low, high) == (pytest.approx(2 - 2.097 * 0.5, abs=0.05), pytest.approx(2 + 2.097 * 0.5, abs=0.05))

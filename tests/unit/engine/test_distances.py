from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from model_governance.engine.cells import Table
from model_governance.engine.dependence import Dependence, DesignEffect
from model_governance.engine.distances import (
    difference_of_shares,
    jensen_shannon,
    kolmogorov_smirnov,
    normed_wasserstein,
    population_stability,
    total_variation,
)

TENTHS = np.full(10, 0.1)


def shifted(shift):
    return np.diff(norm.cdf(norm.ppf(np.arange(11) / 10) - shift))


def truths(p, q):
    half = (p + q) / 2
    return {
        "psi": ((p - q) * np.log(p / q)).sum(),
        "js": np.sqrt((p * np.log(p / half) + q * np.log(q / half)).sum() / 2),
        "tv": np.abs(p - q).sum() / 2,
    }


def measured(table, seed):
    return {
        "psi": population_stability(table),
        "js": jensen_shannon(table),
        "tv": total_variation(table, seed=seed),
    }


@pytest.mark.parametrize(("shift", "n", "m"), [(0.0, 1000, 1000), (0.1, 5000, 1000), (0.4, 1000, 1000)])
def test_intervals_hold_the_truth_nineteen_times_in_twenty(shift, n, m):
    draw, truth = np.random.default_rng(8), truths(TENTHS, shifted(shift))
    held = dict.fromkeys(truth, 0)
    for seed in range(80):
        table = Table(reference=draw.multinomial(n, TENTHS), current=draw.multinomial(m, shifted(shift)))
        for name, one in measured(table, seed).items():
            held[name] += one.low <= truth[name] + 1e-12 and truth[name] <= one.high
    for name, count in held.items():
        assert count / 80 > 0.85, name  # 0.95 less four standard errors


def test_the_index_is_not_biased_where_nothing_changed():
    draw = np.random.default_rng(2)
    found = [
        population_stability(Table(reference=draw.multinomial(500, TENTHS), current=draw.multinomial(500, TENTHS)))
        for _ in range(400)
    ]
    assert np.mean([one.value for one in found]) == pytest.approx(0, abs=0.003)  # the raw index would be 0.036
    assert np.mean([one.p_value <= 0.05 for one in found]) == pytest.approx(0.05, abs=0.044)


def test_the_same_counts_and_seed_give_the_same_interval():
    table = Table(reference=np.array([50, 30, 20]), current=np.array([40, 30, 30]))
    assert total_variation(table, seed=1) == total_variation(table, seed=1)
    assert total_variation(table, seed=1) != total_variation(table, seed=2)


def test_samples_more_alike_than_chance_leave_room_for_a_change():
    table = Table(reference=np.array([100, 100]), current=np.array([100, 100]))
    assert population_stability(table).high > 0.01
    assert total_variation(table, seed=1).high > 0.02


def test_the_kolmogorov_smirnov_distance_of_the_grid_is_a_lower_bound_with_an_interval():
    draw = np.random.default_rng(4)
    first, second = draw.normal(size=4000), draw.normal(0.2, 1, size=3000)
    edges = np.quantile(first, np.arange(1, 500) / 500)
    counts = [np.bincount(np.searchsorted(edges, one, side="right"), minlength=500) for one in (first, second)]
    table = Table(reference=counts[0], current=counts[1])
    from scipy.stats import ks_2samp

    exact = ks_2samp(first, second)
    on_grid = kolmogorov_smirnov(table, seed=1)
    assert exact.statistic - 0.002 <= on_grid.value <= exact.statistic
    known = kolmogorov_smirnov(table, seed=1, exact=exact.statistic)
    truth = 2 * norm.cdf(0.1) - 1
    assert known.low < truth < known.high
    assert known.value == exact.statistic
    assert np.log(known.p_value) == pytest.approx(np.log(exact.pvalue), rel=0.1)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((48, 80), (56, 70), 0.0524, 0.3339), ((5, 56), (0, 29), -0.1926, 0.0381), ((3, 10), (9, 10), 0.1705, 0.8090)],
)  # fmt: skip
def test_newcombes_interval_reads_as_in_his_paper(first, second, low, high):
    # Newcombe (1998), table II, method 10; our difference is second - first.
    (a, n), (b, m) = first, second
    found = difference_of_shares((a, n), (b, m))
    assert found.value == pytest.approx(b / m - a / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)


def test_the_normed_wasserstein_distance_by_hand():
    quartiles, deciles = (-0.6744897, 0.6744897), (-1.2815516, 1.2815516)
    found = normed_wasserstein(2.0, quartiles=quartiles, deciles=deciles, moments=((1.0, 100), (2.0, 50)))
    assert found.value == pytest.approx(2.0, abs=1e-6)
    reach = 1.959964 * 1.5 * np.sqrt(1 / 100 + 4 / 50)
    assert found.limits.interval() == pytest.approx((2.0 - reach, 2.0 + reach), rel=1e-6)
    assert found.limits.shared == pytest.approx((1 / 100) / (1 / 100 + 4 / 50))
    clustered = normed_wasserstein(
        2.0,
        quartiles=quartiles,
        deciles=deciles,
        moments=((1.0, 100), (2.0, 50)),
        dependence=Dependence.of(DesignEffect(mean=4.0)),
    )
    assert clustered.limits.interval() == pytest.approx((2.0 - 2 * reach, 2.0 + 2 * reach), rel=1e-6)
    assert normed_wasserstein(
        2.0, quartiles=quartiles, deciles=deciles, moments=((1e6, 9), (1.0, 9))
    ).value == pytest.approx(2.0)
    assert normed_wasserstein(2.0, quartiles=(0.0, 0.0), deciles=(0.0, 0.0), moments=((4.0, 9), (1.0, 9))).value == 0.5
    assert normed_wasserstein(2.0, quartiles=(0.0, 0.0), deciles=(0.0, 0.0), moments=((0.0, 9), (1.0, 9))) is None


@pytest.mark.parametrize("quartiles", [(0.0, 0.0), (-5e-324, 0.0), (-1e-9, 1e-9), (-0.01, 0.01)])
def test_quartiles_that_stand_beside_a_spike_are_no_unit(quartiles):
    """Half of the values are 0: the range between the quartiles is noise, and dividing by it gave infinity."""
    moments = ((0.7, 300_000), (0.7, 300_000))
    found = normed_wasserstein(0.002, quartiles=quartiles, deciles=(-0.84, 0.84), moments=moments)
    assert found.value == pytest.approx(0.002 / (1.68 / 2.5631031), rel=1e-6)
    assert all(map(np.isfinite, found.limits.interval()))


def test_a_distance_beyond_float64_is_in_standard_deviations():
    moments = ((1e300, 9), (1e300, 9))
    found = normed_wasserstein(1e300, quartiles=(0.0, 1e-300), deciles=(0.0, 1e-300), moments=moments)
    assert found.value == pytest.approx(1)

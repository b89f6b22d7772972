from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from model_governance.engine.cells import Table
from model_governance.engine.dependence import Dependence, DesignEffect
from model_governance.engine.distances import (
    ONE_CUT,
    chance_distance,
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
    error = np.sqrt(1 / 100 + 4 / 50)
    assert found.limits.high(0.025) == pytest.approx(2.0 + 1.959964 * error, rel=1e-6)
    assert 2.0 - 1.5 * 1.959964 * error < found.limits.low(0.025) < 2.0 - 1.959964 * error
    assert found.limits.shared == pytest.approx((1 / 100) / (1 / 100 + 4 / 50))
    clustered = normed_wasserstein(
        2.0,
        quartiles=quartiles,
        deciles=deciles,
        moments=((1.0, 100), (2.0, 50)),
        dependence=Dependence.of(DesignEffect(mean=4.0)),
    )
    for own, alone in zip(clustered.limits.interval(), found.limits.interval(), strict=True):
        assert own - 2.0 == pytest.approx(2 * (alone - 2.0), rel=1e-6)
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


def distance(first, second):
    """The integral of |F - G| of two samples."""
    places = np.sort(np.concatenate([first, second]))[:-1]
    below = [np.searchsorted(np.sort(rows), places, side="right") / len(rows) for rows in (first, second)]
    return float((np.abs(below[0] - below[1]) * np.diff(np.sort(np.concatenate([first, second])))).sum())


LAWS = {
    "normal": lambda draw, n: draw.normal(size=n),
    "skewed": lambda draw, n: draw.lognormal(size=n),
    "heavy tails": lambda draw, n: draw.standard_t(3, n),
    "few values": lambda draw, n: draw.poisson(2, n).astype(float),
}


@pytest.mark.parametrize("law", LAWS)
def test_samples_of_one_law_are_no_farther_apart_than_chance_allows(law):
    draw, found, n, m = np.random.default_rng(3), [], 2_000, 300
    for _ in range(40):
        reference = LAWS[law](draw, n)
        edges = np.unique(np.quantile(reference, np.arange(1, 500) / 500))
        chance = chance_distance(edges, np.histogram(reference, [-np.inf, *edges, np.inf])[0])
        for _ in range(25):
            current = LAWS[law](draw, m)
            seen = normed_wasserstein(
                distance(reference, current), quartiles=(0.0, 1.3489795), deciles=(-0.6, 1.9),
                moments=((reference.std(), n), (current.std(), m)), chance=chance,
            )  # fmt: skip
            found.append(seen.limits.p_above(0.0))
    assert np.mean(np.array(found) <= 0.025) <= 0.04
    assert np.mean(np.array(found) <= 0.2) <= 0.25
    assert np.mean(np.array(found) <= 0.5) >= 0.15, "so wide that nothing is ever seen"


def test_two_values_are_an_absolute_normal_deviate_and_a_bell_is_more():
    assert chance_distance(np.array([0.5]), np.array([80, 20])) == ONE_CUT
    edges = norm.ppf(np.arange(1, 500) / 500)
    bell = chance_distance(edges, np.full(500, 10))
    assert (bell.mean, bell.deviation) == pytest.approx((1.25, 0.45), abs=0.03)
    assert chance_distance(edges * 1e300, np.full(500, 10)).mean == pytest.approx(bell.mean)
    assert chance_distance(np.array([]), np.array([5])) == ONE_CUT


def test_a_distance_far_from_chance_is_known_as_well_as_a_mean():
    """The truth is a shift by 0.5: both limits hold it 95 times in 100, and the lower one is no farther than needed."""
    draw, held, low = np.random.default_rng(4), [], []
    for _ in range(300):
        first, second = draw.normal(size=2_000), draw.normal(0.5, size=1_000)
        seen = normed_wasserstein(
            distance(first, second), quartiles=(-0.6744898, 0.6744898), deciles=(-1.28, 1.28),
            moments=((1.0, 2_000), (1.0, 1_000)),
            chance=chance_distance(norm.ppf(np.arange(1, 500) / 500), np.full(500, 4)),
        )  # fmt: skip
        low.append(seen.limits.interval()[0])
        held.append(low[-1] <= 0.5 <= seen.limits.interval()[1])
    assert np.mean(held) >= 0.93
    assert np.mean(low) > 0.5 - 1.5 * 1.96 * np.sqrt(1 / 2_000 + 1 / 1_000)

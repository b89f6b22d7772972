"""Limits at the levels of an alarm budget: how often they miss, that they are nested, and what they say is detectable."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, ncx2, norm, poisson

from model_governance.engine.cells import Table, pool_rare, thin_cells
from model_governance.engine.distances import jensen_shannon, population_stability
from model_governance.stats.limits import (
    DifferenceOfShares,
    ExactShare,
    Forecast,
    GrowingError,
    LargestShareFactor,
    NoncentralChiSquare,
    PartialConjunction,
    PartlyKnownShare,
    RatioOfShares,
    RocArea,
    Stretched,
    WassersteinLimits,
    WeightedDifference,
    quantile_of,
    read_limits,
    tail_of,
)
from model_governance.stats.limits.chi_square import noncentral_tail, thin_cell_low, thin_cell_p_above
from model_governance.stats.limits.confidence import FARTHEST, FINEST, HALVINGS, _around, _bisected, crossing
from model_governance.stats.limits.shares import fewest_beyond

TAILS = (0.4, 0.05, 0.025, 0.01, 1e-4, 1e-7)
CHI = NoncentralChiSquare(value=0.1, statistic=120.0, freedom=9, unit=1e-3, whole=(120.0, 9))
THIN = NoncentralChiSquare(
    value=0.2, statistic=4.0, freedom=3, unit=1e-3, whole=(210.0, 4), thin=((2.0, 20_000.0, 9.0, 1_000.0),)
)
FAMILIES = [
    ExactShare(successes=7.0, n=400.0),
    PartlyKnownShare(successes=7.0, undecided=5.0, n=400.0),
    DifferenceOfShares(first=(3.0, 900.0), second=(12.0, 300.0)),
    WeightedDifference(strata=((0.7, (30.0, 90.0), (45.0, 80.0)), (0.3, (3.0, 30.0), (9.0, 40.0)))),
    RatioOfShares(first=(8.0, 4000.0), second=(14.0, 2000.0)),
    LargestShareFactor(rows=(20_000.0, 9_000.0), counts=((19_900.0, 8_700.0), (100.0, 300.0))),
    WassersteinLimits(value=0.3, error=0.05, mean=0.06, deviation=0.02),
    WassersteinLimits(
        value=0.3, error=0.05, mean=0.06, deviation=0.02, witnesses=((0.28, 0.03, 0.1, 0.9), (0.2, 0.02, 0.0, 0.0))
    ),
    Stretched(value=0.3, low95=0.25, high95=0.4),
    GrowingError(value=0.3, low95=0.25, high95=0.4, grows="log"),
    Forecast(value=0.3, low95=0.25, high95=0.4, scale="logit", spread=0.4),
    Stretched(value=1.5, low95=1.1, high95=2.5, scale="log"),
    RocArea(value=0.8, rows=((300.0, 40.0),)),
    PartialConjunction(beyond=(1e-9, 1e-3, 0.6, 0.7), within=(0.2, 0.4, 0.99, 1.0)),
    CHI,
    THIN,
    replace(CHI, uneven=2.0),
]


def words(limits) -> str:
    kinds = [kind for kind in ("thin", "uneven", "witnesses") if getattr(limits, kind, ()) not in ((), 1.0)]
    return f"{limits.family}-{kinds[0] if kinds else getattr(limits, 'scale', 'plain')}"


@pytest.mark.parametrize("limits", FAMILIES, ids=words)
def test_a_rarer_tail_moves_limits_outwards(limits):
    lows, highs = [limits.low(tail) for tail in TAILS], [limits.high(tail) for tail in TAILS]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    assert all(low <= high for low, high in zip(lows, highs, strict=True))


@pytest.mark.parametrize("limits", FAMILIES, ids=words)
def test_the_p_value_of_a_bound_is_the_tail_whose_limit_it_is(limits):
    for tail in TAILS[1:-1]:
        if limits.family == "partial_conjunction":
            assert limits.p_above(limits.low(tail)) > tail
            continue
        low, high = limits.low(tail), limits.high(tail)
        if low > 0:
            assert limits.p_above(low) == pytest.approx(tail, rel=0.02)
        assert limits.p_below(high) == pytest.approx(tail, rel=0.02)


@pytest.mark.parametrize("limits", FAMILIES, ids=words)
def test_a_record_gives_the_limits_back(limits):
    assert read_limits(json.loads(json.dumps(limits.record()))) == limits


@pytest.mark.parametrize("bound", [0.0, 1e-9, 1e-6, 1e-4])
@pytest.mark.parametrize("freedom", [0.8, 7.2])
def test_dependent_rows_more_alike_than_chance_make_them_prove_nothing(bound, freedom):
    """The statistic lies below its mean: a p-value of 0 made an unchanged flag red under a bound near 0."""
    for part in (0.1, 0.4, 0.9):
        statistic = part * freedom
        limits = NoncentralChiSquare(
            value=(statistic - freedom) * 1.4e-3, statistic=statistic, freedom=freedom, unit=1.4e-3,
            whole=(statistic, freedom), spread=1.3, uneven=1.2, independent=(1.1e-3, freedom / 0.8),
        )  # fmt: skip
        assert limits.p_above(bound) > 0.3
        assert limits.low(1e-9) <= 0.0


def test_a_family_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"'gamma'; this release has .*exact_share"):
        read_limits({"family": "gamma"})


@pytest.mark.parametrize("limits", [limits for limits in FAMILIES if limits is not THIN], ids=words)
def test_more_variance_never_narrows_limits(limits):
    wider = limits.inflated(4.0)
    for tail in (0.025, 1e-4):
        assert wider.low(tail) <= limits.low(tail) + 1e-12
        assert wider.high(tail) - wider.low(tail) >= limits.high(tail) - limits.low(tail) - 1e-12


def test_four_times_the_variance_doubles_normal_limits_and_quarters_the_rows():
    assert Stretched(value=1.0, low95=0.8, high95=1.3).inflated(4).interval() == pytest.approx((0.6, 1.6))
    assert ExactShare(successes=8.0, n=80.0).inflated(4) == ExactShare(successes=2.0, n=20.0)


def test_quantiles_and_tails_invert_each_other_far_out():
    for tail in (0.9, 0.5, 0.025, 1e-9, 1e-100):
        assert tail_of(quantile_of(tail)) == pytest.approx(tail, rel=1e-6)
    assert quantile_of(0.0) == 37.0
    assert quantile_of(1.0) == -37.0


@pytest.mark.parametrize("tail", [0.025, 1e-3, 1e-6])
@pytest.mark.parametrize("n", [30, 400])
def test_a_share_is_missed_at_most_as_often_as_stated(n, tail):
    counts = np.arange(n + 1)
    lows = np.array([ExactShare(successes=count, n=n).low(tail) for count in counts])
    highs = np.array([ExactShare(successes=count, n=n).high(tail) for count in counts])
    for share in (0.001, 0.01, 0.1, 0.5, 0.97):
        chances = binom.pmf(counts, n, share)
        assert chances[lows > share].sum() <= tail
        assert chances[highs < share].sum() <= tail


@pytest.mark.parametrize("tail", [1e-3, 1e-5])
@pytest.mark.parametrize(
    ("share", "moved"), [(0.01, 0.01), (0.002, 0.012), (0.3, 0.3), (0.05, 0.2)], ids=["rare", "risen", "even", "more"]
)
def test_a_difference_of_shares_is_missed_at_most_as_often_as_stated(share, moved, tail):
    n, m = 1000, 200
    first, second = _likely(n, share), _likely(m, moved)
    missed = sum(
        binom.pmf(a, n, share) * binom.pmf(b, m, moved)
        for a, b in itertools.product(first, second)
        if DifferenceOfShares(first=(a, n), second=(b, m)).low(tail) > moved - share
    )
    assert missed <= 1.1 * tail


@pytest.mark.parametrize("tail", [0.025, 1e-3, 1e-4])
def test_a_weighted_difference_is_missed_about_as_often_as_stated(tail):
    # Few rows of rare values in every stratum, nothing differs: each combination of counts with its probability.
    shares, rows = (0.1, 0.4), ((25, 25), (12, 20))
    counts = [[_likely(n, share) for n in sizes] for share, sizes in zip(shares, rows, strict=True)]
    reaches = []
    for share, (n, m), (first, second) in zip(shares, rows, counts, strict=True):
        found = []
        for a, b in itertools.product(first, second):
            part = DifferenceOfShares(first=(a, n), second=(b, m))
            found.append((part.value, part.value - part.low(tail), binom.pmf(a, n, share) * binom.pmf(b, m, share)))
        reaches.append(np.array(found).T)
    (value, reach, chance), (others, other_reach, other_chance) = reaches
    means = 0.5 * (value[:, None] + others)
    missed = (np.outer(chance, other_chance) * (means > 0.5 * np.hypot(reach[:, None], other_reach))).sum()
    assert missed <= 1.3 * tail
    example = WeightedDifference(strata=((0.5, (3, 25), (9, 25)), (0.5, (2, 12), (9, 20))))
    by_hand = [DifferenceOfShares(first=(3, 25), second=(9, 25)), DifferenceOfShares(first=(2, 12), second=(9, 20))]
    reach = math.hypot(*(part.value - part.low(tail) for part in by_hand)) / 2
    assert example.low(tail) == pytest.approx((by_hand[0].value + by_hand[1].value) / 2 - reach)


@pytest.mark.parametrize("tail", [0.025, 1e-3, 1e-5])
@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_a_ratio_of_rare_shares_is_missed_at_most_as_often_as_stated(ratio, tail):
    n, m, share = 20_000, 5_000, 0.0005
    missed = sum(
        poisson.pmf(a, n * share) * poisson.pmf(b, m * share * ratio)
        for a, b in itertools.product(range(1, 40), range(40))
        if RatioOfShares(first=(a, n), second=(b, m)).low(tail) > ratio
    )
    assert missed <= 1.05 * tail


@pytest.mark.parametrize("tail", [1e-2, 1e-3, 1e-5])
@pytest.mark.parametrize(("n", "m", "share"), [(20_000, 500, 2.5e-4), (20_000, 1_000, 1e-3), (3_000, 3_000, 1e-3)])
def test_an_unchanged_thin_cell_is_red_at_most_as_often_as_stated(n, m, share, tail):
    red = 0.0
    for a, b in itertools.product(_likely(n, share), _likely(m, share)):
        limits = NoncentralChiSquare(
            value=0.1, statistic=0.0, freedom=0, unit=1 / n + 1 / m, whole=(1.0, 1), thin=((a, n, b, m),)
        )
        if a / n != b / m and limits.p_above(0.0) <= tail:
            red += binom.pmf(a, n, share) * binom.pmf(b, m, share)
    assert red <= tail


THIN = (
    (2.0, 20_000.0, 9.0, 500.0),
    (11.0, 500.0, 38.0, 20_000.0),
    (10.0, 2_000.0, 34.0, 2_000.0),
    (1.0, 500.0, 2.0, 500.0),
)


@pytest.mark.parametrize("index", ["psi", "jensenshannon"])
@pytest.mark.parametrize("pair", THIN[:3], ids=["small run", "small reference", "even"])
def test_the_lower_limit_of_a_thin_cell_has_the_p_value_of_its_level(pair, index):
    assert thin_cell_p_above(pair, thin_cell_low(pair, 2e-3, index=index), index=index) == pytest.approx(2e-3, rel=1e-3)
    assert thin_cell_low(THIN[3], 2e-3, index=index) == 0


@pytest.mark.parametrize("bound", [0.0, 1e-4, 0.01])
def test_only_the_most_surprising_thin_cell_counts_however_many_are_asked(bound):
    limits = NoncentralChiSquare(value=0.2, statistic=0.0, freedom=0, unit=1e-3, whole=(4.0, 4), thin=THIN[::-1])
    least = min(thin_cell_p_above(pair, bound, index="psi") for pair in THIN)
    assert limits.p_above(bound) == min(1.0, 2 * len(THIN) * least)


@pytest.mark.parametrize(
    ("distance", "n", "m"),
    [
        (population_stability, 20_000, 500),
        (population_stability, 2_000, 2_000),
        (jensen_shannon, 20_000, 3_000),
    ],
    ids=["psi-small-run", "psi-even", "jensenshannon"],
)
def test_a_distance_at_its_bound_is_red_at_most_as_often_as_stated(distance, n, m):
    draw, runs = np.random.default_rng(5), 800
    before = np.full(10, 0.1)
    after = np.diff(norm.cdf(norm.ppf(np.arange(11) / 10) - 0.3))
    truth = _divergence(before, after, distance)
    p_values = np.array([
        distance(Table(reference=reference, current=current)).limits.p_above(truth)
        for reference, current in zip(draw.multinomial(n, before, runs), draw.multinomial(m, after, runs), strict=True)
    ])  # fmt: skip
    for tail in (0.025, 0.005, 0.001):
        assert (p_values <= tail).sum() <= binom.isf(1e-3, runs, tail)


def test_a_share_of_keys_claims_no_more_than_are_beyond():
    draw, runs, keys, moved = np.random.default_rng(6), 20_000, 20, 3
    p_values = draw.random((runs, keys))
    p_values[:, :moved] = 0.0
    p_values.sort(axis=1)
    tail = 0.01
    found = sum(
        PartialConjunction(beyond=tuple(row), within=tuple(row)).low(tail) > moved / keys + 1e-9
        for row in p_values[p_values[:, moved] <= tail].tolist()
    )
    assert found <= binom.isf(1e-3, runs, tail)


def test_a_share_of_keys_by_hand():
    limits = PartialConjunction(beyond=(1e-6, 1e-4, 0.3, 0.9), within=(0.01, 0.2, 0.9, 1.0))
    assert (limits.low(1e-3), limits.high(0.05)) == (0.5, 0.75)
    assert limits.p_above(0.25) == pytest.approx(3e-4)
    assert limits.p_below(1.0) == pytest.approx(0.04)
    assert limits.detectable(0.25, 1e-3) == 0.5


@pytest.mark.parametrize("positives", [20, 200])
def test_an_area_of_few_positives_is_missed_about_as_often_as_stated(positives):
    draw, runs, n = np.random.default_rng(7), 800, 400
    truth = float(norm.cdf(1 / math.sqrt(2)))
    areas = []
    for _ in range(runs):
        negative, positive = np.sort(draw.normal(size=n)), draw.normal(1.0, size=positives)
        areas.append(np.searchsorted(negative, positive).sum() / (n * positives))
    limits = [RocArea(value=float(area), rows=((float(n), float(positives)),)) for area in areas]
    assert sum(area.low(1e-3) > truth for area in limits) <= binom.isf(1e-3, runs, 1e-3)
    for tail in (0.025, 0.01):
        assert sum(area.low(tail) > truth for area in limits) <= binom.isf(1e-3, runs, tail)
        assert sum(area.high(tail) < truth for area in limits) <= binom.isf(1e-3, runs, tail)


@pytest.mark.parametrize("tail", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("bound", [0.0, 0.1], ids=["nothing", "bound"])
def test_the_detectable_distance_is_red_in_95_of_100_runs(bound, tail):
    unit, freedom = 1 / 20_000 + 1 / 2_000, 9
    limits = NoncentralChiSquare(value=0.0, statistic=9.0, freedom=freedom, unit=unit, whole=(9.0, freedom))
    detectable = limits.detectable(bound, tail)
    red = ncx2.sf(ncx2.isf(tail, freedom, bound / unit), freedom, detectable / unit)
    assert red == pytest.approx(0.95, abs=0.002)
    # The critical statistic is that of the limits: a little beyond it the limit is beyond the bound.
    critical = float(ncx2.isf(tail, freedom, bound / unit))
    for statistic, proven in ((critical * 1.01, True), (critical * 0.99, False)):
        seen = NoncentralChiSquare(
            value=1.0, statistic=statistic, freedom=freedom, unit=unit, whole=(statistic, freedom)
        )
        assert (seen.low(tail) > bound) is proven


@pytest.mark.parametrize("bound", [50.0, 400.0], ids=["small", "large"])
def test_a_change_along_which_customers_differ_most_is_red_as_often_as_stated(bound):
    """Nine directions, of which one varies four times as much: the change lies in it. Bounds in units of one row's."""
    draw, tail, runs = np.random.default_rng(11), 1e-2, 20_000
    variances = np.array([4.0] + [1.0] * 8)
    factor = float((variances**2).sum() / variances.sum())
    freedom = float(variances.sum()) / factor
    uneven = 4.0 / factor

    def red(truth: float) -> float:
        normal = np.sqrt(variances) * draw.normal(size=(runs, 9))
        normal[:, 0] += math.sqrt(truth)
        statistics = (normal**2).sum(axis=1) / factor
        tails = [noncentral_tail(one, freedom, bound / factor, uneven=uneven) for one in statistics.tolist()]
        return float(np.mean(np.array(tails) <= tail))

    assert red(bound) == pytest.approx(tail, rel=0.4)
    limits = NoncentralChiSquare(
        value=0.0, statistic=9.0, freedom=freedom, unit=factor, whole=(9.0, freedom), uneven=uneven
    )
    assert red(limits.detectable(bound, tail)) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("tail", [1e-2, 1e-4])
@pytest.mark.parametrize(("n", "bound"), [(2_000, 0.05), (300, 0.02)])
def test_the_detectable_share_is_red_in_95_of_100_runs(n, bound, tail):
    detectable = ExactShare(successes=n * bound, n=n).detectable(bound, tail)
    counts = np.arange(n + 1)
    red = np.array([ExactShare(successes=count, n=n).low(tail) > bound for count in counts])
    assert binom.pmf(counts, n, detectable)[red].sum() == pytest.approx(0.95, abs=0.002)


@pytest.mark.parametrize("tail", [1e-2, 1e-4])
def test_the_detectable_difference_is_red_in_about_95_of_100_runs(tail):
    draw, runs, n, m, share, bound = np.random.default_rng(8), 4000, 20_000, 2_000, 0.1, 0.02
    size = DifferenceOfShares(first=(n * share, n), second=(m * share, m)).detectable(bound, tail)
    pairs = zip(draw.binomial(n, share, runs).tolist(), draw.binomial(m, share + size, runs).tolist(), strict=True)
    red = [DifferenceOfShares(first=(a, n), second=(b, m)).low(tail) > bound for a, b in pairs]
    assert 0.93 <= np.mean(red) <= 0.98


def _likely(n: int, share: float) -> range:
    """The counts that hold all but 1e-9 of the chance."""
    return range(int(binom.isf(1 - 1e-9, n, share)), int(binom.isf(1e-9, n, share)) + 1)


def _divergence(before: np.ndarray, after: np.ndarray, distance: object) -> float:
    if distance is population_stability:
        return float(((before - after) * np.log(before / after)).sum())
    half = (before + after) / 2
    return math.sqrt(float((before * np.log(before / half) + after * np.log(after / half)).sum() / 2))


def test_thin_cells_and_thick_ones_share_the_level():
    draw, runs, tail = np.random.default_rng(9), 300, 0.01
    chances = np.array([0.6, 0.39, 0.006, 0.003, 0.001])
    red = 0
    pairs = zip(draw.multinomial(20_000, chances, runs), draw.multinomial(500, chances, runs), strict=True)
    for reference, current in pairs:
        table = Table(reference=reference, current=current)
        thin = thin_cells(table, ordered=False)
        red += population_stability(pool_rare(table), thin=thin).limits.p_above(0.0) <= tail
    assert red <= binom.isf(1e-3, runs, tail)


@pytest.mark.parametrize(
    "distance",
    [lambda tail: math.copysign(1.0, tail - 0.01), lambda tail: math.log(tail / 0.01), lambda tail: tail**9 - 1e-18],
)
def test_a_crossing_is_found_where_the_limit_jumps_bends_or_is_nearly_flat(distance):
    assert crossing(distance) == pytest.approx(0.01, rel=1e-5)


def test_the_grid_around_a_guess_is_where_the_bisection_would_end():
    places = np.random.default_rng(6).integers(0, 2**HALVINGS + 1, 300) * FINEST
    beside = [math.nextafter(place, end) for place in places for end in (0.0, FARTHEST)]
    for guess in (0.0, FARTHEST, 5e-324, *places, *beside, *np.random.default_rng(7).uniform(0, FARTHEST, 300)):
        assert _around(guess) == _bisected(lambda quantile, guess=guess: quantile < guess)


def test_the_fewest_successes_are_those_of_the_exact_binomial_quantile():
    draw = np.random.default_rng(4)
    for _ in range(2000):
        n, share = (
            int(draw.choice([1, 2, 7, 40, 900, 50_000])),
            float(draw.choice([0.0, 0.001, 0.03, 0.5, 0.97, 0.9999])),
        )
        tail = float(draw.choice([0.4, 0.05, 0.0004, 1e-7, 1e-12]))
        assert fewest_beyond(n, share, tail) == max(0, binom.isf(tail, n, share))

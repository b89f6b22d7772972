"""What limits say is detectable: planted, it has its limit beyond the bound in 95 of 100 runs, on either side."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from model_governance.stats.limits import (
    MISSED,
    DifferenceOfShares,
    ExactShare,
    Forecast,
    GrowingError,
    PartialConjunction,
    RangeOf,
    RankAgreement,
    RocArea,
    SmallestRatio,
    Stretched,
    StudentT,
)

TAIL = 1e-3
RUNS = 2_000


def share_of(*, red: list[bool]) -> None:
    """Red in about 95 of 100 runs."""
    assert 0.93 <= np.mean(red) <= 0.97


def test_a_share_is_seen_below_a_bound_as_its_complement_is_above():
    limits = ExactShare(successes=160.0, n=200.0)
    below = limits.detectable_below(0.7, TAIL)
    assert below == pytest.approx(1 - ExactShare(successes=40.0, n=200.0).detectable(0.3, TAIL))
    counts = np.arange(201)
    red = np.array([ExactShare(successes=count, n=200).high(TAIL) < 0.7 for count in counts])
    assert binom.pmf(counts, 200, below)[red].sum() == pytest.approx(1 - MISSED, abs=0.002)
    assert limits.detectable_below(0.0, TAIL) is None


def test_a_difference_is_seen_below_a_bound_as_its_negative_is_above():
    draw, n, share, bound = np.random.default_rng(1), 3_000, 0.4, -0.05
    size = DifferenceOfShares(first=(n * share, n), second=(n * share, n)).detectable_below(bound, TAIL)
    pairs = zip(draw.binomial(n, share, RUNS).tolist(), draw.binomial(n, share + size, RUNS).tolist(), strict=True)
    share_of(red=[DifferenceOfShares(first=(a, n), second=(b, n)).high(TAIL) < bound for a, b in pairs])


@pytest.mark.parametrize("side", ["above", "below"])
def test_an_area_is_seen_on_either_side(side):
    draw, rows, bound = np.random.default_rng(2), 300, 0.7
    now = RocArea(value=0.9 if side == "below" else 0.5, rows=((rows, rows),))
    truth = now.detectable(bound, TAIL) if side == "above" else now.detectable_below(bound, TAIL)
    shift, red = math.sqrt(2) * float(norm.ppf(truth)), []
    for _ in range(RUNS):
        before, after = np.sort(draw.normal(size=rows)), draw.normal(shift, size=rows)
        seen = RocArea(value=float(np.searchsorted(before, after).mean() / rows), rows=((rows, rows),))
        red.append(seen.low(TAIL) > bound if side == "above" else seen.high(TAIL) < bound)
    share_of(red=red)


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_nothing_is_seen_beyond_the_ends_of_an_area(bound):
    limits = RocArea(value=0.7, rows=((30.0, 40.0),))
    assert limits.detectable(bound, TAIL) is None
    assert limits.detectable_below(bound, TAIL) is None
    assert limits.detectable(0.999, TAIL) is None
    assert limits.detectable_below(0.001, TAIL) is None


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.3, 0.31, 0.3)], ids=["two_groups", "three_groups"])
def test_a_smallest_ratio_is_seen_below_its_bound(shares):
    draw, n, bound = np.random.default_rng(3), 1_500, 0.8
    truth = SmallestRatio(shares=tuple((share * n, float(n)) for share in shares)).detectable_below(bound, TAIL)
    planted = (truth * max(shares), *[max(shares)] * (len(shares) - 1))
    red = [
        SmallestRatio(shares=tuple((float(draw.binomial(n, share)), float(n)) for share in planted)).high(TAIL) < bound
        for _ in range(400)
    ]
    assert 0.92 <= np.mean(red) <= 0.99


def test_a_ratio_that_no_count_brings_below_its_bound_is_not_detectable():
    assert SmallestRatio(shares=((3.0, 6.0), (3.0, 6.0))).detectable_below(0.1, TAIL) is None
    assert SmallestRatio(shares=((3.0, 6.0), (3.0, 6.0))).detectable(0.1, TAIL) is None


def ranges(shares: tuple[float, ...], n: int) -> RangeOf:
    """Limits of a range, whose 95% interval is that of its two ends."""
    value = max(shares) - min(shares)
    groups = tuple(ExactShare(successes=share * n, n=n) for share in shares)
    reach = 1.96 * math.sqrt(2 * 0.25 / n)
    return RangeOf(value=value, middle=value, low95=max(0.0, value - reach), high95=value + reach, groups=groups)


def test_a_range_of_three_groups_is_seen():
    draw, n, bound = np.random.default_rng(4), 1_500, 0.1
    truth = ranges((0.5, 0.5, 0.5), n).detectable(bound, TAIL)
    planted = np.array([0.5 - truth / 2, 0.5, 0.5 + truth / 2])
    red = [ranges(tuple(draw.binomial(n, planted) / n), n).low(TAIL) > bound for _ in range(600)]
    assert 0.92 <= np.mean(red) <= 0.99


def test_a_range_shows_what_its_least_known_groups_show():
    known, vague = StudentT(value=1.0, error=0.01, freedom=500.0), StudentT(value=1.0, error=0.2, freedom=20.0)
    both = RangeOf(value=0.0, middle=0.0, low95=0.0, high95=0.1, groups=(known, known, vague))
    reaches = [math.hypot(known.value - known.low(at), vague.value - vague.low(at)) for at in (TAIL / 6, MISSED)]
    assert both.detectable(0.3, TAIL) == pytest.approx(0.3 + sum(reaches))
    nobody = ExactShare(successes=1.0, n=2.0)
    assert RangeOf(value=0.0, middle=0.0, low95=0.0, high95=0.9, groups=(nobody, nobody)).detectable(0.9, TAIL) is None


def losses(draw: np.random.Generator, size: float, rows: int) -> GrowingError:
    """Limits of a mean of losses whose spread is as large as they are."""
    found = draw.exponential(size, rows)
    reach = 1.96 * found.std() / math.sqrt(rows)
    return GrowingError(value=found.mean(), low95=found.mean() - reach, high95=found.mean() + reach, grows="log")


def test_a_mean_loss_is_seen_far_from_the_present_one():
    draw, rows, bound = np.random.default_rng(5), 4_000, 3.0
    truth = float(np.median([losses(draw, 1.0, rows).detectable(bound, TAIL) for _ in range(20)]))
    share_of(red=[losses(draw, truth, rows).low(TAIL) > bound for _ in range(RUNS)])
    plain = losses(draw, 1.0, rows)
    kept = Stretched(value=plain.value, low95=plain.low95, high95=plain.high95)
    assert kept.low(TAIL) == plain.low(TAIL)
    assert kept.detectable(bound, TAIL) < truth - 0.1, "with the error of today's loss too little is promised"


@pytest.mark.parametrize("grows", ["plain", "log", "logit", "probit", "arcsine", "complement"])
def test_what_is_detectable_keeps_its_distance_on_the_scale_of_the_error(grows):
    limits = GrowingError(value=0.6, low95=0.55, high95=0.65, grows=grows)
    above, below = limits.detectable(0.6, TAIL), limits.detectable_below(0.6, TAIL)
    assert below < 0.6 < above < 1
    # At the limit itself the truth is the present estimate's limit on the other side.
    assert limits.detectable(limits.low(TAIL), TAIL) == pytest.approx(limits.high(MISSED))
    assert limits.detectable_below(limits.high(TAIL), TAIL) == pytest.approx(limits.low(MISSED))


@pytest.mark.parametrize(("grows", "bound"), [("log", 0.0), ("logit", 1.0), ("probit", 0.0), ("arcsine", 1.2)])
def test_a_bound_outside_the_scale_has_no_detectable_truth(grows, bound):
    limits = GrowingError(value=0.6, low95=0.55, high95=0.65, grows=grows)
    assert limits.detectable(bound, TAIL) is None
    assert limits.detectable_below(bound, TAIL) is None


def test_a_limit_outside_the_scale_has_no_detectable_truth():
    assert GrowingError(value=0.1, low95=0.01, high95=0.3, grows="log").detectable(0.2, TAIL) is None


def test_a_number_of_keys_is_seen_one_below_its_bound():
    assert PartialConjunction(beyond=(0.5,) * 4, within=(0.5,) * 4).detectable_below(0.5, TAIL) == 0.25


def test_an_agreement_of_orders_is_not_known_on_either_side():
    limits = RankAgreement(
        value=0.9, middle=0.9, low95=0.8, high95=0.95, gains=(1.0, 2.0), gain_errors=(0.1, 0.1), scores=(1.0, 2.0),
        score_errors=(0.1, 0.1),
    )  # fmt: skip
    assert limits.detectable(0.5, TAIL) is None
    assert limits.detectable_below(0.5, TAIL) is None


@pytest.mark.parametrize("spread", [0.2, 1.0])
def test_a_forecast_is_missed_by_the_error_of_its_estimate_alone(spread):
    draw, bound, error = np.random.default_rng(7), 0.8, 0.01

    def forecast(value: float) -> Forecast:
        return Forecast(value=value, low95=value - 1.96 * error, high95=value + 1.96 * error, spread=spread)

    truth = forecast(0.85).detectable_below(bound, TAIL)
    share_of(red=[forecast(value).high(TAIL) < bound for value in draw.normal(truth, spread * error, RUNS)])
    above = forecast(0.85).detectable(bound, TAIL)
    assert above - bound == pytest.approx(bound - truth)

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model_governance.authoring.calibration.curve import Curve

LEVEL = 0.05 * 5 / 365


def curve(critical, side="upper", **more) -> Curve:
    return Curve(critical=np.sort(np.asarray(critical, dtype=float)), side=side, **more)


def test_a_window_lies_beyond_a_bound_where_its_critical_bound_lies_beyond():
    upper, lower = curve([1, 2, 3, 4]), curve([1, 2, 3, 4], "lower")
    assert [upper.beyond(one) for one in (0, 2.5, 3, 5)] == [4, 2, 2, 0]
    assert [lower.beyond(one) for one in (0, 2.5, 3, 5)] == [0, 2, 2, 4]


def test_windows_without_evidence_lie_beyond_no_bound():
    assert curve([-np.inf] * 99 + [0.3]).beyond(-1e9) == 1
    assert curve([np.inf] * 99 + [0.3], "lower").beyond(1e9) == 1


def test_a_rate_that_was_seen_carries_its_exact_interval():
    seen = curve([0.0] * 95 + [1.0] * 5).rate(0.5)
    assert (seen.value, seen.low, seen.high) == pytest.approx((0.05, 0.0164, 0.1128), abs=1e-4)


def test_none_of_few_odd_windows_says_no_more_than_its_upper_limit():
    lumpy = curve([0.0] * 50 + [1.0] * 50)
    assert lumpy.rate(2.0).high == pytest.approx(1 - 0.025 ** (1 / 100))
    refused = lumpy.propose(LEVEL)
    assert refused.bound is None
    assert "4,373 windows would be needed" in refused.reason


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_a_tail_that_was_not_drawn_is_bounded_with_the_stated_confidence(side):
    draw, held, trials = np.random.default_rng(5), 0, 200
    for _ in range(trials):
        proposal = curve(draw.normal(size=200), side).propose(LEVEL)
        if proposal.method == "none":
            trials -= 1
            continue
        away = proposal.bound if side == "upper" else -proposal.bound
        held += stats.norm.sf(away) <= LEVEL
    assert trials > 190
    assert stats.binomtest(held, trials, 0.95, alternative="less").pvalue > 0.01, f"{held} of {trials}"


def test_the_interval_of_a_fitted_tail_covers_the_truth():
    draw, covered = np.random.default_rng(6), 0
    for _ in range(100):
        seen = curve(draw.normal(size=200)).rate(4.5)
        covered += seen.low <= stats.norm.sf(4.5) <= seen.high
    assert covered >= 89


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_enough_windows_need_no_assumption(side):
    draw, held = np.random.default_rng(7), 0
    law = stats.lognorm(1.5) if side == "upper" else stats.beta(0.5, 3)
    for _ in range(100):
        proposal = curve(law.rvs(2000, random_state=draw), side).propose(0.01)
        assert proposal.method == "counted"
        held += (law.sf if side == "upper" else law.cdf)(proposal.bound) <= 0.01
    assert held >= 90


def test_numbers_that_never_move_have_no_normal_tail():
    assert not curve([0.5] * 200).is_normal


def test_windows_that_share_rows_have_a_wider_interval_and_a_looser_bound():
    draw = np.random.default_rng(8).normal(size=300)
    alone, sharing = curve(draw), curve(draw, dependence=2.5)
    assert sharing.independent == 120
    wide, narrow = sharing.counted(1.5), alone.counted(1.5)
    assert wide.value == narrow.value
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)
    assert sharing.propose(0.05).bound > alone.propose(0.05).bound


def test_windows_that_no_bound_lets_pass_give_no_proposal():
    refused = curve([0.1] * 90 + [np.inf] * 10).propose(0.05)
    assert refused.bound is None
    assert "beyond any bound" in refused.reason

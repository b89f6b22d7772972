"""Randomised smoothing against the linear classifier, whose distance to the boundary is known."""

from __future__ import annotations

import numpy as np
import pytest

from model_governance.attacks.smoothing import certify
from model_governance.errors import CheckError

WEIGHTS = np.array([1.0, -2.0, 0.5, 1.5])


def answers(points: np.ndarray) -> np.ndarray:
    return (points @ WEIGHTS > 0).astype(int)


def test_a_certified_radius_is_never_above_the_exact_distance_and_close_below_it():
    x = np.random.default_rng(0).normal(0, 1.0, (40, 4))
    exact = np.abs(x @ WEIGHTS) / np.linalg.norm(WEIGHTS)
    sigma = 0.5
    done = certify(answers, x, sigma=sigma, seed=1, samples=2000)
    certified = done.answers >= 0
    assert certified.mean() > 0.8
    assert (done.radii <= exact).all()
    assert (done.answers[certified] == answers(x)[certified]).all()
    # Beyond sigma * 2.7 all 2,000 copies agree and the bound cannot grow further.
    decided = certified & (exact > 0.3 * sigma) & (exact < 2.5 * sigma)
    assert decided.sum() > 10
    assert np.median(done.radii[decided] / exact[decided]) == pytest.approx(0.9, abs=0.07)


def test_a_coin_is_not_certified():
    draw = np.random.default_rng(2)
    done = certify(lambda points: draw.integers(0, 2, len(points)), np.zeros((20, 3)), sigma=0.5, seed=0, samples=300)
    assert (done.radii[done.answers < 0] == 0).all()
    assert (done.answers < 0).mean() > 0.9


def test_two_runs_agree_and_a_row_does_not_notice_its_neighbours():
    x = np.random.default_rng(0).normal(0, 1.0, (6, 4))
    first, second = (certify(answers, x, sigma=0.5, seed=3, samples=200) for _ in range(2))
    assert first.radii.tobytes() == second.radii.tobytes()
    assert certify(answers, x[:1], sigma=0.5, seed=3, samples=200).radii[0] == first.radii[0]


@pytest.mark.parametrize("setting", [{"sigma": 0.0}, {"samples": 0}, {"alpha": 0.5}])
def test_settings_that_certify_nothing_are_refused(setting):
    with pytest.raises(CheckError, match="certify nothing"):
        certify(answers, np.zeros((1, 4)), **{"sigma": 0.5, "seed": 0, **setting})

"""Evidence over runs: no run adds any on average while the truth is allowed, and a weak shift is found as predicted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from model_governance.stats.accumulation import (
    NOTHING,
    SHIFTS,
    accumulated,
    deviate_of,
    log_evidence_of,
    runs_until,
)

LEVEL = 1e-4
NEEDED = math.log(1 / LEVEL)


def test_an_e_value_has_an_expectation_of_at_most_one_at_the_bound_and_inside():
    middles = (np.arange(20_000) + 0.5) / 20_000
    for inside in (0.0, 0.5, 2.0):  # standard errors between truth and bound
        p_values = norm.sf(norm.isf(middles) - inside)
        deviates = np.array([deviate_of(p_value, shared=0.0, tail=LEVEL) for p_value in p_values])
        for place in range(len(SHIFTS)):
            values = np.exp([accumulated(NOTHING, deviate)[place] for deviate in deviates])
            assert values.mean() <= 1.001
            if inside == 0:
                assert values.mean() == pytest.approx(1.0, abs=0.02)


def test_what_all_runs_share_is_no_evidence():
    """The error of the reference moves every run; up to its limit at the level, runs gain nothing on average."""
    shared, draw = 0.6, np.random.default_rng(1)
    own = draw.normal(size=20_000)
    for common in (norm.isf(LEVEL), 1.0, 0.0):
        seen = math.sqrt(shared) * common + math.sqrt(1 - shared) * own
        deviates = [deviate_of(p_value, shared=shared, tail=LEVEL) for p_value in norm.sf(seen)]
        for place in range(len(SHIFTS) - 1):  # the largest shift has too heavy a tail to average
            values = np.exp([accumulated(NOTHING, deviate)[place] for deviate in deviates])
            assert values.mean() <= 1.0 + 4 * values.std() / math.sqrt(len(values))
    assert deviate_of(1e-30, shared=1.0, tail=LEVEL) == -math.inf


def test_p_values_above_a_half_take_evidence_away():
    assert deviate_of(0.9, shared=0.0, tail=LEVEL) == pytest.approx(-deviate_of(0.1, shared=0.0, tail=LEVEL))
    assert deviate_of(0.5, shared=0.0, tail=LEVEL) == 0.0
    assert log_evidence_of(accumulated(NOTHING, -1.0)) < 0


def test_the_past_is_forgotten_where_nothing_is_left_of_it():
    after = accumulated((-5.0, -500.0, 0.0, 3.0), 1.0)
    assert after == pytest.approx((0.25 - 0.03125, 0.5 - 0.125, 0.5, 3.0))
    assert min(accumulated(NOTHING, -math.inf)) == -700.0, "a record holds finite numbers"


def test_unchanged_runs_at_the_bound_cry_at_most_once_in_one_over_level_runs():
    level, years, runs = 1 / 200, 400, 200
    draw, needed = np.random.default_rng(2), math.log(200)
    alarms = 0
    for deviates in draw.normal(size=(years, runs)).tolist():
        products = NOTHING
        for deviate in deviates:
            products = accumulated(products, deviate)
            if log_evidence_of(products) >= needed:
                alarms, products = alarms + 1, NOTHING
    assert alarms <= years * runs * level
    assert alarms >= 0.05 * years * runs * level, "the level is used"


@pytest.mark.parametrize("deviate", [0.3, 0.5, 1.0, 2.0, 3.0])
def test_runs_until_is_what_it_takes(deviate):
    predicted = runs_until(NOTHING, needed=NEEDED, deviate=deviate)
    products, runs = NOTHING, 0
    while log_evidence_of(products) < NEEDED:
        products, runs = accumulated(products, deviate), runs + 1
        if runs == 3:
            left = runs_until(products, needed=NEEDED, deviate=deviate)
            assert left == max(1, predicted - 3) or log_evidence_of(products) >= NEEDED
    assert 0.7 * predicted - 1 <= runs <= predicted


def test_a_shift_that_is_too_weak_is_never_found():
    assert runs_until(NOTHING, needed=NEEDED, deviate=0.1) is None
    assert runs_until(NOTHING, needed=NEEDED, deviate=-1.0) is None


def test_a_shift_of_half_a_standard_error_adds_up():
    draw = np.random.default_rng(3)
    needed = []
    for _ in range(40):
        products, runs = NOTHING, 0
        while log_evidence_of(products) < NEEDED:
            products, runs = accumulated(products, float(draw.normal(0.5))), runs + 1
        needed.append(runs)
    assert np.median(needed) <= 1.2 * runs_until(NOTHING, needed=NEEDED, deviate=0.5)

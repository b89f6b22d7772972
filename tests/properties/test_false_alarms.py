"""While nothing changes, nights fail as seldom as the budget says; what is said to be visible is seen.

Cells, p-values and the judge are the product's; the features and their true chances are known (unchanged.py). The same
experiment at size is include/bench/false_alarms.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from model_governance.engine.power import smallest_visible
from scipy import stats
from scipy.optimize import brentq

from counted import joined
from frozen import beside, freeze
from model_governance.contract.result import CheckResult, Metric
from model_governance.engine.cells import Table
from model_governance.engine.distances import chi_square_p, population_stability
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.intervals import clopper_pearson
from model_governance.verdict import budget_of, judge
from unchanged import fifty, zipf

TODAY = datetime(2026, 6, 1, tzinfo=UTC)
NO_BOUND = -1.0
"""A bound that every PSI is beyond: a fail then rests on evidence alone."""


def policy(bound: float = NO_BOUND, **alarms) -> Policy:
    return Policy.model_construct(
        checks={"drift": CheckSpec(kind="data_drift", thresholds=[{"metric": "psi", "less_than": bound}])}, waivers=(),
        fail_on="error", on_uncertain="warn", alarms=AlarmSpec(**alarms),
    )  # fmt: skip


def fails(effects, p_values, rules: Policy) -> bool:
    """Whether the judge fails a night with these columns."""
    metrics = tuple(
        Metric(name="psi", value=float(psi), n=1000, meaning="m", better="lower", key=str(k), p_value=float(p))
        for k, (psi, p) in enumerate(zip(effects, p_values, strict=True))
    )
    result = CheckResult(kind="data_drift", seed=1, metrics=metrics)
    return judge("drift", result, rules, moment=TODAY).outcome == "fail"


def year(seed: int, *, nights: int, rows: int = 2000, overlapping: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """PSI and p-value of fifty unchanged columns against one drawn reference, shape (columns, nights) each."""
    draw = np.random.default_rng([20260601, seed])
    found = []
    for known in fifty():
        column = freeze(known, 2000, draw)
        if overlapping:
            halves = column.draw(rows // 2, nights + 1, draw)
            counted = beside(column, halves[:-1] + halves[1:])
        else:
            counted = beside(column, column.draw(rows, nights, draw))
        found.append((counted.psi(), counted.p_values()))
    return np.array([one for one, _ in found]), np.array([one for _, one in found])


@pytest.mark.parametrize("overlapping", [False, True])
def test_false_fails_of_years_stay_within_the_budget(overlapping):
    rules, years, nights = policy(), 3, 365
    level, red = budget_of(rules).level, []
    for seed in range(years):
        effects, p_values = year(seed, nights=nights, overlapping=overlapping)
        # The judge looks at the nights that could fail under any adjustment.
        doubtful = np.flatnonzero(p_values.min(axis=0) <= level)
        red.append(sum(fails(effects[:, night], p_values[:, night], rules) for night in doubtful))
    assert max(red) <= rules.alarms.false_fails_per_year
    assert sum(red) <= stats.poisson.isf(1e-3, years * nights * level), "no more than the level explains"


def test_the_level_is_used_and_not_only_kept():
    rules = policy(false_fails_per_year=729)  # one night in ten
    assert budget_of(rules).level == pytest.approx(0.1)
    red = [
        np.mean([fails(effects[:, night], p_values[:, night], rules) for night in range(12)])
        for effects, p_values in (year(100 + seed, nights=12) for seed in range(12))
    ]
    error = np.std(red, ddof=1) / np.sqrt(len(red))
    assert np.mean(red) <= 0.1 + 3 * error
    assert np.mean(red) >= 0.03


def test_without_the_budget_most_nights_would_be_red():
    _, p_values = year(7, nights=100)
    assert (p_values.min(axis=0) <= 0.05).mean() > 0.7


def test_nights_in_one_array_are_the_engines_nights():
    draw = np.random.default_rng(3)
    column = freeze(fifty()[0], 2000, draw)
    nights = column.draw(2000, 3, draw)
    counted = beside(column, nights)
    for place in range(3):
        table = Table(reference=column.reference, current=nights[place])
        assert counted.p_values()[place] == pytest.approx(chi_square_p(table))
        assert counted.psi()[place] == pytest.approx(population_stability(table).value)


def location(shift: float) -> np.ndarray:
    return np.diff([0, *stats.norm.cdf(stats.norm.ppf(np.arange(1, 10) / 10) - shift), 1])


def scale(shift: float) -> np.ndarray:
    return np.diff([0, *stats.norm.cdf(stats.norm.ppf(np.arange(1, 10) / 10) / (1 + shift)), 1])


def label(shift: float) -> np.ndarray:
    chances = zipf(12)
    chances[2] *= 1 + shift
    return chances / chances.sum()


def missing(shift: float) -> np.ndarray:
    return np.array([0.9 - 0.1 * shift, 0.1 + 0.1 * shift])


@pytest.mark.parametrize("rows", [2000, 20_000])
@pytest.mark.parametrize("change", [location, scale, label, missing])
def test_a_shift_a_tenth_beyond_the_smallest_visible_one_is_caught_in_95_of_100_nights(change, rows):
    rules, columns, nights = policy(adjust="bonferroni"), 50, 4000
    level = budget_of(rules).level / columns
    before = change(0.0)
    visible = smallest_visible(freedom=len(before) - 1, chance=2 / rows, level=level)
    caught = _caught(before, _moved(change, 1.1 * visible), rows, nights) <= level
    assert clopper_pearson(int(caught.sum()), nights)[0] >= 0.95
    at_it = _caught(before, _moved(change, visible), rows, nights) <= level
    assert 0.93 <= at_it.mean() <= 0.97, "what is called smallest visible is neither braver nor shyer than that"


def test_the_judge_fails_a_visible_shift_among_fifty_columns():
    rules, rows, nights = policy(0.02, adjust="bonferroni"), 2000, 60
    level = budget_of(rules).level / 50
    before = location(0.0)
    after = _moved(location, 1.3 * smallest_visible(freedom=9, chance=2 / rows, level=level))
    draw = np.random.default_rng(9)
    counted = joined(draw.multinomial(rows, before, nights), draw.multinomial(rows, after, nights), in_order=True)
    quiet = [(0.0, p_value) for p_value in np.linspace(0.02, 1, 49)]
    red = sum(
        fails([one[0] for one in quiet] + [psi], [one[1] for one in quiet] + [p_value], rules)
        for psi, p_value in zip(counted.psi(), counted.p_values(), strict=True)
    )
    assert red >= 0.95 * nights


def _moved(change, psi: float) -> np.ndarray:
    """The chances after a change of this size, in population PSI over the cells."""
    before = change(0.0)

    def excess(shift: float) -> float:
        after = change(shift)
        return float(((before - after) * np.log(before / after)).sum()) - psi

    return change(brentq(excess, 1e-9, 3))


def _caught(before: np.ndarray, after: np.ndarray, rows: int, nights: int) -> np.ndarray:
    """p-values of nights after the change; each has a reference of its own, drawn before it."""
    draw = np.random.default_rng([11, rows, len(before)])
    reference, current = draw.multinomial(rows, before, nights), draw.multinomial(rows, after, nights)
    return joined(reference, current, in_order=True).p_values()

"""While nothing changes beyond its bound, runs fail as seldom as the budget says; what is said to be detectable is seen.

Cells, limits and the judge are the product's; the features and their true chances are known (unchanged.py). The same
experiment at size is include/bench/false_alarms.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from frozen import beside, freeze, psi_metric
from model_governance.contract.result import CheckResult
from model_governance.engine.cells import Table
from model_governance.engine.distances import chi_square_p, population_stability
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import budget_of, judge
from unchanged import fifty, zipf

TODAY = datetime(2026, 6, 1, tzinfo=UTC)
EVIDENCE_ALONE = 1e-6
"""A bound that any change exceeds: a fail then rests on evidence alone."""
DOUBTFUL = 1e-3
"""p-value of "nothing changed" above which no rule fails a run."""


def policy(bound: float = EVIDENCE_ALONE, **alarms) -> Policy:
    return Policy.model_construct(
        checks={"drift": CheckSpec(kind="data_drift", thresholds=[{"metric": "psi", "less_than": bound}])}, waivers=(),
        fail_on="error", on_uncertain="warn", alarms=AlarmSpec(**alarms),
    )  # fmt: skip


def judged(metrics, rules: Policy):
    result = CheckResult(kind="data_drift", seed=1, metrics=tuple(metrics))
    return judge("drift", result, rules, moment=TODAY)


def year(seed: int, *, runs: int, rows: int = 2000, overlapping: bool = False) -> tuple[list, np.ndarray]:
    """Columns with the counts of their runs, and the smallest p-value of each run, shape (runs,)."""
    draw = np.random.default_rng([20260601, seed])
    columns, p_values = [], []
    for known in fifty():
        column = freeze(known, 2000, draw)
        if overlapping:
            halves = column.draw(rows // 2, runs + 1, draw)
            counts = halves[:-1] + halves[1:]
        else:
            counts = column.draw(rows, runs, draw)
        columns.append((column, counts))
        p_values.append(beside(column, counts).p_values())
    return columns, np.array(p_values).min(axis=0)


def fails(columns: list, run: int, rules: Policy) -> bool:
    metrics = [
        psi_metric(column.reference, counts[run], key=column.known.name, ordered=column.known.family == "numbers")
        for column, counts in columns
    ]
    return judged(metrics, rules).outcome == "fail"


@pytest.mark.parametrize("overlapping", [False, True], ids=["independent", "half_of_the_run_before"])
def test_false_fails_of_years_stay_within_the_budget(overlapping):
    rules, years, runs = policy(), 2, 365
    level, red = budget_of(rules).level, []
    for seed in range(years):
        columns, smallest = year(seed, runs=runs, overlapping=overlapping)
        red.append(sum(fails(columns, run, rules) for run in np.flatnonzero(smallest <= DOUBTFUL)))
    assert max(red) <= rules.alarms.false_fails_per_year
    assert sum(red) <= stats.poisson.isf(1e-3, years * runs * level), "no more than the level explains"


def test_the_level_is_used_and_not_only_kept():
    rules = policy(false_fails_per_year=1459)  # one run in five
    red = []
    for seed in range(6):
        columns, _ = year(100 + seed, runs=8)
        red += [fails(columns, run, rules) for run in range(8)]
    assert 0.03 <= np.mean(red) <= 0.3


def test_without_the_budget_most_runs_would_be_red():
    _, smallest = year(7, runs=100)
    assert (smallest <= 0.05).mean() > 0.7


def test_a_steady_change_within_its_bound_is_never_red():
    draw, rules = np.random.default_rng(8), policy(0.1)
    reference, after = draw.multinomial(20_000, location(0.0)), _moved(location, 0.09)
    outcomes = [
        judged([psi_metric(reference, counts, key="x")], rules).outcome
        for counts in draw.multinomial(3000, after, size=200)
    ]
    assert "fail" not in outcomes
    assert "uncertain" in outcomes, "chance takes the estimate beyond the bound in some runs"


def test_runs_in_one_array_are_the_engines_runs():
    draw = np.random.default_rng(3)
    column = freeze(fifty()[0], 2000, draw)
    runs = column.draw(2000, 3, draw)
    counted = beside(column, runs)
    for place in range(3):
        table = Table(reference=column.reference, current=runs[place])
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


@pytest.mark.parametrize("bound", [EVIDENCE_ALONE, 0.02], ids=["any_change", "bound_of_002"])
@pytest.mark.parametrize("change", [location, scale, label])
def test_what_is_said_to_be_detectable_is_red_in_95_of_100_runs(change, bound):
    rows, runs, rules = 20_000, 500, policy(bound)
    draw, before = np.random.default_rng([11, len(change(0.0))]), change(0.0)
    first = judged([psi_metric(draw.multinomial(rows, before), draw.multinomial(rows, before), key="x")], rules)
    after = _moved(change, first.findings[0].detectable)
    pairs = zip(draw.multinomial(rows, before, runs), draw.multinomial(rows, after, runs), strict=True)
    red = sum(judged([psi_metric(then, now, key="x")], rules).outcome == "fail" for then, now in pairs)
    assert 0.92 * runs <= red <= 0.985 * runs


def test_a_detectable_change_is_red_among_fifty_columns():
    rules, rows, runs = policy(0.02, adjust="bonferroni"), 2000, 40
    draw, before = np.random.default_rng(9), location(0.0)
    quiet = [psi_metric(draw.multinomial(rows, before), draw.multinomial(rows, before), key=str(k)) for k in range(49)]
    detectable = judged(
        [*quiet, psi_metric(draw.multinomial(rows, before), draw.multinomial(rows, before), key="x")], rules
    )
    after = _moved(location, 1.3 * detectable.findings[-1].detectable)
    pairs = zip(draw.multinomial(rows, before, runs), draw.multinomial(rows, after, runs), strict=True)
    red = sum(judged([*quiet, psi_metric(then, now, key="x")], rules).outcome == "fail" for then, now in pairs)
    assert red >= 0.95 * runs


def _moved(change, psi: float) -> np.ndarray:
    """The chances after a change of this size, in population PSI over the cells."""
    before = change(0.0)

    def excess(shift: float) -> float:
        after = change(shift)
        return float(((before - after) * np.log(before / after)).sum()) - psi

    return change(brentq(excess, 1e-9, 3))

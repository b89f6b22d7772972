"""Simulated years in which nothing changes, judged by the product; `false_alarms.py` counts their red runs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np  # a script of its own, imported by nobody
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "plugins"), str(ROOT / "tests")]

# Found through the path above.
from counted import joined  # noqa: E402
from frozen import Column, freeze, psi_metric  # noqa: E402
from model_governance.checks.data.data_drift.category_shares import largest_factor  # noqa: E402
from model_governance.contract.result import CheckResult, Metric  # noqa: E402
from model_governance.engine.cells import LEAST_EXPECTED, Table  # noqa: E402
from model_governance.engine.dependence import (  # noqa: E402
    INDEPENDENT,
    DesignEffect,
    combined,
    design_effect,
)
from model_governance.engine.run_noise import noise_between_runs  # noqa: E402
from model_governance.policy import AlarmSpec, CheckSpec, Policy  # noqa: E402
from model_governance.stats.limits import AbsoluteDifference, ExactShare  # noqa: E402
from model_governance.stats.overdispersion import NEWEST  # noqa: E402
from model_governance.verdict import Baseline, judge  # noqa: E402
from unchanged import Known, fifty  # noqa: E402

RUNS = 365
TODAY = datetime(2026, 6, 1, tzinfo=UTC)
DOUBTFUL = 1e-3
"""p-value of "nothing changed" above which no rule fails a run: the whole budget is 0.00068 a run."""
DOUBTFUL_OF_FIFTY = 1e-4
"""The same for one of fifty columns, which alone needs 1.1e-5 and beside eight others as clear as itself 1e-4."""
RARE_SHARES = (0.01, 0.001, 0.00025)
ALARMS = AlarmSpec()
EVIDENCE_ALONE = 1e-6
"""A bound that any change exceeds: a fail then rests on evidence alone."""


def policy(metric: str, **condition: object) -> Policy:
    """One threshold, which has the whole budget for itself: the most that a threshold can spend."""
    spec = CheckSpec(kind="data_drift", thresholds=[{"metric": metric, **condition}])
    return Policy.model_construct(
        checks={"drift": spec}, waivers=(), fail_on="error", on_uncertain="warn", alarms=ALARMS
    )


def is_red(metrics: list[Metric], rules: Policy, baselines: dict[str, dict[str, Baseline]] | None = None) -> bool:
    """Whether the product fails a run with these metrics."""
    result = CheckResult(kind="data_drift", seed=1, metrics=tuple(metrics))
    return judge("drift", result, rules, moment=TODAY, baselines=baselines or {}).outcome == "fail"


def suspicious(
    reference: np.ndarray, runs: np.ndarray, *, ordered: bool = True, factor: float = 1.0, doubtful: float = DOUBTFUL
) -> np.ndarray:
    """Runs that some rule could fail, shape (runs,): by chi-square over pooled cells, or by a thin cell alone."""
    pooled = joined(reference, runs, in_order=ordered)
    freedom = np.maximum(pooled.cells - 1, 1)
    statistic = stats.chi2.isf(np.maximum(pooled.p_values(), 1e-300), freedom)
    found = (stats.chi2.sf(statistic / factor, freedom) <= doubtful) & (pooled.cells > 1)
    n, m = reference.sum(), runs.sum(axis=1, keepdims=True)
    both = reference + runs
    thin = (both * np.minimum(n, m) / (n + m) < LEAST_EXPECTED) & (runs >= 3)
    places = np.argwhere(thin)
    if len(places):
        count, total = runs[thin], both[thin]
        share = np.broadcast_to(m / (n + m), runs.shape)[thin]
        rare = stats.binom.sf(count - 1, total, share) <= doubtful
        found[places[rare, 0]] = True
    return found


def rare_flags() -> tuple[Known, ...]:
    """Fifty columns, three of them flags that hardly any row has."""
    flags = [Known(name=f"flag_{share:g}", chances=np.array([1 - share, share])) for share in RARE_SHARES]
    return (*fifty()[:47], *flags)


def drift_year(
    draw: np.random.Generator, *, reference: int, rows: int, bound: float, features: tuple[Known, ...] = ()
) -> int:
    """Red runs of a year of fifty columns of independent rows."""
    rules = policy("psi", less_than=bound)
    columns = [freeze(known, reference, draw) for known in features or fifty()]
    runs = [column.draw(rows, RUNS, draw) for column in columns]
    doubtful = np.flatnonzero(
        np.any(
            [
                suspicious(column.reference, own, ordered=column.known.family == "numbers", doubtful=DOUBTFUL_OF_FIFTY)
                for column, own in zip(columns, runs, strict=True)
            ],
            axis=0,
        )
    )
    return sum(is_red(_columns(columns, [own[run] for own in runs]), rules) for run in doubtful)


def category_share_year(
    draw: np.random.Generator, *, reference: int, rows: int, bound: float, columns: int = 50
) -> int:
    """Red runs of a year of columns that are rare flags, by the largest factor of a share."""
    rules, shares = policy("category_share_ratio", less_than=bound), np.resize(RARE_SHARES, columns)
    before, runs = draw.binomial(reference, shares), draw.binomial(rows, shares, size=(RUNS, columns))

    @cache
    def metric(column: int, flagged: int) -> tuple[Metric, float]:
        counts = np.array([[reference - before[column], before[column]], [rows - flagged, flagged]])
        found = largest_factor(Table(reference=counts[0], current=counts[1]), dependence=INDEPENDENT)
        own = Metric(
            name="category_share_ratio", value=found.value, low=found.low, high=found.high, n=rows, meaning="m",
            better="lower", key=str(column), limits=found.limits,
        )  # fmt: skip
        return own, found.limits.p_above(bound)

    red = 0
    for run in runs.tolist():
        found = [metric(column, flagged) for column, flagged in enumerate(run)]
        if min(p_value for _, p_value in found) <= DOUBTFUL:
            red += is_red([metric for metric, _ in found], rules)
    return red


def _columns(columns: list[Column], counts: list[np.ndarray]) -> list[Metric]:
    return [
        psi_metric(column.reference, own, key=column.known.name, ordered=column.known.family == "numbers")
        for column, own in zip(columns, counts, strict=True)
    ]


def steady_psi_year(draw: np.random.Generator, *, rows: int, psi: float = 0.09, bound: float = 0.1) -> int:
    """Red runs of a year in which a normal column has a steady PSI just below its bound."""
    rules, edges = policy("psi", less_than=bound), stats.norm.ppf(np.arange(1, 10) / 10)
    before = np.full(10, 0.1)
    shift = min(np.linspace(0.2, 0.6, 4001), key=lambda size: abs(_psi(before, _moved(edges, size)) - psi))
    reference, after = draw.multinomial(20_000, before), _moved(edges, float(shift))
    return sum(is_red([psi_metric(reference, run, key="x")], rules) for run in draw.multinomial(rows, after, size=RUNS))


def _moved(edges: np.ndarray, shift: float) -> np.ndarray:
    return np.diff([0.0, *stats.norm.cdf(edges - shift), 1.0])


def _psi(first: np.ndarray, second: np.ndarray) -> float:
    return float(((first - second) * np.log(first / second)).sum())


def parity_year(draw: np.random.Generator, *, rows: int = 3000, gap: float = 0.09) -> int:
    """Red runs of a year with a parity gap of .09 under a bound of .10."""
    rules, half = policy("gap", less_than=0.10), rows // 2
    counts = draw.binomial(half, [0.5 + gap / 2, 0.5 - gap / 2], size=(RUNS, 2))
    return sum(
        is_red([_limited("gap", AbsoluteDifference(first=(float(a), half), second=(float(b), half)))], rules)
        for a, b in counts
    )


def accuracy_year(draw: np.random.Generator, *, rows: int = 2000, loss: float = 0.018) -> int:
    """Red runs of a year with a true loss of .018 against the approved run where .02 is allowed."""
    rules = policy("share", min_absolute_change=-0.02, against="approved")
    approved = _limited("share", ExactShare(successes=float(draw.binomial(rows, 0.9)), n=rows), better="higher")
    base = {"approved": {"share": Baseline(value=float(approved.value or 0), limits=approved.limits)}}
    return sum(
        is_red([_limited("share", ExactShare(successes=float(hits), n=rows), better="higher")], rules, base)
        for hits in draw.binomial(rows, 0.9 - loss, size=RUNS)
    )


def _limited(name: str, limits: AbsoluteDifference | ExactShare, *, better: str = "lower") -> Metric:
    value = limits.low(0.5) if isinstance(limits, AbsoluteDifference) else limits.successes / limits.n
    if isinstance(limits, AbsoluteDifference):
        value = abs(limits.first[0] / limits.first[1] - limits.second[0] / limits.second[1])
    low, high = limits.interval()
    return Metric(
        name=name, value=value, low=min(low, value), high=max(high, value), n=1000, meaning="m",
        better="higher" if better == "higher" else "lower", limits=limits,
    )  # fmt: skip


def clustered_year(
    draw: np.random.Generator, *, effect: float, with_entity: bool, rows: int = 2000, reference: int = 20_000
) -> int:
    """Red runs of a year of ten columns whose rows come five to a customer, as alike as the design effect says."""
    rules = policy("psi", less_than=EVIDENCE_ALONE)
    frozen = [_clusters(draw, reference, effect) for _ in range(10)]
    known = [(np.bincount(codes, minlength=10), _effect(codes, with_entity=with_entity)) for codes in frozen]
    runs = [[_clusters(draw, rows, effect) for _ in range(RUNS)] for _ in range(10)]
    factor = 0.8 * effect if with_entity else 1.0
    doubtful = np.any(
        [
            suspicious(counts, np.array([np.bincount(codes, minlength=10) for codes in own]), factor=factor)
            for (counts, _), own in zip(known, runs, strict=True)
        ],
        axis=0,
    )
    red = 0
    for run in np.flatnonzero(doubtful):
        metrics = []
        for place, (counts, own) in enumerate(known):
            codes = runs[place][run]
            effect_now = _effect(codes, with_entity=with_entity)
            dependence = combined(own, effect_now, rows=(reference, rows), noise=DesignEffect())
            current = np.bincount(codes, minlength=10)
            metrics.append(psi_metric(counts, current, key=str(place), dependence=dependence))
        red += is_red(metrics, rules)
    return red


def _clusters(draw: np.random.Generator, rows: int, effect: float) -> np.ndarray:
    """Cell of each row, five rows to a customer: all of them are equal with the chance (effect - 1) / 4."""
    groups = rows // 5
    own, shared = draw.integers(0, 10, (groups, 5)), draw.integers(0, 10, (groups, 1))
    equal = draw.random((groups, 1)) < (effect - 1) / 4
    return np.where(equal, shared, own).ravel()


def _effect(codes: np.ndarray, *, with_entity: bool) -> DesignEffect:
    return design_effect(codes, np.repeat(np.arange(len(codes) // 5), 5)) if with_entity else DesignEffect()


def day_effects_year(
    draw: np.random.Generator, *, taught: int, size: float = 0.05, memory: float = 0.5, rows: int = 2000
) -> int:
    """Red runs of a year of ten columns with autoregressive effects of the day on the mean, after `taught` runs that teach the
    noise and the newest, which do not.
    """
    rules, edges = policy("psi", less_than=EVIDENCE_ALONE), stats.norm.ppf(np.arange(1, 10) / 10)
    before = taught + NEWEST
    reference = [draw.multinomial(20_000, np.full(10, 0.1)) for _ in range(10)]
    runs = []
    for _ in range(10):
        days = _autoregressive(draw, before + RUNS, size, memory)
        runs.append(np.array([draw.multinomial(rows, _moved(edges, day)) for day in days]))
    doubtful = np.any([suspicious(counts, own[before:]) for counts, own in zip(reference, runs, strict=True)], axis=0)
    red = 0
    for run in np.flatnonzero(doubtful):
        metrics, noise = [], [DesignEffect()] * 10
        if taught:
            noise = noise_between_runs([own[run : run + taught] for own in runs], in_order=[True] * 10)
        for place in range(10):
            dependence = combined(DesignEffect(), DesignEffect(), rows=(20_000, rows), noise=noise[place])
            metrics.append(
                psi_metric(reference[place], runs[place][before + run], key=str(place), dependence=dependence)
            )
        # A bound above 0, and the stretch of a large change, only raise this p-value.
        if min(stats.chi2.sf(metric.limits.statistic, metric.limits.freedom) for metric in metrics) <= DOUBTFUL:
            red += is_red(metrics, rules)
    return red


def _autoregressive(draw: np.random.Generator, days: int, size: float, memory: float) -> np.ndarray:
    values, before = [], draw.normal(0, size)
    for shock in draw.normal(0, size * np.sqrt(1 - memory**2), days):
        before = memory * before + shock
        values.append(before)
    return np.array(values)


def weekly_year(draw: np.random.Generator, *, seasonal: bool, rows: int = 2000) -> int:
    """Red runs of a year in which every weekday has a level of its own, against a fixed or a weekday reference."""
    rules, edges = policy("psi", less_than=0.02), stats.norm.ppf(np.arange(1, 10) / 10)
    levels = 0.3 * np.sin(2 * np.pi * np.arange(7) / 7)
    days = [draw.multinomial(rows, _moved(edges, levels[day % 7])) for day in range(RUNS + 49)]
    fixed = np.sum([draw.multinomial(20_000 // 7, _moved(edges, level)) for level in levels], axis=0)
    red = 0
    for day in range(49, RUNS + 49):
        reference = np.sum(days[day - 49 : day : 7], axis=0) if seasonal else fixed
        red += is_red([psi_metric(reference, days[day], key="x")], rules)
    return red

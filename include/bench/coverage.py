"""How often a 95% interval holds the truth: simulates every kind of metric and writes include/bench/COVERAGE.md.

    python include/bench/coverage.py [repetitions]

Each case draws fresh samples from a law whose truth is known, in closed form or from millions of draws, and counts
how often the interval that a check would report holds it. One core, about five minutes at 2,000 repetitions.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit
from scipy.stats import norm

from model_governance.checks.model_quality.binary import estimate_binary
from model_governance.checks.model_quality.calibration import calibration_error, into_bins
from model_governance.checks.model_quality.cells import Coded, cuts
from model_governance.checks.model_quality.classification import Outcomes, log_losses
from model_governance.checks.model_quality.discrimination import (
    auc_interval,
    average_precision,
    average_precision_interval,
)
from model_governance.checks.model_quality.moments import Moments
from model_governance.checks.model_quality.multiclass import f1_macro
from model_governance.checks.model_quality.paired import paired_classes, paired_errors, paired_share
from model_governance.checks.model_quality.params import QualityParams, Search
from model_governance.checks.model_quality.ranking import over_groups, score_groups
from model_governance.checks.model_quality.regression import estimate_regression
from model_governance.checks.model_quality.search import gap_interval, search_cuts
from model_governance.checks.model_quality.uncertainty import resampled_counts

PAGE = Path(__file__).with_name("COVERAGE.md")
REPETITIONS = 2000
LARGE = 2_000_000
PARAMS = QualityParams()
Interval = tuple[float, float] | None
Draw = np.random.Generator

EXACT = "conservative: exact at any n"
BOUND = "conservative: a bound, the estimate itself is biased upwards"
SPREAD = "conservative: exact limits of each class added in squares"


@dataclass(frozen=True)
class Case:
    """One metric under one law at one sample size; a trial returns the interval and, where it moves, its truth."""

    metric: str
    method: str
    law: str
    n: int
    truth: float
    trial: Callable[[Draw], tuple[Interval, float]]
    remark: str = ""


def fixed(truth: float, trial: Callable[[Draw], Interval]) -> Callable[[Draw], tuple[Interval, float]]:
    return lambda draw: (trial(draw), truth)


def binary_rows(draw: Draw, n: int, prevalence: float = 0.3, gap: float = 1.2) -> Outcomes:
    """Scores of two normals as calibrated probabilities; both classes occur."""
    truth = (draw.random(n) < prevalence).astype(int)
    truth[:2] = (0, 1)
    evidence = draw.normal(size=n) + gap * truth
    score = expit(gap * evidence - gap**2 / 2 + math.log(prevalence / (1 - prevalence)))
    return Outcomes(
        classes=(0, 1), truth=truth, predicted=(score >= 0.5).astype(int),
        probabilities=np.column_stack([1 - score, score]),
    )  # fmt: skip


def counted_cases(draw: Draw) -> Iterator[Case]:
    """Metrics of the confusion matrix and of the probabilities, as `estimate_binary` reports them."""
    methods = {
        "accuracy": ("Clopper-Pearson", EXACT),
        "recall": ("Clopper-Pearson", EXACT),
        "f1": ("Clopper-Pearson of the Jaccard share", EXACT),
        "balanced_accuracy": ("Clopper-Pearson, Zou-Donner", SPREAD),
    }
    large = {one.name: one.value for one in estimate_binary(binary_rows(draw, LARGE), 1, params=PARAMS, seed=1)}
    for n in (100, 1000):
        for name, (method, remark) in methods.items():
            yield Case(name, method, "two normals", n, large[name], fixed(large[name], _counted(name, n)), remark)


def _counted(name: str, n: int) -> Callable[[Draw], Interval]:
    def trial(draw: Draw) -> Interval:
        outcomes = binary_rows(draw, n)
        bare = Outcomes(classes=(0, 1), truth=outcomes.truth, predicted=outcomes.predicted, probabilities=None)
        return next(one.interval for one in estimate_binary(bare, 1, params=PARAMS, seed=1) if one.name == name)

    return trial


def scored_cases(draw: Draw) -> Iterator[Case]:
    """ROC AUC, average precision, log loss, Brier score."""
    from model_governance.checks.model_quality.uncertainty import mean_interval

    for prevalence, gap, sizes in ((0.3, 1.2, (100, 1000)), (0.05, 2.0, (400, 4000))):
        large = binary_rows(draw, LARGE, prevalence, gap)
        score, hit = large.probabilities[:, 1], large.truth == 1
        kinds = {
            "roc_auc": ("DeLong, logit", float(norm.cdf(gap / math.sqrt(2))),
                        lambda s, y: auc_interval(s[:, None], y, np.array([True]))),
            "average_precision": ("influence, logit", average_precision(score, hit), average_precision_interval),
            "log_loss": ("t on the log scale", float(log_losses(large.probabilities, large.truth).mean()),
                         lambda s, y: mean_interval(log_losses(np.column_stack([1 - s, s]), y.astype(int)), scale="log")),
            "brier_score": ("t on the log scale", float(np.mean((score - hit) ** 2)),
                            lambda s, y: mean_interval((s - y) ** 2, scale="log")),
        }  # fmt: skip
        for n in sizes:
            for name, (method, truth, interval) in kinds.items():
                yield Case(name, method, f"{prevalence:.0%} positive", n, truth,
                           fixed(truth, _scored(interval, n, prevalence, gap)))  # fmt: skip


def _scored(interval: Callable, n: int, prevalence: float, gap: float) -> Callable[[Draw], Interval]:
    def trial(draw: Draw) -> Interval:
        outcomes = binary_rows(draw, n, prevalence, gap)
        return interval(outcomes.probabilities[:, 1], outcomes.truth == 1)

    return trial


def calibration_cases() -> Iterator[Case]:
    """Every probability is too high by a constant, which is therefore the calibration error."""
    for shift in (0.0, 0.1):
        for n in (500, 2000):

            def trial(draw: Draw, n: int = n, shift: float = shift) -> Interval:
                probability = draw.uniform(0.2, 0.8, n)
                hit = draw.random(n) < probability - shift
                bins = into_bins(probability, hit, count=10)
                return calibration_error(bins, seed=int(draw.integers(1 << 31)), resamples=200).interval

            yield Case("calibration_error", "bootstrap of the bins' gaps", f"off by {shift:g}", n, shift,
                       fixed(shift, trial), BOUND)  # fmt: skip


def macro_cases(draw: Draw) -> Iterator[Case]:
    """F1 over three classes, of which one is small."""
    cells = np.array([[0.50, 0.06, 0.02], [0.06, 0.22, 0.02], [0.03, 0.02, 0.07]])
    truth = f1_macro(cells)
    for n in (200, 2000):

        def trial(draw: Draw, n: int = n) -> Interval:
            counts = draw.multinomial(n, cells.ravel()).reshape(3, 3)
            return resampled_counts(f1_macro, counts, seed=int(draw.integers(1 << 31)), resamples=200)

        yield Case("f1_macro", "bootstrap of the cells, percentiles", "three classes", n, truth, fixed(truth, trial))


def regression_cases(draw: Draw) -> Iterator[Case]:
    """Errors of a normal law and of a heavier one, at a slope that explains most of the variance."""
    methods = {
        "mae": "t on the log scale", "rmse": "root of t on the log scale", "bias": "Student's t",
        "median_absolute_error": "order statistics", "r2": "influence, log of 1 - R2",
    }  # fmt: skip
    for law, noise in (("normal", lambda d, n: d.normal(size=n)), ("Laplace", lambda d, n: d.laplace(size=n))):

        def rows(draw: Draw, n: int, noise: Callable = noise) -> tuple[np.ndarray, np.ndarray]:
            says = draw.normal(0, 2, n)
            return says + noise(draw, n), says

        large = {one.name: one.value for one in estimate_regression(*rows(draw, LARGE))} | {"bias": 0.0}
        for n in (50, 500):
            for name, method in methods.items():

                def trial(draw: Draw, name: str = name, n: int = n, rows: Callable = rows) -> Interval:
                    return next(one.interval for one in estimate_regression(*rows(draw, n)) if one.name == name)

                remark = EXACT if name.startswith("median") else ""
                yield Case(name, method, law, n, large[name], fixed(large[name], trial), remark)


def ranking_cases(draw: Draw) -> Iterator[Case]:
    """Groups of twelve items, a population of them drawn once; its mean is the truth."""
    groups, size = 100_000, 12
    relevance = draw.choice([0.0, 1, 2], groups * size, p=[0.7, 0.2, 0.1])
    score = relevance + draw.normal(0, 1.5, groups * size)
    found = score_groups(np.repeat(np.arange(groups), size), score, relevance, k=10)
    for name, values in (("ndcg", found.ndcg), ("mean_average_precision", found.average_precision)):
        truth = float(values.mean())
        for n in (30, 300):

            def trial(draw: Draw, name: str = name, n: int = n, values: np.ndarray = values) -> Interval:
                return over_groups(name, draw.choice(values, n)).interval

            yield Case(name, "t over groups, logit", "groups of 12", n, truth, fixed(truth, trial))


def paired_cases(draw: Draw) -> Iterator[Case]:
    """A better model and a champion on the same rows."""
    methods = {
        "accuracy_gain": "Tango's score", "recall_gain": "Tango's score", "balanced_accuracy_gain": "Tango, Zou-Donner",
        "f1_gain": "influence, t", "roc_auc_gain": "DeLong, paired", "log_loss_gain": "paired t",
        "brier_score_gain": "paired t",
    }  # fmt: skip
    large = {one.name: one.value for one in paired_classes(*two_models(draw, LARGE), positive=1)}
    for n in (100, 1000):
        for name, method in methods.items():

            def trial(draw: Draw, name: str = name, n: int = n) -> Interval:
                model, champion = two_models(draw, n)
                return next(one.interval for one in paired_classes(model, champion, positive=1) if one.name == name)

            yield Case(name, method, "two models", n, large[name], fixed(large[name], trial))
    errors = {one.name: one.value for one in paired_errors(*two_errors(draw, LARGE))}
    for n in (50, 500):
        for name in ("mae_gain", "rmse_gain"):

            def of_errors(draw: Draw, name: str = name, n: int = n) -> Interval:
                return next(one.interval for one in paired_errors(*two_errors(draw, n)) if one.name == name)

            method = "paired t" if name == "mae_gain" else "influence, t"
            yield Case(name, method, "shared noise", n, errors[name], fixed(errors[name], of_errors))
    for n, better, worse in ((60, 0.02, 0.0), (400, 0.01, 0.01)):

        def rare(draw: Draw, n: int = n, better: float = better, worse: float = worse) -> Interval:
            kind = draw.choice(3, n, p=[better, worse, 1 - better - worse])
            return paired_share("accuracy_gain", kind != 1, kind != 0).interval

        yield Case("accuracy_gain", "Tango's score", "models that hardly differ", n, better - worse,
                   fixed(better - worse, rare), "conservative: hardly a row differs, the count is discrete")  # fmt: skip


def two_models(draw: Draw, n: int) -> tuple[Outcomes, Outcomes]:
    truth = (draw.random(n) < 0.35).astype(int)
    truth[:4] = (0, 1, 0, 1)
    shared, found = draw.normal(size=n), []
    for skill in (1.5, 1.2):
        score = expit(skill * (2 * truth - 1) + shared + 0.6 * draw.normal(size=n))
        found.append(
            Outcomes(
                classes=(0, 1), truth=truth, predicted=(score > 0.5).astype(int),
                probabilities=np.column_stack([1 - score, score]),
            )
        )  # fmt: skip
    return found[0], found[1]


def two_errors(draw: Draw, n: int) -> tuple[np.ndarray, np.ndarray]:
    hard = draw.normal(0, 2, n)
    return hard + draw.normal(0, 0.5, n), 1.1 * hard + draw.normal(0, 0.5, n)


def forecast_cases() -> Iterator[Case]:
    """Errors that follow one another with correlation rho; intervals know blocks of moments."""
    for rho in (0.0, 0.5, 0.8):
        spread = 1 / math.sqrt(1 - rho**2)
        mase, inside = spread * math.sqrt(2 / math.pi), float(2 * norm.cdf(1.2815515655) - 1)
        for n in (60, 200, 1000):
            length = max(1, min(math.ceil(2.5 * n ** (1 / 3)), n // 3))
            moments = Moments(number=np.arange(n), length=length)
            low = "low: the blocks are short for such dependence; set block_length" if rho == 0.8 else ""

            def sizes(draw: Draw, rho: float = rho, moments: Moments = moments) -> Interval:
                return moments.mean("mase", np.abs(following(draw, len(moments.number), rho)), scale="log").interval

            def covered(draw: Draw, rho: float = rho, moments: Moments = moments, spread: float = spread) -> Interval:
                within = np.abs(following(draw, len(moments.number), rho)) < 1.2815515655 * spread
                return moments.mean("interval_coverage", within.astype(float), scale="logit").interval

            yield Case("mase", "blocks, t on the log scale", f"rho {rho:g}", n, mase, fixed(mase, sizes), low)
            yield Case("interval_coverage", "blocks, t on the logit scale", f"rho {rho:g}", n, inside,
                       fixed(inside, covered), low)  # fmt: skip


def following(draw: Draw, n: int, rho: float) -> np.ndarray:
    return lfilter([1.0], [1.0, -rho], draw.normal(size=n + 100))[100:]


def slice_cases() -> Iterator[Case]:
    """The gap of the slice that the search names, on the half that did not name it; the truth is that slice's own."""
    widths = (4, 3, 5)
    for law, weak in (("one weak slice", 0.15), ("none weak", 0.0)):
        for n in (2000, 8000):
            yield Case("worst_slice_gap", "held-out half, Zou-Donner on the logit scale", law, n, math.nan,
                       lambda draw, n=n, weak=weak: searched(draw, n, weak, widths))  # fmt: skip


def searched(draw: Draw, n: int, weak: float, widths: tuple[int, ...]) -> tuple[Interval, float]:
    codes = [draw.integers(0, width, n) for width in widths]
    columns = {
        str(at): Coded(name=str(at), codes=one, words=tuple(f"{at}={value}" for value in range(width)))
        for at, (one, width) in enumerate(zip(codes, widths, strict=True))
    }
    losses = (draw.random(n) < 0.15 + weak * ((codes[0] == 0) & (codes[1] == 1))).astype(float)
    seed = int(draw.integers(1 << 31))
    found = search_cuts(list(cuts(columns, depth=2)), losses, search=Search(minimum_rows=50), seed=seed)
    worst = found.nominees[0]
    return gap_interval(worst, classes=True), true_gap(worst.words, weak, widths)


def true_gap(words: str, weak: float, widths: tuple[int, ...]) -> float:
    """Expected loss inside minus outside, counted over all cells of the three columns, which are equally likely."""
    conditions = [tuple(map(int, one.split("="))) for one in words.split(" and ")]
    inside, outside = [], []
    for cell in np.ndindex(*widths):
        loss = 0.15 + weak * (cell[0] == 0 and cell[1] == 1)
        (inside if all(cell[at] == value for at, value in conditions) else outside).append(loss)
    return float(np.mean(inside) - np.mean(outside))


def cases(draw: Draw) -> Iterator[Case]:
    """Every case, in the order of the page."""
    yield from counted_cases(draw)
    yield from scored_cases(draw)
    yield from calibration_cases()
    yield from macro_cases(draw)
    yield from regression_cases(draw)
    yield from ranking_cases(draw)
    yield from paired_cases(draw)
    yield from forecast_cases()
    yield from slice_cases()


def simulate(case: Case, repetitions: int, seed: int) -> tuple[float, float, float]:
    """Coverage, mean width, and share of samples without an interval (which count as missing it)."""
    draw = np.random.default_rng(seed)
    held, widths = 0, []
    for _ in range(repetitions):
        interval, truth = case.trial(draw)
        if interval is not None:
            held += interval[0] <= truth <= interval[1]
            widths.append(interval[1] - interval[0])
    return held / repetitions, float(np.mean(widths)), 1 - len(widths) / repetitions


def judge(case: Case, coverage: float) -> str:
    if 0.93 <= coverage <= 0.97:
        return "as promised"
    if case.remark and (coverage > 0.97) == case.remark.startswith("conservative"):
        return case.remark
    return "conservative" if coverage > 0.97 else "LOW"


def main(repetitions: int) -> None:
    began = time.process_time()
    lines = []
    for seed, case in enumerate(cases(np.random.default_rng(20261124))):
        coverage, width, none = simulate(case, repetitions, seed)
        truth = "of the slice named" if math.isnan(case.truth) else f"{case.truth:.4g}"
        words = judge(case, coverage) + (f"; no interval in {none:.1%}" if none else "")
        lines.append(
            f"| {case.metric} | {case.method} | {case.law} | {case.n:,} | {truth} | {coverage:.1%} | {width:.3g} "
            f"| {words} |"
        )
        print(lines[-1], flush=True)
    head = [
        "# How often the 95% intervals hold the truth",
        "",
        f"{repetitions:,} samples per line, {time.process_time() - began:.0f} CPU seconds in all; the simulation's own "
        f"error is about {2 * math.sqrt(0.95 * 0.05 / repetitions):.1%}. \"As promised\" is 93% to 97%. `n` counts rows, "
        "groups (ranking) or moments (forecasts). Written by `python include/bench/coverage.py`.",
        "",
        "| metric | interval | law | n | truth | held by | mean width | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    PAGE.write_text("\n".join([*head, *lines]) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS)

"""How often a 95% interval holds the truth: simulates every kind of metric and writes include/bench/COVERAGE.md.

    python include/bench/coverage.py        (--samples 200 for a look)

Each law draws fresh samples whose truth is known, in closed form or from millions of draws, and counts how often the
intervals that a check would report hold it.
"""

from __future__ import annotations

import argparse
import math
import os
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from coverage_clusters import cluster_laws
from coverage_law import (
    BAND,
    BOUND,
    DISCRETE,
    EDGE,
    EXACT,
    FEW_POSITIVES,
    FEW_ROWS,
    HEAVY,
    SHORT,
    SQUARES,
    UNRELIABLE,
    Law,
    intervals,
    judge,
    simulate,
    values,
)
from kept import Kept, slug
from scipy.signal import lfilter
from scipy.special import expit
from scipy.stats import norm

from model_governance.checks.quality.fairness.disparity import Shares, range_of_shares
from model_governance.checks.quality.model_quality.binary import estimate_binary
from model_governance.checks.quality.model_quality.calibration import bin_probabilities, calibration_error
from model_governance.checks.quality.model_quality.classification import (
    Outcomes,
    accuracy_over_classes,
    log_loss,
    loss_of_rare_class,
)
from model_governance.checks.quality.model_quality.discrimination import average_precision_interval, roc_auc
from model_governance.checks.quality.model_quality.moments import Moments
from model_governance.checks.quality.model_quality.multiclass import f1_macro
from model_governance.checks.quality.model_quality.paired import paired_classes, paired_errors, paired_share
from model_governance.checks.quality.model_quality.params import QualityParams, Search
from model_governance.checks.quality.model_quality.partitions import CodedColumn, partitions
from model_governance.checks.quality.model_quality.ranking import over_groups, score_groups
from model_governance.checks.quality.model_quality.regression import estimate_regression
from model_governance.checks.quality.model_quality.search import gap_interval, search_partitions
from model_governance.checks.quality.model_quality.uncertainty import (
    f1_interval,
    resampled_counts,
)
from model_governance.engine import distances
from model_governance.engine.cells import Table
from model_governance.stats.intervals import block_length, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coverage_law import Intervals

    from model_governance.contract.result import Estimate

PAGE = Path(__file__).with_name("COVERAGE.md")
REPETITIONS = 2000
LARGE = 2_000_000
PARAMS = QualityParams(resamples=100)
# Mean square and mean of the errors, from theory.
HEAVY_TAILED = {"t(3) errors": (3.0, 0.0), "t(2.5) errors": (5.0, 0.0), "lognormal errors": (math.e**2, math.e**0.5)}


def binary_laws(draw: np.random.Generator) -> Iterator[Law]:
    """Calibrated scores of two normals: everything a binary classifier reports."""
    methods = {
        "accuracy": "Clopper-Pearson", "recall": "Clopper-Pearson", "precision": "Clopper-Pearson",
        "f1": "Clopper-Pearson of the Jaccard share", "balanced_accuracy": "Clopper-Pearson, Zou-Donner",
        "roc_auc": "DeLong, logit; Newcombe below 200 rows of a class", "average_precision": "influence, logit",
        "log_loss": "Hall", "brier_score": "Hall",
    }  # fmt: skip
    exact = {"accuracy": EXACT, "recall": EXACT, "precision": EXACT, "f1": EXACT, "balanced_accuracy": SQUARES}
    for prevalence, gap, sizes in ((0.3, 1.2, (100, 1000)), (0.05, 2.0, (400, 4000)), (0.01, 2.0, (200, 2000))):
        truths = values(estimate_binary(two_normals(draw, LARGE, prevalence, gap), 1, params=PARAMS, seed=1))
        for n in sizes:

            def sample(draw: np.random.Generator, n: int = n, share: float = prevalence, gap: float = gap) -> Intervals:
                return of_binary(two_normals(draw, n, share, gap))

            rare = (
                dict.fromkeys(("roc_auc", "log_loss", "average_precision", "brier_score"), FEW_POSITIVES)
                if n * prevalence < 50
                else {}
            )
            # With hardly a positive row the model predicts none, and there is no precision.
            asked = {name: method for name, method in methods.items() if name != "precision" or n * prevalence > 5}
            yield Law(f"{prevalence:.0%} positive", n, asked, truths, sample, exact | rare)


def of_binary(outcomes: Outcomes) -> Intervals:
    """The intervals of `estimate_binary`, by the functions that it calls, without the points around them."""
    confusion = outcomes.confusion()
    (tn, fp), (fn, tp) = confusion.tolist()
    score, hit = outcomes.probabilities[:, 1], outcomes.truth == 1
    return {
        "accuracy": clopper_pearson(tp + tn, outcomes.n),
        "recall": clopper_pearson(tp, tp + fn),
        "precision": clopper_pearson(tp, tp + fp) if tp + fp else None,
        "f1": f1_interval(tp, fp + fn),
        "balanced_accuracy": accuracy_over_classes("balanced_accuracy", confusion).interval,
        "roc_auc": roc_auc(score, hit).interval,
        "average_precision": average_precision_interval(score, hit),
        "log_loss": log_loss(outcomes).interval,
        "brier_score": loss_of_rare_class(
            "brier_score", (score - hit) ** 2, fewest=min(fn + tp, tn + fp), largest=1.0
        ).interval,
    }


def two_normals(draw: np.random.Generator, n: int, prevalence: float, gap: float) -> Outcomes:
    truth = (draw.random(n) < prevalence).astype(int)
    truth[:2] = (0, 1)
    evidence = draw.normal(size=n) + gap * truth
    score = expit(gap * evidence - gap**2 / 2 + math.log(prevalence / (1 - prevalence)))
    return scored(truth, score)


def scored(truth: np.ndarray, score: np.ndarray) -> Outcomes:
    chances = np.column_stack([1 - score, score])
    return Outcomes(classes=(0, 1), truth=truth, predicted=(score >= 0.5).astype(int), probabilities=chances)


def calibration_laws() -> Iterator[Law]:
    """Every probability is too high by a constant, which is therefore the calibration error."""
    for shift in (0.0, 0.1):
        for n in (500, 2000, 50_000):

            def sample(draw: np.random.Generator, n: int = n, shift: float = shift) -> Intervals:
                probability = draw.uniform(0.2, 0.8, n)
                bins = bin_probabilities(probability, draw.random(n) < probability - shift, count=10)
                return intervals([calibration_error(bins, seed=int(draw.integers(1 << 31)), resamples=100)])

            name = "calibration_error"
            yield Law(
                f"off by {shift:g}", n, {name: "gaps of the bins, resampled"}, {name: shift}, sample, {name: BOUND}
            )


def macro_laws() -> Iterator[Law]:
    """F1 over three classes, of which one is small."""
    cells = np.array([[0.50, 0.06, 0.02], [0.06, 0.22, 0.02], [0.03, 0.02, 0.07]])
    for n in (200, 2000):

        def sample(draw: np.random.Generator, n: int = n) -> Intervals:
            counts = draw.multinomial(n, cells.ravel()).reshape(3, 3)
            return {"f1_macro": resampled_counts(f1_macro, counts, seed=int(draw.integers(1 << 31)), resamples=200)}

        remarks = {"f1_macro": FEW_ROWS} if n == 200 else {}
        yield Law("three classes", n, {"f1_macro": "resampled counts"}, {"f1_macro": f1_macro(cells)}, sample, remarks)


def regression_laws(draw: np.random.Generator) -> Iterator[Law]:
    """Normal and heavier errors around a prediction that explains most of the variance."""
    methods = {
        "mae": "Hall", "rmse": "root of Hall's", "bias": "Student's t", "median_absolute_error": "order statistics",
        "r2": "influence, log of 1 - R2",
    }  # fmt: skip
    noises = {
        "normal errors": lambda draw, n: draw.normal(size=n),
        "Laplace errors": lambda draw, n: draw.laplace(size=n),
        "t(3) errors": lambda draw, n: draw.standard_t(3, n),
        "t(2.5) errors": lambda draw, n: draw.standard_t(2.5, n),
        "lognormal errors": lambda draw, n: np.exp(draw.normal(size=n)),
    }
    for name, noise in noises.items():

        def rows(draw: np.random.Generator, n: int, noise: Callable = noise) -> list[Estimate]:
            says = draw.normal(0, 2, n)
            return list(estimate_regression(says + noise(draw, n), says, seed=1))

        tailed = name in HEAVY_TAILED
        truths = values(rows(draw, LARGE)) | {"bias": 0.0}
        if tailed:
            # Millions of rows have not seen the tail, so the mean square is taken from theory.
            square, mean = HEAVY_TAILED[name]
            truths |= {"rmse": math.sqrt(square), "bias": -mean, "r2": 1 - square / (4 + square - mean**2)}
        heavy = dict.fromkeys(("rmse", "r2"), UNRELIABLE if tailed else HEAVY)
        for n in (200, 2000, 20_000) if tailed else (50, 200, 1000):

            def sample(draw: np.random.Generator, n: int = n, rows: Callable = rows) -> Intervals:
                return intervals(rows(draw, n))

            small = heavy if n == 50 or tailed else {}
            if tailed:
                small = {"mae": HEAVY, **small}
            yield Law(name, n, methods, truths, sample, {"median_absolute_error": EXACT, **small})


def ranking_laws(draw: np.random.Generator) -> Iterator[Law]:
    """Groups of twelve items out of a population drawn once; its means are the truth."""
    groups, size = 100_000, 12
    relevance = draw.choice([0.0, 1, 2], groups * size, p=[0.7, 0.2, 0.1])
    score = relevance + draw.normal(0, 1.5, groups * size)
    found = score_groups(np.repeat(np.arange(groups), size), score, relevance, top_k=10)
    kinds = {"ndcg": found.ndcg, "mean_average_precision": found.average_precision, "mrr": found.reciprocal_rank}
    truths = {name: float(one.mean()) for name, one in kinds.items()}
    for n in (30, 300):

        def sample(draw: np.random.Generator, n: int = n) -> Intervals:
            chosen = draw.integers(0, len(found.ndcg), n)
            return intervals(over_groups(name, one[chosen], undefined="") for name, one in kinds.items())

        yield Law("groups of 12", n, dict.fromkeys(kinds, "t over groups, logit"), truths, sample)


def paired_laws(draw: np.random.Generator) -> Iterator[Law]:
    """A better model and a champion on the same rows."""
    methods = {
        "accuracy_gain": "Tango's score", "recall_gain": "Tango's score", "balanced_accuracy_gain": "Tango, Zou-Donner",
        "f1_gain": "influence, t", "roc_auc_gain": "DeLong, paired", "log_loss_gain": "paired t",
        "brier_score_gain": "paired t",
    }  # fmt: skip
    truths = values(paired_classes(*two_models(draw, LARGE), seed=1, positive=1))
    for n in (100, 1000):
        yield Law(
            "two models", n, methods, truths,
            lambda draw, n=n: intervals(paired_classes(*two_models(draw, n), seed=1, positive=1)),
            {"balanced_accuracy_gain": SQUARES} | ({"roc_auc_gain": FEW_ROWS} if n == 100 else {}),
        )  # fmt: skip
    errors = values(paired_errors(*two_errors(draw, LARGE), seed=1))
    for n in (50, 500):
        yield Law(
            "shared noise", n, {"mae_gain": "paired t", "rmse_gain": "influence, t"}, errors,
            lambda draw, n=n: intervals(paired_errors(*two_errors(draw, n), seed=1)), {"rmse_gain": HEAVY},
        )  # fmt: skip
    for n, better, worse in ((60, 0.02, 0.0), (400, 0.01, 0.01)):

        def rare(draw: np.random.Generator, n: int = n, better: float = better, worse: float = worse) -> Intervals:
            kind = draw.choice(3, n, p=[better, worse, 1 - better - worse])
            return intervals([paired_share("accuracy_gain", kind != 1, kind != 0)])

        name = "accuracy_gain"
        yield Law("hardly a row differs", n, {name: methods[name]}, {name: better - worse}, rare, {name: DISCRETE})


def two_models(draw: np.random.Generator, n: int) -> tuple[Outcomes, Outcomes]:
    truth = (draw.random(n) < 0.35).astype(int)
    truth[:4] = (0, 1, 0, 1)
    shared = draw.normal(size=n)
    model, champion = (
        scored(truth, expit(skill * (2 * truth - 1) + shared + 0.6 * draw.normal(size=n))) for skill in (1.5, 1.2)
    )
    return model, champion


def two_errors(draw: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    hard = draw.normal(0, 2, n)
    return hard + draw.normal(0, 0.5, n), 1.1 * hard + draw.normal(0, 0.5, n)


def forecast_laws() -> Iterator[Law]:
    """Errors that follow one another with correlation rho; the forecast interval promises 80%."""
    methods = {"mase": "blocks of moments, log", "bias": "blocks of moments", "interval_coverage": "blocks, logit"}
    for rho in (0.0, 0.5, 0.8):
        spread = 1 / math.sqrt(1 - rho**2)
        reach = float(norm.ppf(0.9)) * spread
        truths = {"mase": spread * math.sqrt(2 / math.pi), "bias": 0.0, "interval_coverage": 0.8}
        for n in (60, 200, 1000):
            moments = Moments(number=np.arange(n), length=block_length(n))

            def sample(
                draw: np.random.Generator,
                n: int = n,
                rho: float = rho,
                reach: float = reach,
                moments: Moments = moments,
            ) -> Intervals:
                error = lfilter([1.0], [1.0, -rho], draw.normal(size=n + 100))[100:]
                inside = (np.abs(error) < reach).astype(float)
                return intervals(
                    [
                        moments.mean("mase", np.abs(error), scale="log"),
                        moments.mean("bias", error),
                        moments.mean("interval_coverage", inside, scale="logit"),
                    ]
                )

            few = dict.fromkeys(methods, "few blocks make t wide, therefore conservative" if rho < 0.8 else SHORT)
            yield Law(f"rho {rho:g}", n, methods, truths, sample, few if n < 1000 or rho == 0.8 else {})


def search_laws() -> Iterator[Law]:
    """The slice that the search names, on the half of the rows that did not name it, against that slice's own gap."""
    widths = (4, 3, 5)
    for name, weak in (("one weak slice", 0.15), ("none weak", 0.0)):
        for n in (2000, 8000):

            def sample(draw: np.random.Generator, n: int = n, weak: float = weak) -> Intervals:
                return {"worst_slice_gap": gap_less_its_truth(draw, n, weak, widths)}

            methods = {"worst_slice_gap": "held-out half, logit, Zou-Donner"}
            yield Law(name, n, methods, {"worst_slice_gap": 0.0}, sample)


def gap_less_its_truth(
    draw: np.random.Generator, n: int, weak: float, widths: tuple[int, ...]
) -> tuple[float, float] | None:
    codes = [draw.integers(0, width, n) for width in widths]
    columns = {
        str(at): CodedColumn(name=str(at), codes=column, names=tuple(f"{at}={value}" for value in range(width)))
        for at, (column, width) in enumerate(zip(codes, widths, strict=True))
    }
    losses = (draw.random(n) < 0.15 + weak * ((codes[0] == 0) & (codes[1] == 1))).astype(float)
    search = Search(minimum_rows=50)
    found = search_partitions(
        list(partitions(columns, depth=2)), losses, search=search, seed=int(draw.integers(1 << 31))
    )
    if found is None:
        return None
    nominee = found.nominees[0]
    interval, truth = gap_interval(nominee, classes=True), true_gap(nominee.name, weak, widths)
    return interval and (interval[0] - truth, interval[1] - truth)


def true_gap(name: str, weak: float, widths: tuple[int, ...]) -> float:
    """Expected loss inside minus outside, counted over all cells of the columns, which are equally likely."""
    conditions = [tuple(map(int, condition.split("="))) for condition in name.split(" and ")]
    inside, outside = [], []
    for cell in np.ndindex(*widths):
        loss = 0.15 + weak * (cell[0] == 0 and cell[1] == 1)
        (inside if all(cell[at] == value for at, value in conditions) else outside).append(loss)
    return float(np.mean(inside) - np.mean(outside))


def distance_laws() -> Iterator[Law]:
    """Two samples over ten cells, of the same shares and of shares that moved."""
    methods = {
        "psi": "noncentral chi-square", "jensen_shannon": "noncentral chi-square", "total_variation": "inversion",
        "kolmogorov_smirnov": "inversion, on the cells", "missing_share_change": "Newcombe",
    }  # fmt: skip
    before = np.full(10, 0.1)
    for name, now in (("same shares", before), ("moved shares", np.linspace(0.6, 1.4, 10) / 10)):
        half = (before + now) / 2
        divergence = float((before * np.log(before / half) + now * np.log(now / half)).sum() / 2)
        truths = {
            "psi": float(((before - now) * np.log(before / now)).sum()),
            "jensen_shannon": math.sqrt(max(divergence, 0.0)),
            "total_variation": float(np.abs(before - now).sum() / 2),
            "kolmogorov_smirnov": float(np.abs(np.cumsum(before - now)).max()),
            "missing_share_change": float(now[0] - before[0]),
        }

        def sample(draw: np.random.Generator, now: np.ndarray = now) -> Intervals:
            table = Table(reference=draw.multinomial(2000, before), current=draw.multinomial(1000, now))
            seed = int(draw.integers(1 << 31))
            first, second = ((int(one[0]), int(one.sum())) for one in (table.reference, table.current))
            found = {
                "psi": distances.population_stability(table),
                "jensen_shannon": distances.jensen_shannon(table),
                "total_variation": distances.total_variation(table, seed=seed),
                "kolmogorov_smirnov": distances.kolmogorov_smirnov(table, seed=seed),
                "missing_share_change": distances.difference_of_shares(first, second),
            }
            return {name: (one.low, one.high) for name, one in found.items()}

        # With a truth of 0, at the edge of the range, only the upper side can be missed.
        remarks = dict.fromkeys(methods, EDGE) if name == "same shares" else {"total_variation": FEW_ROWS}
        yield Law(name, 1000, methods, truths, sample, remarks)


def fairness_laws() -> Iterator[Law]:
    """The largest difference of a share between groups."""
    for name, shares in (("2 groups", (0.5, 0.6)), ("4 groups", (0.4, 0.5, 0.5, 0.6)), ("4 equal groups", (0.5,) * 4)):
        for n in (100, 1000):

            def sample(draw: np.random.Generator, n: int = n, shares: tuple[float, ...] = shares) -> Intervals:
                rows = np.full(len(shares), n)
                seen = Shares(successes=draw.binomial(rows, shares), rows=rows)
                limits = range_of_shares(seen, seed=int(draw.integers(1 << 31)), resamples=500)
                return {"selection_gap": limits.interval()}

            method = "Newcombe" if len(shares) == 2 else "inverted simulation"
            truths = {"selection_gap": max(shares) - min(shares)}
            yield Law(name, n, {"selection_gap": method}, truths, sample, {"selection_gap": EDGE})


def laws(draw: np.random.Generator) -> Iterator[Law]:
    """Every law, in the order of the page."""
    yield from binary_laws(draw)
    yield from calibration_laws()
    yield from macro_laws()
    yield from regression_laws(draw)
    yield from ranking_laws(draw)
    yield from paired_laws(draw)
    yield from forecast_laws()
    yield from search_laws()
    yield from distance_laws()
    yield from fairness_laws()
    yield from cluster_laws(draw, large=LARGE)


LAWS: list[Law] = []
"""All laws, for the processes that `main` forks: what draws their samples cannot be sent to another process."""


def measured(kept: Kept, repetitions: int, place: int) -> list[str]:
    """The lines of one law; those that are kept where a run broke off."""
    law = LAWS[place]
    count = max(1, repetitions // law.fewer)
    lines = []
    name = slug(f"{place:02} {law.name} {law.n} rows {count} samples")
    for metric, held, width, none in kept.once(name, partial(simulate, law, count, place)):
        words = judge(held, law.remarks.get(metric, ""), samples=count) + (
            f"; none in {none:.1%} of samples" if none else ""
        )
        truth = "of the slice named" if metric == "worst_slice_gap" else f"{law.truths[metric]:.4g}"
        lines.append(
            f"| {metric} | {law.methods[metric]} | {law.name} | {law.n:,} | {truth} | {held:.1%} | {width:.3g} | "
            f"{count:,} | {words} |"
        )
    return lines


def main() -> None:
    """Simulate, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=REPETITIONS, help="of each law; costly laws have fewer")
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench-coverage"), help="keeps what was simulated")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    LAWS.extend(laws(np.random.default_rng(20261124)))
    measure = partial(measured, Kept(options.folder), options.samples)
    with get_context("fork").Pool(options.workers) as pool:
        lines = [line for own in pool.map(measure, range(len(LAWS)), chunksize=1) for line in own]
    error = 2 * math.sqrt(0.95 * 0.05 / options.samples)
    about = (
        f'{options.samples:,} samples a line err by about {error:.1%}; "as promised" is {BAND[0]:.0%} to {BAND[1]:.0%}. `n` '
        "counts rows, groups of a ranking or moments of a forecast. Written by `python include/bench/coverage.py`."
    )
    head = [
        "| metric | interval | law | n | truth | held by | mean width | samples | verdict |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    PAGE.write_text("\n".join(["# How often the 95% intervals hold the truth", "", about, "", *head, *lines]) + "\n")


if __name__ == "__main__":
    main()

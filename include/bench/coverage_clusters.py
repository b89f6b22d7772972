"""Laws of the coverage table whose rows belong to customers: half of every deviate is the customer's own."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from coverage_law import DIRECTION, EXACT, SQUARES, UNEVEN, Law, values
from scipy.special import expit
from scipy.stats import norm

from model_governance.checks import find
from model_governance.checks.quality.model_quality.binary import estimate_binary
from model_governance.checks.quality.model_quality.classification import Outcomes
from model_governance.checks.quality.model_quality.params import QualityParams
from model_governance.checks.quality.model_quality.regression import estimate_regression
from model_governance.contract.repetition import repeated
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject
from model_governance.engine import distances
from model_governance.engine.cells import Table
from model_governance.engine.dependence import DesignEffect, combined, design_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coverage_law import Intervals

    Sizes = Callable[[np.random.Generator], np.ndarray]

SLOPE, GAP = 2.0, 0.1
FEWER = 10
"""Laws that measure whole checks draw so many times fewer samples."""
PARAMS = QualityParams(resamples=100)
CUSTOMERS: dict[str, tuple[int, Sizes]] = {
    "200 customers of 5": (1_000, lambda draw: np.full(200, 5)),
    "50 customers of 20": (1_000, lambda draw: np.full(50, 20)),
    "200 customers of 1 to 20": (1_400, lambda draw: draw.choice([1, 2, 5, 20], 200)),
    "2,000 customers of 5": (10_000, lambda draw: np.full(2_000, 5)),
}


def cluster_laws(draw: np.random.Generator, *, large: int) -> Iterator[Law]:
    """Quality, fairness and distances of rows that share an entity; truths without a closed form come from `large` rows."""
    yield from _checks(draw, large)
    yield from _distances()


def alike(draw: np.random.Generator, customer: np.ndarray) -> np.ndarray:
    """Standard normal deviates (n,) that correlate by 0.5 within a customer."""
    own = draw.normal(size=int(customer.max()) + 1)
    return math.sqrt(0.5) * own[customer] + math.sqrt(0.5) * draw.normal(size=len(customer))


def binary_rows(draw: np.random.Generator, customer: np.ndarray) -> pd.DataFrame:
    """Inputs and labels; a customer is of one of two groups, which are selected with 50% and 60%."""
    group = draw.integers(0, 2, int(customer.max()) + 1)[customer]
    x = alike(draw, customer) + group * norm.ppf(0.5 + GAP)
    label = norm.cdf(alike(draw, customer)) < expit(SLOPE * x)
    return pd.DataFrame({"x": x, "group": group, "label": label.astype(int), "customer": customer})


def regression_rows(draw: np.random.Generator, customer: np.ndarray) -> pd.DataFrame:
    """Inputs, which are the answers too, and targets."""
    x = 2 * alike(draw, customer)
    return pd.DataFrame({"x": x, "label": x + alike(draw, customer), "customer": customer})


def _checks(draw: np.random.Generator, large: int) -> Iterator[Law]:
    """What whole checks report; the truth is that of customers with one row each."""
    rows = binary_rows(draw, np.arange(large))
    chance, truth = expit(SLOPE * rows["x"].to_numpy()), rows["label"].to_numpy()
    outcomes = Outcomes(
        classes=(0, 1), truth=truth, predicted=(chance > 0.5).astype(int), probabilities=np.column_stack([1 - chance, chance])
    )  # fmt: skip
    binary = values(estimate_binary(outcomes, 1, params=PARAMS, seed=1))
    errors = regression_rows(draw, np.arange(large))
    regression = values(estimate_regression(errors["label"].to_numpy(), errors["x"].to_numpy(), seed=1))
    shares = {"demographic_parity_difference": GAP, "selection_rate_ratio": 0.5 / (0.5 + GAP)}
    asked = (
        ("binary_classification", "model_quality", binary, binary_rows,
         ("accuracy", "recall", "precision", "f1", "balanced_accuracy", "roc_auc", "average_precision", "log_loss",
          "brier_score")),
        ("regression", "model_quality", regression, regression_rows, ("mae", "rmse", "bias", "median_absolute_error", "r2")),
        ("binary_classification", "fairness", shares, binary_rows, tuple(shares)),
    )  # fmt: skip
    for task, kind, truths, make, names in asked:
        for described, (n, sizes) in CUSTOMERS.items():
            yield Law(
                described, n, dict.fromkeys(names, "that of independent rows, design effect"), truths,
                partial(_measured, task=task, kind=kind, make=make, sizes=sizes), _remarks(described, names), fewer=FEWER,
            )  # fmt: skip


def _remarks(described: str, names: tuple[str, ...]) -> dict[str, str]:
    if described == "200 customers of 1 to 20":
        return dict.fromkeys(names, UNEVEN)
    return dict.fromkeys(names, EXACT) | {"balanced_accuracy": SQUARES}


def _measured(
    draw: np.random.Generator, *, task: str, kind: str, make: Callable[..., pd.DataFrame], sizes: Sizes
) -> Intervals:
    counts = sizes(draw)
    subject = _subject(make(draw, np.repeat(np.arange(len(counts)), counts)), task)
    check = find(kind)
    params = PARAMS if kind == "model_quality" else check.params.model_validate({"groups": ["group"]})
    with repeated():
        found = check.measure(subject, params, int(draw.integers(1 << 31))).metrics
    return {metric.name: None if metric.low is None else (metric.low, metric.high) for metric in found}


def _subject(rows: pd.DataFrame, task: str) -> Subject:
    """Rows with the model whose probabilities are the true ones."""
    regression = task == "regression"
    columns = Columns(features={"x": Feature(kind="numeric")}, target="label", entity="customer",
                      positive=None if regression else 1)  # fmt: skip
    model = Model(
        name="known", format="none", sha256="0" * 64, task=task, native=None, classes=() if regression else (0, 1),
        call=(lambda rows: rows["x"].to_numpy()) if regression else (lambda rows: (rows["x"] > 0).astype(int)),
        call_proba=None if regression else lambda rows: expit(SLOPE * np.outer(rows["x"], [-1.0, 1.0])),
    )  # fmt: skip
    datasets = {"current": Dataset("current", "current", "drawn", rows)}
    return Subject(name="bench", task=task, columns=columns, model=model, datasets=datasets)


def _distances() -> Iterator[Law]:
    """Shares of ten cells whose edges are known, in a reference of 400 customers and runs of fewer."""
    edges, shift = norm.ppf(np.arange(1, 10) / 10), 0.3
    before = np.full(10, 0.1)
    now = np.diff(norm.cdf(np.array([-np.inf, *edges, np.inf]) - shift))
    half = (before + now) / 2
    truths = {
        "psi": float(((before - now) * np.log(before / now)).sum()),
        "jensen_shannon": math.sqrt(float((before * np.log(before / half) + now * np.log(now / half)).sum() / 2)),
        "total_variation": float(np.abs(before - now).sum() / 2),
        "kolmogorov_smirnov": float(np.abs(np.cumsum(before - now)).max()),
    }
    methods = {
        "psi": "noncentral chi-square, design effect", "jensen_shannon": "noncentral chi-square, design effect",
        "total_variation": "inversion, design effect", "kolmogorov_smirnov": "inversion, on the cells, design effect",
    }  # fmt: skip
    for described, (n, sizes) in CUSTOMERS.items():
        remarks = dict.fromkeys(methods, DIRECTION)

        def sample(draw: np.random.Generator, sizes: Sizes = sizes) -> Intervals:
            old, first = _cells(draw, np.repeat(np.arange(400), 5), edges)
            counts = sizes(draw)
            new, second = _cells(draw, np.repeat(np.arange(len(counts)), counts), edges - shift)
            table = Table(reference=np.bincount(old, minlength=10), current=np.bincount(new, minlength=10))
            dependence = combined(first, second, rows=(len(old), len(new)), noise=DesignEffect())
            seed = int(draw.integers(1 << 31))
            found = {
                "psi": distances.population_stability(table, dependence=dependence),
                "jensen_shannon": distances.jensen_shannon(table, dependence=dependence),
                "total_variation": distances.total_variation(table, seed=seed, dependence=dependence),
                "kolmogorov_smirnov": distances.kolmogorov_smirnov(table, seed=seed, dependence=dependence),
            }
            return {name: (one.low, one.high) for name, one in found.items()}

        yield Law(described, n, methods, truths, sample, remarks)


def _cells(draw: np.random.Generator, customer: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, DesignEffect]:
    codes = np.searchsorted(edges, alike(draw, customer), side="right")
    return codes, design_effect(codes, customer)

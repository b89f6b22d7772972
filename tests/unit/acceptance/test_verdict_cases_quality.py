"""Verdicts on quality and fairness that hold in real life: the budget, one threshold for all, honest intervals.

A case that asks for many runs uses independent groupings of the same rows, or the estimators that the check calls.
"""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import expit
from scipy.stats import binom, norm

import project
import synthetic
from drift_cases import numbers_only
from fairness_cases import measure, subject_of
from model_governance.checks.quality.model_quality.binary import estimate_binary
from model_governance.checks.quality.model_quality.classification import Outcomes
from model_governance.checks.quality.model_quality.discrimination import roc_auc
from model_governance.checks.quality.model_quality.error_growth import with_error_growth
from model_governance.checks.quality.model_quality.metrics import METRICS
from model_governance.checks.quality.model_quality.params import QualityParams
from model_governance.checks.quality.model_quality.regression import estimate_regression
from model_governance.contract.repetition import repeated
from model_governance.contract.result import Metric, declared
from verdict_cases import verdict

PARITY = {"metric": "demographic_parity_difference", "less_than": 0.10}


# V2, V30: two groups


def two_groups(draw: np.random.Generator, difference: float, *, runs: int, rows: int = 3000):
    """The result for that many groupings of the same answers; each has two groups with selection rates this far apart.

    Half of the rows are selected, and a selected one is in the first group with the chance (1 + difference) / 2.
    """
    says = np.arange(rows) % 2
    first = draw.random((runs, rows)) < np.where(says == 1, 1 + difference, 1 - difference) / 2
    groupings = {f"run{place}": np.where(row, "a", "b") for place, row in enumerate(first)}
    with repeated():
        return measure(subject_of(pd.DataFrame({"says": says, "label": 0, **groupings})), *groupings)


def parity_alone(result) -> Counter:
    """How often each outcome comes when every grouping is the only one of its run."""
    alone = [metric for metric in result.metrics if metric.name == PARITY["metric"]]
    return Counter(verdict([metric], PARITY).outcome for metric in alone)


def test_a_steady_difference_of_two_groups_within_the_bound_is_red_at_most_once():
    """V2: selection rates .545 and .455 under a bound of .10, sixty runs of 3,000 rows."""
    found = parity_alone(two_groups(np.random.default_rng(1), 0.09, runs=60))
    assert found["fail"] <= 1
    assert found["error"] == 0
    assert sum(found.values()) == 60


def test_the_stated_detectable_difference_of_two_groups_is_red_in_95_of_100_runs():
    """V30, of a difference between two groups."""
    draw, runs = np.random.default_rng(2), 60
    metric = two_groups(draw, 0.0, runs=1).metric(PARITY["metric"], key="run0")
    (finding,) = verdict([metric], PARITY).findings
    assert 0.1 < finding.detectable < 0.25
    red = parity_alone(two_groups(draw, finding.detectable, runs=runs))["fail"]
    assert red >= binom.isf(0.999, runs, 0.95)


# V15


ASKED = {
    "quality": {
        "kind": "model_quality",
        "thresholds": [{"metric": "predicted_positive_share", "between": [0.001, 0.999]}],
    },
    "fairness": {
        "kind": "fairness",
        "params": {"groups": ["channel"]},
        "thresholds": [{"metric": "selection_rate_ratio", "geq_to": 0.1}],
    },
    "drift": {
        "kind": "data_drift",
        "params": {"joint": False},
        "thresholds": [{"metric": "flagged_share", "between": [0.001, 0.999]}],
    },
}


@pytest.fixture
def cautious(tmp_path):
    """A project whose model never gives a probability of one half; its owner uses it from 0.1 on."""
    small = project.small_project(tmp_path, checks=ASKED)
    native = synthetic.pipeline(synthetic.rows(seed=1))
    native[-1].coef_ *= 0.25
    native[-1].intercept_ = native[-1].intercept_ * 0.25 - 2.5
    small.write_model(skops.io.dumps(native))
    scores = native.predict_proba(synthetic.rows(seed=3)[list(synthetic.COLUMNS.names)])[:, 1]
    assert scores.max() < 0.5
    assert (scores >= 0.1).any()
    return small, scores


def metrics_of(small, name: str) -> dict:
    """The outcome of the check, and its metrics by name and key."""
    with numbers_only(), repeated():
        record = json.loads(small.store.get(small.check(name).record.key))
    found = {(metric["name"], metric["key"]): metric["value"] for metric in record["result"]["metrics"]}
    return {"outcome": record["verdict"]["outcome"], **found}


def test_no_positive_prediction_is_no_error(cautious):
    """V15, without a decision threshold: nobody is selected, so there is no ratio to judge."""
    small, _ = cautious
    assert metrics_of(small, "fairness")["outcome"] == "uncertain"
    assert metrics_of(small, "quality")["predicted_positive_share", None] == 0


def test_one_decision_threshold_holds_for_every_check(cautious):
    """V15: the policy says 0.1 once, and quality, fairness and drift count the same rows as positive."""
    small, scores = cautious
    small.change(model=small.raw["model"] | {"decision_threshold": 0.1})
    share, channel = (scores >= 0.1).mean(), synthetic.rows(seed=3)["channel"]
    rates = [(scores[channel == name] >= 0.1).mean() for name in ("branch", "web")]
    fairness = metrics_of(small, "fairness")
    assert fairness["outcome"] != "error"
    assert fairness["selection_rate_ratio", "channel"] == pytest.approx(min(rates) / max(rates))
    assert metrics_of(small, "quality")["predicted_positive_share", None] == pytest.approx(share)
    assert metrics_of(small, "drift")["flagged_share", None] == pytest.approx(share)


# V22, V23: intervals that hold

ERRORS = {
    "t of 3": (lambda draw, n: draw.standard_t(3, n), 3.0, 0.0),
    "t of 2.5": (lambda draw, n: draw.standard_t(2.5, n), 5.0, 0.0),
    "lognormal": (lambda draw, n: np.exp(draw.normal(size=n)), math.e**2, math.e**0.5),
}
"""Errors with their mean square and mean, from theory: samples have not seen the tail."""


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize(("rows", "samples"), [(200, 150), (2_000, 60), (20_000, 25)])
def test_an_interval_under_a_heavy_tail_holds_the_truth_or_says_that_it_is_unreliable(errors, rows, samples):
    """V22: in at least 92 of 100 samples."""
    noise, square, mean = ERRORS[errors]
    truths = {"rmse": math.sqrt(square), "r2": 1 - square / (4 + square - mean**2)}
    draw, misleading = np.random.default_rng(3), Counter()
    for _ in range(samples):
        says = draw.normal(0, 2, rows)
        for estimate in estimate_regression(says + noise(draw, rows), says, seed=1):
            if estimate.name in truths and "interval unreliable" not in estimate.detail:
                low, high = estimate.interval
                misleading[estimate.name] += not low <= truths[estimate.name] <= high
    assert max(misleading.values(), default=0) <= 0.08 * samples


GAP, POSITIVES = 2.0, 0.01


def rare_positives(draw: np.random.Generator, rows: int) -> Outcomes:
    """Calibrated scores of two normals, 1% of the rows positive; at least one is."""
    positive = draw.random(rows) < POSITIVES
    positive[0] |= not positive.any()
    log_odds = GAP * (draw.normal(size=rows) + GAP * positive) - GAP**2 / 2 + math.log(POSITIVES / (1 - POSITIVES))
    score = expit(log_odds)
    return Outcomes(
        classes=(0, 1), truth=positive.astype(int), predicted=(score >= 0.5).astype(int),
        probabilities=np.column_stack([1 - score, score]),
    )  # fmt: skip


def true_average_precision() -> float:
    """Precision averaged over the scores of the positives, by a fine grid."""
    grid = np.linspace(-8, 12, 20_001)
    hits, others = POSITIVES * norm.sf(grid - GAP), (1 - POSITIVES) * norm.sf(grid)
    weights = norm.pdf(grid - GAP)
    return float((hits / (hits + others) * weights).sum() / weights.sum())


@pytest.mark.parametrize(
    ("name", "rows", "truth", "widest"),
    [("roc_auc", 200, norm.cdf(GAP / math.sqrt(2)), 0.75), ("average_precision", 2_000, true_average_precision(), 0.5)],
    ids=["roc_auc", "average_precision"],
)
def test_an_interval_of_few_positives_holds_the_truth(name, rows, truth, widest):
    """V23: 1% positives, in 92 to 98 of 100 samples."""
    draw, samples, widths, held = np.random.default_rng(4), 120, [], 0
    for _ in range(samples):
        found = estimate_binary(rare_positives(draw, rows), 1, params=QualityParams(resamples=100), seed=1)
        low, high = next(estimate.interval for estimate in found if estimate.name == name)
        held += low <= truth <= high
        widths.append(high - low)
    assert binom.isf(0.99, samples, 0.92) <= held
    assert np.mean(widths) < widest, "an interval that says nothing would always hold the truth"


# V30, of numbers whose error changes with their value


def error_metric(draw: np.random.Generator, name: str, scale: float, rows: int = 2000) -> Metric:
    """A metric of answers with normal errors of this standard deviation, around inputs of standard deviation 2."""
    says = draw.normal(0, 2, rows)
    found = estimate_regression(says + draw.normal(0, scale, rows), says, seed=1)
    return next(declared(METRICS, with_error_growth(one)) for one in found if one.name == name)


def area_metric(draw: np.random.Generator, distance: float, rows: int = 2000) -> Metric:
    """The ROC AUC of two normal scores this far apart, half of the rows of each."""
    truth = np.arange(rows) % 2
    estimate = roc_auc(draw.normal(size=rows) + distance * truth, truth == 1)
    return declared(METRICS, with_error_growth(estimate))


@pytest.mark.parametrize(
    ("metric", "threshold", "scale_of"),
    [
        ("rmse", {"leq_to": 1.15}, lambda value: value),
        ("mae", {"leq_to": 0.95}, lambda value: value * math.sqrt(math.pi / 2)),
        ("r2", {"geq_to": 0.75}, lambda value: math.sqrt(4 / value - 4)),
    ],
    ids=["rmse", "mae", "r2"],
)
def test_the_stated_detectable_error_is_red_in_95_of_100_runs(metric, threshold, scale_of):
    """V30, where the error of the number grows with it."""
    draw, runs, demand = np.random.default_rng(3), 200, {"metric": metric, **threshold}
    stated = np.median([verdict([error_metric(draw, metric, 1.0)], demand).findings[0].detectable for _ in range(9)])
    red = sum(verdict([error_metric(draw, metric, scale_of(stated))], demand).outcome == "fail" for _ in range(runs))
    assert binom.isf(0.999, runs, 0.93) <= red <= binom.isf(0.001, runs, 0.98)


def test_the_stated_detectable_area_is_red_in_95_of_100_runs():
    """V30, of the area under the ROC curve, far from its present value."""
    draw, runs, demand = np.random.default_rng(4), 200, {"metric": "roc_auc", "geq_to": 0.8}
    stated = np.median([verdict([area_metric(draw, 1.8)], demand).findings[0].detectable for _ in range(9)])
    distance = math.sqrt(2) * float(norm.ppf(stated))
    red = sum(verdict([area_metric(draw, distance)], demand).outcome == "fail" for _ in range(runs))
    assert binom.isf(0.999, runs, 0.93) <= red <= binom.isf(0.001, runs, 0.98)

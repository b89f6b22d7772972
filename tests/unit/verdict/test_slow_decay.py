"""A loss of 0.3 points a run is red as soon as the finding says that one run would show it, and weak runs add up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model_governance.contract.result import CheckResult, Metric
from model_governance.verdict import Baseline, baselines_of
from verdict_cases import share, verdict

ROWS, APPROVED, LOSS = 2000, 0.92, 0.003
DEMAND = {"metric": "accuracy", "min_absolute_change": -0.02, "against": "approved"}


def accuracy(hits: float) -> Metric:
    return share(hits, ROWS, name="accuracy", better="higher")


def approved(hits: float) -> dict[str, dict[str, Baseline]]:
    return {"approved": baselines_of(CheckResult(kind="data_drift", seed=1, metrics=(accuracy(hits),)))}


def runs_until_red(draw: np.random.Generator) -> tuple[int, int]:
    """How many runs a decay takes to be red, and how many the first finding predicts."""
    base = approved(draw.binomial(ROWS, APPROVED))
    first = verdict([accuracy(draw.binomial(ROWS, APPROVED))], DEMAND, baselines=base).findings[0]
    predicted = math.ceil((APPROVED - first.detectable) / LOSS)
    for run in range(1, 60):
        judged = verdict([accuracy(draw.binomial(ROWS, APPROVED - LOSS * run))], DEMAND, baselines=base)
        if judged.outcome == "fail":
            return run, predicted
    return 60, predicted


def test_a_slow_decay_is_red_within_the_runs_that_the_finding_predicts():
    draw = np.random.default_rng(20)
    years = [runs_until_red(draw) for _ in range(60)]
    assert all(predicted < 30 for _, predicted in years)
    assert sum(red <= predicted for red, predicted in years) >= 0.9 * len(years)


def test_a_decay_is_never_red_before_the_loss_is_beyond_the_bound():
    draw = np.random.default_rng(21)
    assert min(runs_until_red(draw)[0] for _ in range(60)) > 0.02 / LOSS


@pytest.mark.parametrize(("hits", "fails"), [(1778, True), (1800, False)], ids=["weak", "at_the_bound"])
def test_runs_that_are_each_not_sure_enough_fail_together(hits, fails):
    """Twenty runs against a bound of 0.9: .889 is some 1.6 standard errors below it in each, .9 meets it."""
    demand, earlier = {"metric": "accuracy", "geq_to": 0.9}, []
    for _ in range(20):
        earlier.insert(0, verdict([accuracy(hits)], demand, earlier=earlier))
    findings = [judged.findings[0] for judged in reversed(earlier)]
    assert findings[0].outcome == "uncertain", "one such run alone proves nothing"
    failed = [finding.sentence for finding in findings if finding.outcome == "fail"]
    assert bool(failed) is fails
    assert all("accumulated evidence" in sentence for sentence in failed)

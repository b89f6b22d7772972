"""The category whose share changed by the largest factor: rare ones that triple or vanish, and those that stay."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from drift_cases import measure, numbers_only
from joint_cases import unpredicted
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.category_shares import MOST_CATEGORIES, largest_factor
from model_governance.checks.data.data_drift.metrics import METRICS
from model_governance.contract.result import Estimate, Metric, declared
from model_governance.contract.subject import Columns, Feature
from model_governance.engine.cells import Table
from model_governance.engine.dependence import INDEPENDENT, Dependence, DesignEffect
from model_governance.policy import Threshold
from verdict_cases import verdict

BOUND = 1.5
RULE = Threshold(metric="category_share_ratio", less_than=BOUND)
FLAGS = (0.01, 0.001, 0.00025)
COLUMNS = 50


def table(reference, current) -> Table:
    return Table(reference=np.asarray(reference), current=np.asarray(current))


@cache
def flag_metric(column: int, before: int, n: int, now: int, m: int) -> Metric:
    """The metric of a column with a flag, which so many rows have."""
    distance = largest_factor(table([n - before, before], [m - now, now]), dependence=INDEPENDENT)
    return declared(METRICS, estimate(str(column), distance, m))


def estimate(key, distance, n) -> Estimate:
    return Estimate(
        name="category_share_ratio",
        value=distance.value,
        n=n,
        limits=distance.limits,
        key=key,
        p_value=distance.p_value,
    )


def flag_metrics(before, n, now, m) -> list[Metric]:
    """The metrics of columns with a flag each."""
    return [flag_metric(place, int(a), n, int(b), m) for place, (a, b) in enumerate(zip(before, now, strict=True))]


def outcomes(metrics, rule=RULE) -> list[str]:
    return [finding.outcome for finding in verdict(metrics, rule).findings]


def test_unchanged_rare_flags_of_few_rows_are_never_red_in_a_thousand_runs():
    draw, n, m, runs = np.random.default_rng(7), 20_000, 500, 1000
    shares = np.resize(FLAGS, COLUMNS)
    before, now = draw.binomial(n, shares), draw.binomial(m, shares, size=(runs, COLUMNS))
    metrics = [flag_metrics(before, n, own, m) for own in now]
    assert sum("fail" in outcomes(own) for own in metrics if _may_be_red(own, BOUND)) == 0


@pytest.mark.parametrize(("n", "m"), [(20_000, 500), (2_000, 20_000), (20_000, 20_000)])
def test_evidence_alone_keeps_the_budget(n, m):
    """Also where a run holds none of a flag of 1%: then all rows are of the other category, which is no evidence."""
    draw, runs, rule = np.random.default_rng(8), 400, Threshold(metric="category_share_ratio", less_than=1.0)
    shares = np.resize(FLAGS, COLUMNS)
    before, now = draw.binomial(n, shares), draw.binomial(m, shares, size=(runs, COLUMNS))
    metrics = [flag_metrics(before, n, own, m) for own in now]
    assert sum("fail" in outcomes(own, rule) for own in metrics if _may_be_red(own, 1.0)) <= 2


def _may_be_red(metrics, bound) -> bool:
    """Whether one column's own evidence could make the run red, so that its verdict is asked for."""
    return min(_p_value(metric.limits, bound) for metric in metrics) < 0.01


@cache
def _p_value(limits, bound) -> float:
    return limits.p_above(bound)


@pytest.mark.parametrize(("share", "reference"), [(0.01, 20_000), (0.001, 100_000), (0.001, 1_000_000)])
def test_a_tripled_flag_is_red_in_the_run_that_its_share_gives(share, reference):
    """At its expected counts; how often drawn counts are, the guide on data says."""
    before, now = round(share * reference), round(3 * share * 20_000)
    assert outcomes(flag_metrics([before], reference, [now], 20_000)) == ["fail"]


def test_counts_too_few_to_tell_are_uncertain():
    assert outcomes(flag_metrics([5], 20_000, [15], 20_000)) == ["uncertain"]
    assert outcomes(flag_metrics([250], 1_000_000, [15], 20_000)) == ["uncertain"]
    assert outcomes(flag_metrics([250], 1_000_000, [30], 20_000)) == ["fail"]


def test_a_flag_that_vanishes_is_red_and_a_common_one_that_stays_passes():
    assert outcomes(flag_metrics([200], 20_000, [0], 20_000)) == ["fail"]
    assert outcomes(flag_metrics([6_000], 20_000, [6_050], 20_000)) == ["pass"]


def test_dependent_rows_widen_the_limits_by_the_one_share_that_may_hold_it_all():
    counts = table([19_000, 800, 200], [18_800, 800, 400])
    alone = largest_factor(counts, dependence=INDEPENDENT)
    even = largest_factor(counts, dependence=Dependence.of(DesignEffect(mean=2.0)))
    uneven = largest_factor(counts, dependence=Dependence.of(DesignEffect(mean=2.0, largest=4.0)))
    assert alone.value == even.value == uneven.value
    assert uneven.limits.low(0.001) < even.limits.low(0.001) < alone.limits.low(0.001)


def test_the_most_frequent_categories_of_both_datasets_are_compared():
    reference = np.arange(200, 0, -1)
    current = reference.copy()
    current[-1] = 500
    limits = largest_factor(table(reference, current), dependence=INDEPENDENT).limits
    assert len(limits.counts) == MOST_CATEGORIES
    assert (1.0, 500.0) in limits.counts


@pytest.fixture
def _undrawn():
    with numbers_only():
        yield


@pytest.mark.usefixtures("_undrawn")
def test_the_check_names_the_category_and_keeps_its_other_answers():
    draw = np.random.default_rng(3)

    def rows(count, flagged):
        flag = np.zeros(count, dtype=bool)
        flag[:flagged] = True
        return pd.DataFrame({
            "x": draw.normal(size=count), "flag": flag, "town": np.resize(["a", "b", "c"], count)
        })  # fmt: skip

    frames = {"reference": rows(20_000, 200), "current": rows(20_000, 600)}
    features = {"x": Feature(kind="numeric"), "flag": Feature(kind="boolean"), "town": Feature(kind="category")}
    subject = unpredicted(frames, Columns(features=features))
    result = measure(subject, joint=False)
    flag, town = (result.metric("category_share_ratio", key=name) for name in ("flag", "town"))
    assert flag.value == pytest.approx(3)
    assert "600 of 20,000 rows, 200 of 20,000 in the reference" in flag.detail
    assert town.value == pytest.approx(1, abs=0.001)
    assert result.metric("psi", key="flag").value < 0.03
    suggested = CHECK.suggest(subject.frame("reference"), subject.columns).thresholds
    # 200 rows of the rarest category: chance alone is a factor of 1.49 at most.
    assert {"metric": "category_share_ratio", "less_than": BOUND, "severity": "error"} in suggested
    few = subject.frame("reference")[:2_000]
    suggested = CHECK.suggest(few.assign(flag=np.arange(2_000) < 20), subject.columns).thresholds
    assert {"metric": "category_share_ratio", "less_than": 5.0, "severity": "error"} in suggested


def test_labels_too_few_to_be_evidence_do_not_hide_what_the_others_show():
    """A column with a label of three rows would else stay uncertain in every run."""
    rule = Threshold(metric="category_share_ratio", less_than=BOUND)
    counts = table([9_000, 10_997, 3], [9_010, 10_988, 2])
    metric = declared(METRICS, estimate("town", largest_factor(counts, dependence=INDEPENDENT), 20_000))
    assert outcomes([metric], rule) == ["pass"]
    # Ten rows of 500 are evidence where the reference of 20,000 has five.
    counts = table([19_995, 5], [490, 10])
    metric = declared(METRICS, estimate("town", largest_factor(counts, dependence=INDEPENDENT), 500))
    assert outcomes([metric], rule) == ["fail"]

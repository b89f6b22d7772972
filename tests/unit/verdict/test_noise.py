"""Noise between runs as the judge learns it: from which runs, for which metrics, and what the finding says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model_governance.stats.limits import (
    LargestShareFactor,
    NoncentralChiSquare,
    PartialConjunction,
    RatioOfShares,
    RocArea,
    Stretched,
)
from model_governance.stats.overdispersion import NEWEST
from model_governance.verdict.noise import RUNS, noise_factor
from model_governance.verdict.requirement import Baseline
from verdict_cases import metric, verdict

TAIL = 1e-4
ERROR = 0.01
AT_LEAST = {"metric": "accuracy", "geq_to": 0.7}
LIMITS = Stretched(value=0.85, low95=0.85 - 1.96 * ERROR, high95=0.85 + 1.96 * ERROR)


def measured(value: float):
    return metric(value, name="accuracy", low=value - 1.96 * ERROR, high=value + 1.96 * ERROR, better="higher")


def runs(values) -> list:
    """Verdicts on these values, the newest first."""
    found = []
    for value in values:
        found.insert(0, verdict([measured(float(value))], AT_LEAST))
    return found


def learnt(earlier) -> tuple[float, int]:
    return noise_factor(measured(0.85), LIMITS, earlier, tail=TAIL)


def test_day_effects_multiply_the_variance():
    draw = np.random.default_rng(1)
    factor, count = learnt(runs(draw.normal(0.85, 3 * ERROR, RUNS)))
    assert count == RUNS - NEWEST
    assert 5 <= factor <= 25


def test_fewer_than_ten_runs_teach_nothing():
    draw = np.random.default_rng(1)
    assert learnt(runs(draw.normal(0.85, 3 * ERROR, 9))) == (1.0, 9)


def test_only_the_last_runs_are_read():
    draw = np.random.default_rng(2)
    wild, calm = draw.normal(0.85, 9 * ERROR, 20), draw.normal(0.85, ERROR / 2, RUNS)
    assert learnt(runs([*wild, *calm])) == (1.0, RUNS - NEWEST)


@pytest.mark.parametrize(("earlier", "count"), [(10, 10), (15, 10), (20, 10), (30, 20), (45, 30)])
def test_the_newest_runs_are_left_out_once_ten_older_ones_are_there(earlier, count):
    assert learnt(runs(np.random.default_rng(2).normal(0.85, ERROR / 2, earlier)))[1] == count


def test_a_model_that_lost_points_does_not_hide_behind_the_noise_that_this_makes():
    """Uncertain runs are learnt from: a step too small to be sure of would else widen the limits of the runs after it."""
    before = list(np.random.default_rng(9).normal(0.74, 1.5 * ERROR, 30))
    lost = [0.69] * NEWEST
    assert learnt(runs([*before, *lost]))[0] == learnt(runs([*before, *[0.74] * NEWEST]))[0]


@pytest.mark.parametrize("outcome", ["fail", "warn", "error"])
def test_an_incident_is_no_noise(outcome):
    draw = np.random.default_rng(3)
    earlier = runs(draw.normal(0.85, ERROR / 2, 20))
    (red,) = verdict([measured(0.3)], AT_LEAST).findings
    incident = replace(earlier[0], findings=(replace(red, outcome=outcome),))
    assert learnt([incident, *earlier]) == learnt(earlier)
    assert learnt(earlier)[1] == 10
    alone = [replace(run, findings=incident.findings) for run in earlier]
    assert learnt(alone) == (1.0, 0)


def test_an_incident_among_others_leaves_out_itself_only():
    draw = np.random.default_rng(3)
    earlier = runs(draw.normal(0.85, ERROR / 2, 20))
    (red,) = verdict([measured(0.3)], AT_LEAST).findings
    without = [*earlier[:-3], *earlier[-2:]]
    earlier[-3] = replace(earlier[-3], findings=(red,))
    assert learnt(earlier) == learnt(without)
    assert learnt(earlier)[1] == 10
    assert noise_factor(measured(0.85), LIMITS, [*earlier, *earlier[:8]], tail=TAIL)[1] == 17


def test_a_waived_run_is_learnt_from():
    draw = np.random.default_rng(3)
    earlier = runs(draw.normal(0.85, 3 * ERROR, 20))
    waived = [replace(run, findings=(replace(run.findings[0], outcome="waived"),)) for run in earlier]
    assert learnt(waived) == learnt(earlier)
    assert learnt(waived)[0] > 1


@pytest.mark.parametrize("other", [{"key": "north"}, {"metric": "recall"}], ids=["key", "metric"])
def test_another_metric_or_key_teaches_nothing(other):
    draw = np.random.default_rng(4)
    earlier = [
        replace(run, findings=tuple(replace(finding, **other) for finding in run.findings))
        for run in runs(draw.normal(0.85, 5 * ERROR, 20))
    ]
    assert learnt(earlier) == (1.0, 0)


def test_what_was_learnt_before_is_not_learnt_twice():
    """A finding's interval holds the noise of its time; its own variance is that interval's less the noise."""
    draw = np.random.default_rng(5)
    values = draw.normal(0.85, 3 * ERROR, 20)
    bare = learnt(runs(values))
    widened = [
        replace(run, findings=tuple(
            replace(finding, low=finding.value - 3 * 1.96 * ERROR, high=finding.value + 3 * 1.96 * ERROR, noise=9.0)
            for finding in run.findings
        ))
        for run in runs(values)
    ]  # fmt: skip
    assert learnt(widened) == pytest.approx(bare, rel=1e-3)


@pytest.mark.parametrize(
    "limits",
    [
        NoncentralChiSquare(value=0.1, statistic=100.0, freedom=9, unit=1e-3, whole=(100.0, 9)),
        PartialConjunction(beyond=(0.1,), within=(0.9,)),
        LargestShareFactor(rows=(2000.0, 1000.0), counts=((20.0, 12.0),)),
    ],
    ids=lambda limits: limits.family,
)
def test_distances_hold_their_noise_already(limits):
    draw = np.random.default_rng(6)
    earlier = runs(draw.normal(0.85, 5 * ERROR, 20))
    assert noise_factor(measured(0.85), limits, earlier, tail=TAIL) == (1.0, 0)


@pytest.mark.parametrize(
    "limits",
    [RatioOfShares(first=(60.0, 2000.0), second=(25.0, 1000.0)), RocArea(value=0.6, rows=((400.0, 400.0),))],
    ids=lambda limits: limits.family,
)
def test_answers_and_joint_drift_learn_it_from_the_values_of_earlier_runs(limits):
    earlier = runs(np.random.default_rng(6).normal(0.85, 5 * ERROR, 20))
    factor, count = noise_factor(measured(0.85), limits, earlier, tail=TAIL)
    assert count == 10
    assert factor > 10


def test_a_run_within_the_noise_of_the_days_is_not_red_and_the_sentence_says_so():
    draw = np.random.default_rng(7)
    earlier = runs(draw.normal(0.74, 2.5 * ERROR, 30))
    tonight = [measured(0.645)]
    (alone,) = verdict(tonight, AT_LEAST).findings
    (informed,) = verdict(tonight, AT_LEAST, earlier=earlier).findings
    assert alone.outcome == "fail"
    assert informed.outcome == "uncertain"
    assert "variance of 20 earlier runs x" in informed.sentence
    assert informed.high - informed.low > 2 * (alone.high - alone.low)


def test_a_collapse_is_red_in_spite_of_the_noise():
    draw = np.random.default_rng(8)
    earlier = runs(draw.normal(0.85, 2.5 * ERROR, 30))
    (informed,) = verdict([measured(0.4)], AT_LEAST, earlier=earlier).findings
    assert informed.outcome == "fail"


@pytest.mark.parametrize(
    ("threshold", "baselines"),
    [
        (AT_LEAST, None),
        (
            {"metric": "accuracy", "min_absolute_change": -0.02, "against": "approved"},
            {"approved": {"accuracy": Baseline(value=0.85, low=0.845, high=0.855)}},
        ),
    ],
)
def test_noise_does_not_grow_by_being_learnt(threshold, baselines):
    """Runs that vary as their intervals say teach none, run after run, whether a value or a change is judged."""
    earlier: list = []
    for value in np.random.default_rng(12).normal(0.85, ERROR, 6 * RUNS):
        earlier.insert(0, verdict([measured(float(value))], threshold, baselines=baselines, earlier=earlier[:RUNS]))
    assert max(finding.noise for run in earlier for finding in run.findings) < 5
    assert np.mean([finding.noise for run in earlier[:RUNS] for finding in run.findings]) < 1.6

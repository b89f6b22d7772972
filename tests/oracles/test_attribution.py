"""Attribution drift against the worked definition, closed-form attributions and a p-value that keeps its level."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from model_governance.checks.quality.attribution_drift.attributions import attribute, distance
from model_governance.checks.quality.attribution_drift.ranking import agreement_limits, ndcg, permutation_p_value
from model_governance.contract.subject import Columns, Feature, Model, Subject

TRAINING, LIVE = np.array([0.70, 0.50, 0.05]), np.array([0.10, 0.20, 0.70])


def test_the_example_of_the_definition_by_hand():
    # SageMaker's documentation: SAT score, GPA and class rank change places from first to last.
    gained = 0.05 / math.log2(2) + 0.50 / math.log2(3) + 0.70 / math.log2(4)
    best = 0.70 / math.log2(2) + 0.50 / math.log2(3) + 0.05 / math.log2(4)
    assert ndcg(TRAINING, LIVE) == pytest.approx(gained / best, abs=1e-12)
    assert ndcg(TRAINING, LIVE) == pytest.approx(0.6877, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_ndcg_of_scikit_learn_with_the_reference_as_gains(seed):
    draw = np.random.default_rng(seed)
    reference, current = draw.random(9), draw.random(9)
    assert ndcg(reference, current) == pytest.approx(ndcg_score([reference], [current]), abs=1e-12)


def test_laws_of_the_ndcg():
    draw = np.random.default_rng(1)
    reference, current = draw.random(6), draw.random(6)
    assert ndcg(reference, reference) == 1
    assert ndcg(reference, 3 * reference) == 1
    assert ndcg(5 * reference, current) == pytest.approx(ndcg(reference, current), abs=1e-12)
    assert ndcg(reference, -reference) <= ndcg(reference, current) <= 1
    assert math.isnan(ndcg(np.zeros(6), current))


def linear(weights: dict[str, float]) -> Subject:
    columns = Columns(features={name: Feature(kind="numeric") for name in weights})
    model = Model(
        name="case", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: sum(weight * frame[name].to_numpy() for name, weight in weights.items()),
    )  # fmt: skip
    return Subject(name="case", task="regression", columns=columns, model=model)


def test_attributions_of_a_linear_model_are_known():
    # |w| E|X - X'| with X, X' normal of standard deviation s: |w| * 2 s / sqrt(pi).
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"a": draw.normal(0, 1, 4000), "b": draw.normal(5, 3, 4000), "c": draw.normal(0, 1, 4000)})
    attributions = attribute(linear({"a": 2.0, "b": -0.5, "c": 0.0}), {"reference": frame}, draws=10, seed=3)[
        "reference"
    ]
    expected = 2 / math.sqrt(math.pi) * np.array([2.0, 1.5, 0.0])
    assert attributions.mean(axis=0) == pytest.approx(expected, rel=0.03, abs=1e-12)


def test_values_come_from_the_reference_on_both_sides():
    reference, current = pd.DataFrame({"a": np.zeros(100)}), pd.DataFrame({"a": np.full(100, 7.0)})
    attributions = attribute(linear({"a": 2.0}), {"reference": reference, "current": current}, draws=3, seed=1)
    assert not attributions["reference"].any()
    assert (attributions["current"] == 14).all()


def test_the_distance_of_two_probabilities_is_the_change_of_one():
    one, other = np.array([[0.2, 0.8]]), np.array([[0.5, 0.5]])
    assert distance(one, other) == pytest.approx([0.3])
    assert distance(np.array([[1.0]]), np.array([[4.0]])) == pytest.approx([3.0])


def test_the_p_value_keeps_its_level_and_sees_a_turned_order():
    draw = np.random.default_rng(4)
    scale = np.array([1.0, 0.9, 0.8, 0.1])
    p_values = [
        permutation_p_value(
            draw.exponential(scale, (80, 4)), draw.exponential(scale, (60, 4)), seed=number, permutations=400
        )
        for number in range(80)
    ]
    # 80 draws at 5% exceed 10 once in 400 times.
    assert sum(p_value <= 0.05 for p_value in p_values) <= 10
    turned = draw.exponential(scale[::-1], (200, 4))
    assert permutation_p_value(draw.exponential(scale, (200, 4)), turned, seed=1, permutations=2000) == 1 / 2001


def test_the_interval_holds_the_true_order():
    draw = np.random.default_rng(5)
    before, after = np.array([1.0, 0.6, 0.3]), np.array([0.3, 1.0, 0.6])
    true, covered = ndcg(before, after), 0
    for seed in range(25):
        sides = draw.exponential(before, (200, 3)), draw.exponential(after, (200, 3))
        low, high = agreement_limits(*sides, seed=seed, resamples=200).interval()
        covered += low <= true <= high
    assert covered >= 22

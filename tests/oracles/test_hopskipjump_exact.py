"""Batched HopSkipJump against exact distances: linear models in closed form, single trees by their leaves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from model_governance.attacks.boundary_walk import HopSkipJumpSettings
from model_governance.attacks.hopskipjump import attack_rows

NORMS = ("l2", "linf")


def linear(d: int, rows: int):
    """Rows in the middle of the box, where the closed form holds, and what flips a linear model on them."""
    draw = np.random.default_rng(4)
    weights, x = draw.normal(size=d), draw.uniform(0.4, 0.6, (rows, d))
    margin = (x - 0.5) @ weights
    exact = {"l2": np.abs(margin) / np.linalg.norm(weights), "linf": np.abs(margin) / np.abs(weights).sum()}

    def flips(points, numbers):
        return ((points - 0.5) @ weights > 0) != (margin[numbers] > 0)

    return x, flips, exact


@pytest.mark.parametrize("norm", NORMS)
def test_a_linear_model_is_flipped_within_a_hundredth_of_the_exact_distance_and_never_below_it(norm):
    x, flips, exact = linear(10, 40)
    settings = HopSkipJumpSettings(norm=norm, iterations=30, directions=50)
    result = attack_rows(flips, x, settings=settings, seed=1, tries=100)
    ratio = result.distances / exact[norm]
    assert (ratio >= 1 - 1e-9).all()
    assert np.median(ratio) < 1.01


def leaves_of(tree: DecisionTreeClassifier, d: int):
    """Every leaf as (low, high, class): a row is in it where low < x <= high."""
    inner, found = tree.tree_, []

    def descend(node, low, high):
        if inner.children_left[node] == -1:
            found.append((low, high, int(inner.value[node].argmax())))
            return
        feature, threshold = inner.feature[node], inner.threshold[node]
        left, right = high.copy(), low.copy()
        left[feature] = min(left[feature], threshold)
        right[feature] = max(right[feature], threshold)
        descend(inner.children_left[node], low, left)
        descend(inner.children_right[node], right, high)

    descend(0, np.full(d, -np.inf), np.full(d, np.inf))
    return found


def exact_distances(tree, x: np.ndarray, answers: np.ndarray, norm: str) -> np.ndarray:
    """Distance of every row to the closure of the nearest leaf of another class."""
    best = np.full(len(x), np.inf)
    for low, high, label in leaves_of(tree, x.shape[1]):
        gaps = np.maximum(np.maximum(low - x, x - high), 0)
        size = np.linalg.norm(gaps, axis=1) if norm == "l2" else gaps.max(axis=1)
        best = np.where(answers == label, best, np.minimum(best, size))
    return best


@pytest.mark.parametrize("norm", NORMS)
def test_a_single_tree_is_flipped_near_the_exact_distance_and_never_below_it(norm):
    x, y = load_breast_cancer(return_X_y=True)
    x = MinMaxScaler().fit_transform(x)[:, :8].astype(np.float32)
    tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(x[:400], y[:400])
    victims = x[400:460]
    answers = tree.predict(victims)
    exact = exact_distances(tree, victims, answers, norm)

    def flips(points, numbers):
        return tree.predict(points) != answers[numbers]

    result = attack_rows(
        flips, victims, settings=HopSkipJumpSettings(norm=norm, iterations=15), seed=2, tries=100, donors=x[:400]
    )
    assert not result.failed.any()
    assert (result.distances >= exact - 1e-7).all()
    assert np.median(result.distances / exact) < 1.03

"""Attacks against exact answers: linear models have closed-form distances, small grids can be enumerated."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from model_governance.checks.evasion import EvasionParams, gradient, hopskipjump
from model_governance.checks.evasion.answers import Answers
from model_governance.checks.evasion.outcome import conclude
from model_governance.checks.evasion.queries import Queries
from model_governance.checks.evasion.row_space import Axis, RowSpace
from model_governance.checks.evasion.slopes import slopes_of
from model_governance.checks.evasion.starts import find_starts
from model_governance.subject import Columns, Feature, Model

WEIGHTS = np.array([3.0, -2.0, 1.0, 0.5])
INTERCEPT = -1.2
LINEAR = RowSpace(tuple(Axis(name, 0.0, 1.0, 0.0, "policy") for name in "abcd"))
EXACT = {
    "linf": lambda margin: np.abs(margin) / np.abs(WEIGHTS).sum(),
    "l2": lambda margin: np.abs(margin) / np.linalg.norm(WEIGHTS),
}


def _model(native) -> Model:
    return Model(
        name="exact", format="skops", sha256="", task="binary_classification", native=native,
        call=native.predict, classes=(0, 1),
    )  # fmt: skip


def _linear(rows: int) -> tuple[pd.DataFrame, np.ndarray, Model]:
    """Rows far enough from the walls of the box that the closed form holds."""
    frame = pd.DataFrame(np.random.default_rng(5).uniform(0.35, 0.65, (rows, 4)), columns=list("abcd"))
    native = LogisticRegression().fit(frame, np.arange(rows) % 2)
    native.coef_, native.intercept_ = WEIGHTS[None, :], np.array([INTERCEPT])
    return frame, frame.to_numpy() @ WEIGHTS + INTERCEPT, _model(native)


def _queries(model: Model, space: RowSpace, frame: pd.DataFrame, norm: str) -> Queries:
    return Queries(model, space, space.place(frame), Answers(predicted=model.predict(frame)), norm)


def _walk(queries: Queries, params: EvasionParams) -> np.ndarray:
    generator = np.random.default_rng(3)
    starts = find_starts(queries, queries.origins.encoded, tries=params.initial_size, generator=generator)
    hopskipjump.attack(queries, starts, params, seed=3)
    return conclude(queries, "hopskipjump", queries.model).nearest


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_hopskipjump_comes_near_the_exact_distance_and_never_below(norm):
    frame, margin, model = _linear(12)
    exact = EXACT[norm](margin)
    found = _walk(_queries(model, LINEAR, frame, norm), EvasionParams(norm=norm))
    assert (found >= exact * (1 - 1e-9)).all()
    assert np.median(found / exact) < 1.05
    assert (found / exact).max() < 1.25


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("epsilon", [0.02, 0.05, 0.1])
def test_the_gradient_attack_flips_a_linear_model_exactly_where_it_can_be_flipped(norm, epsilon):
    frame, margin, model = _linear(200)
    exact = EXACT[norm](margin)
    queries = _queries(model, LINEAR, frame, norm)
    columns = Columns(features={name: Feature(kind="numeric") for name in "abcd"})
    gradient.attack(queries, slopes_of(queries, columns), [epsilon], steps=10, seed=0)
    outcome = conclude(queries, "gradient", model)
    decided = np.abs(exact / epsilon - 1) > 1e-3
    assert (outcome.within(epsilon)[decided] == (exact < epsilon)[decided]).all()
    flipped = np.isfinite(outcome.nearest)
    assert 0 < flipped.sum() < len(frame)
    assert outcome.nearest[flipped] == pytest.approx(exact[flipped], rel=1e-3)


def test_a_flip_on_an_integer_grid_is_never_nearer_than_the_nearest_row_there_is():
    space = RowSpace((Axis("a", 0.0, 12.0, 1.0, "policy"), Axis("b", 0.0, 20.0, 1.0, "policy")))
    grid = pd.DataFrame(list(itertools.product(range(13), range(21))), columns=["a", "b"])
    draw = np.random.default_rng(1)
    native = DecisionTreeClassifier(max_depth=6, random_state=0).fit(grid, draw.integers(0, 2, len(grid)))
    model = _model(native)
    answers = model.predict(grid)
    victims = grid.iloc[draw.permutation(len(grid))[:25]].reset_index(drop=True)
    shares = np.abs(victims.to_numpy()[:, None, :] - grid.to_numpy()[None, :, :]) / space.spans
    other = answers[None, :] != model.predict(victims)[:, None]
    exact = np.where(other, shares.max(axis=2), np.inf).min(axis=1)
    found = _walk(_queries(model, space, victims, "linf"), EvasionParams())
    assert (found >= exact - 1e-12).all()
    assert np.median(found / exact) <= 1.25

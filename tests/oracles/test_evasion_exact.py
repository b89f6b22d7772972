"""Attacks against exact answers: linear models have closed-form distances, small grids can be enumerated."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from model_governance.attacks.trees import TreeModel, read_ensemble
from model_governance.checks.robustness.evasion import exact, greedy, hopskipjump, pgd
from model_governance.checks.robustness.evasion.answers import Answers
from model_governance.checks.robustness.evasion.gradients import flip_gradients
from model_governance.checks.robustness.evasion.moves import Axis, Choice
from model_governance.checks.robustness.evasion.outcome import conclude
from model_governance.checks.robustness.evasion.params import EvasionParams
from model_governance.checks.robustness.evasion.queries import Queries
from model_governance.checks.robustness.evasion.row_space import RowSpace
from model_governance.checks.robustness.evasion.starts import find_starts
from model_governance.checks.robustness.evasion.target import Target
from model_governance.contract.subject import Columns, Feature, Model

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
    model = replace(
        _model(native), call_logits=lambda rows: np.stack([np.zeros(len(rows)), rows.to_numpy() @ WEIGHTS + INTERCEPT], 1),
        call_gradient=lambda _, weights: weights[:, 1:] * WEIGHTS,
    )  # fmt: skip
    return frame, frame.to_numpy() @ WEIGHTS + INTERCEPT, model


def _queries(model: Model, space: RowSpace, frame: pd.DataFrame, norm: str) -> Queries:
    return Queries(model, space, space.place(frame), Answers(predicted=model.predict(frame)), norm)


def _hopskipjump(queries: Queries, params: EvasionParams) -> np.ndarray:
    generator = np.random.default_rng(3)
    starts = find_starts(queries, queries.origins.encoded, tries=params.initial_size, generator=generator)
    hopskipjump.attack(queries, starts, params, seed=3)
    return conclude(queries, "hopskipjump", queries.model).nearest


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_hopskipjump_comes_near_the_exact_distance_and_never_below(norm):
    frame, margin, model = _linear(12)
    exact = EXACT[norm](margin)
    found = _hopskipjump(_queries(model, LINEAR, frame, norm), EvasionParams(norm=norm))
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
    pgd.attack(queries, flip_gradients(queries, columns), [epsilon], steps=10, seed=0)
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
    found = _hopskipjump(_queries(model, space, victims, "linf"), EvasionParams())
    assert (found >= exact - 1e-12).all()
    assert np.median(found / exact) <= 1.25


def _grid_model(seed: int) -> tuple[pd.DataFrame, RowSpace, Model, TreeModel]:
    """Two integers and two categories under boosted trees; rows of the space can be listed one by one."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": draw.integers(0, 13, 600), "b": draw.integers(0, 9, 600), "c": draw.integers(0, 4, 600),
            "d": draw.integers(0, 3, 600),
        }
    )  # fmt: skip
    score = np.sin(frame["a"] / 2) + 0.1 * frame["b"] * (frame["c"] == 1) + 0.7 * (frame["d"] == frame["c"] % 3)
    label = (score + draw.normal(0, 0.3, 600) > 0.5).astype(int)
    native = XGBClassifier(n_estimators=30, max_depth=3, n_jobs=1, random_state=0).fit(frame, label)
    trees = read_ensemble(native, list("abcd"))
    assert isinstance(trees, TreeModel)
    space = RowSpace(
        (Axis("a", 0.0, 12.0, 1.0, "policy"), Axis("b", 0.0, 8.0, 1.0, "policy", "up")),
        (Choice("c", (0, 1, 2, 3)), Choice("d", (0, 1, 2))),
    )
    model = Model(
        name="grid", format="xgboost", sha256="", task="binary_classification", native=native, call=native.predict,
        call_proba=native.predict_proba, classes=(0, 1),
    )  # fmt: skip
    return frame.drop_duplicates().iloc[:60].reset_index(drop=True), space, model, trees


def _enumerated(frame: pd.DataFrame, model: Model, reach: dict[str, float]) -> np.ndarray:
    """Size (linf, categories free) of the smallest flip of each row, by asking about every row there is."""
    world = pd.DataFrame(list(itertools.product(range(13), range(9), range(4), range(3))), columns=list("abcd"))
    answers, own = model.predict(world), model.predict(frame)
    sizes = np.empty(len(frame))
    for place, row in enumerate(frame.itertuples(index=False)):
        away = np.maximum(np.abs(world["a"] - row.a) / reach["a"], np.abs(world["b"] - row.b) / reach["b"])
        legal = (world["b"] >= row.b) & (answers != own[place])
        sizes[place] = away[legal].min() if legal.any() else np.inf
    return sizes


def _target(frame: pd.DataFrame, space: RowSpace, model: Model, trees: TreeModel, **params) -> Target:
    columns = Columns(
        features={
            "a": Feature(kind="integer"), "b": Feature(kind="integer"), "c": Feature(kind="category"),
            "d": Feature(kind="category"),
        }
    )  # fmt: skip
    return Target(
        model=model, columns=columns, space=space, origins=space.place(frame),
        answers=Answers(predicted=model.predict(frame)), donors=frame, params=EvasionParams(**params), seed=5, trees=trees,
    )  # fmt: skip


def test_greedy_search_flips_what_can_be_flipped_on_a_grid_with_categories():
    missed = possible = 0
    for seed in (0, 1):
        frame, space, model, trees = _grid_model(seed)
        least = _enumerated(frame, model, {"a": 12.0, "b": 8.0})
        budgets = (0.1, 0.2, 0.3)
        target = _target(frame, space, model, trees, epsilon=budgets)
        queries = target.queries(model)
        greedy.attack(queries, budgets, seed=5)
        assert (queries.nearest >= least - 1e-9).all()
        for budget in budgets:
            possible += len(least)
            missed += int(((least <= budget) & (queries.nearest > budget + 1e-6)).sum())
    assert missed / possible <= 0.02


def test_the_exact_attack_agrees_with_the_list_of_all_rows():
    frame, space, model, trees = _grid_model(2)
    enumerated = _enumerated(frame, model, {"a": 12.0, "b": 8.0})
    target = _target(frame, space, model, trees, epsilon=0.2, exact_rows=25)
    queries = target.queries(model)
    truth = exact.attack(target, queries)
    assert truth.distance == pytest.approx(enumerated[truth.rows], abs=1e-6)
    assert (truth.lower <= enumerated[truth.rows] + 1e-9).all()
    assert not (truth.certified[0] & (enumerated <= 0.2)).any()
    black_box = target.queries(model)
    starts = find_starts(black_box, target.origins.encoded, tries=100, generator=np.random.default_rng(0))
    hopskipjump.attack(black_box, starts, target.params, seed=5)
    assert (black_box.nearest >= enumerated - 1e-9).all()

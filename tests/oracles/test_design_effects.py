"""Design effects of simulated clusters, whose truth is 1 + (size - 1) * correlation (Kish, 1965)."""

from __future__ import annotations

import numpy as np
import pytest

from model_governance.stats.clusters import design_effect, linear_effect

SIZE = 6


def rows_of(draw, *, entities: int, effect: float, size: int = SIZE):
    """Rows of 0 and 1 whose entities are alike as far as the design effect says."""
    correlation = (effect - 1) / (size - 1)
    own = draw.random(entities) < 0.3
    entity = np.repeat(np.arange(entities), size)
    # A row repeats its entity's own answer with the root of the correlation.
    repeats = draw.random(len(entity)) < np.sqrt(correlation)
    return np.where(repeats, own[entity], draw.random(len(entity)) < 0.3).astype(float), entity


@pytest.mark.parametrize("effect", [1.2, 1.5, 2.0, 4.0])
def test_a_known_design_effect_is_found(effect):
    draw, found = np.random.default_rng(1), []
    for seed in range(25):
        values, entity = rows_of(draw, entities=500, effect=effect)
        found.append(design_effect(lambda rows: {"mean": values[rows].mean()}, entity, seed=seed)["mean"])  # noqa: B023
    assert np.mean(found) == pytest.approx(effect, rel=0.12)


def test_independent_rows_have_none():
    draw, found = np.random.default_rng(2), []
    for seed in range(25):
        values, entity = rows_of(draw, entities=400, effect=1.0)
        found.append(design_effect(lambda rows: {"mean": values[rows].mean()}, entity, seed=seed)["mean"])  # noqa: B023
    assert np.mean(found) == pytest.approx(1, abs=0.12)
    values, _ = rows_of(draw, entities=100, effect=1.0)
    assert design_effect(lambda rows: {"mean": values[rows].mean()}, np.arange(600), seed=1) == {"mean": 1.0}


def test_every_estimate_has_its_own_and_noise_is_shared():
    draw = np.random.default_rng(3)
    alike, entity = rows_of(draw, entities=500, effect=6.0)
    apart = draw.random(len(entity))

    def estimates(rows):
        return {"alike": alike[rows].mean(), "apart": apart[rows].mean(), "root": np.sqrt(alike[rows].mean())}

    found = design_effect(estimates, entity, seed=1)
    assert found["alike"] > 3.5
    assert found["root"] == pytest.approx(found["alike"], rel=0.1)
    assert found["apart"] < 1.8


def test_an_estimate_that_is_not_always_defined_is_no_trouble():
    draw = np.random.default_rng(4)
    values, entity = rows_of(draw, entities=100, effect=2.0)

    def estimates(rows):
        return {"mean": values[rows].mean()} | ({"rare": 1.0} if rows[0] else {})

    assert design_effect(estimates, entity, seed=1)["rare"] >= 1


def test_few_entities_count_for_little():
    draw = np.random.default_rng(5)
    values, entity = rows_of(draw, entities=8, effect=20, size=50)
    assert design_effect(lambda rows: {"mean": values[rows].mean()}, entity, seed=1)["mean"] > 5
    one = np.zeros(300, dtype=int)
    assert design_effect(lambda rows: {"mean": draw.random()}, one, seed=1) == {"mean": 300.0}


def test_names_are_entities_too_and_the_seed_decides():
    draw = np.random.default_rng(6)
    values, entity = rows_of(draw, entities=200, effect=2.0)
    names = np.array([f"customer {number}" for number in entity], dtype=object)
    first, again, other = (
        design_effect(lambda rows: {"mean": values[rows].mean()}, names, seed=seed)["mean"] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def centred(values):
    return values - values.mean()


@pytest.mark.parametrize("effect", [1.2, 1.5, 2.0, 4.0])
def test_a_known_design_effect_is_found_without_draws(effect):
    draw = np.random.default_rng(7)
    drawn = (rows_of(draw, entities=500, effect=effect) for _ in range(40))
    found = [linear_effect(centred(values), entity) for values, entity in drawn]
    assert np.mean(found) == pytest.approx(effect, rel=0.06)


def test_without_draws_copies_count_once_and_single_rows_in_full():
    values = np.random.default_rng(8).normal(size=2000)
    copies, entity = np.repeat(values, 3), np.repeat(np.arange(2000), 3)
    assert linear_effect(centred(copies), entity) == pytest.approx(3, rel=0.01)
    assert linear_effect(centred(values), np.arange(2000)) == 1.0
    assert linear_effect(np.zeros(10), np.arange(10) // 2) is None


def test_pairs_that_differ_most_have_no_effect_below_one():
    pairs = np.tile([1.0, -1.0], 200)
    assert linear_effect(pairs, np.repeat(np.arange(200), 2)) == 1.0


def test_without_draws_few_entities_count_for_little():
    draw = np.random.default_rng(9)
    values, entity = rows_of(draw, entities=8, effect=20, size=50)
    assert linear_effect(centred(values), entity) > linear_effect(centred(values), entity, deciding=200)
    assert linear_effect(centred(values), entity, deciding=2) == 50.0
    assert linear_effect(centred(values), np.zeros(400)) == 400.0

"""Rows that belong together, through the check: `columns.entity` keeps unchanged runs from red, and a note asks for it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from drift_cases import measure, numbers_only
from joint_cases import unpredicted
from model_governance.contract.subject import Columns, Feature, Subject
from verdict_cases import verdict

SIZE = 10
NOTHING_CHANGED = {"metric": "psi", "less_than": 0.001}


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


def customers(draw: np.random.Generator, count: int, *, first: int = 0, features: int = 20, alike: float = 0.9):
    """Rows of customers whose own values lie near one another (design effect up to 9)."""
    frame = {
        f"x{place}": (
            np.sqrt(alike) * draw.normal(size=(count, 1)) + np.sqrt(1 - alike) * draw.normal(size=(count, SIZE))
        ).ravel()
        for place in range(features)
    }
    return pd.DataFrame(frame | {"customer": np.repeat(np.arange(first, first + count), SIZE)})


def subject_of(reference: pd.DataFrame, current: pd.DataFrame, *, entity: str | None) -> Subject:
    features = {name: Feature(kind="numeric") for name in reference if name != "customer"}
    frames = {"reference": reference, "current": current}
    return unpredicted(frames, Columns(features=features, entity=entity))


@pytest.fixture(scope="module")
def frames():
    draw = np.random.default_rng(1)
    return customers(draw, 2000), customers(draw, 300, first=5000)


def alone(result) -> Counter:
    """How often each outcome comes when every column is the only one of its run."""
    return Counter(verdict([metric], NOTHING_CHANGED).outcome for metric in result.metrics if metric.name == "psi")


def test_unchanged_clustered_rows_are_not_red_with_their_entity(frames):
    result = measure(subject_of(*frames, entity="customer"), joint=False)
    assert alone(result)["fail"] == 0
    assert any("rows of one customer depend on one another" in note for note in result.notes)


def test_without_the_entity_they_are_red_and_a_note_names_the_column(frames):
    result = measure(subject_of(*frames, entity=None), joint=False)
    assert alone(result)["fail"] >= 3
    (note,) = [note for note in result.notes if "look dependent" in note]
    assert "set columns.entity: customer" in note


def test_a_real_change_is_red_in_spite_of_the_entity(frames):
    reference, current = frames
    result = measure(subject_of(reference, current.assign(x0=current["x0"] + 1.5), entity="customer"), joint=False)
    moved = verdict([result.metric("psi", key="x0")], {"metric": "psi", "less_than": 0.1})
    assert moved.outcome == "fail"


def test_independent_rows_get_no_warning():
    draw = np.random.default_rng(2)
    frames = (customers(draw, 1000, alike=0.0), customers(draw, 300, first=5000, alike=0.0))
    result = measure(subject_of(*frames, entity=None), joint=False)
    assert not [note for note in result.notes if "look dependent" in note]


def test_missing_values_of_whole_customers_are_widened_too(frames):
    draw = np.random.default_rng(3)
    lacking = [
        frame.assign(x0=frame["x0"].where(~np.repeat(draw.random(len(frame) // SIZE) < 0.1, SIZE))) for frame in frames
    ]
    with_entity, without = (
        measure(subject_of(*lacking, entity=entity), joint=False).metric("missing_increase", key="x0")
        for entity in ("customer", None)
    )
    ratio = (with_entity.high - with_entity.low) / (without.high - without.low)
    assert ratio == pytest.approx(np.sqrt(SIZE), rel=0.2)

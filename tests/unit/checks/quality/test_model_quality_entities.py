"""Rows of one entity: copies of a row are no further evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from model_governance.contract.subject import Columns, Feature
from model_governance.errors import SubjectError
from quality_cases import drawn_binary, measure, model_of, ranking, regression, subject_of, three_classes

COPIES = 4
# Two jackknives of 50 groups, each drawn twice, err by about a tenth of the width.
NEAR = 0.3


def copied(subject, *, column: str = "entity", role: str = "entity"):
    """Every row four times, under the number of its entity."""
    frame = subject.datasets["current"].frame
    frame = frame.assign(**{column: np.arange(len(frame))})
    frame = pd.concat([frame] * COPIES, ignore_index=True)
    frame["group"] = frame.get("group", pd.Series(0, index=frame.index))
    columns = subject.columns.model_copy(update={role: column})
    return replace(subject.with_frame("current", frame), columns=columns)


def case(task: str):
    draw = np.random.default_rng(2)
    if task == "binary":
        return drawn_binary(500)
    if task == "regression":
        label = draw.normal(0, 2, 500)
        return regression(label, label + draw.normal(0, 1, 500))
    chances = draw.dirichlet([1.0, 0.8, 0.6], 500)
    label = np.array([draw.choice(list("abc"), p=row) for row in chances])
    return three_classes(label, np.array(list("abc"))[chances.argmax(axis=1)], chances)


@pytest.mark.parametrize("task", ["binary", "regression", "classes"])
def test_copies_of_rows_leave_the_intervals_as_wide_as_they_were(task):
    once, copies = measure(case(task)), measure(copied(case(task)))
    believed = measure(replace(copied(case(task)), columns=case(task).columns))
    compared = 0
    for metric in once.metrics:
        other, narrow = (result.metric(metric.name, key=metric.key) for result in (copies, believed))
        if metric.low is None or metric.name == "calibration_error":
            continue
        assert other.value == pytest.approx(metric.value), metric.label
        assert other.high - other.low == pytest.approx(metric.high - metric.low, rel=NEAR), metric.label
        assert narrow.high - narrow.low < 0.75 * (metric.high - metric.low), metric.label
        compared += 1
    assert compared > 4
    assert any("by a design effect of 3." in note or "by a design effect of 4" in note for note in copies.notes)


def test_limits_at_any_level_are_wider_too():
    once, copies = measure(case("binary")), measure(copied(case("binary")))
    assert copies.metric("accuracy").limits.low(1e-4) == pytest.approx(
        once.metric("accuracy").limits.low(1e-4), abs=0.02
    )


def test_slices_are_widened_like_the_whole():
    subject = copied(case("binary"))
    frame = subject.datasets["current"].frame
    subject = subject.with_frame("current", frame.assign(part=np.where(frame["entity"] % 2, "odd", "even")))
    slices = [{"column": "part"}]
    wide = measure(subject, slices=slices).metric("slice_accuracy", key="part odd")
    columns = subject.columns.model_copy(update={"entity": None})
    narrow = measure(replace(subject, columns=columns), slices=slices).metric("slice_accuracy", key="part odd")
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(2, rel=NEAR)


def test_a_batch_counts_like_an_entity_and_a_row_without_one_stands_alone():
    subject = copied(case("binary"), column="file", role="batch")
    frame = subject.datasets["current"].frame
    assert any("one batch (file, 500 of them)" in note for note in measure(subject).notes)
    alone = subject.with_frame("current", frame.assign(file=None))
    assert any("design effect of 1.0 to 1.0" in note for note in measure(alone).notes)


def test_queries_of_one_user_are_rows_of_one_entity():
    draw = np.random.default_rng(5)
    queries, size = 120, 5
    group = np.repeat(np.arange(queries), size)
    score, label = draw.normal(size=queries * size), draw.integers(0, 2, queries * size)
    label[::size] = 1
    once = measure(ranking(group, score, label)).metric("ndcg")
    every = np.concatenate([group + queries * copy for copy in range(COPIES)])
    subject = ranking(every, np.tile(score, COPIES), np.tile(label, COPIES), item=np.tile(group, COPIES))
    columns = subject.columns.model_copy(update={"item": None, "entity": "item"})
    found = measure(replace(subject, columns=columns)).metric("ndcg")
    assert found.high - found.low == pytest.approx(once.high - once.low, rel=NEAR)


def test_a_column_that_is_not_there_is_an_error():
    subject = case("binary")
    with pytest.raises(SubjectError, match="lacks column"):
        measure(replace(subject, columns=subject.columns.model_copy(update={"entity": "customer"})))


@pytest.mark.parametrize("role", ["entity", "batch"])
def test_an_entity_is_neither_a_feature_nor_the_target(role):
    features = {"income": Feature(kind="numeric")}
    with pytest.raises(ValidationError, match=f"is the {role} and must not be a feature"):
        Columns(features=features, **{role: "income"})
    with pytest.raises(ValidationError, match=f"cannot be the {role} too"):
        Columns(features=features, target="label", **{role: "label"})


def test_a_large_run_draws_whole_entities(monkeypatch):
    from model_governance.checks.quality.model_quality import dependence

    monkeypatch.setattr(dependence, "MOST_ROWS", 800)
    result = measure(copied(case("binary")))
    note = next(note for note in result.notes if "design effect" in note)
    assert "estimated on 80" in note
    assert "of 2,000 rows" in note


def test_without_entity_nothing_changes():
    frame = case("binary").datasets["current"].frame
    subject = subject_of(frame, model_of("binary_classification", classes=(0, 1)))
    assert not [note for note in measure(subject).notes if "design effect" in note]

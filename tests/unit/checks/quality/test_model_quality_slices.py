from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from model_governance.errors import CheckError, SubjectError
from quality_cases import drawn_binary, forecast, measure, model_of, ranking, regression, subject_of, two_columns


def people(count: int = 600, *, seed: int = 3):
    """Applicants of two regions; the model is wrong for half of the young in the south."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draw.integers(18, 80, count),
            "region": draw.choice(["north", "south"], count),
            "label": draw.integers(0, 2, count),
        }
    )
    wrong = draw.random(count) < np.where((frame["age"] < 30) & (frame["region"] == "south"), 0.5, 0.1)
    frame["says"] = np.where(wrong, 1 - frame["label"], frame["label"])
    frame["score"] = np.where(frame["says"] == 1, 0.8, 0.2)
    model = model_of("binary_classification", classes=(0, 1), call_proba=two_columns)
    return subject_of(frame, model)


def accuracy(subject, rows) -> float:
    frame = subject.datasets["current"].frame[rows]
    return float((frame["says"] == frame["label"]).mean())


def test_every_slice_is_judged_on_its_own_rows():
    subject = people()
    frame = subject.datasets["current"].frame
    found = measure(
        subject,
        slices=[
            {"column": "age", "between": [18, 29], "name": "young"},
            {"column": "region", "equals": "south"},
            {"column": "age", "in": list(range(30, 50))},
        ],
    )
    young = found.metric("slice_accuracy", key="young")
    assert (young.value, young.n) == (accuracy(subject, frame["age"] < 30), int((frame["age"] < 30).sum()))
    assert young.low < young.value < young.high
    south = found.metric("slice_accuracy", key="region south")
    assert south.value == accuracy(subject, frame["region"] == "south")
    assert {metric.key for metric in found.metrics if metric.name == "slice_recall"} >= {"young", "region south"}


def test_a_column_alone_gives_a_slice_per_value_in_order():
    found = measure(people(), slices=[{"column": "region"}])
    assert [metric.key for metric in found.metrics if metric.name == "slice_accuracy"] == [
        "region north",
        "region south",
    ]
    picture = next(artifact for artifact in found.artifacts if artifact.name == "slices.svg")
    assert b"region south" in picture.content
    table = next(table for table in found.tables if table.name == "slices")
    assert len(table.rows) == 8
    assert found.metric("slice_average_precision", key="region north").low > 0


def test_a_slice_of_too_few_rows_is_named_and_not_judged():
    subject = people()
    old = subject.datasets["current"].frame["age"] >= 78
    found = measure(subject, slices=[{"column": "age", "between": [78, 80]}], minimum_slice_rows=int(old.sum()) + 1)
    metric = found.metric("slice_accuracy", key="age 78 to 80")
    assert metric.value is None
    assert "minimum_slice_rows" in metric.reason
    assert metric.absence == "uncertain"


def test_values_that_would_point_at_few_people_are_not_named():
    subject = people()
    frame = subject.datasets["current"].frame
    frame = frame.assign(region=frame["region"].where(frame.index > 3, "tiny village"))
    found = measure(subject.with_frame("current", frame), slices=[{"column": "region"}])
    assert "tiny village" not in str(found.record())
    assert "1 value(s) of region with fewer than 10 rows are no slices." in found.notes


def test_missing_values_are_a_slice():
    subject = people()
    frame = subject.datasets["current"].frame
    frame = frame.assign(region=frame["region"].where(frame.index >= 50))
    found = measure(subject.with_frame("current", frame), slices=[{"column": "region"}])
    assert found.metric("slice_accuracy", key="region missing").n == 50


def test_a_slice_that_these_rows_lack_is_uncertain_and_says_so():
    found = measure(people(), slices=[{"column": "region", "equals": "west"}, {"column": "region", "equals": "north"}])
    lacking = found.metric("slice_accuracy", key="region west")
    assert (lacking.value, lacking.absence) == (None, "uncertain")
    assert "none of 600 labelled rows" in lacking.reason
    assert found.metric("slice_accuracy", key="region north").value is not None


@pytest.mark.parametrize("slice_", [{"column": "region", "equals": 1}, {"column": "age", "in": ["30", "31"]}])
def test_a_slice_of_another_type_than_the_column_is_an_error(slice_):
    with pytest.raises(CheckError, match=r"matches none of 600 labelled rows.*spelling and type"):
        measure(people(), slices=[slice_])


def test_a_slice_without_a_positive_is_uncertain_where_it_needs_one():
    subject = people()
    frame = subject.datasets["current"].frame
    frame = frame.assign(label=frame["label"].where(frame["age"] >= 30, 0))
    found = measure(
        subject.with_frame("current", frame), slices=[{"column": "age", "between": [18, 29], "name": "young"}]
    )
    assert found.metric("slice_accuracy", key="young").value is not None
    for name in ("slice_recall", "slice_roc_auc", "slice_average_precision"):
        assert found.metric(name, key="young").absence == "uncertain"


def test_a_slice_of_a_column_that_is_not_there_is_an_error():
    with pytest.raises(SubjectError, match="lacks column"):
        measure(people(), slices=[{"column": "county"}])


def test_two_slices_of_one_name_are_refused():
    twice = [{"column": "age", "between": [18, 40], "name": "a"}, {"column": "age", "between": [41, 80], "name": "a"}]
    with pytest.raises(CheckError, match="two slices are called 'a'"):
        measure(people(), slices=twice)


def test_a_column_of_many_values_needs_a_condition():
    with pytest.raises(CheckError, match="too many for a slice each"):
        measure(people(), slices=[{"column": "age"}])


def test_between_needs_numbers():
    with pytest.raises(CheckError, match="between needs numbers"):
        measure(people(), slices=[{"column": "region", "between": [1, 2]}])


@pytest.mark.parametrize(
    "wrong",
    [
        {"column": "age", "equals": 1, "in": [2]},
        {"column": "age", "between": [3, 1]},
        {"column": "age", "name": "all"},
        {"column": "age", "in": []},
        {"equals": 1},
    ],
)
def test_conditions_that_say_nothing_or_too_much_are_refused(wrong):
    with pytest.raises(ValidationError):
        measure(people(), slices=[wrong])


def test_a_slice_without_positives_has_no_recall_but_an_accuracy():
    subject = drawn_binary(400)
    frame = subject.datasets["current"].frame
    frame = frame.assign(half=(frame["label"] == 0) & (frame.index % 2 == 0))
    found = measure(subject.with_frame("current", frame), slices=[{"column": "half", "equals": True, "name": "h"}])
    assert found.metric("slice_accuracy", key="h").value is not None
    assert found.metric("slice_recall", key="h").reason == "the slice holds no positive label"
    assert found.metric("slice_roc_auc", key="h").value is None


@pytest.mark.parametrize(
    ("subject", "column", "metric"),
    [
        (regression(np.arange(200.0), np.arange(200.0) + np.tile([1, -2], 100)), "says", "slice_mae"),
        (ranking(np.repeat(range(80), 3), np.tile([3, 2, 1], 80), np.tile([0, 1, 0], 80)), "score", "slice_ndcg"),
        (forecast(), "says", "slice_mase"),
    ],
    ids=["regression", "ranking", "forecasting"],
)
def test_every_family_has_slices(subject, column, metric):
    values = subject.datasets["current"].frame[column]
    params = {"slices": [{"column": column, "between": [float(values.min()), float(values.max())], "name": "all"}]}
    found = measure(subject, **params)
    whole = found.metric(metric.removeprefix("slice_"))
    assert found.metric(metric, key="all").value == pytest.approx(whole.value)

"""The search for weak slices finds a planted fault and keeps its level where nothing is weak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.quality.model_quality.params import Search
from model_governance.checks.quality.model_quality.partitions import code_column, partitions
from model_governance.checks.quality.model_quality.search import search_partitions
from model_governance.errors import CheckError
from quality_cases import drawn_binary, measure, model_of, ranking, subject_of


def rows(count: int, draw) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": draw.integers(16, 95, count),
            "sex": draw.integers(1, 3, count),
            "income": draw.gamma(2, 20, count),
            "state": draw.choice(list("abcdef"), count),
        }
    )


def planted(count: int = 6000, *, seed: int = 5, task: str = "binary_classification"):
    """A model that errs on one row of eight, and on one of three young women."""
    draw = np.random.default_rng(seed)
    frame = rows(count, draw)
    weak = (frame["age"] < 36) & (frame["sex"] == 2)
    if task == "regression":
        frame["label"] = draw.normal(size=count)
        frame["says"] = frame["label"] + draw.normal(size=count) * np.where(weak, 2.0, 1.0)
        return subject_of(frame, model_of(task))
    frame["label"] = draw.integers(0, 2, count)
    wrong = draw.random(count) < np.where(weak, 0.33, 0.12)
    frame["says"] = np.where(wrong, 1 - frame["label"], frame["label"])
    return subject_of(frame, model_of(task, classes=(0, 1)))


FEATURES = {"features": ["age", "sex", "income", "state"]}


def test_a_planted_weak_slice_is_found_and_named():
    found = measure(planted(), search=FEATURES)
    gap, count = found.metric("worst_slice_gap"), found.metric("weak_slices")
    assert gap.detail.startswith("age up to 35 and sex 2: accuracy 0.6")
    assert gap.detail.endswith("confirmed")
    assert gap.low < 0.21 < gap.high
    assert gap.low > 0.1
    assert count.value >= 1
    assert count.p_value < 1e-6
    assert any(note.startswith("Weak: age up to 35 and sex 2: accuracy") for note in found.highlights)
    table = next(table for table in found.tables if table.name == "weak_slices")
    assert (table.rows[0][0], table.rows[0][-1]) == ("age up to 35 and sex 2", "yes")


def test_larger_errors_of_a_regression_are_found_too():
    found = measure(planted(task="regression"), search=FEATURES)
    assert "age up to 35 and sex 2: mean absolute error 1." in found.metric("worst_slice_gap").detail
    assert found.metric("worst_slice_gap").low > 0.4


def test_with_depth_one_no_pair_is_named():
    found = measure(planted(), search={**FEATURES, "maximum_depth": 1})
    assert " and " not in found.metric("worst_slice_gap").detail.split(":")[0]


@pytest.mark.parametrize("losses", ["shares", "sizes"])
def test_where_nothing_is_weak_nothing_is_confirmed_beyond_the_level(losses):
    confirmed = 0
    for seed in range(150):
        draw = np.random.default_rng(seed)
        frame = rows(1500, draw)
        columns = {name: code_column(frame[name], bins=4) for name in frame.columns}
        loss = (draw.random(1500) < 0.2).astype(float) if losses == "shares" else draw.exponential(size=1500)
        search = Search(minimum_rows=30)
        found = search_partitions(list(partitions(columns, depth=2)), loss, search=search, seed=seed)
        confirmed += min(found.p_values) <= search.level
    # 150 samples at 5%: 7.5 expected at most; 15 or more would be seen once in a hundred such tests.
    assert confirmed < 15


def test_looking_on_one_half_only_would_have_raised_alarms():
    """The split is needed: the best slice of a null model looks bad on the half that chose it."""
    flattered = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        frame = rows(1500, draw)
        columns = {name: code_column(frame[name], bins=4) for name in frame.columns}
        loss = (draw.random(1500) < 0.2).astype(float)
        rates = [loss[partition.number == slice_].mean() for partition in partitions(columns, depth=2)
                 for slice_ in np.unique(partition.number) if (partition.number == slice_).sum() >= 60]  # fmt: skip
        flattered += max(rates) > 0.28
    assert flattered > 20


def test_too_few_rows_leave_the_search_absent_with_the_way_out():
    found = measure(drawn_binary(100), search={"minimum_rows": 50})
    assert found.metric("worst_slice_gap").value is None
    assert "lower search.minimum_rows" in found.metric("weak_slices").reason


def test_rows_that_depend_on_one_another_are_not_searched():
    with pytest.raises(CheckError, match="those of ranking do"):
        measure(ranking(["a"] * 3, [3, 2, 1], [0, 1, 0]), search={})


def test_codes_cover_every_row_and_name_missing_values():
    ages = code_column(pd.Series([20.0, 30, 40, 50, np.nan] * 4, name="age"), bins=2)
    assert ages.names == ("age up to 30", "age above 30", "age missing")
    assert list(ages.codes[:5]) == [0, 0, 1, 1, 2]
    states = code_column(pd.Series(["b", "a", None, "b"], name="state"), bins=4)
    assert [states.names[code] for code in states.codes] == ["state b", "state a", "state missing", "state b"]


def test_the_order_of_the_categories_does_not_depend_on_the_rows():
    values = pd.Series([f"c{number}" for number in range(80)] * 3, name="c")
    assert code_column(values, bins=4).names == code_column(values[::-1], bins=4).names

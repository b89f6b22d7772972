"""Synthetic release: a copied table is found, an independent one passes, and each number means what it says."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import synthetic
from model_governance.checks import find
from model_governance.contract.check import with_files
from model_governance.errors import CheckError, SubjectError

CHECK = find("synthetic_release")
NAMES = [*synthetic.COLUMNS.names, "label"]


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


def as_bytes(frame: pd.DataFrame, form: str = "csv") -> bytes:
    if form == "csv":
        return frame.to_csv(index=False).encode()
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def measured(subject, release: pd.DataFrame | bytes, form: str = "csv", **params):
    params = {"release": f"release.{form}"} | params
    content = release if isinstance(release, bytes) else as_bytes(release, form)
    return CHECK.measure(with_files(subject, params, {"release": content}), CHECK.params(**params), 7)


def rows_of(subject, role: str) -> pd.DataFrame:
    return subject.frame(role, columns=NAMES)


def value(result, name: str, key: str | None = None) -> float:
    return result.metric(name, key=key).value


def covers(result, name: str, truth: float, key: str | None = None) -> bool:
    metric = result.metric(name, key=key)
    return metric.low <= truth <= metric.high


def test_an_independent_table_gives_nothing_away(healthy):
    result = measured(healthy, synthetic.rows(400, seed=31)[NAMES])
    assert covers(result, "nearer_to_training_share", 0.5)
    assert covers(result, "membership_auc", 0.5)
    assert covers(result, "attribution_advantage", 0.0, "label")
    assert value(result, "duplicate_share") == 0
    assert result.highlights == (
        "The release is no nearer to the rows it was made from than to rows that it never saw.",
    )


def test_a_copied_table_is_found_by_every_number(healthy):
    result = measured(healthy, rows_of(healthy, "train"))
    assert value(result, "nearer_to_training_share") == 1
    assert value(result, "duplicate_share") == value(result, "duplicate_excess") == 1
    assert value(result, "membership_auc") == 1
    assert value(result, "correct_attribution", "label") == 1
    assert result.metric("attribution_advantage", key="label").low > 0.1


def test_a_table_of_which_a_fifth_is_copied_is_found(healthy):
    release = pd.concat([rows_of(healthy, "train").head(80), synthetic.rows(320, seed=31)[NAMES]])
    result = measured(healthy, release)
    assert value(result, "duplicate_share") == 0.2
    assert result.metric("duplicate_excess").low > 0.1
    assert result.metric("nearer_to_training_share").low > 0.5
    assert result.metric("membership_auc").low > 0.5


def test_noise_on_training_rows_hides_copies_and_not_closeness(healthy):
    release = rows_of(healthy, "train")
    release["income"] += np.random.default_rng(3).normal(0, 0.5, len(release))
    result = measured(healthy, release)
    assert value(result, "duplicate_share") == 0
    assert result.metric("nearer_to_training_share").low > 0.7
    assert result.metric("membership_auc").low > 0.8


def test_copies_of_held_out_rows_are_the_opposite_and_not_flagged(healthy):
    result = measured(healthy, rows_of(healthy, "reference"))
    assert value(result, "nearer_to_training_share") == 0
    assert (value(result, "duplicate_share"), value(result, "duplicate_excess")) == (0, -1)


def test_values_that_repeat_by_chance_are_no_excess(healthy):
    """Three categories of two values: nearly every row is a copy of somebody's, in the data or not."""
    coarse = {
        role: healthy.frame(role).assign(income=1.0, debt=2.0, age=30) for role in ("train", "reference", "current")
    }
    subject = healthy
    for role, frame in coarse.items():
        subject = subject.with_frame(role, frame)
    result = measured(subject, coarse["current"][NAMES])
    assert value(result, "duplicate_share") == 1
    assert value(result, "duplicate_excess") == 0
    assert value(result, "nearer_to_training_share") == 0.5
    assert value(result, "membership_auc") == 0.5


def test_one_record_that_fills_the_release_is_one_toss(healthy):
    release = pd.concat([rows_of(healthy, "train").head(1)] * 400)
    share = measured(healthy, release).metric("nearer_to_training_share")
    assert share.value == 1
    assert share.low < 0.1


def test_null_releases_alarm_as_often_as_they_should():
    """60 releases that are independent of the training rows: at most what 2.5% a side allow."""
    misses = 0
    for seed in range(60):
        train, held_out, release = (synthetic.rows(120, seed=1000 + 3 * seed + part) for part in range(3))
        subject = synthetic.subject(50).with_frame("train", train).with_frame("reference", held_out)
        result = measured(subject, release[NAMES])
        misses += result.metric("nearer_to_training_share").low > 0.5
    assert misses <= 5


def test_a_sensitive_feature_of_a_copied_table_is_found_beyond_what_anybody_could_tell(healthy):
    result = measured(healthy, rows_of(healthy, "train"), sensitive=["region", "income"])
    assert value(result, "correct_attribution", "region") > 0.95
    assert value(result, "correct_attribution_baseline", "region") < 0.6
    assert result.metric("attribution_advantage", key="income").low > 0.5


def test_population_is_held_out_where_it_is_given(healthy):
    subject = healthy.with_frame("population", synthetic.rows(300, seed=9))
    result = measured(subject, rows_of(healthy, "reference"))
    assert covers(result, "membership_auc", 0.5)
    assert any("300 held-out rows of population" in note for note in result.notes)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_file_does_not_change_what_is_equal(healthy, form):
    """Whole numbers, numerals as text and categories are one value in every file."""
    release = rows_of(healthy, "train").astype({"age": "float64", "region": "category"})
    assert value(measured(healthy, release, form), "duplicate_share") == 1


def test_missing_cells_equal_one_another(healthy):
    train = healthy.frame("train")
    train.loc[train.index[:50], "income"] = np.nan
    train.loc[train.index[50:90], "region"] = None
    subject = healthy.with_frame("train", train)
    assert value(measured(subject, train[NAMES]), "duplicate_share") == 1


def test_a_release_without_labels_is_compared_by_its_features(healthy):
    result = measured(healthy, rows_of(healthy, "train").drop(columns="label"))
    assert value(result, "duplicate_share") == 1
    assert not any(metric.name == "correct_attribution" for metric in result.metrics)


def test_the_same_seed_draws_the_same_rows(healthy):
    release = synthetic.rows(400, seed=31)[NAMES]
    first, second = (measured(healthy, release, samples=100).record() for _ in range(2))
    assert first == second
    assert value(measured(healthy, release, samples=100), "nearer_to_training_share") is not None


@pytest.mark.parametrize(
    ("release", "form", "sentence"),
    [
        (b"", "csv", "params.release: .*empty"),
        (b"income,debt\n1,2\n", "csv", "lacks column.s. age, region, channel; found income, debt"),
        (b"PAR1 no table", "parquet", "params.release: .*cannot be read as parquet"),
        (
            b"income,debt,age,region,channel\n1,2,30,north,web\n",
            "csv",
            "at least 20 rows of each table, found 1 of the release",
        ),
    ],
)
def test_a_release_that_cannot_be_compared_is_refused(healthy, release, form, sentence):
    with pytest.raises(CheckError, match=sentence):
        measured(healthy, release, form)


def test_text_in_a_number_and_an_unknown_sensitive_column_are_refused(healthy):
    release = synthetic.rows(60, seed=31)[NAMES]
    with pytest.raises(CheckError, match="column 'income' is numeric in the policy and holds other values"):
        measured(healthy, release.assign(income="much"))
    with pytest.raises(CheckError, match=r"params\.sensitive: no column wealth in all of release, train and reference"):
        measured(healthy, release, sensitive=["wealth"])


def test_a_missing_table_is_refused(healthy):
    without = replace(healthy, datasets={"train": healthy.datasets["train"]})
    with pytest.raises(SubjectError, match="'reference' is needed and was not given"):
        measured(without, rows_of(healthy, "train"))

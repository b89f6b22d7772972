"""Rows that repeat another row: copies under new ids are seen, natural repetition is not a fault."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import synthetic
from engine_cases import in_duckdb, in_parquet
from joint_cases import dataset, outcomes
from model_governance.checks.data.data_validation import CHECK, duplicates
from model_governance.checks.data.data_validation.duplicates import count_duplicates, duplicate_estimates
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.engine import open_relation, row_hashes

PARAMS = ValidationParams(
    expectations=[{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}}]
)


def payments(rows, *, seed):
    draw = np.random.default_rng(seed)
    return pd.DataFrame({
        "id": np.arange(rows) + seed * 1_000_000, "amount": draw.gamma(2, 20, rows), "kind": draw.choice(list("abc"), rows),
    })  # fmt: skip


def codes(rows, *, seed, values=30):
    """Two discrete features with 90 combinations: most rows repeat another by nature."""
    draw = np.random.default_rng(seed)
    return pd.DataFrame({
        "id": np.arange(rows), "amount": draw.integers(0, values, rows), "kind": draw.choice(list("abc"), rows),
    })  # fmt: skip


def doubled(frame):
    """The first half twice, the copies under new ids."""
    half = frame.iloc[: len(frame) // 2]
    return pd.concat([half, half.assign(id=half["id"] + 500_000)], ignore_index=True)


def subject_of(current, reference=None):
    return Subject(
        name="payments", task="binary_classification",
        columns=Columns(
            features={"amount": Feature(kind="numeric"), "kind": Feature(kind="category")}, target="label", identifier="id"
        ),
        datasets={
            role: dataset(role, frame)
            for role, frame in (("current", current), ("reference", reference))
            if frame is not None
        },
    )  # fmt: skip


def repeated(frame, *names):
    """Rows that repeat an earlier one, by hashes."""
    relation = open_relation(dataset("current", frame))
    with row_hashes.DistinctRows(relation.rows) as distinct:
        for piece in row_hashes.row_hashes(relation, names or tuple(frame.columns)):
            distinct.add(piece)
        return relation.rows - distinct.count()


def test_a_batch_of_which_half_is_a_copy_under_new_ids_fails():
    # V26
    subject = subject_of(doubled(payments(2000, seed=1)), payments(20_000, seed=2))
    result = CHECK.measure(subject, PARAMS, 1)
    assert result.metric("duplicate_share").value == 0.5
    assert result.metric("duplicate_share_increase").value == 0.5
    assert outcomes(CHECK, subject, result, "duplicate_share_increase") == ["fail"]
    assert "1,000 of 2,000 rows repeat another" in result.metric("duplicate_share").detail


@pytest.mark.parametrize(("rows", "reference"), [(2000, 20_000), (5000, 5000), (20_000, 3000), (500, 2000)])
def test_features_that_repeat_by_nature_pass(rows, reference):
    subject = subject_of(codes(rows, seed=3), codes(reference, seed=4))
    result = CHECK.measure(subject, PARAMS, 1)
    assert result.metric("duplicate_share").value > 0.8
    assert result.metric("duplicate_share_increase").value == pytest.approx(0, abs=0.03)
    assert outcomes(CHECK, subject, result, "duplicate_share_increase") == ["pass"]


def test_copies_among_rows_that_repeat_by_nature_are_seen():
    subject = subject_of(doubled(codes(4000, seed=3, values=9000)), codes(30_000, seed=4, values=9000))
    increase = CHECK.measure(subject, PARAMS, 1).metric("duplicate_share_increase")
    assert increase.low > 0.3


def test_copies_that_the_reference_has_as_well_are_no_increase():
    reference = pd.concat([doubled(payments(400, seed=seed)) for seed in range(20)], ignore_index=True)
    increase = CHECK.measure(subject_of(doubled(payments(400, seed=40)), reference), PARAMS, 1)
    assert increase.metric("duplicate_share_increase").value == 0


def test_without_a_reference_the_share_is_measured_and_the_increase_skipped():
    result = CHECK.measure(subject_of(doubled(payments(200, seed=1))), PARAMS, 1)
    assert result.metric("duplicate_share").value == 0.5
    assert result.metric("duplicate_share_increase").absence == "skipped"
    assert "add datasets.reference" in result.metric("duplicate_share_increase").reason
    lacking = subject_of(payments(200, seed=1), payments(200, seed=2)[["amount"]])
    assert CHECK.measure(lacking, PARAMS, 1).metric("duplicate_share_increase").reason.endswith("lacks column(s) kind")


def test_the_healthy_subject_has_neither():
    counted = count_duplicates(synthetic.subject(), seed=1)
    assert [estimate.value for estimate in duplicate_estimates(counted)] == [0, 0]


def test_equal_rows_are_equal_however_they_are_stored():
    frame = pd.DataFrame({"number": [0.0, -0.0, np.nan, np.nan, 1.5], "text": ["a", "a", None, np.nan, "b"]})
    assert repeated(frame) == 2
    assert repeated(pd.DataFrame({"mixed": [1, 1.0, True, "1", Decimal(1), 2]}, dtype=object)) == 4
    assert repeated(pd.DataFrame({"number": pd.array([1, None, 1, None], dtype="Int64")})) == 2
    assert repeated(pd.DataFrame({"time": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-01"])})) == 1
    assert repeated(pd.DataFrame({"flag": pd.Categorical(["x", "y", "x", None])})) == 1


def test_values_that_change_their_column_are_another_row():
    assert repeated(pd.DataFrame({"first": [1, 2], "second": [2, 1]})) == 0
    assert repeated(pd.DataFrame({"first": [7, 8], "second": [7, 8]})) == 0


def test_hashes_in_files_count_as_those_in_memory(monkeypatch):
    frame = codes(5000, seed=1, values=2000)
    before = repeated(frame, "amount", "kind")
    monkeypatch.setattr(row_hashes, "MAX_IN_MEMORY", 700)
    assert repeated(frame, "amount", "kind") == before == int(frame.duplicated(["amount", "kind"]).sum())
    counted = count_duplicates(subject_of(codes(3000, seed=1), codes(9000, seed=2)), seed=1)
    monkeypatch.undo()
    assert counted == count_duplicates(subject_of(codes(3000, seed=1), codes(9000, seed=2)), seed=1)


def test_only_the_first_million_rows_of_a_large_reference_are_read(monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_COMPARED", 1500)
    reference = pd.concat([payments(1500, seed=1), doubled(payments(6000, seed=2))], ignore_index=True)
    counted = count_duplicates(subject_of(payments(500, seed=3), reference), seed=1)
    assert counted.reference == 0


def test_a_table_that_stays_in_its_database_is_sampled_at_random(monkeypatch):
    # A database gives its rows sorted, so that consecutive ones would be as alike as they can be.
    connection = ibis.duckdb.connect()
    relations = {
        role: in_duckdb(
            connection, pa.Table.from_pandas(codes(rows, seed=seed, values=300), preserve_index=False), role=role
        )
        for role, rows, seed in (("current", 500, 1), ("reference", 5000, 2))
    }
    monkeypatch.setattr(duplicates, "open_relation", lambda given: relations[given.role])
    counted = count_duplicates(subject_of(codes(500, seed=1), codes(5000, seed=2)), seed=1)
    assert counted.reference == pytest.approx(counted.current, abs=0.05)
    assert 0.1 < counted.current < 0.4


def test_rows_in_a_file_count_as_those_in_memory(tmp_path):
    frame = codes(3000, seed=1, values=2000).assign(amount=lambda rows: rows["amount"].where(rows["amount"] > 50))
    stored = in_parquet(tmp_path, pa.Table.from_pandas(frame, preserve_index=False), role="current")
    subject = subject_of(frame, codes(1000, seed=2, values=2000))
    datasets = {**subject.datasets, "current": stored}
    assert count_duplicates(replace(subject, datasets=datasets), seed=1) == count_duplicates(subject, seed=1)


@pytest.mark.parametrize("place", ["front", "end", "scattered", "in pairs"])
@pytest.mark.parametrize("engine", ["memory", "duckdb"])
def test_copies_are_seen_wherever_they_stand(place, engine, monkeypatch):
    """A run of 5,000 rows with 2,500 of them once more, against a reference of 5,000 rows."""
    rows, reference = payments(5_000, seed=1), payments(5_000, seed=2)
    copies = rows.iloc[:2_500]
    both = pd.concat([copies, rows] if place == "front" else [rows, copies], ignore_index=True)
    if place == "scattered":
        both = both.sample(frac=1, random_state=3, ignore_index=True)
    if place == "in pairs":
        both = both.sort_values(list(both), ignore_index=True)
    both["id"] = np.arange(len(both))
    subject = subject_of(both, reference)
    if engine == "duckdb":
        connection = ibis.duckdb.connect()
        relations = {
            role: in_duckdb(connection, pa.Table.from_pandas(subject.frame(role), preserve_index=False), role=role)
            for role in ("current", "reference")
        }
        monkeypatch.setattr(duplicates, "open_relation", lambda given: relations[given.role])
    found = count_duplicates(subject, seed=1)
    assert (found.repeated, found.rows, found.compared, found.reference) == (2_500, 7_500, 5_000, 0)
    assert found.current >= 0.2, "1,111 of 5,000 rows where their copies stand far away, more where they stand near"


def test_the_rarefied_share_is_that_of_many_random_samples():
    """Hurlbert (1971), against draws."""
    rows = np.repeat(np.arange(700), np.random.default_rng(1).integers(1, 5, 700))
    sizes, counts = np.unique(np.unique(rows, return_counts=True)[1], return_counts=True)
    groups = dict(zip(sizes.tolist(), counts.tolist(), strict=True))
    draw = np.random.default_rng(2)
    for size in (1, 10, 400, len(rows)):
        drawn = [1 - len(np.unique(draw.choice(rows, size, replace=False))) / size for _ in range(300)]
        assert duplicates.rarefied_share(groups, size) == pytest.approx(np.mean(drawn), abs=0.005)
    assert duplicates.rarefied_share({1: 50}, 20) == pytest.approx(0, abs=1e-12)


def test_rows_that_repeat_by_nature_are_no_increase_however_many_there_are():
    """More rows repeat more; at the same number of rows they do not."""
    for seed in range(10):
        found = count_duplicates(subject_of(codes(6_000, seed=seed), codes(2_000, seed=50 + seed)), seed=1)
        assert abs(found.current - found.reference) < 0.03

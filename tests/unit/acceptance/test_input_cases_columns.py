"""What a column holds is decided once: exact numbers are compared, everything else is named and compared with nothing."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import project
from model_governance.authoring.compare import compare_files
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation
from model_governance.engine.column_kinds import NUMBERS
from model_governance.engine.frames import to_frame
from model_governance.errors import CheckError, GovernanceError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

ROWS = 600


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """Compares two tables of Arrow, or two frames, that are written as Parquet."""
    monkeypatch.chdir(tmp_path)

    def compare_tables(reference, current, *, quick: bool = False):
        for name, rows in (("reference", reference), ("current", current)):
            table = pa.Table.from_pandas(rows, preserve_index=False) if isinstance(rows, pd.DataFrame) else rows
            pq.write_table(table, tmp_path / f"{name}.parquet")
        return compare_files("reference.parquet", "current.parquet", quick=quick)

    return compare_tables


def column_of(comparison, name: str):
    """The comparison of one column."""
    (column,) = [column for column in comparison.columns if column.name == name]
    return column


def test_a_shifted_decimal_is_compared_as_a_number(compare):
    """D2: decimal(14,4) shifted by ten standard deviations has the PSI of the same floats."""
    values = np.random.default_rng(1).normal(100, 10, ROWS).round(4)
    kind = pa.decimal128(14, 4)
    decimals, floats = (
        [
            pa.table({"x": pa.array([as_cell(value + shift) for value in values])})
            for shift in (0, 100)
        ]
        for as_cell in (lambda value: Decimal(f"{value:.4f}"), lambda value: float(f"{value:.4f}"))
    )  # fmt: skip
    decimals = [table.cast(pa.schema([("x", kind)])) for table in decimals]
    found = compare(*decimals)
    assert found == compare(*floats)
    assert column_of(found, "x").family == "numbers"
    assert column_of(found, "x").psi > 5
    assert column_of(found, "x").p_value == pytest.approx(0, abs=1e-12)


def test_text_of_which_every_value_is_replaced_gets_no_number(compare):
    """D2: nothing of free text was compared, so nothing says that it did not change."""
    texts = [pd.DataFrame({"t": [f"{start}{row}" for row in range(ROWS)], "x": range(ROWS)}) for start in "ab"]
    for quick in (False, True):
        found = compare(*texts, quick=quick)
        assert [column.name for column in found.columns] == ["x"]
        assert found.not_compared == (f"t (text: {ROWS} values in {ROWS} rows)",)


def test_categories_too_rare_to_be_compared_get_no_psi(compare):
    """D2: nine rows of other values each are pooled into one cell, which equals itself."""
    first, second = (pd.DataFrame({"t": [f"{start}{row}" for row in range(9)]}) for start in "ab")
    column = column_of(compare(first, second), "t")
    assert (column.psi, column.low, column.p_value, column.total_variation) == (None, None, None, None)
    assert column.equal_width_psi > 1


@pytest.mark.parametrize("quick", [False, True])
def test_what_cannot_be_compared_is_named_and_takes_no_other_column_with_it(compare, quick):
    """D10: lists, structs, maps, bytes, times, and columns without any value or any finite number."""
    numbers = pa.array(np.arange(ROWS, dtype=float))
    columns = {
        "list": pa.array([[row] for row in range(ROWS)]),
        "struct": pa.array([{"a": row} for row in range(ROWS)]),
        "map": pa.array([[("a", row)] for row in range(ROWS)], pa.map_(pa.string(), pa.int64())),
        "bytes": pa.array([b"x"] * ROWS),
        "clock": pa.array([dt.time(1)] * ROWS),
        "span": pa.array([dt.timedelta(1)] * ROWS),
        "day": pa.array([dt.date(9999, 12, 31)] * ROWS),
        "moment": pa.array([dt.datetime(2026, 1, 1)] * ROWS),
        "no text": pa.array([None] * ROWS, pa.string()),
        "no number": pa.array([None] * ROWS, pa.float64()),
        "not a number": pa.array([float("nan")] * ROWS),
        "nothing": pa.array([None] * ROWS),
        "infinite": pa.array([float("inf")] * ROWS),
        "keys": pa.array([2**53 + row for row in range(ROWS)]),
        "x": numbers,
    }
    table = pa.table(columns)
    found = compare(table, table, quick=quick)
    assert [column.name for column in found.columns] == ["x"]
    named = [text.split(" (")[0] for text in found.not_compared]
    assert sorted(named) == sorted(name for name in columns if name != "x")
    assert column_of(found, "x").equal_width_psi == pytest.approx(0)


@pytest.mark.parametrize("side", ["reference", "current"])
@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("kind", [pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.null()])
def test_a_column_that_is_empty_on_one_side_is_named(compare, side, quick, kind):
    """D10: an empty column on either side is a line of the comparison, whatever its type."""
    values = {pa.string(): ["a", "b"], pa.bool_(): [True, False]}.get(kind, [1.0, 2.0])
    full = pa.table({"x": pa.array(values * 300), "y": pa.array([1.0, 2.0] * 300)})
    empty = pa.table({"x": pa.array([None] * ROWS, kind), "y": pa.array([1.0, 2.0] * 300)})
    found = compare(*((empty, full) if side == "reference" else (full, empty)), quick=quick)
    assert [column.name for column in found.columns] == ["y"]
    (text,) = found.not_compared
    assert text.startswith("x (no ")


@pytest.mark.parametrize("kind", ["int64", "uint64", "decimal"])
def test_integers_that_float64_merges_are_refused_in_words(compare, kind):
    """D12: 2^53 becomes 2^53 + 1 in half of the rows; a distance of 0 would be wrong."""
    reference, current = [2**53] * ROWS, [2**53, 2**53 + 1] * (ROWS // 2)
    as_type = pa.decimal128(20, 0) if kind == "decimal" else getattr(pa, kind)()
    tables = [
        pa.table(
            {
                "x": pa.array([Decimal(v) if kind == "decimal" else v for v in values], as_type),
                "y": [1.0, 2.0] * (ROWS // 2),
            }
        )
        for values in (reference, current)
    ]
    found = compare(*tables)
    assert [column.name for column in found.columns] == ["y"]
    assert found.not_compared[0].startswith("x (float64 cannot tell its numbers apart")


def test_wide_integers_that_float64_holds_are_compared(compare):
    """D12: only numbers that would change are refused."""
    tables = [pa.table({"x": pa.array([(row % count) * 2**58 for row in range(ROWS)])}) for count in (25, 30)]
    assert column_of(compare(*tables), "x").ks > 0.1


@pytest.mark.parametrize("shape", ["positive", "signed", "with zero", "with others"])
def test_denormal_numbers_give_the_same_distances_in_any_order(compare, shape):
    """D13: the smallest numbers there are, in another order of rows."""
    draw = np.random.default_rng(4)
    low, high = {"positive": (1, 2000), "signed": (-2000, 2000), "with zero": (-30, 30), "with others": (-50, 50)}[
        shape
    ]
    sides = [draw.integers(low, high, 3000) * 5e-324 for _ in range(2)]
    if shape == "with others":
        sides = [np.where(draw.random(3000) < 0.5, side, draw.normal(size=3000)) for side in sides]
    found = {
        compare(
            *(pd.DataFrame({"x": np.random.default_rng(seed).permutation(side)}) for side in sides), quick=quick
        ).columns
        for seed in range(3)
        for quick in (True,)
    }
    assert len(found) == 1
    full = {
        compare(*(pd.DataFrame({"x": np.random.default_rng(seed).permutation(side)}) for side in sides)).columns
        for seed in range(2)
    }
    assert len(full) == 1


def test_numbers_near_the_ends_of_float64_are_compared(compare):
    """D13: squares of such numbers lie beyond float64, the distances do not."""
    sides = [pd.DataFrame({"x": 10.0 ** np.random.default_rng(seed).uniform(-323, 300, ROWS)}) for seed in range(2)]
    assert column_of(compare(*sides), "x").psi == pytest.approx(0, abs=0.1)


def test_single_precision_is_compared_as_the_number_that_it_shows(compare):
    """D14: 0.3 in float32 and 0.3 in float64 are one number, as a cell and as a category."""
    values = np.arange(ROWS) % 7 / 10
    single, double = pd.DataFrame({"x": values.astype("float32")}), pd.DataFrame({"x": values})
    assert compare(single, double).columns == compare(double, double).columns


def test_a_column_that_changed_between_numbers_and_text_is_an_error(compare):
    """D10: every category would be new; that is no distance."""
    with pytest.raises(CheckError, match="repair the feed's types"):
        compare(pd.DataFrame({"x": [1, 2] * 50}), pd.DataFrame({"x": ["1", "2"] * 50}))


CHECKS = {
    "drift": {"kind": "data_drift", "params": {"joint": False}, "thresholds": [{"metric": "psi", "less_than": 0.2}]},
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]},
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: rows.assign(region=[["north"]] * len(rows)), "lists or structs"),
        (lambda rows: rows.assign(income=[{"a": 1.0}] * len(rows)), "lists or structs"),
        (lambda rows: rows.assign(income=rows["income"].astype(str)), "text|as string"),
        (lambda rows: rows.assign(income=np.nan), r"column\(s\) income of dataset 'current' hold no value"),
        (lambda rows: rows.assign(region=None), r"column\(s\) region of dataset 'current' hold no value"),
        (lambda rows: rows.assign(region=1), "category 'region' holds"),
        (lambda rows: rows.assign(region=pd.Timestamp("2026-01-01")), "category 'region' holds"),
    ],
    ids=["lists", "structs", "numbers as text", "no number", "no category", "numbers for text", "times for text"],
)
def test_a_feature_that_holds_something_else_is_a_sentence_in_every_check(tmp_path, change, sentence):
    """D10, D18: every check that reads the feature says what is wrong with it, none of them by a traceback."""
    small = project.small_project(tmp_path, checks=CHECKS)
    small.write_current(change(pd.read_parquet(tmp_path / "current.parquet")))
    for name in CHECKS:
        done = small.check(name)
        assert done.verdict.outcome == "error"
        assert isinstance(done.problem, GovernanceError)
        assert re.search(sentence, str(done.problem)), str(done.problem)


def test_a_category_whose_every_value_is_replaced_does_not_pass_a_bound_on_psi(tmp_path):
    """D2: two rows of each value, all of them new: a run says that it could not compare, and counts them as new."""
    small = project.small_project(tmp_path, checks={"drift": CHECKS["drift"]})
    for role, start in (("reference", "a"), ("current", "b")):
        rows = pd.read_parquet(tmp_path / f"{role}.parquet")
        rows.assign(channel=[f"{start}{row // 2}" for row in range(len(rows))]).to_parquet(tmp_path / f"{role}.parquet")
    found = {finding.key: finding for finding in small.check("drift").verdict.findings}
    assert found["channel"].outcome == "uncertain"
    assert "no value of the column has rows enough" in found["channel"].sentence


@pytest.mark.parametrize(
    "values", [["a", "b"], [1, 2, None], [2**60 + 1, 5, None], [0.5, None], [True, None], [Decimal("1.5"), None]]
)
def test_a_column_is_of_one_kind_in_memory_and_in_a_file(tmp_path, values):
    """D10: compare, run, validation and `policy init` ask one module, and it answers alike for every physical form."""
    table = pa.table({"x": pa.array(values * 20), "y": pa.array([1.0] * len(values) * 20)})
    pq.write_table(table, tmp_path / "rows.parquet")
    with pa.ipc.new_file(str(tmp_path / "rows.arrow"), table.schema) as writer:
        writer.write_table(table)
    families = set()
    for name in ("rows.parquet", "rows.arrow"):
        dataset = load_dataset("current", DatasetSpec(uri=name), folder=tmp_path, connections=PlainConnections())
        kind = open_relation(dataset).kinds(["x"])["x"]
        families.add("numbers" if kind in NUMBERS else kind)
        pd.testing.assert_series_equal(dataset.frame["x"], to_frame(table)["x"])
    assert len(families) == 1

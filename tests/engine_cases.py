"""Rows in every place the engine reads them from, and columns that break naive statistics."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.files import ParquetRows
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.stored import Stamp, StoredFile
from model_governance.engine.table_rows import TableRows

if TYPE_CHECKING:
    from pathlib import Path

ODD_NUMBERS = {
    "all_null": pa.array([None] * 6, pa.float64()),
    "no_type": pa.nulls(6),
    "null_and_nan": pa.array([1.0, None, float("nan"), 2.0, None, -0.0]),
    "infinite": pa.array([float("inf"), -float("inf"), 3.0, 1.0, float("nan"), 2.0]),
    "only_infinite": pa.array([float("inf")] * 6),
    "constant": pa.array([7.5] * 6),
    "beyond_2_53": pa.array([2**53 + 2, 2**62, 2**62 + 1024, -(2**60), 0, None]),
    "unsigned": pa.array([0, 2**64 - 2048, 1, 5, 5, 5], pa.uint64()),
    "boolean": pa.array([True, False, None, True, True, False]),
    "decimal": pa.array([Decimal("1.10"), None, Decimal("-0.05"), Decimal("999999999999.99"), Decimal("0.30"), Decimal("7.00")]),
    "single": pa.array([0.125, 0.25, 0.375, None, 0.0625, 4096.0], pa.float32()),
    "coded": pa.array([3, 1, None, 1, 3, 2]).dictionary_encode(),
}  # fmt: skip

ODD_CATEGORIES = {
    "text": pa.array(["b", "a", None, "a", "müde", ""]),
    "numbers": pa.array([1.0, 0.0, None, 1.0, float("nan"), 2.5]),
    "booleans": pa.array([True, False, None, True, True, False]),
    "dates": pa.array([dt.date(2026, 1, 1), None, dt.date(2026, 1, 2)] * 2),
    "decimals": pa.array([Decimal("1.10"), None, Decimal("2.00")] * 2),
    "coded": pa.array(["x", None, "y"] * 2).dictionary_encode(),
    "all_null": pa.array([None] * 6, pa.string()),
}


def in_parquet(folder: Path, table: pa.Table, *, role: str = "reference", group: int = 1000, name: str = "") -> Dataset:
    """A dataset whose rows are in a Parquet file."""
    path = folder / f"{name or role}.parquet"
    pq.write_table(table, path, row_group_size=group)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    stored = StoredFile(uri=path.name, path=path, sha256=sha256, stamp=Stamp.from_stat(path.stat()))
    return Dataset(role=role, uri=path.name, sha256=sha256, source=ParquetRows(stored, role))


def in_memory(table: pa.Table, *, role: str = "reference") -> Dataset:
    """The same rows in a frame."""
    return Dataset(role=role, uri=role, sha256="0" * 64, frame=table.to_pandas())


def in_duckdb(connection, table: pa.Table, *, role: str = "reference"):
    """The same rows behind ibis expressions on DuckDB."""
    plain = pa.table({one: _plain(table[one]) for one in table.column_names})
    connection.con.register("arriving", plain)
    connection.raw_sql(f"create or replace table {role} as select * from arriving")
    connection.con.unregister("arriving")
    return PushedRelation(TableRows(connection.table(role)), role=role, uri=role)


def _plain(column):
    column = column.combine_chunks()
    if pa.types.is_null(column.type):
        return column.cast(pa.float64())
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def samples(rows: int, *, seed: int, shift: float = 0.0) -> pa.Table:
    """Numbers of several shapes, with ties, gaps and infinities, and categories."""
    draw = np.random.default_rng(seed)
    return pa.table(
        {
            "normal": draw.normal(shift, 1, rows),
            "gaps": pa.array(draw.lognormal(0, 2, rows), mask=draw.random(rows) < 0.1),
            "ties": draw.integers(0, 12, rows),
            "half": np.where(draw.random(rows) < 0.5, 0.0, draw.normal(size=rows)),
            "far": 1.7e9 + draw.normal(shift, 0.5, rows),
            "wild": np.where(draw.random(rows) < 0.01, np.inf, draw.standard_t(2, rows) * 1e6),
            "colour": pa.array(np.array(["red", "green", "blue"])[draw.integers(0, 3, rows)], mask=draw.random(rows) < 0.05),
        }
    )  # fmt: skip


NUMBERS = ("normal", "gaps", "ties", "half", "far", "wild")


def relations(folder: Path, table: pa.Table, *, role: str = "reference", **keys):
    """The rows in memory and in a file."""
    return {
        "memory": open_relation(in_memory(table, role=role)),
        "file": open_relation(in_parquet(folder, table, role=role, **keys)),
    }


def finite(column) -> np.ndarray:
    """The finite values of an Arrow column as float64, by another way than the engine's."""
    values = np.array([float(one) for one in _plain(pa.chunked_array([column]) if isinstance(column, pa.Array) else column).to_pylist() if one is not None])  # fmt: skip
    return values[np.isfinite(values)] if len(values) else np.empty(0)

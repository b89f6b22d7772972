"""The same 300 rows in many physical forms, each as the keys of a dataset in a policy."""

from __future__ import annotations

import datetime as dt
import gzip
import sqlite3
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.feather as feather
import pyarrow.parquet as pq

import synthetic

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.contract.model import Model

COUNT = 300
SQL_TYPES = {"row": "bigint", "income": "double precision", "debt": "double precision", "age": "bigint",
             "region": "text", "channel": "text", "label": "bigint"}  # fmt: skip


def table(role: str) -> pa.Table:
    """The rows of a role: numbers of few digits, so that text and decimals hold them exactly; debts and regions with gaps."""
    frame = synthetic.rows(COUNT, seed=1 + ["train", "reference", "current"].index(role))
    frame["income"], frame["debt"] = frame["income"].round(3), frame["debt"].round(2)
    made = pa.Table.from_pandas(frame, preserve_index=False)
    gaps = np.arange(COUNT) % 29 == 3
    made = made.set_column(2, "debt", pc.if_else(pa.array(gaps), pa.scalar(None, pa.float64()), made["debt"]))
    return made.set_column(4, "region", pc.if_else(pa.array(gaps), pa.scalar(None, pa.string()), made["region"]))


def _decimal(made: pa.Table) -> pa.Table:
    for name, scale in (("income", 3), ("debt", 2)):
        place = made.schema.get_field_index(name)
        values = [None if value is None else Decimal(f"{value:.{scale}f}") for value in made[name].to_pylist()]
        made = made.set_column(place, name, pa.array(values, pa.decimal128(14, scale)))
    return made


def _narrow(made: pa.Table) -> pa.Table:
    for name, kind in (("age", pa.int8()), ("label", pa.int32()), ("row", pa.uint32())):
        made = made.set_column(made.schema.get_field_index(name), name, made[name].cast(kind))
    return made


def _coded(made: pa.Table) -> pa.Table:
    for name in ("region", "channel"):
        made = made.set_column(made.schema.get_field_index(name), name, made[name].dictionary_encode())
    return made


def _with_moment(made: pa.Table) -> pa.Table:
    moments = [dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hour) for hour in range(COUNT)]
    return made.append_column("moment", pa.array(moments, pa.timestamp("ns", "UTC")))


def _csv(made: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pc_csv.write_csv(made, sink, pc_csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue().to_pybytes()


def _in_files(folder: Path, made: pa.Table, *, cut: int) -> None:
    folder.mkdir(parents=True)
    pq.write_table(made.slice(0, cut), folder / "a.parquet")
    pq.write_table(made.slice(cut), folder / "b.parquet")


def write_forms(folder: Path, role: str) -> dict[str, dict]:
    """Writes every form of a role's rows; the keys of a dataset by the name of the form."""
    made, forms = table(role), {}

    def file(form: str, name: str) -> Path:
        forms[form] = {"uri": name}
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    for form, change in {
        "parquet": lambda rows: rows, "parquet dictionary": _coded, "parquet decimal": _decimal, "parquet narrow": _narrow,
        "parquet timestamps": _with_moment,
    }.items():  # fmt: skip
        pq.write_table(change(made), file(form, f"{role} {form}.parquet"), row_group_size=77)
    nullable = made.to_pandas(types_mapper=pd.ArrowDtype).convert_dtypes(dtype_backend="numpy_nullable")
    nullable.to_parquet(file("parquet of nullable pandas", f"{role}_nullable.parquet"))
    file("csv", f"{role}.csv").write_bytes(_csv(made))
    file("csv.gz", f"{role}.csv.gz").write_bytes(gzip.compress(_csv(made), mtime=0))
    with pa.ipc.new_file(file("arrow", f"{role}.arrow"), made.schema) as writer:
        writer.write_table(made, max_chunksize=50)
    with pa.ipc.new_stream(file("arrow stream", f"{role}.ipc"), made.schema) as writer:
        writer.write_table(made)
    feather.write_feather(_coded(made), file("feather", f"{role}.feather"), compression="zstd")
    _in_files(folder / role / "plain", made, cut=100)
    forms["folder"] = {"uri": f"{role}/plain"}
    forms["glob"] = {"uri": f"{role}/pl*/*.parquet"}
    for day in (1, 2):
        _in_files(folder / role / "hive" / f"day=2026-01-0{day}", made.slice((day - 1) * 150, 150), cut=60)
    forms["hive partitions"] = {"uri": f"{role}/hive/", "partition": "day", "interval": "2026-01-01/2026-01-03"}
    (folder / role / "many").mkdir()
    for number in range(3):
        part = _csv(made.slice(number * 100, 100))
        (folder / role / "many" / f"{number}.csv.gz").write_bytes(gzip.compress(part, mtime=0))
    forms["csv.gz in a glob"] = {"uri": f"{role}/many/*.csv.gz"}
    with duckdb.connect(folder / f"{role}.duckdb") as connection:
        connection.register("arriving", made)
        connection.execute('create table rows as select * from arriving order by "row"')
    forms["duckdb query"] = {"uri": f"duckdb:///{role}.duckdb", "query": 'from rows order by "row"'}
    with sqlite3.connect(folder / f"{role}.sqlite") as connection:
        _insert(connection, "rows", made, sign="?")
    forms["sqlite query"] = {"uri": f"sqlite:///{role}.sqlite", "query": 'select * from rows order by "row"'}
    return forms


def _insert(connection, name: str, made: pa.Table, *, sign: str) -> None:
    """Creates a table of a database and fills it, row by row."""
    columns = ", ".join(f'"{column}" {SQL_TYPES[column]}' for column in made.column_names)
    cursor = connection.cursor()
    cursor.execute(f"create table {name} ({columns})")
    marks = ", ".join([sign] * made.num_columns)
    cursor.executemany(
        f"insert into {name} values ({marks})", list(zip(*(one.to_pylist() for one in made.columns), strict=True))
    )
    connection.commit()


def insert_rows(connection, name: str, role: str, *, sign: str = "%s") -> None:
    """The rows of a role as a table of a database whose driver marks parameters so."""
    _insert(connection, name, table(role), sign=sign)


def filling_model() -> Model:
    """A model that fills what is missing first: a null reaches it as None, NaN or NA, as each form spells it."""
    fitted = synthetic.as_model(synthetic.pipeline(table("train").to_pandas().dropna()))

    def filled(frame: pd.DataFrame) -> pd.DataFrame:
        numbers = {name: frame[name].astype("float64").fillna(0.0) for name in ("income", "debt", "age")}
        texts = {name: frame[name].astype(object).where(frame[name].notna(), "south") for name in ("region", "channel")}
        return frame.assign(**numbers, **texts)

    return replace(
        fitted, call=lambda frame: fitted.call(filled(frame)), call_proba=lambda frame: fitted.call_proba(filled(frame))
    )

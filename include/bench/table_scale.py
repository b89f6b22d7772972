"""What rows cost that lie in a database, beside the same rows in a Parquet file: one JSON line per place and size.

    python include/bench/table_scale.py [--rows 300000 3000000]        (PostgreSQL must be installed; it is started here)

Reference and current hold `--rows` rows each of 5 columns of `synthetic_rows`, and are asked everything that `data_scale` asks.
CPU seconds are those of the process and of the PostgreSQL server together, its own part beside them. `work` leaves out what a
process does once: ten rows of the same place are opened before. `left there` is a table that is too large to copy: its database
computes every number.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import re
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from data_scale import INPUTS, OPEN, ORDERED
from processes import cost_of, python
from synthetic_rows import write_rows

from system.databases import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

NUMBERS, CATEGORIES = ["n00", "n03", "n04"], ["c02", "c06"]
ROLES = ("reference", "current")
WARM = "warm"
"""The name of ten rows of the reference."""
TICKS = 100  # of /proc, per second
FEW = 300_000  # rows up to which the slow ways are measured too
SIDES = """
import time
import pandas, pyarrow.parquet
if {name!r} != "file":
    import ibis, psycopg, sqlalchemy
    getattr(ibis, {name!r})
if {most} is not None:
    from model_governance.engine import table_copies
    table_copies.MAX_CELLS = {most}
opened("reference", **{few})
began = time.process_time()
sides = [opened(role, **keys) for role, keys in zip(("reference", "current"), {keys})]
"""
TOLD = "\nprint('WORK', time.process_time() - began)"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=int, nargs="+", default=[300_000, 3_000_000])
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="table-scale-") as folder, postgres() as uri:
        for rows in options.rows:
            # In a process of its own, so that its memory is in no figure.
            filling = multiprocessing.get_context("spawn").Process(target=_fill, args=(Path(folder), uri, rows))
            filling.start()
            filling.join()
            for place, keys, most in _places(Path(folder), uri, rows):
                print(json.dumps({"what": place, "rows": rows} | _cost(uri, place, keys, most)), flush=True)
    return 0


def _places(folder: Path, uri: str, rows: int) -> Iterator[tuple[str, list[dict[str, str]], int | None]]:
    """Each place with the keys of its datasets, and the cells that are copied at most where that is not as usual."""
    tables = [{"path": uri, "table": role} for role in ROLES]
    yield "file", [{"path": str(folder / f"{role}.parquet")} for role in ROLES], None
    yield "postgres table", tables, None
    if rows <= FEW:
        yield "postgres table, left there", tables, 0
        yield "postgres query", [{"path": uri, "query": f"select * from {role}"} for role in ROLES], None  # noqa: S608
    for name in ("duckdb", "sqlite") if rows <= FEW else ("duckdb",):
        yield f"{name} table", [{"path": f"{name}:///{folder}/rows.{name}", "table": role} for role in ROLES], None


def _cost(uri: str, place: str, keys: list[dict[str, str]], most: int | None) -> dict[str, float]:
    few = {name: value.replace("reference", WARM) for name, value in keys[0].items()}
    code = OPEN.replace("SIDES", SIDES.format(name=place.split()[0], keys=keys, few=few, most=most))
    code = re.sub(r"(?m)^numbers, categories = .*$", f"numbers, categories = {NUMBERS}, {CATEGORIES}", code)
    with _server(uri) as used:
        cost = cost_of(python(code + INPUTS + ORDERED + TOLD))
        server = used()
    work = float(re.findall(r"WORK (\S+)", cost.printed)[0])
    return {"wall": cost.wall, "cpu": cost.cpu + server, "server": server, "work": work + server, "mib": cost.mib}


@contextmanager
def _server(uri: str) -> Iterator[Callable[[], float]]:
    """The processor time, in seconds, that a PostgreSQL server has used since."""
    import psycopg

    with psycopg.connect(uri) as connection:
        postmaster = int(_status(connection.info.backend_pid)[1])

    def used() -> float:
        """Of the server, of its processes that ended, and of those that live."""
        time.sleep(0.5)  # the process of a closed connection ends a moment later
        every = [_status(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()]
        living = [status for status in every if status and int(status[1]) == postmaster]
        own = _status(postmaster)
        ticks = sum(int(status[place]) for status in [*living, own] for place in (11, 12))
        return (ticks + int(own[13]) + int(own[14])) / TICKS

    before = used()
    yield lambda: used() - before


def _status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: 1 is the parent, 11 to 14 are times; empty where it has ended."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _fill(folder: Path, uri: str, rows: int) -> None:
    """The rows of both roles as a file and as a table of each database."""
    import duckdb
    import psycopg
    import pyarrow.parquet as pq

    for seed, role in ((1, WARM), (1, "reference"), (2, "current")):
        path = folder / f"{role}.parquet"
        write_rows(path, 10 if role == WARM else rows, seed=seed, drifted=role == "current")
        table = pq.read_table(path, columns=[*NUMBERS, *CATEGORIES])
        pq.write_table(table, path, compression="zstd", row_group_size=125_000)
        columns = ", ".join([f"{name} double precision" for name in NUMBERS] + [f"{name} text" for name in CATEGORIES])
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"drop table if exists {role}")
            connection.execute(f"create table {role} ({columns})")
            with connection.cursor().copy(f"copy {role} from stdin csv") as copy:
                for text in _as_csv(table):
                    copy.write(text)
            connection.execute(f"vacuum analyze {role}")
        with duckdb.connect(folder / "rows.duckdb") as connection:
            connection.execute(f"drop table if exists {role}")
            connection.from_parquet(str(path)).create(role)
        if rows <= FEW:
            _fill_sqlite(folder / "rows.sqlite", role, table)


def _fill_sqlite(path: Path, role: str, table: pa.Table) -> None:
    import sqlite3

    columns = ", ".join([f"{name} real" for name in NUMBERS] + [f"{name} text" for name in CATEGORIES])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"drop table if exists {role}")
        connection.execute(f"create table {role} ({columns})")
        for batch in table.to_batches():
            rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            connection.executemany(f"insert into {role} values (?, ?, ?, ?, ?)", rows)  # noqa: S608


def _as_csv(table: pa.Table) -> Iterator[bytes]:
    import pyarrow.csv as pc

    for batch in table.to_batches():
        text = io.BytesIO()
        pc.write_csv(batch, text, pc.WriteOptions(include_header=False))
        yield text.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())

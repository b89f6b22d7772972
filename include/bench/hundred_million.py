"""100 million rows of 12 columns on one machine and on a Spark cluster of two workers; writes include/bench/HUNDRED_MILLION.md.

    make bench PART=hundred_million            needs the environment of `make test-system`, Java and 15 GB of disk
    ARGS="--rows 1000000 --spark 1000000"      smaller

Current holds `--rows` rows each of `transaction_rows`, the reference one million. `hundred_million_side` compares them, on one
machine for each size, and for those of `--spark` on a standalone cluster too: a master and two workers of one core, each a
process of its own, reached by the uri alone. Files and measurements are
kept in the folder BENCH_FOLDER where that is set, so that a bench that broke off goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from kept import Kept
from process_tree import ProcessTree
from processes import cost_of
from transaction_rows import write_transactions

from system.spark_cluster import spark_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).with_name("HUNDRED_MILLION.md")
SIDE = Path(__file__).with_name("hundred_million_side.py")
SIZES = (1_000_000, 10_000_000, 100_000_000)
REFERENCE = 1_000_000
MEMORY = "3g"
"""Of the executor of each worker."""
DIGITS = 1e-12
"""Relative difference of Wasserstein distances, sums of floats whose last digits depend on the order of adding."""


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=int, nargs="+", default=list(SIZES))
    asked.add_argument("--spark", type=int, nargs="*", default=list(SIZES))
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("BENCH_FOLDER") or temporary)
        kept = Kept(folder / "measured")
        here = {rows: kept.once(f"one-machine-{rows}", lambda rows=rows: _here(folder, rows)) for rows in options.rows}
        there = {rows: kept.once(f"spark-{rows}", lambda rows=rows: _there(folder, rows)) for rows in options.spark}
        sizes = {rows: sum(path.stat().st_size for path in _files(folder, rows)) for rows in options.rows}
    page = _page(here, there, sizes)
    RESULTS.write_text(page)
    print(page)
    return 0


def _files(folder: Path, rows: int) -> tuple[Path, Path]:
    """Reference and current, written where they are not there."""
    found = []
    for role, seed, count in (("reference", 1, REFERENCE), ("current", 2, rows)):
        path = folder / f"{role}_{count}.parquet"
        if not path.exists():
            part = path.with_suffix(".part")
            write_transactions(part, count, seed=seed, drifted=role == "current")
            part.rename(path)
        found.append(path)
    return found[0], found[1]


def _here(folder: Path, rows: int) -> dict[str, Any]:
    cost = cost_of([sys.executable, str(SIDE), *map(str, _files(folder, rows))])
    return {"wall": cost.wall, "cpu": cost.cpu, "mib": {"process": cost.mib}, "found": _answer(cost.printed)}


def _there(folder: Path, rows: int) -> dict[str, Any]:
    """The same, asked of a cluster that is started for it; CPU and memory are those of all processes."""
    paths = _files(folder, rows)
    with spark_cluster(memory=MEMORY, folder=folder) as cluster, _settings(folder), ProcessTree() as tree:
        cost = cost_of([sys.executable, str(SIDE), *map(str, paths), cluster.uri])
        executors = cluster.executors()
    found = _answer(cost.printed)
    if executors != [1, 1] or found["engine"] != "PushedRelation":
        raise SystemExit(
            f"expected an executor of each worker that measures a table, found {executors}, {found['engine']}"
        )
    return {"wall": cost.wall, "cpu": tree.cpu, "mib": tree.mib, "found": found}


@contextmanager
def _settings(folder: Path) -> Iterator[None]:
    """Spark's own way to say what an executor is given: spark-defaults.conf."""
    with tempfile.TemporaryDirectory(dir=folder) as settings:
        lines = {"spark.executor.memory": MEMORY, "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        (Path(settings) / "spark-defaults.conf").write_text(text)
        before = dict(os.environ)
        os.environ |= {"SPARK_CONF_DIR": settings, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": settings}
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _answer(printed: str) -> dict[str, Any]:
    """The line of JSON, behind what Java says at its start."""
    return dict(json.loads(next(line for line in printed.splitlines() if line.startswith("{"))))


def _page(here: dict[int, Any], there: dict[int, Any], sizes: dict[int, int]) -> str:
    lines = [
        "# 100 million rows: one machine and a Spark cluster",
        "",
        (
            f"Written by `make bench PART=hundred_million`; {os.cpu_count()} cores, Python {platform.python_version()}. Reference: "
            f"{REFERENCE:,} rows. Current: as the table says. Both are Parquet files of the same 12 columns (`transaction_rows.py`): 8 numbers, "
            "in one of which (`signal`) no value repeats, and 4 categories; 4 of the columns of current have moved a little."
        ),
        "",
        (
            "Asked of each: PSI over cells frozen with the reference, exact Kolmogorov-Smirnov and Wasserstein distances over all rows, "
            "counts of at most 500 cells per column, what is missing, and how often each category occurs; the digest of the file or the "
            "fingerprint of the table included. The cluster is Spark's standalone one: a master and two workers of one core and "
            f"{MEMORY} each, all on the same host as the driver, so its CPU seconds and memory compare and its wall time is no "
            "measure of a cluster of several machines."
        ),
        "",
        "| where | rows of current | file, MB | wall s | CPU s | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    for rows, each in here.items():
        lines.append(_line("one machine, out of core", rows, sizes[rows], each))
    for rows, each in there.items():
        lines.append(_line("Spark, two workers", rows, sizes[rows], each))
    return "\n".join([*lines, "", *_flat(here), "", *_identical(here, there)]) + "\n"


def _line(where: str, rows: int, size: int, each: dict[str, Any]) -> str:
    memory = ", ".join(f"{name} {mib:,.0f}" for name, mib in each["mib"].items())
    return f"| {where} | {rows:,} | {size / 1e6:,.0f} | {each['wall']:,.0f} | {each['cpu']:,.0f} | {memory} |"


def _flat(here: dict[int, Any]) -> list[str]:
    least, most = min(here), max(here)
    first, last = (here[rows]["mib"]["process"] for rows in (least, most))
    return [
        (
            f"One machine needs {last:,.0f} MiB for {most:,} rows and {first:,.0f} MiB for {least:,}: {last / first:.2f} times the memory "
            f"for {most / least:.0f} times the rows."
        )
    ]


def _identical(here: dict[int, Any], there: dict[int, Any]) -> list[str]:
    lines = [] if there else ["The cluster was not asked in this run."]
    for rows in sorted(here.keys() & there.keys()):
        ours, theirs = here[rows]["found"], there[rows]["found"]
        counts, furthest = _compared(ours, theirs)
        lines.append(
            f"{rows:,} rows: {counts:,} counts, the edges and labels of their cells, extremes, PSI and Kolmogorov-Smirnov distances (with the "
            f"value at which each is reached) of {len(ours['columns'])} columns are identical on both to the last bit; Wasserstein distances, "
            f"which are sums of floats, differ by at most {furthest:.0e} of their value."
        )
    return lines


def _compared(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[int, float]:
    """How many counts were compared, and the largest relative difference of a Wasserstein distance.

    Raises:
        SystemExit: anything else differs.
    """
    counts, furthest = 0, 0.0
    if ours["rows"] != theirs["rows"] or ours["columns"].keys() != theirs["columns"].keys():
        raise SystemExit(f"other rows or columns: {ours['rows']} and {theirs['rows']}")
    for name, column in ours["columns"].items():
        other = theirs["columns"][name]
        counts += sum(len(side["counts"]) + 3 for side in column["counts"])
        if column["ordered"] is not None:
            first, second = (each["ordered"].pop("wasserstein") for each in (column, other))
            furthest = max(furthest, abs(first - second) / max(abs(first), sys.float_info.min))
        if column != other:
            raise SystemExit(f"column {name} differs: {json.dumps(column)[:2000]} and {json.dumps(other)[:2000]}")
    if furthest > DIGITS:
        raise SystemExit(f"Wasserstein distances differ by {furthest:.1e} of their value, more than {DIGITS:.0e}")
    return counts, furthest


if __name__ == "__main__":
    raise SystemExit(main())

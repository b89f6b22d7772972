"""Thirty expectations over millions of rows: our check, Great Expectations on pandas, and SQL written by hand.

    python include/bench/validation_scale.py [--rows 1000000 5000000 10000000] [--folder FOLDER]

Prints a line of JSON for each run in a process of its own: `what` (ours, pandas, sql), rows, wall and CPU seconds and the
largest resident memory of the whole process, imports included, and `work`, the CPU seconds without the imports. The run
ends with an error if the outcomes differ.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from processes import cost_of
from synthetic_rows import CATEGORIES, NUMBERS, SIZES, write_rows

SEED = 20261124
MOST_IN_PANDAS = 5_000_000
"""Pandas needs about 0.8 GiB per million of these rows."""


def suite() -> list[dict[str, Any]]:
    """Ten not null, eight ranges, four means, a standard deviation, six sets, a row count; some of them broken."""
    found = [_expect("column_values_to_not_be_null", column=name, mostly=0.95) for name in NUMBERS[:9]]
    found += [_expect("column_values_to_not_be_null", column=NUMBERS[0])]
    found += [
        _expect("column_values_to_be_between", column=one, min_value=-4, max_value=85, mostly=0.99)
        for one in NUMBERS[10:18]
    ]
    found += [_expect("column_mean_to_be_between", column=name, min_value=-1, max_value=1.2) for name in NUMBERS[:4]]
    found += [_expect("column_stdev_to_be_between", column=NUMBERS[0], min_value=0.9, max_value=1.1)]
    for name, size in list(zip(CATEGORIES, SIZES, strict=True))[:6]:
        known = [f"v{rank}" for rank in range(size - (name == "c05"))]
        found.append(_expect("column_values_to_be_in_set", column=name, value_set=known))
    return [*found, _expect("table_row_count_to_be_between", min_value=1, max_value=1_000_000_000)]


def ours(path: Path) -> dict[str, Any]:
    """The check as a policy runs it, its file loaded and digested."""
    for heavy in ("great_expectations.expectations", "matplotlib.figure", "pyarrow.parquet", "duckdb_engine"):
        importlib.import_module(heavy)
    from model_governance.checks.data.data_validation import CHECK
    from model_governance.checks.data.data_validation.params import ValidationParams
    from model_governance.contract.connections import PlainConnections
    from model_governance.contract.subject import Columns, Feature, Subject
    from model_governance.policy import DatasetSpec
    from model_governance.subjects.datasets import load_dataset

    began = time.process_time()
    dataset = load_dataset("current", DatasetSpec(uri=str(path)), folder=path.parent, connections=PlainConnections())
    kinds = dict.fromkeys(NUMBERS, "numeric") | dict.fromkeys(CATEGORIES, "category")
    columns = Columns(features={name: Feature(kind=kind) for name, kind in kinds.items()})
    subject = Subject(name="scale", task="regression", columns=columns, datasets={"current": dataset})
    result = CHECK.measure(subject, ValidationParams(expectations=suite()), SEED)
    record = json.loads(result.artifacts[0].content)
    found = [[one["success"], one["unexpected_rows"], one["observed_value"]] for one in record["results"]]
    return {"work": time.process_time() - began, "found": found}


def pandas(path: Path) -> dict[str, Any]:
    """Great Expectations as its documentation shows it."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.expectations.registry import get_expectation_impl

    importlib.import_module("pyarrow.parquet")
    began = time.process_time()
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": pd.read_parquet(path)})
    built = [get_expectation_impl(one["type"])(**one["kwargs"], meta={"at": at}) for at, one in enumerate(suite())]
    told = batch.validate(gx.ExpectationSuite(name="suite", expectations=built), result_format="SUMMARY").results
    told = sorted(told, key=lambda one: one.expectation_config.meta["at"])
    found = [[bool(one.success), one.result.get("unexpected_count"), one.result.get("observed_value")] for one in told]
    return {"work": time.process_time() - began, "found": found}


def sql(path: Path) -> dict[str, Any]:
    """One statement by somebody who knows DuckDB and this suite, on one thread as ours."""
    import duckdb

    began = time.process_time()
    parts = [_sql_of(one) for one in suite()]
    connection = duckdb.connect(config={"threads": 1})
    values = connection.execute(f"SELECT {', '.join(parts)} FROM read_parquet('{path}')").fetchone()  # noqa: S608
    return {"work": time.process_time() - began, "found": [[None, None, one] for one in values or ()]}


def _sql_of(one: dict[str, Any]) -> str:
    kwargs = one["kwargs"]
    name, kind = kwargs.get("column"), one["type"]
    if "not_be_null" in kind:
        return f"count(*) - count({name})"
    if "values_to_be_between" in kind:
        return f"sum(CASE WHEN {name} < {kwargs['min_value']} OR {name} > {kwargs['max_value']} THEN 1 ELSE 0 END)"
    if "in_set" in kind:
        known = ", ".join(f"'{value}'" for value in kwargs["value_set"])
        return f"sum(CASE WHEN {name} NOT IN ({known}) THEN 1 ELSE 0 END)"
    return "count(*)" if name is None else f"{'avg' if 'mean' in kind else 'stddev_samp'}({name})"


def _expect(what: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{what}", "kwargs": kwargs}


WAYS = {"ours": ours, "pandas": pandas, "sql": sql}


def _alone(what: str, path: Path) -> None:
    found = WAYS[what](path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("FOUND " + json.dumps(found | {"peak": memory}, default=float))


def _compare(found: dict[str, list[list[Any]]]) -> None:
    for what, told in found.items():
        for at, (one, other) in enumerate(zip(found["ours"], told, strict=True)):
            number = other[2] if other[1] is None else other[1]
            mine = one[2] if one[1] is None else one[1]
            same = mine == number or abs(mine - number) <= 1e-8 * abs(mine)
            if not same or (other[0] is not None and other[0] != one[0]):
                raise SystemExit(f"{what} differs from ours on {suite()[at]}: {other}, ours {one}")


def main() -> int:
    """Generates the rows, runs every way on every size, compares what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--alone", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        _alone(chosen.alone, chosen.file)
        return 0
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        for rows in chosen.rows:
            path = Path(folder) / f"{rows}.parquet"
            write_rows(path, rows, seed=SEED)
            _warm(path)
            _size(rows, path)
            path.unlink()
    return 0


def _warm(path: Path) -> None:
    """Write out and read once, so that the first way does not pay for the file's way to the disk."""
    os.sync()
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def _size(rows: int, path: Path) -> None:
    found = {}
    for what in WAYS:
        if what == "pandas" and rows > MOST_IN_PANDAS:
            continue
        cost = cost_of([sys.executable, "-W", "ignore", __file__, "--alone", what, "--file", str(path)])
        told = json.loads(re.search(r"^FOUND (.*)$", cost.printed, re.MULTILINE)[1])
        found[what] = told["found"]
        line = {"what": what, "rows": rows, "wall": cost.wall, "cpu": cost.cpu, "mib": cost.mib, "work": told["work"]}
        print(
            json.dumps({key: round(one, 3) if isinstance(one, float) else one for key, one in line.items()}), flush=True
        )
    _compare(found)


if __name__ == "__main__":
    raise SystemExit(main())

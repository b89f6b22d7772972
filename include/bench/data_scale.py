"""What the data engine costs as files grow: one JSON line per question and size.

    python include/bench/data_scale.py [--rows 1000000 2500000 10000000] [--keep FOLDER]

Reference and current hold `--rows` rows each of `synthetic_rows`. Every figure is that of a whole process, imports and
the digest of both files included. `scan` is DuckDB's sum of every column, the least that any engine does; `inputs` are
the engine's summaries, cells and category counts, what PSI and JS are made of; `everything` adds exact KS and
Wasserstein distances; `as_query` and `as_table` ask everything of the same rows in a DuckDB file, fetched by a query or left
there, and say their processor time as a multiple of the file's (`cpu_ratio`; at most 3 is asked of a query); `ibis_duckdb` and `ibis_polars` ask the cells through the expressions instead of the kernel.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from processes import cost_of, python
from synthetic_rows import CATEGORIES, NUMBERS, write_rows

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
CELLS = 22

SCAN = """
import duckdb, sys
for path in sys.argv[1:]:
    names = [one[0] for one in duckdb.sql(f"describe from '{path}'").fetchall()]
    sums = ", ".join(f"sum({n})" if n.startswith("n") else f"sum(length({n}))" for n in names)
    duckdb.sql(f"select {sums} from '{path}'").fetchall()
"""
OPEN = f"""
import sys; sys.path.insert(0, {str(PLUGINS)!r})
from pathlib import Path
import numpy as np
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation, ordered_distances
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
def opened(role, path, **how):
    spec = DatasetSpec(uri=path, **how)
    return open_relation(load_dataset(role, spec, folder=Path(), connections=PlainConnections()))
SIDES
numbers, categories = {list(NUMBERS)!r}, {list(CATEGORIES)!r}
"""
FILES = 'sides = [opened(role, path) for role, path in zip(("reference", "current"), sys.argv[1:])]'
IN_DUCKDB = """
import duckdb
base = str(Path(sys.argv[1]).with_suffix(".duckdb"))
if not Path(base).exists():
    with duckdb.connect(base) as connection:
        for role, path in zip(("reference", "current"), sys.argv[1:]):
            connection.execute(f"create table {role} as select * from '{path}'")
"""
BASE = 'base = str(Path(sys.argv[1]).with_suffix(".duckdb"))\n'
QUERY = BASE + 'sides = [opened(r, f"duckdb:///{base}", query=f"select * from {r}") for r in ("reference", "current")]'  # noqa: S608 - names of our own
TABLE = BASE + 'sides = [opened(r, f"duckdb:///{base}", table=r) for r in ("reference", "current")]'
INPUTS = f"""
found = [one.summaries(numbers) for one in sides]
ends = {{n: (min(s[n].minimum for s in found), max(s[n].maximum for s in found)) for n in numbers}}
edges = {{n: np.linspace(*ends[n], {CELLS + 1})[1:-1] for n in numbers}}
cells = [one.counts(edges) for one in sides]
words = [(one.value_counts(categories), one.families(categories), one.missing(categories)) for one in sides]
"""
ORDERED = """
far = ordered_distances(*sides, numbers)
"""
THROUGH_IBIS = f"""
import sys; sys.path.insert(0, {str(PLUGINS)!r})
import ibis, numpy as np
from model_governance.engine import expressions
numbers, categories = {list(NUMBERS)!r}, {list(CATEGORIES)!r}
name, *paths = sys.argv[1:]
backend = getattr(ibis, name).connect()
how = {{"engine": "streaming"}} if name == "polars" else {{}}
ask = lambda table: backend.to_pyarrow(table, **how)
for path in paths:
    table = backend.read_parquet(path)
    parts = {{n: expressions.summary(table, n, role="x") for n in numbers}}
    row = ask(table.aggregate(**{{f"{{n}}_{{k}}": v for n, part in parts.items() for k, v in part.items()}})).to_pylist()[0]
    edges = {{n: np.linspace(row[f"{{n}}_minimum"], row[f"{{n}}_maximum"], {CELLS + 1})[1:-1] for n in numbers}}
    below = {{n: expressions.below(table, n, edges[n], role="x") for n in numbers}}
    ask(table.aggregate(**{{f"{{n}}_{{k}}": v for n, part in below.items() for k, v in enumerate(part)}}))
    for n in categories:
        ask(expressions.values_with_counts(table, n))
"""
QUESTIONS = {
    "scan": (SCAN, ()),
    "inputs": (OPEN.replace("SIDES", FILES) + INPUTS, ()),
    "everything": (OPEN.replace("SIDES", FILES) + INPUTS + ORDERED, ()),
    "as_query": (OPEN.replace("SIDES", QUERY) + INPUTS + ORDERED, ()),
    "as_table": (OPEN.replace("SIDES", TABLE) + INPUTS + ORDERED, ()),
    "ibis_duckdb": (THROUGH_IBIS, ("duckdb",)),
    "ibis_polars": (THROUGH_IBIS, ("polars",)),
}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 2_500_000, 10_000_000])
    asked.add_argument("--only", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS))
    asked.add_argument("--keep", type=Path, help="folder for the files, which stay there")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="data-scale-") as folder:
        place = options.keep or Path(folder)
        for rows in options.rows:
            paths = [_file(place, role, rows, seed=seed) for seed, role in enumerate(("reference", "current"), 1)]
            of_file = None
            if {"as_query", "as_table"} & set(options.only):
                cost_of(python("from pathlib import Path\nimport sys" + IN_DUCKDB, *paths))
            for name in options.only:
                code, first = QUESTIONS[name]
                cost = cost_of(python(code, *first, *paths))
                told = {"question": name, "rows": rows, "wall": round(cost.wall, 2), "cpu": round(cost.cpu, 2), "rss_mib": round(cost.mib)}  # fmt: skip
                of_file = cost.cpu if name == "everything" else of_file
                if name in ("as_query", "as_table") and of_file:
                    told["cpu_ratio"] = round(cost.cpu / of_file, 2)
                print(json.dumps(told), flush=True)
    return 0


def _file(folder: Path, role: str, rows: int, *, seed: int) -> Path:
    path = folder / f"{role}_{rows}.parquet"
    if not path.is_file():
        write_rows(path, rows, seed=seed, drifted=role == "current")
    return path


if __name__ == "__main__":
    raise SystemExit(main())

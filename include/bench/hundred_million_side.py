"""One comparison of `hundred_million`: prints as JSON every count and distance of each column, and where they were computed.

    python include/bench/hundred_million_side.py REFERENCE CURRENT [spark://host:port]

The rows are two Parquet files; with a uri Spark answers about them, otherwise this process does. The steps are those of
`model-governance compare`: statistics that need both datasets, the profiles on cells frozen with the reference, distances.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from transaction_rows import CATEGORIES, NUMBERS

from model_governance.checks.data.data_drift.column_drift import compare_columns, row_statistics
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation
from model_governance.engine.paired_pass import read_pair
from model_governance.engine.profiles import profile_of
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

if TYPE_CHECKING:
    from model_governance.contract.subject import Role
    from model_governance.engine import Relation
    from model_governance.engine.profiles import Family


def main() -> int:
    paths, master = sys.argv[1:3], (sys.argv[3:] or [None])[0]
    families: dict[str, Family] = dict.fromkeys(NUMBERS, "numbers") | dict.fromkeys(CATEGORIES, "categories")
    reference, current = (
        _opened(role, path, master) for role, path in zip(("reference", "current"), paths, strict=True)
    )
    read_pair(reference, current, NUMBERS)
    statistics = row_statistics(reference, current, families)
    fixed = profile_of(reference, families)
    measured = profile_of(current, families, cells=fixed.cells)
    columns = {}
    for column in compare_columns(fixed, measured, statistics=statistics):
        ordered = statistics[column.name].ordered
        columns[column.name] = {
            "counts": [_counts(column.reference), _counts(column.current)],
            "psi": column.psi.value,
            "ordered": None if ordered is None else asdict(ordered),
        }
    print(json.dumps({"engine": type(current).__name__, "rows": [reference.rows, current.rows], "columns": columns}))
    return 0


def _opened(role: Role, path: str, master: str | None) -> Relation:
    spec = DatasetSpec(uri=path) if master is None else DatasetSpec(uri=master, table=path)
    return open_relation(load_dataset(role, spec, folder=Path(), connections=PlainConnections()))


def _counts(column: Any) -> dict[str, Any]:
    """Everything of a profile that is counted or a value of the data: no mean, which is a sum of floats."""
    names = ("rows", "missing", "infinite", "minimum", "maximum", "counts")
    return {name: getattr(column, name) for name in names} | {
        "edges": column.cells.edges,
        "labels": column.cells.labels,
    }


if __name__ == "__main__":
    raise SystemExit(main())

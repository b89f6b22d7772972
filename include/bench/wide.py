"""Measures what columns and labels cost in the drift check, and writes include/bench/WIDE.md.

    make bench PART=wide        a few minutes on two cores
    make bench PART=wide ARGS="--beside FOLDER"     the rows by the version of another checkout, too

Every figure is that of a whole process, imports included. The check runs as it does in Airflow: policy, model,
measurement, verdict, record and page.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from processes import Cost, cost_of, python
from synthetic_rows import ROW_GROUP, write_rows, write_wide

RESULTS = Path(__file__).with_name("WIDE.md")
COLUMNS = (30, 300, 3000)
ROWS = 10_000
LONG = (1_000_000, 10_000_000)
TIMES = 2
LABELS = 1_000_000
ROWS_OF_LABELS = 2_000_000
FEATURE = "n03_000"
COMPARE = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from model_governance.cli import main\n"
    "sys.exit(main(['compare', *sys.argv[2:]]))"
)
RUN = [sys.executable, "-W", "ignore", "-m", "model_governance"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", type=Path, help="another checkout, whose version compares the same rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        place = Path(folder)
        sections = [_head(), wide_section(place), label_section(place), long_section(place, options.beside)]
    RESULTS.write_text("\n\n".join(sections) + "\n")
    print(RESULTS.read_text())
    return 0


def _head() -> str:
    return (
        "# Wide tables and many labels in the drift check\n\n"
        "Written by `make bench PART=wide`: one run, each figure that of a whole process with its imports, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}. Rows are synthetic and seeded."
    )


def wide_section(folder: Path) -> str:
    """CPU per column of a run of the check, two thirds numbers and one third categories."""
    lines = [
        f"## Columns: 2 × {ROWS:,} rows, `model-governance run` with the drift check alone",
        "",
        "The last column is the CPU of each column beyond those of the row above.",
        "",
        "| columns | wall s | CPU s | peak MiB | CPU, ms per column | CPU, ms per further column |",
        "|---|---|---|---|---|---|",
    ]
    before: tuple[int, Cost] | None = None
    for columns in COLUMNS:
        names = write_wide(folder / "reference.parquet", columns, ROWS, seed=1)
        write_wide(folder / "current.parquet", columns, ROWS, seed=2, drifted=True)
        policy = _policy(folder, names)
        cost = cost_of([*RUN, "run", str(policy), "--date", "2026-01-01", "--artifacts", f"file://{folder}/{columns}"])
        further = "" if before is None else f"{1000 * (cost.cpu - before[1].cpu) / (columns - before[0]):.1f}"
        lines.append(
            f"| {columns:,} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.mib:.0f} | {1000 * cost.cpu / columns:.1f} | {further} |"
        )
        print(lines[-1], flush=True)
        before = (columns, cost)
    return "\n".join(lines)


def label_section(folder: Path) -> str:
    """A column of a million labels against a column of numbers, of the same rows."""
    lines = [
        f"## Labels: 2 × {ROWS_OF_LABELS:,} rows of one column, `model-governance compare`",
        "",
        "| column | wall s | CPU s | peak MiB | CPU, number = 1 |",
        "|---|---|---|---|---|",
    ]
    number: Cost | None = None
    for what, column in (("a number", _numbers), ("20 labels", _few), (f"{LABELS:,} labels", _many)):
        paths = []
        for seed, role in enumerate(("reference", "current"), 1):
            path = folder / f"column_{role}.parquet"
            pq.write_table(
                pa.table({"x": column(np.random.default_rng(seed))}), path, compression="zstd", row_group_size=ROW_GROUP
            )
            paths.append(str(path))
        cost = cost_of([*RUN, "compare", *paths])
        number = number or cost
        lines.append(f"| {what} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.mib:.0f} | {cost.cpu / number.cpu:.1f} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def long_section(folder: Path, beside: Path | None) -> str:
    """Tables that grow long: this version, and another one in the same run, by turns."""
    checkouts = {"this version": Path(__file__).resolve().parents[2]}
    if beside is not None:
        checkouts["the other version"] = beside.resolve()
    lines = [
        f"## Rows: 2 × N rows of 30 columns, `model-governance compare`, the less of {TIMES} runs by turns",
        "",
        "| rows each | version | wall s | CPU s | peak MiB | CPU, this version = 1 |",
        "|---|---|---|---|---|---|",
    ]
    for rows in LONG:
        paths = [folder / f"{role}.parquet" for role in ("reference", "current")]
        for seed, path in enumerate(paths, 1):
            write_rows(path, rows, seed=seed, drifted=seed == 2)
        costs: dict[str, list[Cost]] = {name: [] for name in checkouts}
        for _ in range(TIMES):
            for name, checkout in checkouts.items():
                costs[name].append(cost_of(python(COMPARE, checkout / "plugins", *paths)))
        least = {name: min(found, key=lambda cost: cost.cpu) for name, found in costs.items()}
        for name, cost in least.items():
            ratio = cost.cpu / least["this version"].cpu
            lines.append(f"| {rows:,} | {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.mib:.0f} | {ratio:.2f} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def _numbers(draw: np.random.Generator) -> pa.Array:
    return pa.array(draw.normal(size=ROWS_OF_LABELS))


def _few(draw: np.random.Generator) -> pa.Array:
    return _labels(draw, 20)


def _many(draw: np.random.Generator) -> pa.Array:
    return _labels(draw, LABELS)


def _labels(draw: np.random.Generator, count: int) -> pa.Array:
    codes = pa.array(draw.integers(0, count, ROWS_OF_LABELS).astype("int32"))
    return pa.DictionaryArray.from_arrays(codes, pa.array([f"user-{label:07d}" for label in range(count)])).cast(
        pa.string()
    )


def _policy(folder: Path, names: list[str]) -> Path:
    """A policy with these features, and a model that looks at one of them."""
    content = {
        "version": 1,
        "owner": "bench@example.com",
        "model": {"name": "wide", "task": "regression", "uri": "model.skops", "sha256": _write_model(folder, names)},
        "datasets": {role: {"uri": f"{role}.parquet"} for role in ("reference", "current")},
        "columns": {"features": {name: {"kind": "numeric" if name.startswith("n") else "category"} for name in names}},
        "checks": {
            "drift": {
                "kind": "data_drift",
                "thresholds": [{"metric": "psi", "less_than": 1.0}, {"metric": "drift_share", "less_than": 0.9}],
            }
        },
    }
    path = folder / "wide.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _write_model(folder: Path, names: list[str]) -> str:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import Pipeline
    from skops.io import dump

    frame = pd.DataFrame(np.arange(4.0)[:, None].repeat(len(names), axis=1), columns=names)
    chosen = ColumnTransformer([("chosen", "passthrough", [FEATURE])])
    model = Pipeline([("choose", chosen), ("fit", LinearRegression())]).fit(frame, np.arange(4.0))
    path = folder / "model.skops"
    dump(model, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

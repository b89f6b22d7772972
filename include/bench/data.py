"""Measures the data engine and its peers side by side, in one run, and writes include/bench/DATA.md.

    make bench PART=data                       half an hour on two cores; needs 8 GB of disk and of memory
    python include/bench/data.py tables        one section anew (drift, validation, tables), the others stay

Every figure is that of a whole process, imports included, over the same Parquet files. Peers live in environments of
their own, `.venv-peer-NAME`, made here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from processes import Cost, cost_of, python
from synthetic_rows import write_rows

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("DATA.md")
SIZES = (1_000_000, 2_500_000, 10_000_000)
LARGEST_OF_EVIDENTLY = 2_500_000
PEERS = {"nannyml": ("nannyml==0.13.1", "statsmodels"), "pandera": ("pandera[polars]==0.35.0", "polars==2.1.0")}
OURS = str(Path(sys.executable).with_name("model-governance"))

SCAN = """
import duckdb, sys
for path in sys.argv[1:]:
    names = [one[0] for one in duckdb.sql(f"describe from '{path}'").fetchall()]
    sums = ", ".join(f"sum({n})" if n.startswith("n") else f"sum(length({n}))" for n in names)
    duckdb.sql(f"select {sums} from '{path}'").fetchall()
"""
PRESET = """
import sys
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
frames = [pd.read_parquet(path) for path in sys.argv[1:3]]
numbers = [one for one in frames[0] if one.startswith("n")]
words = [one for one in frames[0] if one.startswith("c")]
definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
reference, current = (Dataset.from_pandas(one, data_definition=definition) for one in frames)
Report([DataDriftPreset()]).run(current, reference).get_html_str(as_iframe=False)
"""
NANNYML = """
import sys
import pandas as pd
import nannyml
reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
numbers = [one for one in reference if one.startswith("n")]
words = [one for one in reference if one.startswith("c")]
calculator = nannyml.UnivariateDriftCalculator(
    column_names=numbers + words, continuous_methods=["kolmogorov_smirnov", "wasserstein"],
    categorical_methods=["jensen_shannon", "chi2"], chunk_number=1,
)
calculator.fit(reference).calculate(current)
"""
PANDERA = """
import sys, time
import pandera.polars as pa
import polars as pl
began = time.process_time()
numbers = {
    f"n{k:02d}": pa.Column(float, pa.Check.in_range(-1e9, 1e9) if 10 <= k < 18 else None, nullable=True, coerce=True)
    for k in range(20)
}
sizes = dict(zip((f"c{k:02d}" for k in range(6)), (2, 3, 5, 8, 12, 20)))
words = {name: pa.Column(str, pa.Check.isin([f"v{rank}" for rank in range(size)])) for name, size in sizes.items()}
schema = pa.DataFrameSchema(numbers | words, strict="filter")
frame = pl.read_parquet(sys.argv[1], columns=[*numbers, *words])
schema.validate(frame, lazy=True)
print(time.process_time() - began)
"""
SCANNED = "bare scan: DuckDB, sum of every column"
EVERYTHING = "ours, PSI, JS, TV, KS, Wasserstein, chi-square (compare)"
NAMES = {
    "ours": "ours, data_validation",
    "pandas": "Great Expectations 1.24.1 on pandas",
    "sql": "DuckDB SQL by hand",
    "pandera": "pandera 0.35.0 on polars",
}


def main() -> int:
    wanted = sys.argv[1:] or list(SECTIONS)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        measured = {name: SECTIONS[name](Path(folder)) for name in wanted}
    before = RESULTS.read_text().split("\n## ")[1:] if RESULTS.exists() else []
    kept = {name: f"## {one.strip()}" for name, one in zip(SECTIONS, before, strict=False)}
    RESULTS.write_text("\n\n".join([_head(), *(kept | measured).values()]) + "\n")
    print(RESULTS.read_text())
    return 0


def _head() -> str:
    import platform

    return (
        "# The data engine and its peers, side by side\n\n"
        "Written by `make bench PART=data`: each section one run, each figure that of a whole process with its imports, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}. Rows are synthetic and seeded "
        "(`synthetic_rows.py`): 20 numeric and 10 categorical columns, every fourth moved a little in current."
    )


def _files(folder: Path, rows: int) -> list[str]:
    """Reference and current of `rows` rows each."""
    paths = []
    for role, seed in (("reference", 1), ("current", 2)):
        path = folder / f"{role}_{rows}.parquet"
        write_rows(path, rows, seed=seed, drifted=role == "current")
        paths.append(str(path))
    return paths


def _drift(folder: Path) -> str:
    files = {rows: _files(folder, rows) for rows in SIZES}
    rows: list[tuple[str, int, Cost]] = []
    for size, paths in files.items():
        ways = {
            SCANNED: python(SCAN, *paths),
            "ours, PSI and JS over equal-width bins (compare --quick)": [OURS, "compare", *paths, "--quick"],
            EVERYTHING: [OURS, "compare", *paths],
        }
        if size <= LARGEST_OF_EVIDENTLY:
            ways["Evidently 0.7.23, DataDriftPreset"] = python(PRESET, *paths)
        if size == min(SIZES):
            ways["NannyML 0.13.1, KS, Wasserstein, JS, chi-square"] = python(
                NANNYML, *paths, interpreter=_peer("nannyml")
            )
        rows += [(name, size, _told(name, size, command)) for name, command in ways.items()]
    lines = [
        "## Drift: 2 × N rows, 30 columns",
        "",
        "| what | rows each | wall s | CPU s | peak MiB | wall, ours = 1 | wall, scan = 1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, size, one in rows:
        ours, scan = (next(c for n, s, c in rows if (n, s) == (way, size)) for way in (EVERYTHING, SCANNED))
        lines.append(
            f"| {name} | {size:,} | {one.wall:.1f} | {one.cpu:.1f} | {one.mib:.0f} | {one.wall / ours.wall:.1f} | "
            f"{one.wall / scan.wall:.1f} |"
        )
    return "\n".join(lines)


def _validation(folder: Path) -> str:
    script = Path(__file__).with_name("validation_scale.py")
    done = cost_of([sys.executable, str(script), "--folder", str(folder)])
    found = [json.loads(line) for line in done.printed.splitlines() if line.startswith("{")]
    path = folder / "validated.parquet"
    write_rows(path, 5_000_000, seed=1)
    peer = cost_of(python(PANDERA, path, interpreter=_peer("pandera")))
    found.append(
        {
            "what": "pandera",
            "rows": 5_000_000,
            "wall": peer.wall,
            "cpu": peer.cpu,
            "mib": peer.mib,
            "work": float(peer.printed),
        }
    )
    lines = [
        "## Validation: 30 expectations (pandera: the 25 that it has; no mean, standard deviation or row count)",
        "",
        "Work is load, digest and validation, CPU seconds without imports.",
        "",
        "| what | rows | wall s | CPU s | work, CPU s | peak MiB | work, ours = 1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in sorted(found, key=lambda one: one["rows"]):
        ours = next(other for other in found if other["what"] == "ours" and other["rows"] == one["rows"])
        lines.append(
            f"| {NAMES[one['what']]} | {one['rows']:,} | {one['wall']:.1f} | {one['cpu']:.1f} | {one['work']:.1f} | "
            f"{one['mib']:.0f} | {one['work'] / ours['work']:.1f} |"
        )
    return "\n".join(lines)


def _tables(folder: Path) -> str:
    script = Path(__file__).with_name("table_scale.py")
    done = cost_of([sys.executable, str(script)])
    found = [json.loads(line) for line in done.printed.splitlines() if line.startswith("{")]
    lines = [
        "## Rows in a database: 2 × N rows, 5 columns",
        "",
        "Asked what `data_scale.py` asks, and the same rows everywhere. CPU seconds are the process's and the PostgreSQL server's.",
        "Work leaves out what a process does once: ten rows of the same place are opened before.",
        "`left there` is a table as if it were too large to copy.",
        "",
        "| where | rows each | wall s | CPU s | work, CPU s | of it the server | peak MiB | CPU, file = 1 | work, file = 1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        file = next(other for other in found if (other["what"], other["rows"]) == ("file", one["rows"]))
        lines.append(
            f"| {one['what']} | {one['rows']:,} | {one['wall']:.1f} | {one['cpu']:.1f} | {one['work']:.2f} | {one['server']:.2f} | "
            f"{one['mib']:.0f} | {one['cpu'] / file['cpu']:.1f} | {one['work'] / file['work']:.1f} |"
        )
    return "\n".join(lines)


SECTIONS = {"drift": _drift, "validation": _validation, "tables": _tables}


def _told(name: str, size: int, command: list[str]) -> Cost:
    cost = cost_of(command)
    print(
        f"{name:20} {size:>12,} rows  {cost.wall:7.1f} s wall  {cost.cpu:7.1f} s CPU  {cost.mib:6.0f} MiB", flush=True
    )
    return cost


def _peer(name: str) -> str:
    """The interpreter of a peer's own environment, made on first use."""
    folder = ROOT / f".venv-peer-{name}"
    interpreter = folder / "bin" / "python"
    marker = folder / ".installed"
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS[name]]
        subprocess.run(pip, check=True)
        marker.touch()
    return str(interpreter)


if __name__ == "__main__":
    sys.exit(main())

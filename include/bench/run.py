"""Measures the project's claims side by side, in one run, and writes include/bench/RESULTS.md.

    make bench

Every figure is a ratio of two things measured here and now; seconds are shown so that ratios can be judged.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "include" / "demo"
RESULTS = Path(__file__).with_name("RESULTS.md")
ROUNDS = 5

PREAMBLE = """
import json, resource, sys, time
def measured(work):
    began, cpu = time.monotonic(), time.process_time()
    work()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("FIGURES", json.dumps({"wall": time.monotonic() - began, "cpu": time.process_time() - cpu, "mib": memory}))
"""

PARSE = """
from airflow.dag_processing.dagbag import DagBag
import airflow.sdk
def work():
    bag = DagBag({file!r}, safe_mode=False)
    assert not bag.import_errors, bag.import_errors
measured(work)
"""

EAGER = """
import art.attacks.evasion, evidently, great_expectations
from model_governance.orchestration import governance_dags
globals().update(governance_dags({policies!r}))
"""

LAZY = """
from model_governance.orchestration import governance_dags
globals().update(governance_dags({policies!r}))
"""

FRAMES = """
import pandas as pd
rows = pd.read_parquet({source!r})
reference, current = (rows[rows["year"] == year].drop(columns=["id", "year", "employed"]) for year in (2015, 2016))
"""

PRESET = """
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
numbers = ["AGEP", "SCHL"]
words = [one for one in reference.columns if one not in numbers]
definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
def work():
    sides = (Dataset.from_pandas(one.astype({name: str for name in words}), definition) for one in (current, reference))
    Report([DataDriftPreset(method="psi")]).run(*sides).get_html_str(as_iframe=False)
measured(work)
"""

CHECK = """
from model_governance.checks import find
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject
import evidently
kinds = {{"AGEP": "integer", "SCHL": "integer"}}
columns = Columns(features={{one: Feature(kind=kinds.get(one, "category")) for one in reference.columns}})
model = Model(name="none", format="none", sha256="0" * 64, task="regression", native=None, call=lambda f: f["AGEP"])
sides = {{"reference": reference, "current": current}}
datasets = {{role: Dataset(role=role, uri=role, sha256="0" * 64, frame=frame) for role, frame in sides.items()}}
subject = Subject(name="acs", task="regression", columns=columns, datasets=datasets, model=model)
check = find("data_drift")
measured(lambda: check.measure(subject, check.params(), 1))
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"AIRFLOW_HOME": folder, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "DO_NOT_TRACK": "1"}
        rows = [*parse_rows(Path(folder)), *drift_rows()]
    RESULTS.write_text(table(rows))
    print(RESULTS.read_text())
    return 0


def parse_rows(folder: Path) -> list[tuple[str, str, list[dict]]]:
    """A DAG file as ours, and the same file with the libraries imported at its top."""
    files = {}
    for name, text in (("as it is", LAZY), ("with the libraries imported at the top", EAGER)):
        files[name] = folder / f"{name.replace(' ', '_')}.py"
        files[name].write_text(text.format(policies=str(ROOT / "include" / "policies")))
    return [
        ("parse a DAG file of policies", name, figures(PARSE.format(file=str(file)))) for name, file in files.items()
    ]


def drift_rows() -> list[tuple[str, str, list[dict]]]:
    """Drift of two survey years with Evidently's preset, and with the check (plots, prediction drift and report data)."""
    frames = FRAMES.format(source=str(DEMO / "acs_employment_ma.parquet"))
    return [
        ("drift of 2 × 69,000 rows, 16 columns, PSI", "data_drift check", figures(frames + CHECK.format())),
        ("drift of 2 × 69,000 rows, 16 columns, PSI", "Evidently DataDriftPreset", figures(frames + PRESET)),
    ]


def figures(code: str) -> list[dict]:
    """Wall seconds, CPU seconds and peak MiB of the measured part, each round in a process of its own."""
    found = []
    for _ in range(ROUNDS):
        done = subprocess.run([sys.executable, "-c", PREAMBLE + code], capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("FIGURES ")]
        if not lines:
            raise SystemExit(done.stdout + done.stderr)
        found.append(json.loads(lines[-1].removeprefix("FIGURES ")))
    return found


def table(rows: list[tuple[str, str, list[dict]]]) -> str:
    """A Markdown table: medians, and the ratio to the first row of the same task."""
    lines = [
        f"# Measured side by side by `make bench` ({ROUNDS} rounds, medians; {os.cpu_count()} cores)",
        "",
        "| task | how | wall s | CPU s | peak MiB | wall, ratio |",
        "|---|---|---|---|---|---|",
    ]
    first: dict[str, float] = {}
    for task, how, rounds in rows:
        wall, cpu, memory = (statistics.median(one[key] for one in rounds) for key in ("wall", "cpu", "mib"))
        base = first.setdefault(task, wall)
        lines.append(f"| {task} | {how} | {wall:.3f} | {cpu:.3f} | {memory:.0f} | {wall / base:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

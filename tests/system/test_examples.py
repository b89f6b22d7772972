"""Each worked example with one command: its rows fetched by pip, its runs red and green for the declared reasons, its DAG."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

EXAMPLES = Path(__file__).resolve().parents[2] / "include" / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/runs.py"))
WHEELS = EXAMPLES / "build" / "wheels"
DAGS = """
import runpy, sys
from airflow.sdk import DAG
dags = [value for value in runpy.run_path(sys.argv[1]).values() if isinstance(value, DAG)]
print("DAGS", *sorted(dag.dag_id for dag in dags))
print("TASKS", *sorted(task.task_id for dag in dags for task in dag.tasks))
"""


@pytest.fixture(scope="module", params=NAMES)
def example(request, tmp_path_factory):
    """An example that was run in a copy of its own: name, folder and what it printed."""
    folder = tmp_path_factory.mktemp("examples") / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    if WHEELS.is_dir():  # what make example fetched before
        shutil.copytree(WHEELS, folder / "build" / "wheels", copy_function=os.link)
    done = subprocess.run(
        [sys.executable, str(folder / "example.py"), request.param], env=os.environ | {"COLUMNS": "124"}, cwd=folder,
        capture_output=True, text=True, check=False, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return request.param, folder, done.stdout


def manifests(name: str, folder: Path) -> dict[str, dict]:
    found = [
        json.loads(path.read_bytes())
        for path in (folder / "build" / name / "archive" / "v1" / "runs").rglob("run_manifest.json")
    ]
    return {one["run"]["logical_date"]: one for one in found}


def declared(name: str, folder: Path) -> list[dict]:
    """What the example declares of its runs, read in a process of its own."""
    code = f"import dataclasses, json; from {name}.runs import RUNS; print(json.dumps([dataclasses.asdict(run) for run in RUNS]))"
    return json.loads(subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=True).stdout)


def test_every_run_ends_as_declared_for_the_declared_reason(example):
    name, folder, _ = example
    archived = manifests(name, folder)
    runs = declared(name, folder)
    assert len(archived) == len(runs)
    for run, (_, manifest) in zip(runs, sorted(archived.items()), strict=True):
        verdict = manifest["verdict"]
        assert manifest["run"]["logical_date"].startswith(run["date"][:10])
        assert verdict["outcome"] == run["outcome"], run["date"]
        found = {
            f"{each['check']}.{each['metric'] or each['check']}" + (f"[{each['key']}]" if each["key"] else "")
            for each in verdict["findings"]
            if each["outcome"] == run["outcome"]
        }
        assert set(run["because"]) <= found, run["date"]


def test_the_archive_of_an_example_verifies_with_its_public_key(example):
    _, _, printed = example
    assert printed.split("$ model-governance verify")[1].count(": OK: ") == 1


def test_the_dag_file_of_an_example_makes_the_dag_of_its_policy(example, tmp_path):
    name, folder, _ = example
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", DAGS, str(folder / name / "dag.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (dags,), (tasks,) = (
        [line.split()[1:] for line in done.stdout.splitlines() if line.startswith(word)] for word in ("DAGS", "TASKS")
    )
    manifest = next(iter(manifests(name, folder).values()))
    assert dags == [f"governance_{manifest['policy']['name'].replace('-', '_')}"]
    assert {*(check["name"] for check in manifest["checks"]), "archive", "gate"} <= set(tasks)

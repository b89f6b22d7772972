"""Where nothing is measured, Airflow needs none of the libraries that measure: DAGs parse, tasks run, the board serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from slim import closure, link_files

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = REPOSITORY / "include" / "deploy" / "slim" / "requirements.txt"
HEAVY = ("great_expectations", "evidently", "art", "polars", "duckdb", "ibis", "pandas", "sklearn", "scipy", "matplotlib", "skops")  # fmt: skip
RULE = {"when": ["fail"], "checks": ["quality"], "cooldown_days": 7, "max_per_90_days": 4}
PROGRAM = """
import importlib.util, json, sys
from airflow.cli.cli_parser import get_parser
from airflow.dag_processing.dagbag import DagBag
folder, heavy, dag_id, run_id, *tasks = sys.argv[1:]
found = {"heavy": [name for name in heavy.split(",") if importlib.util.find_spec(name)]}
bag = DagBag(folder)
found["dags"], found["errors"] = sorted(bag.dags), bag.import_errors
from airflow.plugins_manager import get_plugin_info
found["plugins"] = [one["name"] for one in get_plugin_info()].count("model_governance")
for task in tasks:
    parsed = get_parser().parse_args(["tasks", "test", dag_id, task, run_id])
    parsed.func(parsed)
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select
with create_session() as session:
    of_run = select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    found["states"] = {one.task_id: str(one.state) for one in session.scalars(of_run) if one.task_id in tasks}
import time
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app
with TestClient(create_app(apps="core"), base_url="http://localhost") as client:
    bearer = {"Authorization": "Bearer " + client.get("/auth/token").json()["access_token"]}
    for _ in range(240):  # the board reads the archive in the background
        if client.get("/governance/api/v1/health", headers=bearer).json()["as_of"]:
            break
        client.get("/governance/", headers=bearer)
        time.sleep(0.5)
    pages = [f"/governance/{place}" for place in (f"?q={dag_id}", f"dags/{dag_id}", f"dags/{dag_id}/runs/{run_id}")]
    found["pages"] = {page: [(shown := client.get(page, headers=bearer)).status_code, "accuracy" in shown.text] for page in pages}
print("found", json.dumps(found))
"""


def names() -> list[str]:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The slim environment: the listed packages with what they need, and this package without its dependencies."""
    folder = tmp_path_factory.mktemp("slim") / "site"
    link_files([*closure(names()).values(), distribution("airflow-model-governance")], folder)
    return folder


def test_the_list_names_dependencies_of_the_package_only():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(names()) <= {Requirement(line).name for line in project["dependencies"]}


@pytest.fixture(scope="module")
def slim_run(site):
    """Parses DAGs, runs tasks of a run and serves the board in the slim environment: what was found, and what was logged."""

    def run(folder, dag_id, run_id, *tasks, archive):
        ended = subprocess.run(
            [sys.executable, "-S", "-c", PROGRAM, str(folder), ",".join(HEAVY), dag_id, run_id, *tasks],
            env=os.environ | {
                "PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY / "plugins")]), "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True", "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": str(archive),
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        logged = ended.stdout + ended.stderr
        told = [line for line in ended.stdout.splitlines() if line.startswith("found ")]
        assert len(told) == 1, logged[-4000:]
        return json.loads(told[0].removeprefix("found ")), logged

    return run


def test_dags_parse_tasks_run_and_the_board_serves_without_what_measures(
    slim_run, policy_file, run_dag, scheduled, tmp_path
):
    done = run_dag(scheduled(policy_file(name="slim", run="spoiled", retraining=RULE)))
    tasks = ("gate", "request_retraining")

    found, logged = slim_run(
        REPOSITORY / "dags", done.run.dag_id, done.run.run_id, *tasks, archive=tmp_path / "evidence"
    )

    assert found["heavy"] == []
    assert found["errors"] == {}
    assert {"governance_acs_employment", "governance_by_hand", "governance_retraining"} <= set(found["dags"])
    assert found["plugins"] == 1
    assert found["states"] == {"gate": "failed", "request_retraining": "skipped"}
    assert "GovernanceViolation: slim: FAIL" in logged
    assert "this run requested already" in logged  # it read the archived run and the ledger
    assert found["pages"]
    assert {page: shown for page, shown in found["pages"].items() if shown != [200, True]} == {}

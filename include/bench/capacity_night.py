"""Compares `model-governance plan` with two runs on a real Airflow (LocalExecutor), and writes include/bench/CAPACITY_NIGHT.md.

    make bench PART=capacity_night          three minutes

CPU seconds are those of the process of Airflow that runs tasks and of the tasks that it started; memory is not compared.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "plugins"), str(ROOT / "tests")]

import capacity_tasks as tasks  # noqa: E402 - beside this file

from system.airflow_server import INITDB, AirflowServer  # noqa: E402 - of the tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = HERE / "CAPACITY_NIGHT.md"
ROWS, COLUMNS = 10_000, 8
KINDS = ("artifact_scan", "data_validation", "data_drift", "model_quality", "fairness")
LAYOUTS = ("task_per_check", "one_task")
NIGHT = "2026-03-01T00:00:00Z"
SETTINGS = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "1",
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1"),
}
LIMIT = 600


def main() -> int:
    os.environ["PYTHONPATH"] = str(ROOT / "plugins")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks.forked(lambda: tasks.write_project(folder / "data", rows=ROWS, columns=COLUMNS, model="skops"))
        tasks.forked(lambda: _write_policies(folder))
        planned = tasks.forked(lambda: _planned(folder)).result
        PAGE.write_text(_page(planned, _measured(folder)))
    print(PAGE.read_text())
    return 0


def _write_policies(folder: Path) -> None:
    for layout in LAYOUTS:
        path = tasks.write_policy(folder / "policies", KINDS, name=layout.replace("_", "-"), data=folder / "data")
        policy = yaml.safe_load(path.read_text()) | {"schedule": {"cron": None, "layout": layout}}
        path.write_text(yaml.safe_dump(policy, sort_keys=False))


def _planned(folder: Path) -> dict[str, Any]:
    """CPU seconds of the run of each layout, and the number of its tasks, on a machine as fast as this one."""
    from model_governance.authoring.capacity import cost_of_run, measured_figures
    from model_governance.authoring.machine_speed import speed_of_this_machine
    from model_governance.checks import catalogue
    from model_governance.policy import load_policy

    figures = measured_figures()
    speed, found = speed_of_this_machine(figures), {}
    for layout in LAYOUTS:
        policy = load_policy(folder / "policies" / f"{layout.replace('_', '-')}.yaml", catalogue())
        run = cost_of_run(policy, rows=ROWS, figures=figures, speed=speed)
        found[layout] = {"cpu": run.cpu, "tasks": len(run.tasks)}
    return found | {"speed": speed}


def _measured(folder: Path) -> dict[str, float]:
    """CPU seconds of the run of each layout."""
    with governing(folder) as airflow:
        return {layout: _run(airflow, f"/api/v2/dags/governance_{layout}") for layout in LAYOUTS}


@contextmanager
def governing(folder: Path, **more: str) -> Iterator[AirflowServer]:
    """An Airflow that governs the policies of a folder, ready; `more` are settings beside `SETTINGS`."""
    settings = SETTINGS | {"AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": (folder / "archive").as_uri()} | more
    with AirflowServer(folder / "home", settings) as airflow:
        (airflow.home / "dags" / "governed.py").write_text(
            "# airflow DAG\nfrom model_governance.orchestration import governance_dags\n"
            f"globals().update(governance_dags({str(folder / 'policies')!r}))\n"
        )
        airflow.program(INITDB)
        airflow.start("api-server", "dag-processor", "scheduler")
        airflow.wait_until_ready(LIMIT)
        yield airflow


def _run(airflow: AirflowServer, address: str) -> float:
    airflow.wait_for(lambda: airflow.get(address)[0] == 200, address, LIMIT)
    before = cpu_of_workers(airflow)
    status, text = airflow.send(f"{address}/dagRuns", {"logical_date": NIGHT})
    if status != 200:
        raise SystemExit(f"{address}: {text}")

    def ended() -> str | None:
        (run,) = json.loads(airflow.get(f"{address}/dagRuns")[1])["dag_runs"]
        return run["state"] if run["state"] in ("success", "failed") else None

    state = airflow.wait_for(ended, "a run that ended", LIMIT)
    if state != "success":
        raise SystemExit(f"{address}: expected a run that succeeds, found {state}")
    time.sleep(5)  # the process of the last task ends after its run
    return cpu_of_workers(airflow) - before


def cpu_of_workers(airflow: AirflowServer) -> float:
    """CPU seconds of the processes of LocalExecutor and of the tasks that they started, so far."""
    scheduler = psutil.Process(airflow.process_ids()["scheduler"])
    workers = [each for each in scheduler.children() if "LocalExecutor" in " ".join(each.cmdline())]
    return sum(sum(each.cpu_times()[:4]) for each in workers)


def _page(planned: Mapping[str, Any], measured: Mapping[str, float]) -> str:
    lines = [
        "# What a night costs, planned and measured",
        "",
        f"Measured by `make bench PART=capacity_night` on {datetime.now(UTC).date().isoformat()}: a run of {len(KINDS)} checks on {ROWS:,} rows of {COLUMNS} columns, on Airflow's",
        f"LocalExecutor, and what `model-governance plan --here` says of it (scaled by {planned['speed']:.2f}).",
        "",
        "| layout | tasks | planned, CPU s | measured, CPU s | measured / planned |",
        "|---|---|---|---|---|",
    ]
    for layout in LAYOUTS:
        cpu = planned[layout]["cpu"]
        lines.append(
            f"| {layout} | {planned[layout]['tasks']} | {cpu:.1f} | {measured[layout]:.1f} | {measured[layout] / cpu:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

"""A night of small models on a real Airflow with two workers (LocalExecutor), in both layouts: seconds and CPU."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "plugins"), str(ROOT / "tests")]

import capacity_night  # noqa: E402 - beside this file
import capacity_tasks as tasks  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from system.airflow_server import AirflowServer

MODELS, WORKERS = 100, 2
AT_ONCE = 4
"""Runs that are in progress at the same time: enough to keep both workers busy."""
SECONDS = 150
"""After this time no further run of a layout is started."""
LAYOUTS = ("task_per_check", "one_task")


def night_of_models(folder: Path) -> list[str]:
    """Run as many of the models as can be started in the time, in each layout; the section of the page, in Markdown."""
    folder.mkdir()
    data = folder / "data"
    tasks.forked(
        lambda: tasks.write_project(data, rows=capacity_night.ROWS, columns=capacity_night.COLUMNS, model="skops")
    )
    tasks.forked(lambda: _write_policies(folder, data))
    with capacity_night.governing(folder, AIRFLOW__CORE__PARALLELISM=str(WORKERS)) as airflow:
        return _section([_night(airflow, layout) for layout in LAYOUTS])


def _write_policies(folder: Path, data: Path) -> None:
    for layout in LAYOUTS:
        for number in range(MODELS):
            name = f"{layout.replace('_', '-')}-{number:03d}"
            path = tasks.write_policy(folder / "policies", capacity_night.KINDS, name=name, data=data)
            policy = yaml.safe_load(path.read_text()) | {"schedule": {"cron": None, "layout": layout}}
            path.write_text(yaml.safe_dump(policy, sort_keys=False))


def _night(airflow: AirflowServer, layout: str) -> tuple[str, int, float, float]:
    """The layout, how many runs ended, and the wall and CPU seconds that they took together."""
    dags = [f"/api/v2/dags/governance_{layout}_{number:03d}" for number in range(MODELS)]
    airflow.wait_for(lambda: airflow.get(dags[-1])[0] == 200, dags[-1], capacity_night.LIMIT)
    before, began = capacity_night.cpu_of_workers(airflow), time.monotonic()
    waiting, running, ended = list(dags), [], 0
    while running or (waiting and time.monotonic() - began < SECONDS):
        while waiting and len(running) < AT_ONCE and time.monotonic() - began < SECONDS:
            running.append(waiting.pop(0))
            status, text = airflow.send(f"{running[-1]}/dagRuns", {"logical_date": capacity_night.NIGHT})
            if status != 200:
                raise SystemExit(f"{running[-1]}: {text}")
        time.sleep(0.5)
        still = [dag for dag in running if not _has_succeeded(airflow, dag)]
        ended += len(running) - len(still)
        running = still
    wall = time.monotonic() - began
    time.sleep(5)  # the process of the last task ends after its run
    return layout, ended, wall, capacity_night.cpu_of_workers(airflow) - before


def _has_succeeded(airflow: AirflowServer, dag: str) -> bool:
    (run,) = json.loads(airflow.get(f"{dag}/dagRuns")[1])["dag_runs"]
    if run["state"] == "failed":
        raise SystemExit(f"{dag}: expected a run that succeeds, found failed")
    return bool(run["state"] == "success")


def _section(nights: Sequence[tuple[str, int, float, float]]) -> list[str]:
    lines = [
        "", f"## A night of {MODELS} small models on two workers", "",
        f"{len(capacity_night.KINDS)} checks a model ({', '.join(capacity_night.KINDS)}), {capacity_night.ROWS:,} rows of {capacity_night.COLUMNS} columns, Airflow's LocalExecutor with",
        f"{WORKERS} worker processes. Runs are started for {SECONDS} seconds, {AT_ONCE} at a time, then those in progress end; where fewer than {MODELS} ended, the",
        f"last two columns are those of {MODELS} at the same rate, not measured. CPU is that of the workers and their tasks, Airflow's own part included.",
        "", f"| layout | runs that ended | seconds | CPU s | CPU s a model | {MODELS} models, s | {MODELS} models, CPU s |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for layout, ended, wall, cpu in nights:
        lines.append(
            f"| {layout} | {ended} | {wall:.0f} | {cpu:.0f} | {cpu / ended:.1f} | {MODELS * wall / ended:.0f} | {MODELS * cpu / ended:.0f} |"
        )
    return lines

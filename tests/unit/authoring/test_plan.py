"""The capacity plan: sums of measured figures, how many workers a night needs, and the command."""

from __future__ import annotations

import heapq
import json
import random
from typing import TYPE_CHECKING

import pytest

from model_governance.authoring import machine_speed
from model_governance.authoring.capacity import (
    RunCost,
    TaskCost,
    cost_of_run,
    measured_figures,
    seconds_at_most,
    workers_for,
)
from model_governance.checks import catalogue
from model_governance.cli import main
from model_governance.errors import PolicyError
from project import CHEAP_CHECKS, small_project

if TYPE_CHECKING:
    from pathlib import Path

    from project import Project

ENTRY = {
    "alone": 8.0, "after": 3.0, "per_million_cells": 10.0, "mib": 300.0, "mib_per_million_cells": 100.0,
    "bytes": 1000.0, "requests": 4.0, "largest_million_cells": 0.4,
}  # fmt: skip
FIGURES = {
    "measured": {"machine": "a desk"},
    "reference_seconds": 2.0,
    "task": {"cpu": 1.0, "mib": 200.0},
    "archive": {
        "cpu": 2.0, "mib": 250.0, "bytes": 500.0, "bytes_per_check": 10.0, "requests": 20.0,
        "requests_per_check": 2.0,
    },
    "checks": {
        "data_validation": {"other": ENTRY},
        "model_quality": {"other": ENTRY | {"alone": 6.0, "after": 1.0}, "trees": ENTRY | {"alone": 7.0, "after": 2.0}},
    },
}  # fmt: skip
ROWS = 20_000
"""Of five columns: a tenth of a million cells."""


def cost(project: Project, *, rows: int = ROWS, speed: float = 1.0) -> RunCost:
    return cost_of_run(project.policy(), rows=rows, figures=FIGURES, speed=speed)


def cpu_of(run: RunCost) -> dict[str, float]:
    return {task.name: task.cpu for task in run.tasks}


def test_a_task_per_check_costs_each_check_alone_and_what_grows_with_its_cells(tmp_path: Path) -> None:
    run = cost(small_project(tmp_path))
    assert cpu_of(run) == {"validation": 1 + 8 + 1, "quality": 1 + 6 + 1, "archive": 1 + 2, "gate": 1}
    assert run.cpu == 22
    assert run.longest == 10 + 3 + 1
    assert run.mib == 310
    assert sum(task.requests for task in run.tasks) == 4 + 4 + 20 + 4
    assert sum(task.stored_bytes for task in run.tasks) == 2520


def test_one_task_imports_once_what_its_checks_share(tmp_path: Path) -> None:
    run = cost(small_project(tmp_path).change(schedule={"layout": "one_task"}))
    assert cpu_of(run)["checks"] == 1 + 5 + (3 + 1) + (1 + 1)


def test_a_request_for_retraining_is_a_task_more(tmp_path: Path) -> None:
    run = cost(small_project(tmp_path).change(retraining={"when": ["fail"]}))
    assert cpu_of(run)["request_retraining"] == 1


def test_a_scan_of_the_model_file_comes_before_the_checks_that_load_it(tmp_path: Path) -> None:
    scan = {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}
    figures = FIGURES | {"checks": FIGURES["checks"] | {"artifact_scan": {"other": ENTRY | {"alone": 5.0}}}}
    project = small_project(tmp_path, checks=CHEAP_CHECKS | {"file": scan})
    run = cost_of_run(project.policy(), rows=ROWS, figures=figures)
    assert cpu_of(run)["file"] == 1 + 5 + 1
    assert run.longest == 7 + 8 + (1 + 2) + 1


def test_a_slower_machine_spends_more_seconds_and_the_same_memory(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    assert cost(project, speed=2.0).cpu == 2 * cost(project).cpu
    assert cost(project, speed=2.0).mib == cost(project).mib


def test_checks_without_figures_and_rows_beyond_them_are_named(tmp_path: Path) -> None:
    drift = {"kind": "data_drift", "thresholds": [{"metric": "psi", "leq_to": 1}]}
    run = cost(small_project(tmp_path, checks=CHEAP_CHECKS | {"drift": drift}), rows=200_000)
    assert run.unknown == ("drift",)
    assert set(run.beyond) == {"validation", "quality"}
    assert "drift" not in cpu_of(run)


def test_workers_are_as_many_as_end_any_order_of_tasks_in_time() -> None:
    """Against a simulated night: every slot takes the next task that may start, in a random order."""
    draw = random.Random(7)
    for _ in range(50):
        runs = [night_of(draw) for _ in range(draw.randint(1, 30))]
        seconds, slots = 1.2 * max(run.longest for run in runs) + draw.random() * 200, draw.randint(1, 4)
        workers = workers_for(runs, seconds=seconds, slots=slots)
        took = simulated(runs, count=workers * slots, draw=draw)
        assert took <= seconds_at_most(runs, workers=workers, slots=slots) + 1e-6
        assert took <= seconds + 1e-6


def night_of(draw: random.Random) -> RunCost:
    def task(name: str) -> TaskCost:
        return TaskCost(name=name, cpu=draw.uniform(1, 40), mib=1)

    checks = tuple(task(f"check{number}") for number in range(draw.randint(1, 5)))
    others = (task("archive"), task("gate"))
    longest = max(each.cpu for each in checks) + sum(each.cpu for each in others)
    return RunCost(model="m", checks=checks, others=others, longest=longest)


def simulated(runs: list[RunCost], *, count: int, draw: random.Random) -> float:
    """Seconds in which so many slots end all runs, whichever task that may start is taken next."""
    ready = [(number, task) for number, run in enumerate(runs) for task in run.checks]
    left = {number: len(run.checks) for number, run in enumerate(runs)}
    after = {number: list(run.others) for number, run in enumerate(runs)}
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < count:
            number, task = ready.pop(draw.randrange(len(ready)))
            heapq.heappush(running, (now + task.cpu, number))
        now, number = heapq.heappop(running)
        left[number] -= 1
        if left[number] <= 0 and after[number]:
            ready.append((number, after[number].pop(0)))
    return now


def test_a_run_that_is_longer_than_the_night_is_refused(tmp_path: Path) -> None:
    run = cost(small_project(tmp_path))
    with pytest.raises(
        PolicyError, match="take 14 s, which no number of workers makes shorter; expected less than 14 s"
    ):
        workers_for([run], seconds=14, slots=2)


def test_the_package_has_figures_of_its_checks_that_can_be_measured() -> None:
    figures = measured_figures()
    assert set(figures["checks"]) <= set(catalogue())
    for entries in figures["checks"].values():
        assert entries["other"].keys() == ENTRY.keys()
        assert all(entry["alone"] >= entry["after"] > 0 for entry in entries.values())


def test_the_command_tells_costs_and_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = small_project(tmp_path)
    path = str(project.policy_file)
    assert main(["plan", path, path, "--rows", "300", "--start", "22:00", "--by", "06:00"]) == 0
    told = capsys.readouterr().out
    assert "from 22:00 to 06:00: 1 worker with 2 slots" in told
    assert [line.split()[:2] for line in told.splitlines() if line.startswith("all")] == [["all", "8"]]
    assert main(["plan", path, "--rows", "300", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["workers"] == 1
    assert record["seconds"] == 4 * 3600
    assert record["cpu_seconds"] == pytest.approx(record["runs"][0]["cpu"])
    assert [task["name"] for task in record["runs"][0]["checks"]] == ["validation", "quality"]


def test_the_command_refuses_no_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(small_project(tmp_path).policy_file), "--rows", "0"]) == 2
    assert "--rows 0: expected 1 or more" in capsys.readouterr().err


def test_the_speed_of_this_machine_is_a_ratio_of_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_speed, "WORK", "sum(range(2_000_000))")
    here = machine_speed.reference_seconds()
    assert here > 0
    assert machine_speed.speed_of_this_machine({"reference_seconds": here}) == pytest.approx(1, rel=0.5)


@pytest.mark.parametrize("text", ["25:00", "6", "06:00:00", ""])
def test_what_is_no_time_of_the_day_is_refused_in_words(text, capsys):
    with pytest.raises(SystemExit):
        main(["plan", "policy.yaml", "--rows", "5", "--by", text])
    assert f"--by: expected a time of the day from 00:00 to 23:59, found {text!r}" in capsys.readouterr().err

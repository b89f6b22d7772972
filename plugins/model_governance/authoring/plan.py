"""`model-governance plan`: what a night of some policies costs, and how many workers end it by a time of the day."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_governance.authoring.capacity import cost_of_run, measured_figures, seconds_at_most, workers_for
from model_governance.authoring.machine_speed import speed_of_this_machine
from model_governance.checks import catalogue
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError
from model_governance.policy import load_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.authoring.capacity import RunCost

KIB = 1024
DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - only the time of the day counts


def add_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    plan = commands.add_parser(
        "plan", help="what a night of policies costs (CPU, memory, storage), and how many workers end it in time"
    )
    plan.add_argument("policies", nargs="+", type=Path, metavar="POLICY")
    plan.add_argument("--rows", type=int, required=True, metavar="N", help="rows of each dataset of a run")
    plan.add_argument("--start", type=_clock, default="02:00", metavar="HH:MM", help="when the runs start (02:00)")
    plan.add_argument("--by", type=_clock, default="06:00", metavar="HH:MM", help="when they must have ended (06:00)")
    plan.add_argument(
        "--slots",
        type=int,
        default=2,
        metavar="N",
        help="tasks that a worker runs at once, each with a core of its own (2)",
    )
    plan.add_argument(
        "--here", action="store_true", help="measure how fast this machine is, in seconds, and scale the figures to it"
    )
    plan.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    plan.set_defaults(command=_plan)


def _plan(options: argparse.Namespace) -> int:
    for name in ("rows", "slots"):
        if getattr(options, name) < 1:
            raise PolicyError([f"--{name} {getattr(options, name)}: expected 1 or more"])
    figures = measured_figures()
    speed = speed_of_this_machine(figures) if options.here else 1.0
    policies = [load_policy(path, catalogue()) for path in options.policies]
    runs = [cost_of_run(policy, rows=options.rows, figures=figures, speed=speed) for policy in policies]
    seconds = _seconds(options.start, options.by)
    workers = workers_for(runs, seconds=seconds, slots=options.slots)
    takes = seconds_at_most(runs, workers=workers, slots=options.slots)
    if options.json:
        record = {
            "exit_code": 0, "speed": speed, "runs": [record_of(run) for run in runs], "cpu_seconds": sum(run.cpu for run in runs),
            "seconds": seconds, "slots": options.slots, "workers": workers, "seconds_at_most": takes, "measured": figures["measured"],
        }  # fmt: skip
        print(canonical_json(record).decode())
        return 0
    print("\n".join(_table(runs)))
    print(
        f"from {options.start:%H:%M} to {options.by:%H:%M}: {workers} worker{'s' if workers > 1 else ''} with {options.slots} slots "
        f"and as many cores; all runs then take {_spelled(takes)} at most\n"
        f"memory of a worker: {options.slots * max(run.mib for run in runs) / KIB:.1f} GiB for its tasks\n"
        f"figures measured on {figures['measured']['machine']}, scaled by {speed:.2f}"
    )
    return 0


def record_of(run: RunCost) -> dict[str, Any]:
    """A run as JSON types."""
    record = asdict(run)
    return record | {"cpu": run.cpu, "mib": run.mib, "longest": run.longest}


def _table(runs: Sequence[RunCost]) -> Iterator[str]:
    width = max(5, *(len(run.model) for run in runs))
    yield f"{'model':{width}}  {'tasks':>5}  {'CPU s':>8}  {'peak MiB':>8}  {'stored KiB':>10}  {'requests':>8}"
    for run in runs:
        yield f"{run.model:{width}}  {_figures([run])}"
    if len(runs) > 1:
        yield f"{'all':{width}}  {_figures(runs)}"
    for run in runs:
        for name in run.unknown:
            yield f"{run.model}: {name} is not counted: nothing was measured of its kind of check"
        for name in run.beyond:
            yield f"{run.model}: {name} reads more than was measured; its figures are extrapolated"


def _figures(runs: Sequence[RunCost]) -> str:
    tasks = [task for run in runs for task in run.tasks]
    stored = sum(task.stored_bytes for task in tasks) / KIB
    requests = sum(task.requests for task in tasks)
    cpu, mib = sum(task.cpu for task in tasks), max(task.mib for task in tasks)
    return f"{len(tasks):5}  {cpu:8.1f}  {mib:8.0f}  {stored:10.0f}  {requests:8.0f}"


def _clock(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of the day has no zone
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a time of the day from 00:00 to 23:59, found {text!r}") from error


def _seconds(start: time, by: time) -> float:
    """From one time of the day to the next of the other: 22:00 to 06:00 is eight hours."""
    span = datetime.combine(DAY, by) - datetime.combine(DAY, start)
    return (span if span > timedelta() else span + timedelta(days=1)).total_seconds()


def _spelled(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"

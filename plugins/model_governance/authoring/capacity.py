"""What a run of a policy costs on a cluster, task by task, from figures that `include/bench/capacity.py` measured."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from model_governance.errors import PolicyError
from model_governance.run import scans_before

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.policy import Policy

FIGURES = "capacity.json"
TREES = ("xgboost", "lightgbm")
MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCost:
    """What one task costs: CPU seconds, largest resident size of its process (MiB), stored bytes, requests to the store."""

    name: str
    cpu: float
    mib: float
    stored_bytes: float = 0.0
    requests: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """What a run of one policy costs.

    Attributes:
        model: name of the model.
        checks: the tasks that run checks; but for scans, which come first, they run side by side.
        others: the tasks before and after them.
        longest: CPU seconds of the tasks that must follow one another: the run takes no less, however many workers there are.
        unknown: checks whose kind has no figures; they are in no sum.
        beyond: checks that read more rows than were measured, so that their figures are extrapolated.
    """

    model: str
    checks: tuple[TaskCost, ...]
    others: tuple[TaskCost, ...]
    longest: float
    unknown: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[TaskCost, ...]:
        """All tasks of the run."""
        return (*self.checks, *self.others)

    @property
    def cpu(self) -> float:
        """CPU seconds of all tasks."""
        return sum(task.cpu for task in self.tasks)

    @property
    def mib(self) -> float:
        """Largest resident size of one task (MiB)."""
        return max(task.mib for task in self.tasks)


@cache
def measured_figures() -> dict[str, Any]:
    """The figures that the package holds."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath(FIGURES).read_bytes())
    return found


def cost_of_run(policy: Policy, *, rows: int, figures: Mapping[str, Any], speed: float = 1.0) -> RunCost:
    """What one run of a policy costs.

    CPU seconds of a check are `alone` of its kind, those of a process of its own at few rows, plus `per_million_cells` for the rows
    times the columns that it reads. Where all checks share one task, what they import together counts once: `after` are the
    seconds of a check in a process that has run others before.

    Args:
        policy: the policy.
        rows: rows of each dataset.
        figures: as `measured_figures`.
        speed: CPU seconds of this machine for one of the machine that the figures are from.
    """
    cells = rows * len(policy.columns.features) / MILLION
    entries = {name: entry for name in policy.checks if (entry := _entry(policy, name, figures))}
    task = figures["task"]
    sizes = {name: entry["per_million_cells"] * cells for name, entry in entries.items()}
    if policy.schedule.layout == "one_task":
        shared = max((entry["alone"] - entry["after"] for entry in entries.values()), default=0.0)
        cpu = max(shared, 0.0) + sum(entry["after"] + sizes[name] for name, entry in entries.items())
        groups = [("checks", cpu, list(entries.values()))]
    else:
        groups = [(name, entry["alone"] + sizes[name], [entry]) for name, entry in entries.items()]
    checks = tuple(
        TaskCost(
            name=name, cpu=speed * (task["cpu"] + cpu), mib=max([task["mib"], *(_mib(each, cells) for each in group)]),
            stored_bytes=sum(each["bytes"] for each in group), requests=sum(each["requests"] for each in group),
        )
        for name, cpu, group in groups
    )  # fmt: skip
    others = _other_tasks(policy, figures, speed)
    return RunCost(
        model=policy.name, checks=checks, others=others, longest=_longest(policy, checks) + sum(each.cpu for each in others),
        unknown=tuple(name for name in policy.checks if name not in entries),
        beyond=tuple(name for name, entry in entries.items() if cells > entry["largest_million_cells"]),
    )  # fmt: skip


def _longest(policy: Policy, checks: Sequence[TaskCost]) -> float:
    """CPU seconds of the longest check with the scans that its task waits for."""
    cpu = {task.name: task.cpu for task in checks}
    chains = [
        cpu[name] + sum(cpu.get(scan, 0.0) for scan in (scans_before(policy, name) if name in policy.checks else ()))
        for name in cpu
    ]
    return max(chains, default=0.0)


def workers_for(runs: Sequence[RunCost], *, seconds: float, slots: int) -> int:
    """How many workers end all runs within a time, each with so many slots and a core for each slot.

    Whatever order the tasks are started in, `m` slots need at most `total / m + (1 - 1/m) * longest` (Graham, 1966, Bounds
    for certain multiprocessing anomalies), where `longest` is the longest run with a slot for each of its tasks.

    Raises:
        PolicyError: no number of workers ends the longest run in that time.
    """
    total, longest = sum(run.cpu for run in runs), max(run.longest for run in runs)
    if longest >= seconds:
        run = max(runs, key=lambda each: each.longest)
        sentence = (
            f"{run.model}: its tasks that follow one another take {longest:.0f} s, which no number of workers makes shorter; "
            f"expected less than {seconds:.0f} s: start earlier, run fewer checks, or give attacks a budget"
        )
        raise PolicyError([sentence])
    return max(1, math.ceil((total - longest) / (seconds - longest) / slots))


def seconds_at_most(runs: Sequence[RunCost], *, workers: int, slots: int) -> float:
    """The time in which so many workers end all runs, at most; see `workers_for`."""
    count = workers * slots
    return sum(run.cpu for run in runs) / count + (1 - 1 / count) * max(run.longest for run in runs)


def _entry(policy: Policy, name: str, figures: Mapping[str, Any]) -> dict[str, Any] | None:
    """The figures of a check's kind with the model's kind; None where the kind was not measured."""
    of_kind = figures["checks"].get(policy.checks[name].kind)
    if of_kind is None:
        return None
    kind = "trees" if policy.model.format in TREES else "other"
    entry: dict[str, Any] = of_kind.get(kind) or of_kind["other"]
    return entry


def _mib(entry: Mapping[str, Any], cells: float) -> float:
    return float(entry["mib"] + entry["mib_per_million_cells"] * cells)


def _other_tasks(policy: Policy, figures: Mapping[str, Any], speed: float) -> tuple[TaskCost, ...]:
    """The archive, and the tasks that do little more than start: those that wait, tell, request and decide."""
    task, archive = figures["task"], figures["archive"]
    count = len(policy.checks)
    small = {
        "wait_for_data": policy.schedule.wait_for_data is not None,
        "notify": bool(policy.notifications.channels),
        "request_retraining": policy.retraining is not None,
        "gate": True,
    }
    return (
        TaskCost(
            name="archive", cpu=speed * (task["cpu"] + archive["cpu"]), mib=archive["mib"],
            stored_bytes=archive["bytes"] + archive["bytes_per_check"] * count,
            requests=archive["requests"] + archive["requests_per_check"] * count,
        ),
        *(TaskCost(name=name, cpu=speed * task["cpu"], mib=task["mib"]) for name, there in small.items() if there),
    )  # fmt: skip

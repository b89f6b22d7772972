"""Measures what tasks cost, and writes include/bench/CAPACITY.md and the figures that `model-governance plan` reads.

    make bench PART=capacity          about ten minutes on a core

Each measurement is a process forked from one that has imported Airflow's task SDK, as the process of a task is. Of a check,
`alone` is a process with nothing but this check, and `after` the same check in a process that has measured the quality of the
same model before. Requests and bytes are counted at a client of an S3 server in this process; they hold a run without earlier ones.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "plugins")]

import capacity_tasks as tasks  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from collections.abc import Mapping

FIGURES = HERE.parents[1] / "plugins" / "model_governance" / "authoring" / "capacity.json"
PAGE = HERE / "CAPACITY.md"
SMALL, LARGE = (1_000, 6), (40_000, 12)
"""Rows and columns."""
MILLION = 1e6
FIRST = "model_quality"


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"AIRFLOW_HOME": name, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "DO_NOT_TRACK": "1"}
        _import_what_a_worker_has()
        for model in ("skops", "xgboost"):
            for size in (SMALL, LARGE):
                place = project(folder, model, size)
                tasks.forked(
                    lambda at=place, of=model, n=size: tasks.write_project(at, rows=n[0], columns=n[1], model=of)
                )
        figures = measured(folder)
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(figures))
    print(PAGE.read_text())
    return 0


def project(folder: Path, model: str, size: tuple[int, int]) -> Path:
    """Where a project of this model and size is."""
    return folder / f"{model}-{size[0]}-{size[1]}"


def measured(folder: Path) -> dict[str, Any]:
    """All figures, in the form that the package reads."""
    from model_governance.authoring.machine_speed import reference_seconds

    task = _task(folder)
    needs_model = _kinds_with_model()
    checks: dict[str, dict[str, Any]] = {}
    for kind in tasks.CHECKS:
        models = {"other": "skops"} | ({"trees": "xgboost"} if kind in needs_model else {})
        checks[kind] = {name: entry for name, model in models.items() if (entry := _entry(folder, kind, model))}
        print(kind, checks[kind], flush=True)
    return {
        "measured": {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "day": datetime.now(UTC).date().isoformat(),
        },
        "reference_seconds": reference_seconds(),
        "task": task,
        "archive": _archive(folder),
        "retraining": {"cpu": 0.5 * task["cpu"], "mib": task["mib"], "requests": 10},
        "checks": checks,
    }


def _import_what_a_worker_has() -> None:
    from airflow.sdk.execution_time import supervisor, task_runner  # noqa: F401 - a worker has imported them


def _kinds_with_model() -> set[str]:
    """Kinds of checks that load the model."""
    return set(tasks.forked(_ask_the_catalogue).result)


def _ask_the_catalogue() -> list[str]:
    from model_governance.checks import catalogue

    return [kind for kind, check in catalogue().items() if check.needs_model]


def _task(folder: Path) -> dict[str, float]:
    """A task that does nothing but what all do: parse the DAG file for its DAG."""
    place = project(folder, "skops", SMALL)
    tasks.forked(lambda: str(tasks.write_policy(place / "policies", [FIRST], name="base", data=place)))
    file = folder / "governed.py"
    file.write_text(
        "# airflow DAG\nfrom model_governance.orchestration import governance_dags\n"
        f"globals().update(governance_dags({str(place / 'policies')!r}))\n"
    )
    spent = tasks.forked(lambda: tasks.parse_dag_file(file, "governance_base"))
    return {"cpu": spent.cpu, "mib": spent.mib}


def _entry(folder: Path, kind: str, model: str) -> dict[str, float] | None:
    """The figures of one kind of check with one kind of model; None where it cannot be measured."""
    small, large = project(folder, model, SMALL), project(folder, model, LARGE)
    try:
        alone, grown = _alone(small, kind), _alone(large, kind)
        after = _after(small, kind)
    except RuntimeError as error:
        print(f"{kind} with {model}: not measured: {error}", flush=True)
        return None
    cells = (LARGE[0] * LARGE[1] - SMALL[0] * SMALL[1]) / MILLION
    return {
        "alone": alone.cpu, "after": min(after, alone.cpu), "mib": alone.mib,
        "per_million_cells": max(0.0, grown.cpu - alone.cpu) / cells,
        "mib_per_million_cells": max(0.0, grown.mib - alone.mib) / cells,
        "largest_million_cells": LARGE[0] * LARGE[1] / MILLION,
    } | _counted(small, [kind])["run"]  # fmt: skip


def _alone(place: Path, kind: str) -> tasks.Spent:
    def work() -> None:
        path = tasks.write_policy(place, [kind], name=f"alone-{kind.replace('_', '-')}")
        tasks.run_checks_of(path, archive=f"alone-{kind}")

    return tasks.forked(work)


def _after(place: Path, kind: str) -> float:
    """CPU seconds of a check after the quality of the model; of quality itself, of its second time."""

    def work() -> float:
        path = tasks.write_policy(place, [FIRST, kind], name=f"after-{kind.replace('_', '-')}")
        return float(tasks.run_checks_of(path, archive=f"after-{kind}", twice=kind == FIRST)[kind])

    return float(tasks.forked(work).result)


def _archive(folder: Path) -> dict[str, float]:
    """The archive of a run of one check and of three: what it costs, and what each check adds."""
    place, found = project(folder, "skops", SMALL), []
    for kinds in ([FIRST], [FIRST, "artifact_scan", "data_drift"]):
        name = f"archive-{len(kinds)}"

        def checked(kinds: list[str] = kinds, name: str = name) -> dict[str, Any]:
            return tasks.summaries_of(tasks.write_policy(place, kinds, name=name), archive=name)

        summaries = tasks.forked(checked).result

        def archived(name: str = name, summaries: Mapping[str, Any] = summaries) -> None:
            tasks.archive_of(place / f"{name}.yaml", summaries, archive=name)

        counted = _counted(place, kinds)["archive"]
        spent = tasks.forked(archived)
        found.append({"cpu": spent.cpu, "bytes": counted["bytes"], "requests": counted["requests"], "mib": spent.mib})
    one, three = found
    each = {name: (three[name] - one[name]) / 2 for name in ("cpu", "bytes", "requests")}
    fixed = {name: one[name] - each[name] for name in each}
    return fixed | {f"{name}_per_check": value for name, value in each.items()} | {"mib": max(one["mib"], three["mib"])}


def _counted(place: Path, kinds: list[str]) -> dict[str, dict[str, float]]:
    """Requests and bytes of the checks of a run, and of its archive."""

    def work() -> dict[str, dict[str, float]]:
        return tasks.counted_run(tasks.write_policy(place, kinds, name="counted"))

    answer: dict[str, dict[str, float]] = tasks.forked(work).result
    return answer


def page(figures: Mapping[str, Any]) -> str:
    """The figures as a page."""
    head = figures["measured"]
    lines = [
        f"# What tasks cost ({head['machine']}; {head['day']})",
        "",
        f"Measured by `make bench PART=capacity`: {_size(SMALL)}, and {_size(LARGE)} for what grows. "
        + "`model-governance plan` adds these figures up.",
        "",
        "| kind of check | model | alone, CPU s | after another check | per million cells | peak MiB | stored KiB | requests |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, entries in figures["checks"].items():
        lines += [
            f"| {kind} | {model} | {entry['alone']:.1f} | {entry['after']:.1f} | {entry['per_million_cells']:.1f} | "
            f"{entry['mib']:.0f} | {entry['bytes'] / 1024:.0f} | {entry['requests']:.0f} |"
            for model, entry in entries.items()
        ]
    return "\n".join([*lines, "", *_below(figures)]) + "\n"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]:,} rows of {size[1]} columns"


def _below(figures: Mapping[str, Any]) -> list[str]:
    archive, task = figures["archive"], figures["task"]
    return [
        f"A task costs {task['cpu']:.1f} CPU s and {task['mib']:.0f} MiB before its work.",
        f"The archive of a run costs {archive['cpu']:.1f} CPU s and {archive['requests']:.0f} requests, and for each check",
        f"{archive['cpu_per_check']:.2f} CPU s and {archive['requests_per_check']:.0f} requests more.",
        f"Importing pandas, pyarrow, SciPy, scikit-learn and Matplotlib costs {figures['reference_seconds']:.1f} CPU s here;",
        "`plan --here` measures that on another machine and scales the CPU seconds by the ratio.",
    ]


if __name__ == "__main__":
    sys.exit(main())

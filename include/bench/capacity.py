"""Measures what tasks cost, and writes include/bench/CAPACITY.md and the figures that `model-governance plan` reads.

    make bench PART=capacity          about ten minutes on a core

Each measurement is a process forked from one that has imported Airflow's task SDK, as the process of a task is. `alone` are the CPU
seconds of a check in a process of its own that has parsed its DAG file, which is counted apart; `after`, those in a process
that has run the checks above it in the table. What grows with the cells is the difference of few rows and many, both after a first
round that imports. Requests and bytes are counted at a client of an S3 server in this process; they are those of a first run,
without earlier ones to read.
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
MILLION, KIB = 1e6, 1024
FIRST = "model_quality"
DAG_FILE = "governed.py"


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"AIRFLOW_HOME": name, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "DO_NOT_TRACK": "1"}
        os.environ |= dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
        )  # as of a worker
        os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "300"  # wall seconds of a machine that may be busy
        _import_what_a_worker_has()
        for model in ("skops", "xgboost"):
            for size in (SMALL, LARGE):
                place = project(folder, model, size)
                tasks.forked(
                    lambda at=place, of=model, n=size: tasks.write_project(at, rows=n[0], columns=n[1], model=of)
                )
        tasks.forked(lambda: _write_dag_file(folder))
        figures = measured(folder)
    FIGURES.write_text(json.dumps(_rounded(figures), indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(figures))
    print(PAGE.read_text())
    return 0


def project(folder: Path, model: str, size: tuple[int, int]) -> Path:
    """Where a project of this model and size is."""
    return folder / f"{model}-{size[0]}-{size[1]}"


def measured(folder: Path) -> dict[str, Any]:
    """All figures, in the form that the package reads."""
    from model_governance.authoring.machine_speed import reference_seconds

    linear, trees = (_entries(folder, model) for model in ("skops", "xgboost"))
    needs_model = set(tasks.forked(_ask_the_catalogue).result)
    checks = {kind: {"other": entry} for kind, entry in linear.items()}
    for kind in needs_model & checks.keys() & trees.keys():
        checks[kind]["trees"] = trees[kind]
    return {
        "measured": {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "day": datetime.now(UTC).date().isoformat(),
        },
        "reference_seconds": reference_seconds(),
        "task": _task(folder),
        "archive": _archive(folder),
        "checks": checks,
    }


def _rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    return round(figures, 3) if isinstance(figures, float) else figures


def _import_what_a_worker_has() -> None:
    from airflow.sdk.execution_time import supervisor, task_runner  # noqa: F401 - a worker has imported them


def _ask_the_catalogue() -> list[str]:
    """Kinds of checks that load the model."""
    from model_governance.checks import catalogue

    return [kind for kind, check in catalogue().items() if check.needs_model]


def _write_dag_file(folder: Path) -> None:
    place = project(folder, "skops", SMALL)
    tasks.write_policy(place / "policies", [FIRST], name="base", data=place)
    (folder / DAG_FILE).write_text(
        "# airflow DAG\nfrom model_governance.orchestration import governance_dags\n"
        f"globals().update(governance_dags({str(place / 'policies')!r}))\n"
    )


def _parse(folder: Path) -> None:
    tasks.parse_dag_file(folder / DAG_FILE, "governance_base")


def _task(folder: Path) -> dict[str, float]:
    """A task that does nothing but what all do: parse the DAG file for its DAG."""
    spent = tasks.forked(lambda: _parse(folder))
    return {"cpu": spent.cpu, "mib": spent.mib}


def _entries(folder: Path, model: str) -> dict[str, dict[str, float]]:
    """The figures of every kind of check that can be measured, with one kind of model."""
    small = project(folder, model, SMALL)
    first, few, many = _in_turn(folder, model)
    kinds = [kind for kind in tasks.CHECKS if kind in few and kind in many]
    counted = tasks.forked(lambda: tasks.counted(tasks.write_policy(small, kinds, name="counted"))).result
    found = {}
    for kind in kinds:
        alone = _alone(folder, small, kind)
        found[kind] = {
            "alone": max(alone.cpu, first[kind]["cpu"]), "after": first[kind]["cpu"], "mib": alone.mib,
            **_growth(few[kind], many[kind]), **counted[kind],
        }  # fmt: skip
        print(model, kind, {name: round(value, 1) for name, value in found[kind].items()}, flush=True)
    return found


def _in_turn(folder: Path, model: str) -> list[dict[str, dict[str, float]]]:
    """What each check costs in one process: on few rows the first time, on few rows again, and on many."""
    kinds = list(tasks.CHECKS)

    def work() -> list[dict[str, dict[str, float]]]:
        few, many = (
            tasks.write_policy(project(folder, model, size), kinds, name=f"in-turn-{size[0]}")
            for size in (SMALL, LARGE)
        )
        return tasks.in_turn([few, few, many], archive="in-turn")

    return list(tasks.forked(work, limit=1200).result)


def _growth(few: Mapping[str, float], many: Mapping[str, float]) -> dict[str, float]:
    cells = (LARGE[0] * LARGE[1] - SMALL[0] * SMALL[1]) / MILLION
    return {
        "per_million_cells": max(0.0, many["cpu"] - few["cpu"]) / cells,
        "mib_per_million_cells": max(0.0, many["mib"] - few["mib"]) / cells,
        "largest_million_cells": LARGE[0] * LARGE[1] / MILLION,
    }


def _alone(folder: Path, place: Path, kind: str) -> tasks.Spent:
    def work() -> None:
        path = tasks.write_policy(place, [kind], name=f"alone-{kind.replace('_', '-')}")
        tasks.run_checks_of(path, archive=f"alone-{kind}")

    return tasks.forked(work, before=lambda: _parse(folder))


def _archive(folder: Path) -> dict[str, float]:
    """The archive of a run of one check and of three: what it costs, and what each check adds to bytes and requests."""
    place, found = project(folder, "skops", SMALL), []
    for kinds in ([FIRST], [FIRST, "artifact_scan", "data_drift"]):
        path = place / f"archive-{len(kinds)}.yaml"

        def checked(kinds: list[str] = kinds, path: Path = path) -> dict[str, Any]:
            return tasks.summaries_of(tasks.write_policy(place, kinds, name=path.stem), archive=path.stem)

        summaries = tasks.forked(checked).result

        def archived(path: Path = path, summaries: Mapping[str, Any] = summaries) -> None:
            tasks.archive_of(path, summaries, archive=path.stem)

        spent = tasks.forked(archived, before=lambda: _parse(folder))
        counted = tasks.forked(lambda path=path: tasks.counted(path)).result["archive"]
        found.append({"cpu": spent.cpu, "bytes": counted["bytes"], "requests": counted["requests"], "mib": spent.mib})
    one, three = found
    each = {name: max(0.0, three[name] - one[name]) / 2 for name in ("bytes", "requests")}
    fixed = {name: one[name] - each[name] for name in each}
    more = {f"{name}_per_check": value for name, value in each.items()}
    return fixed | more | {name: max(one[name], three[name]) for name in ("cpu", "mib")}


def page(figures: Mapping[str, Any]) -> str:
    """The figures as a page."""
    head = figures["measured"]
    lines = [
        "# What tasks cost",
        "",
        f"Measured by `make bench PART=capacity` ({head['machine']}; {head['day']}): {_size(SMALL)}, and",
        f"{_size(LARGE)} for what grows. On a machine with other work a repetition differs by a fifth, some figures by more.",
        "",
        "| kind of check | model | alone, CPU s | after those above | per million cells | peak MiB | stored KiB | requests |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, entries in figures["checks"].items():
        lines += [
            f"| {kind} | {model} | {entry['alone']:.1f} | {entry['after']:.1f} | {entry['per_million_cells']:.1f} | "
            f"{entry['mib']:.0f} | {entry['bytes'] / KIB:.0f} | {entry['requests']:.0f} |"
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
        f"{archive['requests_per_check']:.1f} requests and {archive['bytes_per_check'] / KIB:.0f} KiB more.",
        f"Importing pandas, pyarrow, SciPy, scikit-learn and Matplotlib costs {figures['reference_seconds']:.1f} CPU s here;",
        "`plan --here` measures that on another machine and scales the CPU seconds by the ratio.",
    ]


if __name__ == "__main__":
    sys.exit(main())

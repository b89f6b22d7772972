"""Splits the CPU of the demo's night by phase, in both layouts, and runs a night of small models; writes include/bench/NIGHT_PHASES.md.

    make bench PART=night_phases                                    ten minutes on an idle machine
    make bench PART=night_phases ARGS="--before PATH_OF_A_CHECKOUT"   measures the phases of that checkout, too

A task is a process that is forked from one with Airflow's task SDK imported, parses the DAG file for its own DAG and does its work,
as Airflow's executors do it; Airflow's own work around it is not counted. See cpu_phases.py for how CPU is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEMO = ROOT / "include" / "demo"
sys.path[:0] = [str(HERE), str(DEMO)]

import capacity_tasks as tasks  # noqa: E402 - beside this file
import cpu_phases  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from model_governance.contract.run import Run
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

PAGE = HERE / "NIGHT_PHASES.md"
POLICY = ROOT / "include" / "policies" / "acs_employment.yaml"
DAG_ID = "governance_acs_employment"
NIGHT = "2016-12-31"
LAYOUTS = ("task_per_check", "one_task")
MEASURING = ("reading", "measuring")
GOALS = {"task_per_check": 0.45, "one_task": 0.60}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")

Phases = dict[str, Any]
IMPORTED = "imported"
"""Key of the CPU seconds of a task's imports by package."""
LARGEST = 6
"""Imports of a task that the page names."""


def main() -> int:
    options = _options()
    if options.phases_of is not None:
        print(json.dumps(_phases(Path(options.folder))))
        return 0
    import night_models

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks.forked(lambda: write_demo(folder))
        checkouts = {"before": options.before, "now": str(ROOT)}
        found = {
            label: measured_in(Path(checkout), folder / label, data=folder)
            for label, checkout in checkouts.items() if checkout is not None
        }  # fmt: skip
        night = [] if options.phases_only else night_models.night_of_models(folder / "night")
        PAGE.write_text(page(found, night))
    print(PAGE.read_text())
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="PATH", help="another checkout, whose phases are measured too")
    parser.add_argument("--phases-only", action="store_true", help="leave out the night of small models")
    parser.add_argument("--phases-of", metavar="PATH", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def write_demo(folder: Path) -> None:
    """The data of the demo's night in a folder."""
    import demo_runs
    import train

    members, held_out = train.split()
    members.to_parquet(folder / "train.parquet", index=False)
    held_out.to_parquet(folder / "reference.parquet", index=False)
    demo_runs.write_runs(folder)


def measured_in(checkout: Path, folder: Path, *, data: Path) -> dict[str, dict[str, Phases]]:
    """The phases of a night by layout and task, measured with the package of a checkout in a process of its own."""
    folder.mkdir()
    for layout in LAYOUTS:
        _write_policy(folder / layout, layout, data=data)
    settings = {
        "PYTHONPATH": str(checkout / "plugins"), "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "none"), "DO_NOT_TRACK": "1",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    }  # fmt: skip
    command = [sys.executable, "-W", "ignore", __file__, "--phases-of", str(checkout), "--folder", str(folder)]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD | settings, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"the phases of {checkout} could not be measured:\n{done.stdout[-4000:]}")
    found: dict[str, dict[str, Phases]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _write_policy(folder: Path, layout: str, *, data: Path) -> None:
    """The demo's policy on its data in a folder, with an archive of its own, and a DAG file of it."""
    policy = yaml.safe_load(POLICY.read_text())
    policy["model"]["uri"] = str(DEMO / "acs_employment.skops")
    policy["checks"]["validation"]["params"]["suite"] = str(ROOT / "include" / "suites" / "acs_employment.json")
    for dataset in policy["datasets"].values():
        dataset["uri"] = dataset["uri"].replace("../demo/build", str(data))
    policy["artifacts"] = {"uri": str(folder / "archive")}
    policy["schedule"] = {"cron": None, "layout": layout}
    folder.mkdir()
    (folder / "policies").mkdir()
    (folder / "policies" / POLICY.name).write_text(yaml.safe_dump(policy, sort_keys=False))
    (folder / "dag.py").write_text(
        "# airflow DAG\nfrom model_governance.orchestration import governance_dags\n"
        f"globals().update(governance_dags({str(folder / 'policies')!r}))\n"
    )


def _phases(folder: Path) -> dict[str, dict[str, Phases]]:
    import airflow.sdk  # noqa: F401 - the process that tasks are forked from has imported it

    return {layout: _night(folder / layout, layout) for layout in LAYOUTS}


def _night(folder: Path, layout: str) -> dict[str, Phases]:
    """CPU seconds by task and phase of one run; `all checks` where one task runs them."""
    checks = list(yaml.safe_load((folder / "policies" / POLICY.name).read_text())["checks"])
    groups = {"all checks": checks} if layout == "one_task" else {name: [name] for name in checks}
    found: dict[str, Phases] = {}
    summaries: dict[str, Any] = {}
    for name, group in groups.items():
        found[name], more = _task(folder, lambda task, group=group: task.check(group))
        summaries |= more
    found["archive"], _ = _task(folder, lambda task: task.archive(summaries))
    found["gate"], _ = _task(folder, lambda _: {})
    return found


def _task(folder: Path, work: Callable[[_Task], Any]) -> tuple[Phases, Any]:
    def whole() -> dict[str, Any]:
        result: dict[str, Any] = {}

        def task() -> None:
            tasks.parse_dag_file(folder / "dag.py", DAG_ID)
            result.update(work(_Task.of(folder)) or {})

        found = cpu_phases.by_phase(task)
        return {"phases": found.seconds | {IMPORTED: found.imported}, "result": result}

    answer = tasks.forked(whole).result
    return answer["phases"], answer["result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What a task of the demo's night works on."""

    policy: Policy
    run: Run
    store: ArtifactStore

    @classmethod
    def of(cls, folder: Path) -> _Task:
        from model_governance.checks import catalogue
        from model_governance.contract.connections import PlainConnections
        from model_governance.contract.moments import parse_moment
        from model_governance.contract.run import Run
        from model_governance.policy import load_policy
        from model_governance.store import open_store

        policy = load_policy(folder / "policies" / POLICY.name, catalogue())
        store = open_store(str(policy.artifacts.uri), folder=folder, connections=PlainConnections())
        return cls(policy=policy, run=Run(run_id="night", logical_date=parse_moment(NIGHT)), store=store)

    def check(self, names: Sequence[str]) -> dict[str, Any]:
        from model_governance.contract.connections import PlainConnections
        from model_governance.run import run_check
        from model_governance.subjects import render_sources, run_variables

        sources, summaries = render_sources(self.policy, run_variables(self.run.logical_date)), {}
        for name in names:
            done = run_check(
                self.policy, name, run=self.run, store=self.store, connections=PlainConnections(), sources=sources
            )
            if done.problem is not None:
                raise SystemExit(f"{name} could not measure: {done.verdict.sentence}")
            summaries[name] = done.summary()
        return summaries

    def archive(self, summaries: Mapping[str, Any]) -> None:
        from model_governance.archiving import archive_run

        archive_run(self.policy, summaries, run=self.run, store=self.store)


def page(found: Mapping[str, Mapping[str, Mapping[str, Phases]]], night: Sequence[str]) -> str:
    """The page, in Markdown."""
    lines = [
        "# Where the CPU of a night goes",
        "",
        f"Measured by `make bench PART=night_phases` on {datetime.now(UTC).date().isoformat()}, {os.cpu_count()} cores, one thread for each",
        f"library. The demo's night of {NIGHT}: six checks of a logistic regression on 40,000 to 70,000 rows of 16 columns, four reference",
        "models trained. CPU seconds by phase; a task is a process of its own that parses the DAG file and does its work. `DAG file` is that",
        "with what Airflow imports for it, `reading` is loading the data and the model, `drawing` pages, tables and pictures; any other import",
        "counts as one wherever it happens. The share of measuring is that of reading and measuring together.",
        "",
        *_totals(found),
    ]
    for label, layouts in found.items():
        for layout in LAYOUTS:
            lines += ["", f"## {layout}, {label}", "", *_table(layouts[layout]), "", *_imports(layouts[layout])]
    return "\n".join([*lines, *night]) + "\n"


def _totals(found: Mapping[str, Mapping[str, Mapping[str, Phases]]]) -> list[str]:
    head = ["layout", "code", "CPU s", *cpu_phases.PHASES, "share of measuring", "without the DAG file", "goal"]
    lines = [_row(head), "|" + "---|" * len(head)]
    for layout in LAYOUTS:
        for label, layouts in found.items():
            total = _sum(layouts[layout].values())
            cells = [f"{total[phase]:.1f}" for phase in cpu_phases.PHASES]
            shares = [f"{_share(total):.0%}", f"{_share(total | {'DAG file': 0.0}):.0%}", f"{GOALS[layout]:.0%}"]
            lines.append(_row([layout, label, f"{sum(total.values()):.1f}", *cells, *shares]))
    return lines


def _table(by_task: Mapping[str, Phases]) -> list[str]:
    head = ["task", *cpu_phases.PHASES, "CPU s", "share of measuring"]
    lines = [_row(head), "|" + "---|" * len(head)]
    for name, task in [*by_task.items(), ("**all**", _sum(by_task.values()))]:
        phases = {phase: task[phase] for phase in cpu_phases.PHASES}
        cells = [
            *(f"{seconds:.2f}" for seconds in phases.values()),
            f"{sum(phases.values()):.2f}",
            f"{_share(phases):.0%}",
        ]
        lines.append(_row([name, *cells]))
    return lines


def _imports(by_task: Mapping[str, Phases]) -> list[str]:
    """The largest imports of each task; a package counts with all that it imports first."""
    lines = ["| task | its largest imports, CPU s |", "|---|---|"]
    for name, task in by_task.items():
        largest = sorted(task[IMPORTED].items(), key=lambda item: -item[1])[:LARGEST]
        lines.append(_row([name, ", ".join(f"{package} {seconds:.1f}" for package, seconds in largest)]))
    return lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _share(phases: Mapping[str, float]) -> float:
    """The share of reading and measuring."""
    total = sum(phases.values())
    return sum(phases[phase] for phase in MEASURING) / total if total else 0.0


def _sum(by_task: Iterable[Phases]) -> dict[str, float]:
    done = list(by_task)
    return {phase: sum(task[phase] for task in done) for phase in cpu_phases.PHASES}


if __name__ == "__main__":
    sys.exit(main())

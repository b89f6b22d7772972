"""Governs a real model for three runs through Airflow: one clean, one that warns, one that fails.

    make demo

Exit code 0 when the runs ended as they must: two not failed, the one with the planted accident failed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo_runs import RUNS, DemoRun, write_runs
from train import BUILD as TRAINED
from train import train

from model_governance.authoring.keys import TRUST, make_keys
from model_governance.report.terminal import console, reasons, run_table
from project import BUILD, DAG_ID, HOME, KEYS, PORT, ROOT, enter_project, in_use

LOG = BUILD / "airflow.log"
APPROVED = Path(__file__).resolve().parent / "acs_employment.skops"


class Progress:
    """Airflow tells it when a task starts and ends; it tells the reader. (A listener.)"""

    def __init__(self, screen) -> None:
        self._show, self._live = screen.print, screen.is_terminal
        self._started: dict[str, float] = {}

    def starts(self, task_id: str) -> None:
        self._started[task_id] = time.monotonic()
        if self._live:
            self._show(f"    {task_id.split('.')[-1]:20} …", end="\r")

    def ends(self, task_id: str, state: str) -> None:
        seconds = time.monotonic() - self._started.pop(task_id, time.monotonic())
        self._show(f"    {task_id.split('.')[-1]:20} {state:8} {seconds:5.1f} s")


def main() -> int:
    began = time.monotonic()
    screen = console()
    if in_use(PORT):
        print(f"Port {PORT} is in use: stop make ui first, it works on the same database.")
        return 2
    for leftover in (BUILD, HOME):
        shutil.rmtree(leftover, ignore_errors=True)
    BUILD.mkdir(parents=True)
    prepare(screen)
    enter_project()
    results = []
    with quiet(LOG) as show:
        screen.file = show
        screen.print("Airflow: making its database …")
        dag = load_dag(Progress(screen))
        for number, demo_run in enumerate(RUNS, 1):
            screen.print(f"\n[bold]Run {number}, {demo_run.date}[/bold]: {demo_run.story}")
            run = dag.test(logical_date=datetime.fromisoformat(demo_run.date).replace(tzinfo=UTC))
            results.append((demo_run, str(run.state)))
    screen.file = sys.stdout
    return tell(screen, results, seconds=time.monotonic() - began)


def prepare(screen) -> None:
    """Train, compare with the approved model, write the data of each run."""
    screen.print("Training on the 2015 survey (US Census ACS, Massachusetts, 40,000 people) …")
    trained = train(TRAINED)
    same = (TRAINED / "acs_employment.skops").read_bytes() == APPROVED.read_bytes()
    screen.print(f"  {Path(trained['path']).relative_to(ROOT)}  sha256 {trained['sha256'][:16]}…")
    if same:
        screen.print("  the same bytes as the approved model that the policy names")
    else:
        screen.print("  other bytes than the approved model (other library versions); the approved file stays in use")
    for path in write_runs(BUILD):
        screen.print(f"  {path.relative_to(ROOT)}")
    keyid = make_keys(KEYS, owner="the demo", moment=datetime.now(UTC))
    screen.print(f"Evidence is signed by a new key, {keyid[:16]}… ({KEYS.relative_to(ROOT)})")


@contextlib.contextmanager
def quiet(log: Path):
    """Send what Airflow and the libraries print to a log; yield a stream that still reaches the reader."""
    sys.stdout.flush()
    reader, saved = os.dup(1), os.dup(2)
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    try:
        with os.fdopen(reader, "w", buffering=1, closefd=False) as stream:
            yield stream
    finally:
        sys.stdout.flush()
        os.dup2(reader, 1)
        os.dup2(saved, 2)


def load_dag(progress: Progress):
    """The DAG of the policy as Airflow finds it in dags/, with a listener for the progress."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.listeners import hookimpl
    from airflow.sdk.listener import get_listener_manager
    from airflow.utils.db import initdb

    class Listener:
        @hookimpl
        def on_task_instance_running(self, previous_state, task_instance):
            progress.starts(task_instance.task_id)

        @hookimpl
        def on_task_instance_success(self, previous_state, task_instance):
            progress.ends(task_instance.task_id, "ok")

        @hookimpl
        def on_task_instance_skipped(self, previous_state, task_instance):
            progress.ends(task_instance.task_id, "skipped")

        @hookimpl
        def on_task_instance_failed(self, previous_state, task_instance, error):
            progress.ends(task_instance.task_id, "FAILED")

    initdb()
    get_listener_manager().add_listener(Listener())
    bag = DagBag(str(ROOT / "dags"))
    if bag.import_errors or DAG_ID not in bag.dags:
        raise SystemExit(f"the DAG files do not load: {bag.import_errors or DAG_ID}")
    return bag.dags[DAG_ID]


def tell(screen, results: list[tuple[DemoRun, str]], *, seconds: float) -> int:
    """A table per run, whether the runs ended as they must, and what to do next."""
    from model_governance.evidence.history import Archive
    from model_governance.store.local import LocalStore

    store = LocalStore(str(BUILD / "archive"))
    archived = Archive(store, "acs-employment").runs()
    manifests = {run.logical_date.date().isoformat(): run.content for run in archived}
    right = True
    for number, (demo_run, state) in enumerate(results, 1):
        screen.print()
        manifest = manifests.get(demo_run.date)
        if manifest is None:
            screen.print(
                f"[bold red]run {number}: nothing was archived[/bold red] (DAG run {state}; see {LOG.relative_to(ROOT)})"
            )
            right = False
            continue
        reports = {one["name"]: short_copy(store, one, demo_run) for one in manifest["checks"] if one["report"]}
        planted = ", PLANTED accident" if demo_run.accident else ""
        screen.print(
            run_table(manifest, title=f"Run {number}, {demo_run.date}{planted}, DAG run {state}", report_of=reports)
        )
        for reason in reasons(manifest):
            screen.print(f" • {reason}", markup=False)
        screen.print(
            f"reports: {(BUILD / 'reports' / demo_run.date).relative_to(ROOT)}; the page of the run, which leads to all of it:"
        )
        screen.print(shown(store, run_page(store, demo_run.date)), soft_wrap=True)
        right &= (state == "failed") == demo_run.accident
    right &= verified(screen, store)
    screen.print(NEXT.format(seconds=seconds, log=LOG.relative_to(ROOT)))
    if not right:
        screen.print(
            "[bold red]The runs did not end as they must: two not failed, the planted accident failed.[/bold red]"
        )
    return 0 if right else 1


NEXT = """
Three runs governed in {seconds:.0f} s. Next:
  - open a page of a run in a browser: it says why, and leads to the report of each check
  - make ui: see these runs in Airflow
  - edit include/policies/acs_employment.yaml, then .venv/bin/model-governance policy lint on it
  - what Airflow logged is in {log}"""


def verified(screen, store) -> bool:
    """Verify the archive with the public key, as an auditor would, and say what came out."""
    from model_governance.authoring.verify import describe_verification
    from model_governance.evidence.trust import read_trust
    from model_governance.evidence.verification import verify_archive

    archive, trust = (BUILD / "archive").relative_to(ROOT), (KEYS / TRUST).relative_to(ROOT)
    screen.print(f"\n$ model-governance verify {archive} --trust {trust}", markup=False, soft_wrap=True)
    found = verify_archive(store, trust=read_trust(KEYS / TRUST))
    for each in found:
        for line in describe_verification(each):
            screen.print(line, markup=False, soft_wrap=True)
    return bool(found) and all(each.is_sound for each in found)


def short_copy(store, check: dict, demo_run: DemoRun) -> str:
    """The report once more under a name that people can type; the archive keeps it under its digest."""
    copy = BUILD / "reports" / demo_run.date / f"{check['name']}.html"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(store.get(check["report"]["key"]))
    return copy.name


def shown(store, key: str) -> str:
    """A path of the archive as a reader would type it here."""
    return str(Path(store.locate(key).removeprefix("file://")).relative_to(ROOT))


def run_page(store, date: str) -> str:
    """The page of the run's last manifest."""
    return next(
        key for key in store.keys("v1/runs/model=acs-employment/") if f"/{date}T" in key and key.endswith("report.html")
    )


if __name__ == "__main__":
    sys.exit(main())

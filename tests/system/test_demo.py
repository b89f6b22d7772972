"""`make demo` end to end: three runs through Airflow, their evidence, their pages in a browser, and `make ui`."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from system.page_checks import framed

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "include" / "demo" / "build"
ARCHIVE = BUILD / "archive"
ENDS = {"2016-12-31": "uncertain", "2017-12-31": "warn", "2018-12-31": "fail"}


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


project = load(ROOT / "include" / "demo" / "project.py")


@pytest.fixture(scope="module")
def output() -> str:
    # The width of a pipe, as in README; readline, which pytest imports, sets another one behind the back of os.environ.
    environment = os.environ | {"COLUMNS": "124"}
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def manifests(output) -> dict[str, dict]:
    found = [json.loads(path.read_bytes()) for path in (ARCHIVE / "v1" / "runs").rglob("run_manifest.json")]
    return {one["run"]["logical_date"][:10]: one for one in found}


def test_the_readme_shows_what_the_demo_prints(output):
    readme = load(ROOT / "include" / "readme.py")
    (block,) = readme.blocks((ROOT / "README.md").read_text(), command="make demo")
    assert readme.difference(block, output) == ""


def test_the_first_run_has_no_baseline_one_warns_and_one_fails(manifests):
    assert {date: one["verdict"]["outcome"] for date, one in manifests.items()} == ENDS
    assert {date: one["verdict"]["stops"] for date, one in manifests.items()} == {
        date: end == "fail" for date, end in ENDS.items()
    }


def test_the_failing_run_names_the_planted_accident(manifests):
    sentences = " ".join(one["sentence"] for one in manifests["2018-12-31"]["verdict"]["findings"])
    assert "AGEP" in sentences
    assert "MAR" in sentences


def test_everything_that_a_manifest_names_is_stored_with_its_digest(manifests):
    for manifest in manifests.values():
        named = [
            stored for check in manifest["checks"] for stored in (check["record"], check["report"], *check["artifacts"])
        ]
        assert len(named) > 15
        for stored in named:
            assert hashlib.sha256((ARCHIVE / stored["key"]).read_bytes()).hexdigest() == stored["sha256"]


def test_the_model_that_was_governed_is_the_one_that_training_gives(output):
    assert "the same bytes as the approved model" in output


def test_a_person_can_read_why_the_run_is_red(output, browser):
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    path = next((ARCHIVE / "v1/runs").glob("*/*/2018-12-31T000000Z/*/*/report.html"))
    page.goto(path.as_uri())
    assert page.get_by_role("heading", level=1).inner_text() == "acs-employment"
    assert "3 of 6 checks stop this run" in page.inner_text("body")
    page.get_by_role("link", name="drift").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Data drift"
    assert "psi[AGEP] is" in page.inner_text("body")
    assert page.locator("svg").count() > 2
    assert all(url.startswith("file://") for url in asked), asked
    page.close()


BY_HAND = """
import sys; sys.path.insert(0, "include/demo")
from datetime import UTC, datetime
from project import enter_project, ROOT
enter_project()
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(str(ROOT / "dags")).dags["governance_by_hand"]
for year in (2016, 2018):
    run = dag.test(logical_date=datetime(year, 12, 31, tzinfo=UTC))
    print("ENDED", year, str(run.state), *sorted(f"{one.task_id}={one.state}" for one in run.get_task_instances()))
"""


def test_the_dag_by_hand_runs_too(output):
    done = subprocess.run(
        [sys.executable, "-c", BY_HAND], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    ended = [line.split() for line in done.stdout.splitlines() if line.startswith("ENDED")]
    assert [one[2] for one in ended] == ["success", "failed"], done.stdout[-3000:] + done.stderr[-3000:]
    assert "fairness=success" in ended[0]
    assert "archive=success" in ended[1]


@pytest.fixture(scope="module")
def ui(output):
    """`make ui`, ready; stopped as Ctrl-C would."""
    process = subprocess.Popen(
        [sys.executable, "include/demo/ui.py"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"BROWSER": "true"},
    )  # fmt: skip
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ready"):
            break
    assert any(line.startswith("Ready") for line in lines), "".join(lines)
    yield f"http://127.0.0.1:{project.PORT}"
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    process.stdout.close()
    assert not project.in_use(project.PORT), "Airflow was left running"


def ask(url: str, *, method: str = "GET", body: dict | None = None) -> dict:
    """What Airflow's API answers; a body is sent as JSON."""
    content = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=content, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(question, *, seconds: int):
    """The first answer that is not empty; an API that does not know the DAG yet counts as empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if answer := question():
                return answer
        time.sleep(2)
    raise AssertionError(f"no answer within {seconds} s")


def test_the_user_interface_shows_the_runs_and_their_reports(ui, browser):
    runs = wait_for(lambda: ask(f"{ui}/api/v2/dags/{project.DAG_ID}/dagRuns")["dag_runs"], seconds=120)
    assert sorted(one["state"] for one in runs) == ["failed", "success", "success"]
    failed = next(one for one in runs if one["state"] == "failed")
    page = browser.new_page()
    page.goto(f"{ui}/dags/{project.DAG_ID}/runs/{failed['dag_run_id']}/tasks/drift/details")
    button = page.get_by_text("Governance report")
    button.wait_for(timeout=60_000)
    page.goto(ui + button.get_attribute("href").removeprefix(ui))
    assert "psi[AGEP] is" in page.inner_text("body")
    page.close()


def test_the_request_of_the_failing_run_starts_a_retraining(ui):
    """`dag.test()` writes the event and starts nobody; the same event sent again starts the DAG that waits for it."""
    events = ask(f"{ui}/api/v2/assets/events")["asset_events"]
    (event,) = [each for each in events if each["source_task_id"] == "request_retraining"]
    assert event["source_dag_id"] == project.DAG_ID
    dag = f"{ui}/api/v2/dags/governance_retraining"
    wait_for(lambda: ask(dag), seconds=120)
    ask(f"{dag}?update_mask=is_paused", method="PATCH", body={"is_paused": False})
    ask(f"{ui}/api/v2/assets/events", method="POST", body={"asset_id": event["asset_id"], "extra": event["extra"]})

    def ended() -> list[dict]:
        return [one for one in ask(f"{dag}/dagRuns")["dag_runs"] if one["state"] in ("success", "failed")]

    (run,) = wait_for(ended, seconds=240)
    assert run["state"] == "success"
    assert list((BUILD / "candidates").glob("*/acs_employment.skops"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_walks_from_the_list_to_the_report_and_finds_the_tabs(ui, browser, scheme):
    failed = next(
        each for each in ask(f"{ui}/api/v2/dags/{project.DAG_ID}/dagRuns")["dag_runs"] if each["state"] == "failed"
    )
    run = f"{ui}/dags/{project.DAG_ID}/runs/{urllib.parse.quote(failed['dag_run_id'], safe='')}"
    page = browser.new_page(color_scheme=scheme)
    frame = framed(page, f"{ui}/plugin/governance")
    # Two where the DAG by hand ran before, which governs the same model.
    assert re.search(r"1 of 1 model is stopped|2 of 2 models are stopped", frame.locator("body").inner_text())
    frame.get_by_role("link", name="acs-employment", exact=True).first.click()
    frame.get_by_role("link", name="The newest run").click()
    frame.get_by_role("heading", name="acs-employment, run of 2018-12-31").wait_for(timeout=60_000)
    assert "psi[AGEP] is" in frame.locator("body").inner_text()
    frame.locator("summary", has_text="drift").click()
    report = frame.frame_locator("iframe[title='Report of drift']")
    report.get_by_role("heading", name="Data drift").wait_for(timeout=60_000)

    assert framed(page, f"{ui}/dags/{project.DAG_ID}/plugin/governance-dag").get_by_text("Checks by run").count() == 1
    assert framed(page, f"{run}/plugin/governance-run").get_by_text("What to do").count() == 1
    task = framed(page, f"{run}/tasks/drift/plugin/governance-findings")
    assert task.get_by_role("heading", level=1).inner_text() == "Data drift"
    page.close()

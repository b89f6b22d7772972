"""The board of a running API server under the FAB auth manager: every route by its permission, and a walk through the login."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest

import synthetic
from board_cases import app_for, board_over
from model_governance.contract.connections import PlainConnections
from model_governance.run import run_policy
from model_governance.store.local import LocalStore
from project import CHEAP_CHECKS, small_project
from system.airflow_server import INITDB, AirflowServer
from system.page_checks import framed

pytestmark = pytest.mark.system

PASSWORD = "secret-password"
DAGS = """
# airflow DAG
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
for name in ("spoiled", "steady"):
    with DAG(f"governance_{name}", schedule=None, tags=["model-governance"], is_paused_upon_creation=False):
        EmptyOperator(task_id="quality")
"""
RUN = "night-1"
# The DAG run and the task behind the evidence of the failing model, as Airflow knows them: the views of both have tabs.
ENDED = f"""
from airflow.models.dagbag import DBDagBag
from airflow.sdk import timezone
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType

moment = timezone.parse("2026-03-01T00:00:00Z")
with create_session() as session:
    run = DBDagBag().get_latest_version_of_dag("governance_spoiled", session=session).create_dagrun(
        run_id={RUN!r}, logical_date=moment, data_interval=(moment, moment), run_after=moment, run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.TEST, state="failed", session=session,
    )
    for task in run.get_task_instances(session=session):
        task.set_state("failed", session=session)
"""
# A reader of one DAG, and a viewer of all of them, whom FAB shows the pages of plugins only by a permission of their own.
USERS = f"""
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

DagBundlesManager().sync_bundles_to_db()
bag = DagBag(bundle_name="dags-folder")
assert bag.import_errors == {{}}, bag.import_errors
sync_bag_to_db(bag, "dags-folder", None)
with get_application_builder() as builder:
    manager = builder.sm
    manager.sync_roles()
    roles = {{
        "steady": [("can_read", "DAG:governance_steady"), ("can_read", "DAG Runs"), ("can_read", "Website")],
        "plugins": [("can_read", "Plugins")],
    }}
    for name, permissions in roles.items():
        role = manager.add_role(name)
        for action, resource in permissions:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for name, given in [("rita", ["steady"]), ("vera", ["Viewer", "plugins"])]:
        found = [manager.find_role(role) for role in given]
        assert manager.add_user(name, name, "R", f"{{name}}@example.com", found, password={PASSWORD!r})
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two models in one archive: one fails its check, one holds."""
    folder = tmp_path_factory.mktemp("models")
    store = LocalStore(str(folder / "archive"))
    for name in ("spoiled", "steady"):
        (folder / name).mkdir()
        project = small_project(folder / name, checks={"quality": CHEAP_CHECKS["quality"]})
        owner, schedule = f"{name}@example.com", {"cron": None}  # by hand, so that none is overdue
        project.change(model=project.raw["model"] | {"name": name}, owner=owner, schedule=schedule)
        if name == "spoiled":
            frame = synthetic.rows(seed=3)
            project.write_current(frame.assign(label=1 - frame["label"]))
        run_policy(project.policy(), run=project.night(), store=store, connections=PlainConnections())
    return store


@pytest.fixture(scope="module")
def airflow(archive, tmp_path_factory):
    settings = {
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": archive.uri,
        "AIRFLOW__FAB__RATELIMIT_STORAGE_URI": "memory://",
    }
    with AirflowServer(tmp_path_factory.mktemp("airflow") / "home", settings) as server:
        (server.home / "dags" / "governed.py").write_text(DAGS)
        server.program(INITDB + USERS + ENDED)
        server.start("api-server")
        server.wait_until_ready()
        yield server


def routes_of(archive, folder):
    """Every route of the governance app with the addresses of the failing run in it."""
    board = board_over(folder, archive)
    (model,) = board.index.models(dag_ids={"governance_spoiled"})
    (run,) = board.index.runs(model["id"])
    parts = {"dag_id": model["dag_id"], "model": "spoiled", "name": run["name"], "run_id": run["run_id"],
             "task_id": "quality", "key": run["manifest"]}  # fmt: skip
    for route in app_for(board).routes:
        path = re.sub(r"\{(\w+)(?::path)?\}", lambda match: quote(parts[match[1]]), route.path)
        yield (
            route.path,
            "/governance" + path + (f"?a={run['name']}&b={run['name']}" if path.endswith("compare") else ""),
        )


def test_every_route_asks_for_a_login_and_shows_nothing_of_a_dag_that_the_reader_may_not_see(
    airflow, archive, tmp_path
):
    viewer, reader = airflow.token("vera", PASSWORD), airflow.token("rita", PASSWORD)
    health = "/governance/api/v1/health"
    airflow.get("/governance/", token=viewer)
    airflow.wait_for(lambda: json.loads(airflow.get(health, token=viewer)[1])["as_of"], "an index that was read", 60)
    routes = dict(routes_of(archive, tmp_path))
    assert len(routes) == 18
    of_no_run = {"/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/report"}  # the run was none of Airflow's
    for route, address in routes.items():
        assert airflow.get(address)[0] == 401, route
        assert airflow.get(address, token=viewer)[0] == (404 if route in of_no_run else 200), route
        status, text = airflow.get(address, token=reader)
        assert status == (404 if "{dag_id}" in route else 200), route
        assert "spoiled" not in text, route
    assert airflow.get("/governance/dags/governance_steady", token=reader)[0] == 200
    models = json.loads(airflow.get("/governance/api/v1/models?passes=1", token=reader)[1])["models"]
    assert [model["model"] for model in models] == ["steady"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_logs_in_and_walks_from_the_list_to_the_report_and_over_the_tabs_of_dag_run_and_task(
    airflow, browser, scheme
):
    page = browser.new_context(color_scheme=scheme).new_page()
    page.goto(f"{airflow.url}/")
    page.get_by_label("Username").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign In").click()
    page.get_by_role("link", name="Dags").first.wait_for(timeout=60_000)
    frame = framed(page, f"{airflow.url}/plugin/governance")
    worst = frame.locator("tbody tr").first
    assert "Fail" in worst.inner_text()
    worst.get_by_role("link", name="spoiled", exact=True).click()
    frame.get_by_role("link", name="The newest run").click()
    frame.get_by_role("heading", name="spoiled, run of 2026-03-01").wait_for(timeout=60_000)
    frame.locator("summary", has_text="quality").click()
    report = frame.frame_locator("iframe[title='Report of quality']")
    report.get_by_role("heading", level=1).wait_for(timeout=60_000)
    assert "accuracy" in report.locator("body").inner_text()
    tab = framed(page, f"{airflow.url}/dags/governance_spoiled/plugin/governance-dag")
    assert tab.get_by_role("heading", level=1).inner_text() == "spoiled"
    assert tab.get_by_text("controls have no fresh evidence").count() == 1
    run = f"{airflow.url}/dags/governance_spoiled/runs/{RUN}"
    tab = framed(page, f"{run}/plugin/governance-run")
    assert tab.get_by_role("heading", level=1).inner_text() == "spoiled, run of 2026-03-01"
    tab = framed(page, f"{run}/tasks/quality/plugin/governance-findings")
    assert tab.get_by_role("heading", level=1).inner_text() == "Model quality"
    assert "accuracy" in tab.locator("body").inner_text()
    page.context.close()

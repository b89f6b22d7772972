"""The board inside Airflow's api-server app: every route behind its login and the permission for the DAG, in two auth managers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from model_governance.orchestration.plugin import GovernancePlugin
from model_governance.orchestration.provider_info import get_provider_info

PROGRAM = """
import json, os, re, time
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app
from airflow.utils.db import initdb

initdb()
app = create_app(apps="core")
(governance,) = [route.app for route in app.routes if getattr(route, "path", "") == "/governance"]
asked = json.loads(os.environ["ASKED"])
answers = {}
with TestClient(app, base_url="http://localhost") as client:
    login = client.post("/auth/token", json={"username": "vera", "password": "secret-password"})
    bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
    os.environ["DENIED_PART"] = "none"
    for _ in range(240):  # the archive is read in the background
        if client.get("/governance/api/v1/health", headers=bearer).json()["as_of"]:
            break
        client.get("/governance/", headers=bearer)
        time.sleep(0.5)
    for part in os.environ["PARTS"].split(","):
        os.environ["DENIED_PART"] = part
        routes = {}
        for route in governance.routes:
            path = "/governance" + re.sub(r"\\{(\\w+)(?::path)?\\}", lambda match: asked[match[1]], route.path)
            path += f"?a={asked['name']}&b={asked['name']}" if path.endswith("compare") else ""
            known = client.get(path, headers=bearer)
            routes[route.path] = [client.get(path).status_code, known.status_code, "denied_owner" in known.text]
        models = client.get("/governance/api/v1/models", headers=bearer).json()
        answers[part] = {"routes": routes, "models": [each["dag_id"] for each in models["models"]]}
print(json.dumps(answers))
"""
DENYING = """
import os
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

class DenyingAuthManager(SimpleAuthManager):
    "Denies one DAG, or only its runs."

    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        denied = details is not None and details.id == os.environ["DENIED"]
        if denied and (os.environ["DENIED_PART"] == "dag" or access_entity is not None):
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
"""


@pytest.fixture(scope="module")
def asked():
    """Address parts of the two runs that the first test makes."""
    return {}


@pytest.fixture
def archived(asked, policy_file, run_dag, scheduled):
    """Two models in one archive, each of a DAG of its own; one of them is denied to some."""
    if not asked:
        for name in ("denied", "allowed"):
            policy = policy_file(name=name, run="spoiled", artifacts=None, owner=f"{name}_owner")
            done = run_dag(scheduled(policy))
            key = done.xcom("archive", "archive")["manifest"]["key"]
            asked[name] = {
                "dag_id": f"governance_{name}", "model": name, "name": key.split("/")[-2], "run_id": done.run.run_id,
                "task_id": "quality", "key": key,
            }  # fmt: skip
    return asked


def answers_of(parts, tmp_path, **settings):
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({"vera": "secret-password"}))
    env = os.environ | settings | {
        "ASKED": json.dumps(parts),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "vera:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__MODEL_GOVERNANCE__BOARD_INDEX": str(tmp_path / "board.sqlite"),
    }  # fmt: skip
    asked = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False)
    assert asked.returncode == 0, asked.stderr[-3000:]
    return json.loads(asked.stdout.splitlines()[-1])


def test_every_route_asks_for_a_login_and_a_viewer_of_the_simple_auth_manager_sees_all(archived, tmp_path):
    answers = answers_of(archived["denied"], tmp_path, PARTS="none")["none"]
    assert len(answers["routes"]) == 18
    assert {path: status for path, status in answers["routes"].items() if status[:2] != [401, 200]} == {}
    assert {"governance_denied", "governance_allowed"} <= set(answers["models"])


def test_a_reader_of_another_dag_gets_404_and_neither_rows_nor_totals(archived, tmp_path):
    """Whether the user may not see the DAG, or sees it and may not read its runs."""
    (tmp_path / "denying.py").write_text(DENYING)
    parts = answers_of(
        archived["denied"], tmp_path, AIRFLOW__CORE__AUTH_MANAGER="denying.DenyingAuthManager", DENIED="governance_denied",
        PARTS="dag,runs", PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    )  # fmt: skip
    assert len(parts) == 2
    for answers in parts.values():
        for path, (anonymous, reader, leaks) in answers["routes"].items():
            assert anonymous == 401
            assert reader == (404 if "{dag_id}" in path else 200), path
            assert not leaks, path
        assert "governance_denied" not in answers["models"]
        assert "governance_allowed" in answers["models"]


def test_the_views_of_the_board_have_relative_addresses_and_routes_of_their_own():
    views = GovernancePlugin.external_views
    assert [view["destination"] for view in views] == ["nav", "dag", "dag_run", "task_instance"]
    assert len({view["url_route"] for view in views}) == 4
    assert all(view["href"].startswith("governance/") for view in views)
    assert {"stores", "board_index"} <= get_provider_info()["config"]["model_governance"]["options"].keys()


class StrictServer:
    """An S3 server that knows one access key, as moto does not."""

    KEY = "RIGHTKEY"

    def __enter__(self):
        import boto3
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        inner = DomainDispatcherApplication(create_backend_app)

        def strict(environ, start_response):
            if f"Credential={self.KEY}/" in environ.get("HTTP_AUTHORIZATION", ""):
                return inner(environ, start_response)
            body = b"<Error><Code>InvalidAccessKeyId</Code></Error>"
            start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]

        self.server = make_server("127.0.0.1", 0, strict, threaded=True)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()
        client = boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=self.KEY, aws_secret_access_key="secret",
            region_name="us-east-1",
        )  # fmt: skip
        client.create_bucket(Bucket="evidence")
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def connection(self, key):
        extra = {
            "endpoint_url": self.endpoint,
            "region_name": "us-east-1",
            "config_kwargs": {"s3": {"addressing_style": "path"}},
        }
        return json.dumps({"conn_type": "aws", "login": key, "password": "secret", "extra": extra})


def test_a10_a11_a_bucket_of_the_policy_opens_in_the_viewer_and_a_corrected_connection_is_read(
    policy_file, run_dag, scheduled, tmp_path, monkeypatch
):
    """A11: `artifacts.uri: s3://…` in the policy only. A10: an aws connection corrected after a wrong secret, without restart."""
    from model_governance.orchestration.board import airflow_board
    from model_governance.orchestration.stores import GovernanceReportLink
    from model_governance.ui.app import Guards, create_app

    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__BOARD_INDEX", str(tmp_path / "board.sqlite"))
    with StrictServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_EVIDENCE", server.connection(server.KEY))
        policy = policy_file(
            name="bucketed", run="spoiled", artifacts={"uri": "s3://evidence/prod", "connection": "evidence"}
        )
        done = run_dag(scheduled(policy))
        key = GovernanceReportLink().xcom_key
        report, page = done.xcom("quality", key), done.xcom("archive", key)
        assert report.startswith("/governance/dags/governance_bucketed/runs/")
        assert page.startswith("/governance/dags/governance_bucketed/store/v1/runs/")

        monkeypatch.setenv("AIRFLOW_CONN_EVIDENCE", server.connection("WRONGKEY"))
        guards = Guards(dag=lambda dag_id: None, readable=lambda: frozenset({"governance_bucketed"}))
        board = airflow_board()
        client = TestClient(create_app(board, guards), raise_server_exceptions=False)
        assert client.get(report.removeprefix("/governance")).status_code == 502
        board.index.refresh(board.stores.openers())
        assert "does not answer" in client.get("/").text
        monkeypatch.setenv("AIRFLOW_CONN_EVIDENCE", server.connection(server.KEY))
        answer = client.get(report.removeprefix("/governance"))
        assert answer.status_code == 200
        assert "accuracy" in answer.text
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert client.get(page.removeprefix("/governance")).status_code == 200
        board.index.refresh(board.stores.openers())
        assert "does not answer" not in client.get("/").text
        assert [model["model"] for model in board.index.models(dag_ids={"governance_bucketed"})] == ["bucketed"]


def test_a11_a_user_reaches_no_archive_that_neither_a_dag_nor_the_configuration_names(airflow_db, tmp_path):
    from model_governance.errors import StoreError
    from model_governance.orchestration.served_stores import ServedStores

    for uri in ("s3://elsewhere/archive", (tmp_path / "other").as_uri()):
        with pytest.raises(StoreError, match="no archive that the board may read"):
            ServedStores().open(uri)


def test_a_listed_archive_is_served(airflow_db, tmp_path, monkeypatch):
    from model_governance.orchestration.served_stores import ServedStores
    from model_governance.orchestration.stores import is_served, listed_locations

    (tmp_path / "other").mkdir()
    uri = (tmp_path / "other").as_uri()
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__STORES", f"s3://evidence/risk@governance_s3,\n{uri}")
    assert [(each.uri, each.connection) for each in listed_locations()[1:]] == [
        ("s3://evidence/risk", "governance_s3"), (uri, None),
    ]  # fmt: skip
    store = ServedStores().open(uri)
    assert is_served(store, None)


def test_dags_that_are_paused_gone_stuck_or_refused_are_told(airflow_db, policy_file, run_dag, scheduled, tmp_path):
    """What the watch alerts about, the board shows: by the deadline of the policy, else by the limit of the DAG."""
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    from model_governance.orchestration.board import AirflowSurroundings
    from model_governance.orchestration.served_stores import ServedStores

    schedule = {"cron": None, "retries": 0, "run_timeout_minutes": 60}
    models = []
    for name in ("active", "halted", "gone", "late", "slow"):
        done = run_dag(scheduled(policy_file(name=f"halt_{name}", schedule=schedule)))
        models.append({"dag_id": done.run.dag_id, "model": name, "owner": "risk", "deadline": None})
    since = datetime.now(UTC) - timedelta(minutes=61)
    with create_session() as session:
        for name in ("active", "halted", "gone", "late", "slow"):
            session.get(DagModel, f"governance_halt_{name}").is_paused = name == "halted"
        session.get(DagModel, "governance_halt_gone").is_stale = True
        for run in session.scalars(
            select(DagRun).where(DagRun.dag_id.in_(["governance_halt_late", "governance_halt_slow"]))
        ):
            run.state, run.start_date = "running", since
    models[-1]["deadline"] = 120.0 * 60

    (folder := tmp_path / "refused").mkdir()
    refused = f"# airflow DAG\nfrom model_governance.orchestration import governance_dags\nglobals().update(governance_dags({str(folder)!r}))\n"
    for name in ("halt_slow", "halt_never"):
        (folder / f"{name}.yaml").write_text(f"owner: risk\nmodel: {{name: {name}}}\n")
    run_dag(refused, dag_id="governance_halt_slow")
    run_dag(refused, dag_id="governance_halt_never")
    around = AirflowSurroundings(ServedStores())
    found = around.halts(models)

    assert {dag_id: text.split(";")[0].partition(" since ")[0] for dag_id, (text,) in found.items()} == {
        "governance_halt_halted": "Its DAG is paused", "governance_halt_gone": "Airflow has no DAG of it",
        "governance_halt_late": "A run is running", "governance_halt_slow": "halt_slow.yaml was refused",
    }  # fmt: skip
    assert "may take 1 h 0 min" in found["governance_halt_late"][0]
    (never,) = around.ungoverned({"governance_halt_never"}, [])
    assert never["reason"].startswith("halt_never.yaml was refused; nothing is checked until it is corrected.")


def test_dags_of_models_without_evidence_are_told(airflow_db, policy_file, run_dag):
    from model_governance.orchestration.board import AirflowSurroundings
    from model_governance.orchestration.served_stores import ServedStores

    done = run_dag(
        """
# airflow DAG
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("train_churn", schedule=None, tags=["model", "churn"]):
    EmptyOperator(task_id="train")
with DAG("governance_retraining", schedule=None, tags=["model-governance", "retraining"]):
    EmptyOperator(task_id="train")
""",
        dag_id="train_churn",
    )
    around = AirflowSurroundings(ServedStores())
    (found,) = around.ungoverned({"train_churn"}, [])
    assert found["dag_id"] == "train_churn"
    assert "no policy governs it" in found["reason"]
    assert around.ungoverned({"other"}, []) == []
    assert around.ungoverned({"train_churn"}, [{"dag_id": "governance_churn", "model": "churn"}]) == []
    assert around.ungoverned({"governance_retraining"}, []) == []  # one of ours that archives nothing
    assert around.run_state("train_churn", "nowhere") is None
    assert around.task_states("train_churn", "nowhere") == []
    assert around.task_states("train_churn", done.run.run_id) == [("train", "success")]

"""The viewer inside Airflow's api-server app: its own login stands in front, and fails closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, os
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.utils.db import initdb

initdb()
key = os.environ["KEY"]
with TestClient(create_app(apps="core"), base_url="http://localhost") as client:
    address = f"/governance/dags/{os.environ['DAG_ID']}/store/{key}"
    answers = {
        "anonymous": client.get(address).status_code,
        "nonsense": client.get(address, headers={"Authorization": "Bearer nonsense"}).status_code,
    }
    token = client.post("/auth/token", json={"username": "vera", "password": "secret-password"}).json()["access_token"]
    answers["viewer"] = client.get(address, headers={"Authorization": f"Bearer {token}"}).status_code
    client.cookies.set("_token", token)
    answers["cookie"] = client.get(address).status_code
    answers["other dag"] = client.get(f"/governance/dags/nowhere/store/{key}").status_code
print(json.dumps(answers))
"""


def test_airflow_s_login_guards_every_page(policy_file, run_dag, scheduled, tmp_path):
    done = run_dag(scheduled(policy_file(name="guarded", run="spoiled", artifacts=None)))
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({"vera": "secret-password"}))
    env = os.environ | {
        "KEY": done.xcom("archive", "archive")["report"]["key"],
        "DAG_ID": "governance_guarded",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "vera:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    asked = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False)

    assert asked.returncode == 0, asked.stderr
    answers = json.loads(asked.stdout.splitlines()[-1])
    assert answers == {"anonymous": 401, "nonsense": 403, "viewer": 200, "cookie": 200, "other dag": 404}


def test_without_airflow_s_guard_there_is_no_viewer(monkeypatch, caplog):
    from model_governance.orchestration.plugin import GovernancePlugin

    monkeypatch.setitem(sys.modules, "airflow.api_fastapi.core_api.security", None)
    monkeypatch.delitem(sys.modules, "model_governance.orchestration.viewer", raising=False)

    assert GovernancePlugin().fastapi_apps == []


@pytest.fixture(autouse=True)
def _forget_viewer():
    yield
    sys.modules.pop("model_governance.orchestration.viewer", None)

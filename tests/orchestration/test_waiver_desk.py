"""The desk for waivers and acceptances: what is refused before anybody is asked, who may answer, and what is recorded.

Most tests run the tasks one by one; the last one lets `dag.test()` wait while somebody answers over the REST API.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from model_governance.evidence.acceptance import acceptances
from model_governance.orchestration import governance_waiver_dag
from model_governance.orchestration.operators import read_policy
from model_governance.orchestration.stores import store_location
from model_governance.orchestration.waiver_desk import RETURN

STRICT = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
ASKED = {
    "purpose": "waiver", "check": "quality", "metric": "accuracy", "key": None, "ticket": "RISK-1",
    "reason": "known until the feed is repaired", "expires": "2099-12-31", "run": None,
}  # fmt: skip
ADA = {"id": "ada", "name": "Ada"}


class Desk:
    """The tasks of the DAG, run one by one with one another's XComs."""

    def __init__(self, folder, model):
        self.folder, self.model = folder, model
        self.dag = governance_waiver_dag(folder)
        self.xcoms = {}

    def run(self, task_id, method="execute", **more):
        task = self.dag.get_task(task_id)

        def push(*, key, value):
            self.xcoms[task_id, key] = value

        def pull(*, task_ids, key):
            return [self.xcoms.get((name, key)) for name in task_ids]

        ti = SimpleNamespace(xcom_push=push, xcom_pull=pull, id="ti")
        run = SimpleNamespace(triggering_user_name=self.user)
        context = {"ti": ti, "task_instance": ti, "dag_run": run, "params": self.params}
        value = getattr(task, method)(context, **more)
        self.xcoms[task_id, RETURN] = value
        return task

    def ask(self, user="bob", **params):
        self.user, self.params = user, ASKED | {"model": self.model} | params
        self.run("request")

    def answer(self, option="Approve", user=ADA, at=None):
        event = {
            "chosen_options": [option], "params_input": {}, "responded_at": at or datetime.now(UTC),
            "responded_by_user": user,
        }  # fmt: skip
        self.run("decide", "execute_complete", event=event)
        self.run("record")


NUMBERS = count(1)


@pytest.fixture
def desk(policy_file, tmp_path):
    """A desk for a model of its own: Airflow keeps the DAGs of the tests before."""
    desk = Desk(tmp_path / "policies", f"desk-{next(NUMBERS)}")
    desk.write = lambda **keys: policy_file(desk.model, folder=desk.folder, run="spoiled", checks=STRICT, **keys)
    desk.policy = desk.write(approvers=["ada", "team@example.com"])
    return desk


@pytest.fixture
def nightly(desk, run_dag, scheduled):
    return lambda day: run_dag(scheduled(desk.policy), logical_date=f"2025-06-{day:02d}T02:00:00+00:00")


def test_an_approved_waiver_is_evidence_that_the_next_run_reads(desk, nightly):
    """Must-show 4: run state, and the message that the gate would raise."""
    assert nightly(1).state == "failed"
    desk.ask()
    desk.answer()
    after = nightly(2)
    assert (after.state, after.xcom("archive", "archive")["outcome"]) == ("success", "waived")
    assert "waived until 2099-12-31 by Ada (ada) (RISK-1)" in after.xcom("archive", "archive")["sentence"]


def test_a_rejected_waiver_is_recorded_and_covers_nothing(desk, nightly):
    desk.ask()
    desk.answer("Reject")
    store = store_location(read_policy(desk.policy)).open()
    (key,) = store.keys("v1/waivers/")
    assert b'"decision":"refused"' in store.get(key).replace(b'": "', b'":"')
    assert nightly(1).state == "failed"


@pytest.mark.parametrize(
    ("asker", "answering", "said"),
    [
        ("bob", {"id": "eve", "name": "Eve"}, "is none of its approvers"),
        ("Ada", ADA, "asked for it"),
        ("bob", {"id": "team@example.com", "name": ""}, "owns it"),
        ("bob", None, "is none of its approvers"),
    ],
)
def test_four_eyes(desk, asker, answering, said):
    desk.ask(asker)
    with pytest.raises(AirflowFailException, match=said):
        desk.answer(user=answering)
    assert list(store_location(read_policy(desk.policy)).open().keys("v1/waivers/")) == []


@pytest.mark.parametrize(
    ("params", "user", "said"),
    [
        ({"model": "other"}, "bob", "no policy is that of a model named 'other'"),
        ({"metric": "acuracy"}, "bob", "did you mean 'accuracy'"),
        ({"expires": "2020-01-01"}, "bob", "has passed already"),
        ({"expires": None}, "bob", "expires"),
        ({"ticket": None}, "bob", "ticket"),
        ({}, None, "it is not known who asks"),
        ({"purpose": "baseline", "run": "2020-01-01"}, "bob", "has no run '2020-01-01'"),
        ({"purpose": "baseline"}, None, "it is not known who asks"),
    ],
)
def test_what_cannot_be_granted_is_not_asked(desk, params, user, said):
    with pytest.raises(AirflowFailException, match=said):
        desk.ask(user, **params)


def test_a_policy_without_approvers_can_ask_nobody(desk, monkeypatch):
    desk.write()
    with pytest.raises(AirflowFailException, match="nobody may decide; name approvers"):
        desk.ask()
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__APPROVERS", "carl, ada")
    desk.ask()
    desk.answer()


def test_the_approvers_are_asked_with_the_whole_sentence(desk, monkeypatch):
    sent = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **fields: sent.update(fields)
    )
    desk.ask()
    with pytest.raises(TaskAwaitingInput):
        desk.run("decide")
    assert [user["id"] for user in sent["assigned_users"]] == ["ada", "team@example.com"]
    assert sent["body"].startswith(
        f"{desk.model}: waive accuracy of quality until 2099-12-31 (RISK-1): known until the feed"
    )
    assert "Asked for by bob." in sent["body"]


def test_a_run_is_accepted_as_baseline(desk, nightly):
    nightly(1)
    desk.ask(purpose="baseline", run="2025-06-01", reason="the level changed for good")
    desk.answer()
    store = store_location(read_policy(desk.policy)).open()
    (accepted,) = acceptances(store, desk.model)
    assert (accepted.purpose, accepted.by) == ("baseline", "Ada (ada)")
    assert accepted.reason == "the level changed for good (asked for by bob)"
    desk.ask(purpose="reference", run="2025-06-01", reason="the level changed for good")
    desk.answer("Reject")
    assert len(acceptances(store, desk.model)) == 1


def test_a_decision_that_is_recorded_twice_is_one(desk):
    desk.ask()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    desk.answer(at=at)
    desk.run("record")
    assert len(list(store_location(read_policy(desk.policy)).open().keys("v1/waivers/"))) == 1


PROGRAM = """
import json, os, threading, time
from airflow.utils.db import initdb

initdb()
from airflow.api_fastapi.app import create_app
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import timezone
from fastapi.testclient import TestClient

answers = {}

def ask_and_answer():
    with TestClient(create_app(apps="core"), base_url="http://localhost") as client:
        def token(name):
            login = client.post("/auth/token", json={"username": name, "password": "secret-password"})
            return {"Authorization": "Bearer " + login.json()["access_token"]}
        eve, ada = token("eve"), token("ada")
        runs = "/api/v2/dags/governance_waiver/dagRuns"
        for _ in range(240):
            found = client.get(runs, headers=ada).json().get("dag_runs") or []
            address = f"{runs}/{found[0]['dag_run_id']}/taskInstances/decide/-1/hitlDetails" if found else None
            if address and client.get(address, headers=ada).status_code == 200:
                break
            time.sleep(1)
        choice = {"chosen_options": ["Approve"], "params_input": {}}
        answers["eve"] = client.patch(address, json=choice, headers=eve).status_code
        answers["ada"] = client.patch(address, json=choice, headers=ada).status_code
        answers["again"] = client.patch(address, json=choice, headers=ada).status_code

thread = threading.Thread(target=ask_and_answer, daemon=True)
thread.start()
dag = DagBag(os.environ["DAG_FILE"]).dags["governance_waiver"]
run = dag.test(run_conf=json.loads(os.environ["ASKED"]))
thread.join(60)
answers["state"] = str(run.state)
answers["tasks"] = {one.task_id: str(one.state) for one in run.get_task_instances()}
print(json.dumps(answers))
"""


def test_the_answer_comes_over_the_rest_api_from_an_approver_alone(desk, nightly, tmp_path):
    """Must-show 4, through the real REST call: what ada approves, the next run reads; eve may not answer at all."""
    assert nightly(1).state == "failed"
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({"ada": "secret-password", "eve": "secret-password"}))
    file = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "desk_over_rest.py"
    file.write_text(
        "# airflow\nfrom model_governance.orchestration import governance_waiver_dag\n"
        f"dag = governance_waiver_dag({str(desk.folder)!r})\n"
    )
    env = os.environ | {
        "DAG_FILE": str(file),
        "ASKED": json.dumps(ASKED | {"model": desk.model}),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ada:op,eve:op",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        # A database of its own: another process that migrates the one of these tests takes it from under them.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/desk.db",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False, timeout=400
    )
    file.unlink()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers == {
        "eve": 403, "ada": 200, "again": 409, "state": "success",
        "tasks": {"request": "success", "decide": "success", "record": "success"},
    }  # fmt: skip
    after = nightly(2)
    assert (after.state, after.xcom("archive", "archive")["outcome"]) == ("success", "waived")

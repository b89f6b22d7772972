"""Situations between the tasks and the runs of one model, each with the right end (numbers as in the acceptance cases)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.engine import stored
from model_governance.evidence import manifest
from model_governance.evidence.history import Archive, earlier_verdicts
from model_governance.orchestration import one_run
from model_governance.store import open_store

BY_HAND = """
# airflow
from airflow.sdk import DAG
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import GovernanceCheckOperator

with DAG({dag!r}, schedule=None):
    first = GovernanceCheckOperator(task_id="first", policy={first!r}, check="quality", retries=2)
    second = GovernanceCheckOperator.partial(task_id="second", policy={second!r}, retries=2).expand(check=["calibration"])
    archive = ArchiveEvidenceOperator(task_id="archive", policy={second!r}, check_task_ids=["first", "second"])
    first >> second >> archive >> GovernanceGateOperator(task_id="gate")
"""


@pytest.fixture
def new_run():
    """Creates a queued run of a DAG, as a person does who triggers it for a date."""

    def create(dag_id, logical_date):
        from airflow.api.client.local_client import Client
        from airflow.sdk import timezone

        return Client().trigger_dag(dag_id, logical_date=timezone.parse(logical_date))["dag_run_id"]

    return create


def both(first, second):
    return BY_HAND.format(dag="edited", first=str(first), second=str(second))


def digest_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a5_a_policy_that_is_edited_during_a_run_fails_the_later_checks_and_the_whole_run_can_be_cleared(
    policy_file, run_queued, new_run, clear_tasks, tmp_path, read_uri
):
    old = policy_file(name="edited", folder=tmp_path / "old", artifacts={"uri": str(tmp_path / "evidence")})
    new = policy_file(
        name="edited", folder=tmp_path / "new", accuracy=0.55, artifacts={"uri": str(tmp_path / "evidence")}
    )
    digests = [digest_of(file) for file in (old, new)]

    done = run_queued(both(old, new), lambda _: new_run("edited", "2025-06-01T02:00:00+00:00"), dag_id="edited")
    assert done.states() == {"first": "success", "second[0]": "failed", "archive": "success", "gate": "failed"}
    assert done.task("second", 0).try_number == 1, "the file stays edited, so another try finds the same"
    sentence = (
        f"the policy of edited was edited during the run: check quality was judged under sha256 {digests[0]}, this task reads "
        f"sha256 {digests[1]}; clear the whole run to judge it under the policy as it is now, or restore the policy and clear "
        "this task"
    )
    assert done.xcom("second", "problem", 0) == {"name": "calibration", "sentence": sentence}
    assert sentence in read_uri(done.xcom("archive", "archive")["report"]["uri"]).decode()

    again = run_queued(both(new, new), lambda _: clear_tasks(done.run), dag_id="edited")
    assert set(again.states().values()) == {"success"}

    part = run_queued(both(old, old), lambda _: clear_tasks(done.run, "second", "archive", "gate"), dag_id="edited")
    assert part.states() == {"first": "success", "second[0]": "failed", "archive": "success", "gate": "failed"}


def test_a15_the_reason_of_an_infrastructure_failure_reaches_page_and_gate(
    policy_file, run_dag, scheduled, read_uri, capfd, monkeypatch
):
    monkeypatch.setenv("AIRFLOW_CONN_AWAY", "postgresql://reader:secret-password@127.0.0.1:9/feeds")
    datasets = {
        "train": {"query": "select * from rows", "connection": "away"},
        "current": {"query": "select * from rows", "connection": "away"},
    }
    done = run_dag(scheduled(policy_file(name="away", datasets=datasets)))

    assert (done.state, done.task("quality").try_number) == ("failed", 3)
    archived = done.xcom("archive", "archive")
    assert archived["outcomes"]["quality"] == "error"
    assert "left no verdict" not in archived["sentence"]
    reason = done.xcom("quality", "problem")["sentence"]
    assert "127.0.0.1" in reason
    assert "secret-password" not in reason
    said = capfd.readouterr()
    gate = (said.out + said.err).rsplit("GovernanceViolation: away: ERROR", 1)[1]
    page = read_uri(archived["report"]["uri"]).decode()
    for place in (archived["sentence"], gate, page):
        assert "127.0.0.1" in place


def test_a17_a_backfilled_run_waits_until_the_earlier_one_has_ended(
    policy_file, run_queued, new_run, scheduled, monkeypatch
):
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    monkeypatch.setattr(one_run, "LOOK_AGAIN", timedelta(seconds=1))
    dag_id = "governance_backfilled"

    def end_the_first_run(after):
        time.sleep(after)
        with create_session() as session:
            run = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.logical_date)).first()
            run.set_state("success")
            ended.append(run.end_date)

    ended = []

    def create(_):
        _, later = (new_run(dag_id, f"2025-06-0{day}T02:00:00+00:00") for day in (1, 2))
        with create_session() as session:  # a backfill starts as many of its runs at once as it was told
            first, second = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.logical_date))
            first.run_type = second.run_type = "backfill"
            first.set_state("running")
        thread.start()
        return later

    thread = threading.Thread(target=end_the_first_run, args=(8,))
    done = run_queued(scheduled(policy_file(name="backfilled")), create, dag_id=dag_id)
    thread.join()

    assert (done.state, done.task("quality").try_number) == ("success", 1)
    assert done.task("quality").end_date > ended[0]
    assert done.task("archive").start_date > ended[0]


WARNS = {
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.999, "severity": "warn"}]},
    "other": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.1}]},
}
WITH_CALLBACKS = """
# airflow
from pathlib import Path
from model_governance.orchestration import governance_dags

def tell(context):
    told = context["governance"]
    Path({out!r}).write_text(context["dag_run"].run_id + " " + told["outcome"] + " " + told["sentence"])

def fail(context):
    raise RuntimeError("the channel is down")

globals().update(governance_dags({folder!r}, on_warning=[fail, tell]))
"""


def test_a16_a_run_that_warns_says_so_in_log_callback_and_asset_event(
    policy_file, run_dag, tmp_path, asset_events, capfd
):
    folder, out = tmp_path / "policies", tmp_path / "told"
    policy_file(name="warned", folder=folder, checks=WARNS)
    source = WITH_CALLBACKS.format(out=str(out), folder=str(folder))
    done = run_dag(source)

    said = capfd.readouterr()
    assert (done.state, done.task("gate").try_number) == ("success", 1)
    archived = done.xcom("archive", "archive")
    assert archived["outcome"] == "warn"
    assert out.read_text() == f"{done.run.run_id} warn {archived['sentence']}"
    assert "the channel is down" in said.out + said.err
    ((task, extra),) = asset_events("governance_accepted_warned")
    assert (task, extra["outcome"], extra["outcomes"]["quality"]) == ("gate", "warn", "warn")
    assert extra["manifest"]["sha256"] == archived["manifest"]["sha256"]
    ((task, extra),) = asset_events("governance_evidence_warned")
    assert (task, extra["outcome"], extra["stops"]) == ("archive", "warn", False)


def test_a16_a_run_that_passes_warns_nobody_and_one_that_is_stopped_is_not_accepted(
    policy_file, run_dag, tmp_path, asset_events
):
    for name, run in (("green", "healthy"), ("red", "spoiled")):
        folder, out = tmp_path / name, tmp_path / f"told-{name}"
        policy_file(name=name, folder=folder, run=run)
        run_dag(WITH_CALLBACKS.format(out=str(out), folder=str(folder)))
        assert not out.exists()

    ((_, extra),) = asset_events("governance_accepted_green")
    assert extra["outcome"] == "pass"
    assert asset_events("governance_accepted_red") == []
    assert len(asset_events("governance_evidence_red")) == 1


def test_a14_of_three_backfilled_runs_one_requests_a_retraining(policy_file, run_dag, scheduled, asset_events):
    rule = {"when": ["fail"], "cooldown_days": 7, "max_per_90_days": 4}
    source = scheduled(policy_file(name="thrice", run="spoiled", retraining=rule))
    # A17: each waits for the one before it, so that the ledger of the one before is complete.
    done = [run_dag(source, logical_date=f"2025-06-0{day}T02:00:00+00:00") for day in (1, 2, 3)]

    assert [run.states()["request_retraining"] for run in done] == ["success", "skipped", "skipped"]
    assert len(asset_events("governance_retraining_thrice")) == 1


def test_a9_rows_that_a_killed_check_left_are_removed_by_the_next_task(
    policy_file, run_dag, scheduled, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = (
        "import os, signal\nfrom model_governance.engine.stored import Spool\nspool = Spool()\n"
        "(spool.folder / 'rows').write_bytes(b'copied rows')\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False)
    (left,) = tmp_path.glob("governance-spools-*/*/rows")
    assert killed.returncode == -signal.SIGKILL
    stored._sweep_once.cache_clear()  # a task of its own process has swept nothing yet
    checks = {"drift": {"kind": "data_drift", "thresholds": [{"metric": "psi", "less_than": 5}]}}
    run_dag(scheduled(policy_file(name="swept", checks=checks)))

    assert not left.exists()


def test_a18_a_later_try_counts_although_the_clock_of_its_worker_is_behind(
    policy_file, run_dag, scheduled, monkeypatch, read_uri, tmp_path
):
    slow = datetime.now(UTC) - timedelta(seconds=90)
    faulty = run_dag(scheduled(policy_file(name="clocks", run="spoiled")))
    first = json.loads(read_uri(faulty.xcom("archive", "archive")["manifest"]["uri"]))
    monkeypatch.setattr(manifest, "datetime", SimpleNamespace(now=slow.astimezone))
    right = run_dag(scheduled(policy_file(name="clocks")))

    assert [str(run.state) for run in (faulty, right)] == ["failed", "success"]
    store = open_store(str(tmp_path / "evidence"), folder=tmp_path, connections=PlainConnections())
    archive = Archive(store, "clocks", before=datetime(2025, 6, 2, tzinfo=UTC))
    (counts,) = earlier_verdicts(archive, "quality", runs_back=5)
    assert counts.verdict.outcome == "pass"
    second = json.loads(read_uri(right.xcom("archive", "archive")["manifest"]["uri"]))
    assert second["finished_at"] < first["finished_at"]


def test_a19_a_gate_whose_scheduler_was_killed_after_the_archive_ends_the_run_right(
    policy_file, run_queued, new_run, clear_tasks, scheduled
):
    source, dag_id = scheduled(policy_file(name="halfway", run="spoiled")), "governance_halfway"
    done = run_queued(source, lambda _: new_run(dag_id, "2025-06-01T02:00:00+00:00"), dag_id=dag_id)
    again = run_queued(source, lambda _: clear_tasks(done.run, "gate"), dag_id=dag_id)

    assert done.states() == again.states()
    assert done.states()["gate"] == "failed"
    assert done.xcom("archive", "archive") == again.xcom("archive", "archive")


def test_a20_clearing_a_failed_check_or_the_whole_run_gives_the_same_record_and_one_request(
    policy_file, run_queued, new_run, clear_tasks, scheduled, asset_events
):
    rule = {"when": ["fail"], "cooldown_days": 7, "max_per_90_days": 4}
    source, dag_id = scheduled(policy_file(name="cleared", run="spoiled", retraining=rule)), "governance_cleared"
    later = ("quality", "archive", "request_retraining", "gate")
    runs = [run_queued(source, lambda _: new_run(dag_id, "2025-06-01T02:00:00+00:00"), dag_id=dag_id)]
    runs += [
        run_queued(source, lambda _, names=names: clear_tasks(runs[0].run, *names), dag_id=dag_id)
        for names in (later, ())
    ]

    assert {run.state for run in runs} == {"failed"}
    assert len({run.xcom("quality", "verdict")["record"]["sha256"] for run in runs}) == 1
    assert len(asset_events("governance_retraining_cleared")) == 1

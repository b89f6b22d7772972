"""One message per run through a real HTTP server, and what a channel that fails does to a run: nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import skops.io
from airflow.sdk.api.datamodels._generated import DagRunType

from model_governance.contract.connections import PlainConnections
from model_governance.notify.deliveries import DELIVERIES
from model_governance.orchestration import NotifyOperator
from model_governance.store import open_store
from webhook_receiver import SECRET

CHECKS = {
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]},
    "target": {
        "kind": "model_quality",
        "thresholds": [{"metric": "accuracy", "geq_to": 0.9, "severity": "warn"}],
    },
}


@pytest.fixture
def night(trained, policy_file, run_dag, scheduled):
    """Runs a policy on rows of which a share has the wrong label, so that one minus it is the accuracy."""
    import pandas as pd

    frame = pd.read_parquet(trained.folder / "healthy.parquet")
    trusted = skops.io.get_untrusted_types(data=(trained.folder / "model.skops").read_bytes())
    model = skops.io.loads((trained.folder / "model.skops").read_bytes(), trusted=trusted)
    right = pd.Series(model.predict(frame[list(trained.columns.features)]), index=frame.index)

    def run(day, wrong, *, severity="warn", name="tiny", notifications=None, **changes):
        labels = right.copy()
        labels.iloc[: round(wrong * len(labels))] = 1 - labels.iloc[: round(wrong * len(labels))]
        frame.assign(label=labels).to_parquet(trained.folder / "night.parquet", index=False)
        spec = notifications or {"channels": [{"type": "webhook", "connection": "hook", "severity": severity}]}
        policy = policy_file(name=name, run="night", checks=CHECKS, notifications=spec, **changes)
        return run_dag(scheduled(policy), logical_date=f"2025-06-{day:02d}T02:00:00+00:00")

    return run


def told(receiver) -> list[tuple[str, str]]:
    return [(each["body"]["governance"]["outcome"], each["body"]["governance"]["status"]) for each in receiver.got]


def test_four_nights_give_four_messages(receiver, night, tmp_path, caplog, capfd):
    """Must-show 5: fail, fail worse, warn, pass."""
    runs = [night(day, wrong) for day, wrong in enumerate((0.5, 1.0, 0.2, 0.0), start=1)]

    assert [run.state for run in runs] == ["failed", "failed", "success", "success"]
    assert told(receiver) == [
        ("fail", "new"), ("fail", "worsening"), ("warn", "resolved in part"), ("pass", "resolved"),
    ]  # fmt: skip
    text = receiver.got[1]["body"]["text"]
    assert "Worsening:\n- quality: accuracy is 0% " in text
    assert "[since 2025-06-01 02:00 UTC (2 runs), fail before]" in text
    assert "Page: file:///" in text
    assert {each["path"] for each in receiver.got} == {f"/hook?sig={SECRET}"}
    said = capfd.readouterr()
    kept = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*.json"))
    for place in (said.out + said.err + caplog.text, kept, json.dumps(runs[0].xcom("notify", "notifications"))):
        assert SECRET not in place
    assert runs[0].xcom("notify", "notifications")["channels"] == [
        {"type": "webhook", "connection": "hook", "content": "run", "status": "sent", "problem": ""}
    ]


def test_a_dead_webhook_leaves_the_state_of_the_run_alone(receiver, night, tmp_path):
    receiver.answer["status"] = 500
    red, green = night(1, 0.5, name="dead"), night(2, 0.0, name="dead")

    assert (red.state, green.state) == ("failed", "success")
    assert {run.states()["notify"] for run in (red, green)} == {"success"}
    (row,) = red.xcom("notify", "notifications")["channels"]
    assert (row["status"], row["problem"]) == (
        "failed", "the address in connection 'hook' answers with status 500; 2 tries",
    )  # fmt: skip
    assert len(receiver.got) == 4
    store = open_store("evidence", folder=tmp_path, connections=PlainConnections())
    kept = [json.loads(store.get(key)) for key in store.keys(f"{DELIVERIES}model=dead/")]
    assert [each["channels"][0]["status"] for each in kept] == ["failed", "failed"]


def test_a_run_that_is_repeated_sends_nothing_twice(receiver, night):
    night(1, 0.5, name="again")
    night(1, 0.5, name="again")
    assert told(receiver) == [("fail", "new")]


def test_channels_that_cannot_be_used_are_named_and_the_others_are_sent(receiver, night, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SLACK", json.dumps({"conn_type": "slackwebhook", "password": "T000/B000"}))
    listed = [
        {"type": "slack", "connection": "slack"},
        {"type": "webhook", "connection": "nowhere"},
        {"type": "webhook", "connection": "hook"},
    ]
    done = night(1, 0.5, name="mixed", notifications={"channels": listed})

    rows = done.xcom("notify", "notifications")["channels"]
    assert [row["status"] for row in rows] == ["failed", "failed", "sent"]
    assert rows[0]["problem"] == "slack needs apache-airflow-providers-slack, which is not installed here: install it"
    assert "Airflow has no connection 'nowhere'" in rows[1]["problem"]
    assert len(receiver.got) == 1


def test_quiet_runs_wait_for_the_digest_of_their_day(receiver, night):
    spec = {"channels": [{"type": "webhook", "connection": "hook", "severity": "warn"}], "digest": "daily"}
    held = night(1, 0.2, name="digest", notifications=spec)
    assert held.xcom("notify", "notifications")["channels"][0]["status"] == "held"
    assert receiver.got == []
    night(2, 0.0, name="digest", notifications=spec)
    (digest,) = (each["body"] for each in receiver.got)
    assert digest["governance"]["kind"] == "digest"
    assert "1 warn (first 2025-06-01 02:00 UTC); the newest: target: accuracy is 8" in digest["text"]


def test_a_run_without_archive_is_told(receiver, policy_file, run_dag):
    policy = policy_file(name="lost", notifications={"channels": [{"type": "webhook", "connection": "hook"}]})
    done = run_dag(f"""
# airflow
from airflow.sdk import DAG
from model_governance.orchestration import NotifyOperator

with DAG("lost"):
    NotifyOperator(task_id="notify", policy={str(policy)!r})
""")
    assert done.state == "success"
    assert "the run archived nothing" in receiver.got[0]["body"]["text"]


def test_the_runs_of_a_backfill_send_nothing(receiver, policy_file):
    policy = policy_file(name="backfilled", notifications={"channels": [{"type": "webhook", "connection": "hook"}]})
    task = NotifyOperator(task_id="notify", policy=policy)
    context = {"dag_run": SimpleNamespace(run_type=DagRunType.BACKFILL), "ti": None}
    task.execute(context)
    assert receiver.got == []


def test_a_policy_without_channels_has_no_task(policy_file, run_dag, scheduled):
    assert "notify" not in run_dag(scheduled(policy_file(name="silent"))).states()


def test_a_message_that_is_killed_leaves_the_state_of_the_run_alone(receiver, night, monkeypatch):
    def killed(*_):
        raise SystemExit(9)

    monkeypatch.setattr(NotifyOperator, "execute", killed)
    done = night(1, 0.0, name="killed")
    assert done.states()["notify"] == "failed"
    assert done.state == "success"

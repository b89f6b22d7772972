"""Must-show 4: a waiver holds in run state, gate, message, evidence and page until the second in which it ends, and no longer."""

from __future__ import annotations

import json

from fastapi.testclient import TestClient

from board_cases import app_for, board_over
from model_governance.contract.connections import PlainConnections
from model_governance.store import open_store

STRICT = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
WAIVER = {
    "check": "quality", "metric": "accuracy", "reason": "known until the feed is repaired", "approver": "Ada", "ticket": "RISK-1",
    "expires": "2025-06-01T02:00:01+00:00",
}  # fmt: skip
IN_FORCE = "waived until 2025-06-01 02:00:01 UTC by Ada (RISK-1)"
OVER = "its waiver by Ada (RISK-1) has expired: it was in force until 2025-06-01 02:00:01 UTC"


def test_a_waiver_ends_at_its_second_in_state_gate_message_evidence_and_page(
    receiver, policy_file, run_dag, scheduled, read_uri, tmp_path, capfd
):
    channels = {"channels": [{"type": "webhook", "connection": "hook"}]}
    source = scheduled(
        policy_file(name="second", run="spoiled", checks=STRICT, waivers=[WAIVER], notifications=channels)
    )
    before = run_dag(source, logical_date="2025-06-01T02:00:00+00:00")
    capfd.readouterr()
    after = run_dag(source, logical_date="2025-06-01T02:00:01+00:00")
    said = capfd.readouterr()

    assert (before.state, after.state) == ("success", "failed")
    assert (before.states()["gate"], after.states()["gate"]) == ("success", "failed")
    assert OVER in said.out + said.err, "the gate says it"
    archived = [run.xcom("archive", "archive") for run in (before, after)]
    verdicts = [json.loads(read_uri(each["manifest"]["uri"]))["verdict"] for each in archived]
    assert [(each["outcome"], each["stops"]) for each in verdicts] == [("waived", False), ("fail", True)]
    sentences = [next(iter(each["findings"]))["sentence"] for each in verdicts]
    assert (IN_FORCE in sentences[0], OVER in sentences[1]) == (True, True)
    assert [each["body"]["governance"]["outcome"] for each in receiver.got] == ["waived", "fail"]
    assert OVER in receiver.got[1]["body"]["text"]
    board = board_over(tmp_path, open_store("evidence", folder=tmp_path, connections=PlainConnections()))
    client = TestClient(app_for(board, "governance_second"))
    (model,) = board.index.models()
    waived, failed = (
        client.get(f"/dags/governance_second/evidence/{run['name']}").text for run in board.index.runs(model["id"])
    )
    assert ("waived until 2025-06-01 02:00:01 UTC by Ada" in waived, "has expired" in waived) == (True, False)
    assert OVER in failed
    assert "Fail" in client.get("/").text

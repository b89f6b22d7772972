"""A retraining is asked for once, when the policy's rule holds and its budget allows."""

from __future__ import annotations

import hashlib
import json

import pytest

from model_governance.errors import EvidenceError, PolicyError
from model_governance.orchestration.assets import retraining_asset
from model_governance.orchestration.operators import GovernanceCheckOperator
from model_governance.orchestration.retraining import RequestRetrainingOperator, manifest_behind

RULE = {"when": ["fail"], "checks": ["quality"], "cooldown_days": 7, "max_per_90_days": 4}


def runs(run_dag, dag_file, *dates):
    return [run_dag(dag_file, logical_date=f"{day}T02:00:00+00:00") for day in dates]


def test_the_asset_uri_is_taken_as_it_is():
    assert retraining_asset("acs-employment").uri == "x-governance://retraining/acs-employment"


def test_a_violation_asks_with_its_findings_and_the_manifest(policy_file, run_dag, scheduled, asset_events, read_uri):
    done = run_dag(scheduled(policy_file(name="asks", run="spoiled", retraining=RULE)))

    assert done.states()["request_retraining"] == "success"
    assert done.state == "failed"  # asking for a new model does not make the run green
    ((task_id, extra),) = asset_events("governance_retraining_asks")
    assert task_id == "request_retraining"
    assert (extra["model"], extra["outcome"], extra["run"]["dag_id"]) == ("asks", "fail", "governance_asks")
    assert extra["run"]["run_id"] == done.run.run_id
    assert extra["findings_total"] == 1
    assert "accuracy is " in extra["findings"][0]
    assert hashlib.sha256(read_uri(extra["manifest"]["uri"])).hexdigest() == extra["manifest"]["sha256"]
    assert manifest_behind(extra)["policy"]["sha256"] == extra["policy_sha256"]
    link = done.xcom("archive", "archive")["link"]
    assert extra["head"] == {"sequence": link["sequence"], "sha256": link["sha256"]}


@pytest.mark.alters_the_archive
def test_an_altered_manifest_starts_no_training(policy_file, run_dag, scheduled, asset_events, tmp_path):
    run_dag(scheduled(policy_file(name="altered", run="spoiled", retraining=RULE)))
    ((_, extra),) = asset_events("governance_retraining_altered")
    stored = tmp_path / "evidence" / extra["manifest"]["key"]
    stored.chmod(0o644)
    stored.write_bytes(stored.read_bytes().replace(b"accuracy", b"accurate"))

    with pytest.raises(EvidenceError, match="altered"):
        manifest_behind(extra)


def test_a_healthy_run_asks_for_nothing(policy_file, run_dag, scheduled, asset_events):
    done = run_dag(scheduled(policy_file(name="content", retraining=RULE)))

    assert done.states()["request_retraining"] == "skipped"
    assert done.state == "success"
    assert asset_events("governance_retraining_content") == []


def test_what_could_not_be_measured_is_no_reason_to_train(policy_file, run_dag, scheduled, asset_events):
    policy = policy_file(name="blind", run="incomplete", retraining=RULE, schedule={"cron": None, "retries": 0})
    done = run_dag(scheduled(policy))

    assert done.states()["request_retraining"] == "skipped"
    assert asset_events("governance_retraining_blind") == []


def test_the_cooldown_holds_back_and_then_lets_pass(policy_file, run_dag, scheduled, asset_events):
    dag_file = scheduled(policy_file(name="cooling", run="spoiled", retraining=RULE))
    done = runs(run_dag, dag_file, "2025-06-01", "2025-06-08", "2025-06-09")

    assert [one.states()["request_retraining"] for one in done] == ["success", "skipped", "success"]
    assert len(asset_events("governance_retraining_cooling")) == 2


def test_a_repeated_run_asks_once(policy_file, run_dag, scheduled, asset_events):
    dag_file = scheduled(policy_file(name="repeated", run="spoiled", retraining=RULE))
    first, again = runs(run_dag, dag_file, "2025-06-01", "2025-06-01")

    assert first.run.run_id == again.run.run_id
    assert again.states()["request_retraining"] == "skipped"
    assert len(asset_events("governance_retraining_repeated")) == 1


def test_a_request_that_was_booked_and_not_emitted_is_emitted_by_the_retry(
    policy_file, run_dag, scheduled, asset_events, monkeypatch
):
    real = RequestRetrainingOperator._request
    broken = [OSError("the worker lost its network right after the ledger was written")]

    def lose_the_first(self, *args):
        request = real(self, *args)
        if broken:
            raise broken.pop()
        return request

    monkeypatch.setattr(RequestRetrainingOperator, "_request", lose_the_first)
    done = run_dag(scheduled(policy_file(name="lost", run="spoiled", retraining=RULE)))

    assert (done.task("request_retraining").state, done.task("request_retraining").try_number) == ("success", 2)
    assert len(asset_events("governance_retraining_lost")) == 1


def test_a_request_that_fails_for_good_fails_the_run(policy_file, run_dag, scheduled, monkeypatch):
    def refuse(*_):
        raise OSError("no asset store today")

    monkeypatch.setattr(RequestRetrainingOperator, "_request", refuse)
    policy = policy_file(name="mute", retraining=RULE | {"when": ["warn"]}, schedule={"cron": None, "retries": 0})
    done = run_dag(scheduled(policy))

    assert done.states() == {
        "quality": "success", "calibration": "success", "archive": "success", "request_retraining": "failed", "gate": "failed",
    }  # fmt: skip


def test_a_policy_without_a_rule_has_no_request(policy_file):
    with pytest.raises(PolicyError, match="retraining"):
        RequestRetrainingOperator(task_id="request", policy=policy_file())
    GovernanceCheckOperator(task_id="quality", policy=policy_file(), check="quality")


def test_the_ledger_holds_one_entry_per_run(policy_file, run_dag, scheduled, tmp_path):
    run_dag(scheduled(policy_file(name="ledger", run="spoiled", retraining=RULE)))

    (entry,) = (tmp_path / "evidence" / "v1" / "retraining").rglob("*.json")
    assert entry.parent.name == "run=2025-06-01T020000Z"
    assert json.loads(entry.read_bytes())["schema"] == "model-governance/retraining-request/v1"

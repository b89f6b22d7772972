"""Mapped tasks that share the training of reference models: the numbers of one process, and no stored answer believed unverified."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import canonical_json
from model_governance.contract.run import Run
from model_governance.errors import PolicyError, StoreUnreachable
from model_governance.orchestration import preparation
from model_governance.orchestration.dags import governance_dag
from model_governance.orchestration.operators import read_policy
from model_governance.run import run_check
from model_governance.store import open_store

SCHEDULE = {"cron": None, "retries": 2, "retry_delay_seconds": 0}
TASKS = 4
CHECK = "membership"
PREPARE = f"{CHECK}.prepare"
MEMBERSHIP = {
    "kind": "membership_inference",
    "params": {"attacks": ["rmia", "lira"], "reference_models": 16, "fpr": [0.05], "audit_guesses": 100},
    "thresholds": [{"metric": "attack_auc", "less_than": 0.99}],
    "mapped_tasks": TASKS,
}
SCAN = {"kind": "artifact_scan", "thresholds": [{"metric": "scanned_bytes", "geq_to": 1}]}


@pytest.fixture
def training(monkeypatch):
    """How many reference models each call of the training was left with."""
    from model_governance.checks.privacy.membership_inference import preparation, reference_models

    calls, real = [], reference_models.train_references

    def counted(*args, **rest):
        trained = real(*args, **rest)
        calls.append(len(trained))
        return trained

    monkeypatch.setattr(reference_models, "train_references", counted)
    monkeypatch.setattr(preparation, "train_references", counted)
    return calls


def record_of(done, tmp_path):
    return json.loads((tmp_path / "evidence" / done.xcom(CHECK, "verdict")["record"]["key"]).read_bytes())


def record_of_one_process(policy, tmp_path):
    """The record of the same policy, measured here into another archive, without any mapped task."""
    run = Run(run_id="alone", logical_date=datetime(2025, 6, 1, 2, tzinfo=UTC))
    store = open_store(str(tmp_path / "alone"), folder=tmp_path, connections=PlainConnections())
    done = run_check(read_policy(policy), CHECK, run=run, store=store, connections=PlainConnections())
    return json.loads(store.get(done.record.key))


def test_sixteen_reference_models_as_mapped_tasks_give_the_bytes_of_one_process(
    policy_file, run_dag, scheduled, training, tmp_path
):
    policy = policy_file(name="shared", checks={CHECK: MEMBERSHIP}, schedule=SCHEDULE)
    done = run_dag(scheduled(policy))

    assert done.states() == {
        **{f"{PREPARE}[{share}]": "success" for share in range(TASKS)}, CHECK: "success", "archive": "success", "gate": "success",
    }  # fmt: skip
    assert sorted(training) == [0, 4, 4, 4, 4]  # the check's own task trains none
    record = record_of(done, tmp_path)
    addresses = [done.xcom(PREPARE, "prepared", map_index=share) for share in range(TASKS)]
    assert [stored for stored in record["stored"] if stored in addresses] == addresses
    training.clear()
    alone = record_of_one_process(policy, tmp_path)
    assert training == [16]
    assert canonical_json(record["result"]) == canonical_json(alone["result"])
    assert record["seed"] == alone["seed"]
    assert record["verdict"] == alone["verdict"]
    assert [stored for stored in record["stored"] if stored not in addresses] == alone["stored"]


def test_damaged_answers_are_trained_again_and_the_damage_is_told(
    policy_file, run_dag, scheduled, training, tmp_path, monkeypatch
):
    real = preparation.prepare_check

    def tampering(*args, share, **rest):
        stored = real(*args, share=share, **rest)
        if share == 1:
            file = tmp_path / "evidence" / stored.key
            file.chmod(0o600)
            file.write_bytes(b"x" + file.read_bytes()[1:])
        if share == 2:
            (tmp_path / "evidence" / stored.key).unlink()
        return stored

    monkeypatch.setattr(preparation, "prepare_check", tampering)
    policy = policy_file(name="damaged", checks={CHECK: MEMBERSHIP}, schedule=SCHEDULE)
    done = run_dag(scheduled(policy))

    assert training == [4, 4, 4, 4, 8]
    record = record_of(done, tmp_path)
    named = [done.xcom(PREPARE, "prepared", map_index=share)["key"] for share in (1, 2)]
    assert [damage["key"] for damage in record["damaged"]] == named
    assert "it was altered afterwards and is not used" in record["damaged"][0]["reason"]
    assert "is missing" in record["damaged"][1]["reason"]
    assert record["verdict"]["outcome"] == "warn"
    assert done.state == "success"
    assert canonical_json(record["result"]) == canonical_json(record_of_one_process(policy, tmp_path)["result"])


def test_a_share_is_tried_again_where_the_store_does_not_answer(policy_file, run_dag, scheduled, training, monkeypatch):
    real, tries = preparation.prepare_check, []

    def flaky(*args, share, **rest):
        tries.append(share)
        if len(tries) == 1:
            raise StoreUnreachable("the store does not answer")
        return real(*args, share=share, **rest)

    monkeypatch.setattr(preparation, "prepare_check", flaky)
    done = run_dag(scheduled(policy_file(name="flaky", checks={CHECK: MEMBERSHIP}, schedule=SCHEDULE)))

    assert done.state == "success"
    assert sorted(tries) == sorted([*range(TASKS), tries[0]])
    assert sorted(training) == [0, 4, 4, 4, 4]


def test_a_share_that_is_never_done_is_an_error_that_the_archive_explains(policy_file, run_dag, scheduled, monkeypatch):
    def unreachable(*_, **__):
        raise StoreUnreachable("the store does not answer")

    monkeypatch.setattr(preparation, "prepare_check", unreachable)
    done = run_dag(
        scheduled(policy_file(name="closed", checks={CHECK: MEMBERSHIP}, schedule=SCHEDULE | {"retries": 0}))
    )

    assert done.state == "failed"
    assert done.states()[CHECK] == "upstream_failed"
    archived = done.xcom("archive", "archive")
    assert archived["outcomes"] == {CHECK: "error"}
    assert "of 4: the store does not answer" in archived["sentence"]


def test_what_no_share_can_do_is_left_to_the_check_whose_record_says_why(policy_file, run_dag, scheduled, tmp_path):
    params = MEMBERSHIP["params"] | {"attacks": ["ensemble"], "reference_models": 2}
    check = MEMBERSHIP | {"params": params, "mapped_tasks": 2}
    done = run_dag(scheduled(policy_file(name="refused", checks={CHECK: check}, schedule=SCHEDULE | {"retries": 0})))

    assert done.states()[f"{PREPARE}[0]"] == "success"
    assert done.states()[CHECK] == "failed"
    assert "learns from 3 reference_models or more; found 2" in record_of(done, tmp_path)["problem"]


def test_a_dry_run_stores_no_answers(policy_file, run_dag, scheduled, training, tmp_path):
    checks = {"scan": SCAN, CHECK: MEMBERSHIP}
    done = run_dag(
        scheduled(policy_file(name="dry", checks=checks, schedule=SCHEDULE)), conf={"governance_checks": [CHECK]}
    )

    assert training == [16]
    assert done.xcom(CHECK, "verdict")["outcome"] == "pass"
    assert not (tmp_path / "evidence").exists()


def test_a_refused_model_file_is_loaded_by_no_mapped_task(policy_file, run_dag, scheduled, training):
    scan = {"kind": "artifact_scan", "thresholds": [{"metric": "scanned_bytes", "leq_to": 10}]}
    done = run_dag(scheduled(policy_file(name="hostile", checks={CHECK: MEMBERSHIP, "scan": scan}, schedule=SCHEDULE)))

    assert {state for name, state in done.states().items() if name.startswith(CHECK)} == {"upstream_failed"}
    assert training == []
    assert done.xcom("archive", "archive")["outcomes"] == {CHECK: "error", "scan": "fail"}


def test_mapped_tasks_have_the_pool_of_their_check_and_count_in_the_time_limit(policy_file, add_pool):
    add_pool("heavy")
    check = MEMBERSHIP | {"pool": "heavy", "timeout_minutes": 30}
    shared = governance_dag(read_policy(policy_file(name="pooled", checks={CHECK: check})), auto_register=False)
    alone = {key: value for key, value in check.items() if key != "mapped_tasks"}
    plain = governance_dag(read_policy(policy_file(name="plain", checks={CHECK: alone})), auto_register=False)

    assert shared.get_task(PREPARE).partial_kwargs["pool"] == "heavy"
    assert shared.dagrun_timeout - plain.dagrun_timeout == timedelta(minutes=3 * 30)


def test_mapped_tasks_need_a_task_for_each_check(policy_file):
    with pytest.raises(PolicyError, match=r"mapped_tasks: with schedule\.layout one_task all checks run in one task"):
        read_policy(policy_file(name="one", checks={CHECK: MEMBERSHIP}, schedule=SCHEDULE | {"layout": "one_task"}))

"""All checks of a policy in one task: the same evidence, verdicts and end of the run as with a task per check."""

from __future__ import annotations

import pytest

from model_governance.errors import PolicyError, StoreUnreachable
from model_governance.orchestration import one_task
from model_governance.orchestration.operators import read_policy

LAYOUT = {"cron": None, "retries": 2, "retry_delay_seconds": 0}
ONE = LAYOUT | {"layout": "one_task"}
QUALITY = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
DRIFT = {"kind": "data_drift", "thresholds": [{"metric": "psi", "leq_to": 5}]}
UNMEASURABLE = {
    "kind": "data_validation",
    "params": {"suite": "missing.json"},
    "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
}


def test_one_task_leaves_the_evidence_of_a_task_per_check(policy_file, run_dag, scheduled):
    checks = {"quality": QUALITY, "drift": DRIFT}
    apart = run_dag(scheduled(policy_file(name="apart", run="spoiled", checks=checks, schedule=LAYOUT)))
    together = run_dag(scheduled(policy_file(name="together", run="spoiled", checks=checks, schedule=ONE)))

    assert together.states() == {"checks": "failed", "archive": "success", "gate": "failed"}
    assert apart.state == together.state == "failed"
    assert together.task("checks").try_number == 1  # a violation is not tried again
    outcomes = [done.xcom("archive", "archive")["outcomes"] for done in (apart, together)]
    assert outcomes[0] == outcomes[1]
    told = {one["name"]: one for one in together.xcom("checks", "verdict")}
    for name in checks:
        alone = apart.xcom(name, "verdict")
        assert told[name]["outcome"] == alone["outcome"]
        assert told[name]["sentence"] == alone["sentence"]
        assert told[name]["artifacts"]
    assert all(one["report_url"] for one in told.values())


def test_a_check_that_cannot_be_measured_keeps_no_other_from_it_and_is_tried_again(policy_file, run_dag, scheduled):
    checks = {"broken": UNMEASURABLE, "quality": QUALITY}
    done = run_dag(scheduled(policy_file(name="halted", checks=checks, schedule=ONE)))

    assert done.state == "failed"
    assert done.task("checks").try_number == 3
    outcomes = done.xcom("archive", "archive")["outcomes"]
    assert outcomes["broken"] == "error"
    assert outcomes["quality"] == "pass"


def test_a_store_that_does_not_answer_is_tried_again(policy_file, run_dag, scheduled, monkeypatch):
    real, calls = one_task.run_check, []

    def flaky(policy, name, **rest):
        calls.append(name)
        if calls == ["quality"]:
            raise StoreUnreachable("the store does not answer")
        return real(policy, name, **rest)

    monkeypatch.setattr(one_task, "run_check", flaky)
    done = run_dag(scheduled(policy_file(name="flaky", schedule=ONE)))

    assert done.state == "success"
    assert calls == ["quality", "calibration", "quality", "calibration"]
    assert done.xcom("archive", "archive")["outcomes"]["quality"] == "pass"


def test_a_refused_model_file_is_loaded_by_no_check(policy_file, run_dag, scheduled):
    scan = {"kind": "artifact_scan", "thresholds": [{"metric": "scanned_bytes", "leq_to": 10}]}
    done = run_dag(scheduled(policy_file(name="refused", checks={"quality": QUALITY, "scan": scan}, schedule=ONE)))

    assert [one["name"] for one in done.xcom("checks", "verdict")] == ["scan"]
    assert done.xcom("archive", "archive")["outcomes"] == {"quality": "error", "scan": "fail"}


def test_a_dry_run_of_some_checks_stores_nothing(policy_file, run_dag, scheduled, tmp_path):
    done = run_dag(scheduled(policy_file(name="dry", schedule=ONE)), conf={"governance_checks": ["quality"]})

    assert [one["name"] for one in done.xcom("checks", "verdict")] == ["quality"]
    assert not (tmp_path / "evidence").exists()


@pytest.mark.parametrize("own", [{"pool": "heavy"}, {"timeout_minutes": 5}, {"queue": "gpu"}])
def test_settings_of_one_check_are_refused_where_all_share_a_task(policy_file, own):
    policy = policy_file(name="mixed", checks={"quality": QUALITY | own}, schedule=ONE)
    with pytest.raises(PolicyError, match="all checks run in one task"):
        read_policy(policy)


def test_what_keeps_all_checks_from_being_measured_is_told_for_each(policy_file, run_dag, scheduled, monkeypatch):
    def unreachable(*_):
        raise StoreUnreachable("the store does not answer")

    monkeypatch.setattr(one_task, "champion_policy", unreachable)
    done = run_dag(scheduled(policy_file(name="closed", schedule=ONE | {"retries": 0})))

    assert done.xcom("archive", "archive")["outcomes"] == {"quality": "error", "calibration": "error"}
    assert [one["name"] for one in done.xcom("checks", "problem")] == ["quality", "calibration"]
    assert "the store does not answer" in done.xcom("archive", "archive")["sentence"]

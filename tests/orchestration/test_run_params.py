"""What a person chooses for a run: its date, some of its checks, and that nothing is stored."""

from __future__ import annotations

import json
import shutil

import pytest

QUALITY = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
CHECKS = {
    "quality": QUALITY,
    "other": QUALITY,
    "file": {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]},
}


@pytest.fixture
def dated(policy_file, trained, tmp_path):
    """A policy whose current rows are those of `{{ ds }}`: spoiled on the first of June, healthy before."""
    for day, name in (("2025-06-01", "spoiled"), ("2025-05-01", "healthy")):
        shutil.copy(trained.folder / f"{name}.parquet", tmp_path / f"{day}.parquet")

    def write(name, **changes):
        datasets = {
            "train": {"uri": str(trained.folder / "train.parquet")},
            "current": {"uri": f"{tmp_path}/{{{{ ds }}}}.parquet"},
        }
        return policy_file(name=name, datasets=datasets, **changes)

    return write


def test_a_chosen_date_is_that_of_templates_and_evidence(dated, run_dag, scheduled, read_uri):
    done = run_dag(scheduled(dated("chosen")), conf={"governance_date": "2025-05-01T04:00:00+02:00"})

    assert done.state == "success"
    run = json.loads(read_uri(done.xcom("archive", "archive")["manifest"]["uri"]))["run"]
    assert run["logical_date"] == "2025-05-01T02:00:00+00:00"
    assert run["data_interval"] == ["2025-05-01T02:00:00+00:00"] * 2
    assert run["orchestrator"]["logical_date"] == "2025-06-01T02:00:00+00:00"


def test_a_dry_run_measures_and_judges_and_stores_nothing(dated, run_dag, scheduled, tmp_path, asset_events, capfd):
    policy = dated("dry", retraining={})
    done = run_dag(scheduled(policy), conf={"governance_dry_run": True})

    said = capfd.readouterr()
    assert done.states() == {
        "quality": "failed", "calibration": "success", "archive": "skipped", "request_retraining": "skipped",
        "gate": "failed",
    }  # fmt: skip
    assert "GovernanceViolation: dry: FAIL (dry run: nothing is stored)\nquality: FAIL" in said.out + said.err
    assert not (tmp_path / "evidence").exists()
    for asset in ("evidence", "accepted", "retraining"):
        assert asset_events(f"governance_{asset}_dry") == []

    green = run_dag(scheduled(policy), conf={"governance_dry_run": True, "governance_date": "2025-05-01T02:00:00Z"})
    assert (green.state, green.states()["gate"]) == ("success", "skipped")
    assert not (tmp_path / "evidence").exists()


def test_some_checks_are_a_dry_run_after_the_scan_of_the_model_s_file(dated, run_dag, scheduled, tmp_path):
    source = scheduled(dated("some", checks=CHECKS))
    done = run_dag(source, conf={"governance_checks": ["quality"], "governance_date": "2025-05-01T02:00:00Z"})

    assert done.state == "success"
    assert done.states() == {
        "file": "success", "quality": "success", "other": "skipped", "archive": "skipped", "gate": "skipped",
    }  # fmt: skip
    assert set(done.xcom("archive", "archive")["outcomes"]) == {"file", "quality"}
    assert not (tmp_path / "evidence").exists()


def test_a_check_of_a_dry_run_that_cannot_measure_stops_it(dated, run_dag, scheduled):
    policy = dated("dryly", schedule={"cron": None, "retries": 0})
    done = run_dag(scheduled(policy), conf={"governance_dry_run": True, "governance_date": "2025-04-01T02:00:00Z"})

    assert (done.state, done.states()["gate"]) == ("failed", "failed")
    assert set(done.xcom("archive", "archive")["outcomes"].values()) == {"error"}


def test_a_check_that_does_not_exist_cannot_be_chosen(dated, run_dag, scheduled):
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError, match="qualty"):
        run_dag(scheduled(dated("misspelled")), conf={"governance_checks": ["qualty"]})

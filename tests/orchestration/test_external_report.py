"""A task of the same DAG runs another tool; the check reads what it wrote."""

from __future__ import annotations

import json

import pytest

import external_reports


@pytest.mark.parametrize(("failed", "outcome"), [(1, "pass"), (60, "fail")])
def test_the_check_reads_the_report_that_a_task_before_it_wrote(policy_file, run_dag, tmp_path, failed, outcome):
    params = {"report": "reports/{{ ds }}.report.jsonl", "format": "garak", "target": "bank-assistant"}
    check = {"kind": "external_report", "params": params, "thresholds": [{"metric": "failed_share", "leq_to": 0.2}]}
    policy = policy_file(name=f"red-{outcome}", checks={"red_team": check})
    content = external_reports.garak(failed=failed).decode()
    done = run_dag(f"""
# airflow
from pathlib import Path
from airflow.sdk import DAG, task
from model_governance.orchestration.dags import governance_task_group

with DAG("red_{outcome}"):
    @task
    def attack(ds=None):
        report = Path({str(tmp_path)!r}, "reports", f"{{ds}}.report.jsonl")
        report.parent.mkdir()
        report.write_text({content!r})

    attack() >> governance_task_group({str(policy)!r}, group_id="governance")
""")
    assert done.state == ("success" if outcome == "pass" else "failed")
    assert done.states()["attack"] == "success"
    assert done.xcom("governance.archive", "archive")["outcomes"] == {"red_team": outcome}
    record = json.loads(
        (tmp_path / "evidence" / done.xcom("governance.red_team", "verdict")["record"]["key"]).read_bytes()
    )
    assert len(record["params"]["report"]["sha256"]) == 64

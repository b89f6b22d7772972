"""Asks for waivers and acceptances: an Airflow DAG that is started by hand and waits for a named approver."""

from pathlib import Path

from airflow.sdk import conf

from model_governance.orchestration import governance_waiver_dag

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"

dag = governance_waiver_dag(conf.get("model_governance", "policies", fallback="") or BESIDE)

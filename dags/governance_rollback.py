"""Puts the former champion of a model back: an Airflow DAG that is started by hand."""

from pathlib import Path

from airflow.sdk import conf

from model_governance.orchestration import governance_rollback_dag

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"

dag = governance_rollback_dag(conf.get("model_governance", "policies", fallback="") or BESIDE)

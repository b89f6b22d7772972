"""Watches every model: an Airflow DAG that tells, each hour, which ones are not governed."""

from pathlib import Path

from airflow.sdk import conf

from model_governance.orchestration import governance_watch_dag

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"

dag = governance_watch_dag(conf.get("model_governance", "policies", fallback="") or BESIDE)

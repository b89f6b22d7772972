"""Verifies the archive of every policy each week: an Airflow DAG that fails when anything in it is not as it was written."""

from pathlib import Path

from airflow.sdk import conf

from model_governance.orchestration import archive_verification_dag

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"

dag = archive_verification_dag(conf.get("model_governance", "policies", fallback="") or BESIDE)

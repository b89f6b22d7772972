"""Reports each month which controls had fresh evidence, and exports it: an Airflow DAG with one task per policy."""

from pathlib import Path

from airflow.sdk import conf

from model_governance.orchestration import compliance_report_dag

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"

dag = compliance_report_dag(conf.get("model_governance", "policies", fallback="") or BESIDE)

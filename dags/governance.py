"""One scheduled Airflow DAG per policy: put a YAML file into the folder and its model is governed."""

from pathlib import Path

from airflow.sdk import conf

from model_governance.orchestration import governance_dags

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"

globals().update(governance_dags(conf.get("model_governance", "policies", fallback="") or BESIDE))

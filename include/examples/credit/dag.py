"""The policy of this example as a scheduled Airflow DAG: `python include/examples/example.py credit` writes its model and rows."""

from pathlib import Path

from model_governance.orchestration import governance_dags

BUILD = Path(__file__).resolve().parents[1] / "build" / "credit"

globals().update(governance_dags(BUILD))

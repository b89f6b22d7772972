"""Airflow Model Governance: a policy per model becomes a nightly DAG that measures, judges, records and fails.

Start at `run.py`, the main path; `check.py` says what a check is, `verdict.py` how it is judged.
"""

__version__ = "0.1.0"

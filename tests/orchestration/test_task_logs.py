"""A12: the log of each task says what was measured, judged and stored, and nothing of the libraries below."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from model_governance.orchestration.task_log import FINDINGS, shortened
from model_governance.verdict import Verdict
from model_governance.verdict.finding import Finding

TESTS = Path(__file__).resolve().parents[1]
# A process of its own: skops and Great Expectations write what they write when they are imported by a task.
PROGRAM = """
import json, os, sys
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import timezone
from task_logs import run_with_log_files
dags, logs = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]), Path(os.environ["LOGS"])
(dag,) = DagBag(dags / "logged.py").dags.values()
moment = timezone.parse("2025-06-01T02:00:00+00:00")
run = run_with_log_files(dag, dags=dags, logs=logs, run_after=moment, logical_date=moment)
print(json.dumps([str(run.state), sorted({name for name in ("skops", "great_expectations") if name in sys.modules})]))
"""
OF_AIRFLOW_AND_OURS = ("", "airflow", "model_governance", "task")
CHECKS = {
    "validation": {
        "kind": "data_validation",
        "params": {
            "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income"}}],
        },
        "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
    },
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]},
}


def test_a12_each_task_of_a_run_logs_at_most_ten_lines_of_ours_and_none_of_a_library(policy_file, scheduled, tmp_path):
    home, logs = tmp_path / "home", tmp_path / "logs"
    for folder in (home / "dags", logs):
        folder.mkdir(parents=True)
    (home / "dags" / "logged.py").write_text(scheduled(policy_file(name="logged", checks=CHECKS)))
    env = os.environ | {
        "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"), "LOGS": str(logs),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home),  # Airflow itself warns while it reads a .airflowignore
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO", "PYTHONPATH": os.pathsep.join(map(str, (TESTS, *sys.path))),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["success", []], (
        "imported before the tasks, they would log nothing"
    )
    said = {file.stem: [json.loads(line) for line in file.read_text().splitlines()] for file in logs.iterdir()}
    assert set(said) == {"validation", "quality", "archive", "gate"}
    for task, records in said.items():
        others = [record for record in records if record.get("logger", "").split(".")[0] not in OF_AIRFLOW_AND_OURS]
        assert others == [], task
        lines = [line for record in records for line in record["event"].splitlines()]
        ours = [line for record in records if _is_ours(record) for line in record["event"].splitlines()]
        assert 1 <= len(ours) <= 10, (task, ours)
        assert len(lines) <= 25, (task, lines)  # with those of Airflow itself
    (told,) = [record["event"] for record in said["quality"] if record["event"].startswith("measured")]
    assert [line.split(":")[0].strip() for line in told.splitlines()] == [
        "measured", "judged", "- quality", "stored", "report",
    ]  # fmt: skip


def _is_ours(record):
    return record.get("logger", "").startswith(("model_governance", "airflow.task.operators.model_governance"))


def test_a_verdict_with_many_findings_is_shortened_and_says_so():
    findings = [Finding(check="drift", outcome="fail", sentence=f"drift: psi of column {n} is 0.4") for n in range(40)]
    lines = shortened(Verdict(name="drift", findings=tuple(findings)).sentence).splitlines()

    assert len(lines) == 2 + FINDINGS
    assert lines[-1] == "  - and 35 more on the page"

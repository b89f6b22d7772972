"""From policies to DAGs: one per model, a broken one fails closed, and parsing stays light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from model_governance.errors import PolicyError
from model_governance.orchestration.dags import governance_dags, governance_task_group

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = (
    "art", "boto3", "botocore", "evidently", "great_expectations", "joblib", "lightgbm", "matplotlib", "numpy",
    "onnxruntime", "pandas", "pyarrow", "scipy", "skops", "sklearn", "torch", "xgboost",
)  # fmt: skip


def test_a_policy_becomes_a_dag_with_its_schedule_and_its_demands(policy_file, tmp_path, add_pool):
    add_pool("attacks")
    schedule = {
        "cron": "30 3 * * *",
        "retries": 4,
        "retry_delay_seconds": 60,
        "timeout_minutes": 30,
        "pool": "attacks",
        "tags": ["hr"],
    }
    policy_file("some-model", folder=tmp_path / "policies", schedule=schedule, retraining={})
    ((dag_id, dag),) = governance_dags(tmp_path / "policies").items()

    assert dag_id == "governance_some_model"
    assert dag.max_active_runs == 1
    assert {"model-governance", "some-model", "hr"} == dag.tags
    assert "| quality | model_quality | `accuracy` | at least 0.6 | error |" in dag.doc_md
    quality = dag.get_task("quality")
    assert (quality.retries, quality.pool, quality.owner) == (4, "attacks", "team@example.com")
    assert quality.execution_timeout.total_seconds() == 1800
    order = {one.task_id: sorted(one.downstream_task_ids) for one in dag.tasks}
    assert order == {
        "quality": ["archive"], "calibration": ["archive"], "archive": ["gate", "request_retraining"],
        "request_retraining": ["gate"], "gate": [],
    }  # fmt: skip


def test_a_broken_policy_fails_its_own_run_and_no_other(policy_file, tmp_path, run_dag, caplog, capfd):
    folder = tmp_path / "policies"
    policy_file("sound", folder=folder)
    policy_file("broken", folder=folder, owner=None, fail_on="sometimes")
    dags = governance_dags(folder)

    assert set(dags) == {"governance_sound", "governance_broken"}
    assert "policy refused" in caplog.text + capfd.readouterr().err
    done = run_dag(
        f"""
# airflow
from model_governance.orchestration.dags import governance_dags
globals().update(governance_dags({str(folder)!r}))
""",
        dag_id="governance_broken",
    )
    said = capfd.readouterr()
    assert done.states() == {"policy_refused": "failed"}
    assert "owner is missing" in said.out + said.err
    assert "fail_on" in said.out + said.err


def test_two_policies_for_one_model_do_not_replace_each_other(policy_file, tmp_path):
    folder = tmp_path / "policies"
    policy_file("same", folder=folder).rename(folder / "first.yaml")
    policy_file("same", folder=folder).rename(folder / "second.yml")

    assert set(governance_dags(folder)) == {"governance_same", "governance_second"}


def test_a_check_named_like_a_following_task_is_refused(policy_file, tmp_path):
    checks = {"gate": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}]}}
    policy_file("clash", folder=tmp_path / "policies", checks=checks)

    (dag,) = governance_dags(tmp_path / "policies").values()
    assert dag.task_ids == ["policy_refused"]


@pytest.mark.parametrize("folder", ["missing", "."])
def test_no_policies_are_an_error(tmp_path, folder):
    with pytest.raises(PolicyError, match="expected one YAML file per model"):
        governance_dags(tmp_path / folder)


def test_a_task_group_ends_in_its_gate(policy_file):
    from airflow.sdk import DAG

    with DAG("by_hand") as dag:
        group = governance_task_group(policy_file(), group_id="tiny")

    assert [one.task_id for one in group.get_leaves()] == ["tiny.gate"]
    assert set(dag.task_ids) == {"tiny.quality", "tiny.calibration", "tiny.archive", "tiny.gate"}


def test_the_model_s_file_is_scanned_before_any_task_loads_it(policy_file):
    from airflow.sdk import DAG

    checks = {
        "validation": {
            "kind": "data_validation",
            "params": {"expectations": [{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}]},
            "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
        },
        "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}]},
        "file": {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]},
    }
    with DAG("scanned") as dag:
        governance_task_group(policy_file(checks=checks), group_id="tiny")

    assert dag.get_task("tiny.quality").upstream_task_ids == {"tiny.file"}
    assert dag.get_task("tiny.validation").upstream_task_ids == set()
    assert dag.get_task("tiny.archive").upstream_task_ids == {"tiny.file", "tiny.quality", "tiny.validation"}


def test_every_dag_of_the_repository_parses_without_connections():
    bag = DagBag(REPOSITORY / "dags")

    assert bag.import_errors == {}
    assert {"governance_acs_employment", "governance_by_hand", "governance_retraining"} <= set(bag.dags)


def test_parsing_dags_and_loading_the_plugin_imports_nothing_heavy():
    program = f"""
import json, sys
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag({str(REPOSITORY / "dags")!r})
assert bag.import_errors == {{}}, bag.import_errors
from airflow import plugins_manager
plugins_manager._get_plugins()
import airflow.sdk.plugins_manager as in_tasks
in_tasks._get_plugins()
heavy = [one for one in {HEAVY!r} if one in sys.modules]
print(json.dumps({{"heavy": heavy, "from_airflow": [one for one in heavy if one in before]}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"heavy": [], "from_airflow": []}

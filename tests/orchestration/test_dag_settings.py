"""What a DAG file sets for the DAGs of all policies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import Asset

from model_governance.orchestration.assets import accepted_asset, dataset_asset, evidence_asset, model_asset
from model_governance.orchestration.dags import governance_dags


def told(context):
    """A callback that does nothing."""


@pytest.fixture
def dag_of(policy_file, tmp_path):
    """The DAG of the only policy of a folder, with settings."""

    def build(settings, **policy):
        policy_file("configured", folder=tmp_path / "policies", **policy)
        (dag,) = governance_dags(tmp_path / "policies", **settings).values()
        assert dag.task_ids != ["policy_refused"], dag.doc_md
        return dag

    return build


def test_settings_reach_the_dag_and_every_task(dag_of):
    dag = dag_of(
        {
            "tags": ["platform"], "queue": "governance", "executor": "LocalExecutor", "on_failure_callback": told,
            "on_success_callback": [told], "access_control": {"Viewer": {"can_read"}},
            "default_args": {"priority_weight": 3, "retries": 9},
        },
        retraining={},
    )  # fmt: skip

    assert {"platform", "model-governance", "configured"} <= dag.tags
    assert dag.on_failure_callback is told
    assert dag.on_success_callback == [told]
    assert dag.access_control == {"Viewer": {"DAGs": {"can_read"}}}
    for task in dag.tasks:
        assert (task.queue, task.executor, task.priority_weight) == ("governance", "LocalExecutor", 3)
        assert task.retries == 2, "the policy says so itself"
        assert task.owner == "team@example.com"


def test_what_the_policy_leaves_open_is_taken_from_the_defaults_and_counts_in_the_time_limit(dag_of):
    limits = {"retries": 1, "execution_timeout": timedelta(minutes=5), "retry_delay": timedelta(minutes=1)}
    dag = dag_of({"default_args": limits}, schedule={"cron": None})

    assert {(task.retries, task.execution_timeout, task.retry_delay) for task in dag.tasks} == {tuple(limits.values())}
    assert dag.dagrun_timeout == 3 * timedelta(minutes=2 * 5 + 1)


def test_a_check_has_settings_of_its_own(dag_of, add_pool):
    add_pool("attacks")
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
    own = {"pool": "attacks", "queue": "gpu", "timeout_minutes": 7, "executor_config": {"KubernetesExecutor": {"a": 1}}}
    dag = dag_of({"queue": "governance"}, checks={"own": quality | own, "other": quality})

    task, other = dag.get_task("own"), dag.get_task("other")
    assert (task.pool, task.queue, task.execution_timeout) == ("attacks", "gpu", timedelta(minutes=7))
    assert task.executor_config == {"KubernetesExecutor": {"a": 1}}
    assert (other.pool, other.queue, other.executor_config) == ("default_pool", "governance", {})


def test_settings_do_not_change_what_is_judged(policy_file, dag_of):
    plain = dag_of({})
    assert plain.get_task("quality").policy.sha256 == dag_of({"queue": "x"}).get_task("quality").policy.sha256


def test_checks_name_what_they_read_and_a_training_dag_can_start_them(policy_file, tmp_path):
    scan = {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
    schedule = {"assets": [model_asset("configured").uri]}
    policy_file(
        "configured", folder=tmp_path / "policies", checks={"file": scan, "quality": quality}, schedule=schedule
    )
    (dag,) = governance_dags(tmp_path / "policies").values()

    assert dag.get_task("file").inlets == [model_asset("configured")]
    assert dataset_asset("configured", "current") in dag.get_task("quality").inlets
    assert model_asset("configured") in dag.get_task("quality").inlets
    assert dag.get_task("archive").outlets == [evidence_asset("configured")]
    assert dag.get_task("gate").outlets == [accepted_asset("configured")]
    assert dag.timetable.asset_condition.objects == (Asset.ref(uri="x-governance://model/configured"),)


def test_a_refused_policy_tells_the_same_people(policy_file, tmp_path):
    policy_file("broken", folder=tmp_path / "policies", owner=None)
    settings = {"on_failure_callback": told, "tags": ["platform"], "access_control": {"Viewer": {"can_read"}}}
    (dag,) = governance_dags(tmp_path / "policies", **settings).values()

    assert dag.task_ids == ["policy_refused"]
    assert (dag.on_failure_callback, dag.access_control) == (told, {"Viewer": {"DAGs": {"can_read"}}})
    assert dag.tags == {"model-governance", "refused", "platform"}


@pytest.mark.parametrize("own", [{"executor_config": {"image": "a\0b"}}, {"queue": "a\0b"}, {"pool": "a\0b"}])
def test_a_setting_of_one_check_that_no_database_stores_is_refused(policy_file, tmp_path, own):
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
    policy_file("odd", folder=tmp_path / "policies", checks={"first": quality, "quality": quality | own})
    (dag,) = governance_dags(tmp_path / "policies").values()

    assert dag.task_ids == ["policy_refused"]

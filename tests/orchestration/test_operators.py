"""Operators as a DAG author meets them: mistakes at parse time, templates, mapping, places, links."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import Mock
from urllib.parse import quote

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization, OperatorSerialization

from model_governance import checks, orchestration
from model_governance.checks import catalogue, find
from model_governance.contract.protection import Protection
from model_governance.errors import EvidenceError, PolicyError, StoreError, SubjectError
from model_governance.orchestration.operators import (
    DataDriftOperator,
    GovernanceCheckOperator,
    ModelQualityOperator,
    operator_for,
    read_policy,
)
from model_governance.orchestration.provider_info import get_provider_info
from model_governance.orchestration.stores import (
    AirflowConnections,
    GovernanceReportLink,
    configured_location,
    store_location,
)


def test_a_wrong_policy_is_refused_with_every_problem(policy_file):
    wrong = policy_file(
        owner=None, checks={"quality": {"kind": "model_quality", "thresholds": [{"metric": "acuracy", "geq_to": 1}]}}
    )
    with pytest.raises(PolicyError) as refused:
        GovernanceCheckOperator(task_id="quality", policy=wrong, check="quality")

    assert any("owner is missing" in one for one in refused.value.problems)
    assert any("did you mean 'accuracy'?" in one for one in refused.value.problems)


def test_an_unknown_check_is_refused_while_the_dag_is_parsed(policy_file):
    with pytest.raises(PolicyError, match=r"no check 'qualty'; there are quality, calibration"):
        GovernanceCheckOperator(task_id="quality", policy=policy_file(), check="qualty")


def test_a_named_operator_finds_the_only_check_of_its_kind(policy_file):
    one = {"only": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}]}}

    assert ModelQualityOperator(task_id="quality", policy=policy_file(checks=one)).check == "only"
    with pytest.raises(
        PolicyError, match=r"expected one check of kind model_quality, found 2 \(quality, calibration\)"
    ):
        ModelQualityOperator(task_id="quality", policy=policy_file())
    with pytest.raises(PolicyError, match="expected one check of kind data_drift, found none"):
        DataDriftOperator(task_id="drift", policy=policy_file())
    with pytest.raises(PolicyError, match="'quality' is model_quality, DataDriftOperator runs data_drift"):
        DataDriftOperator(task_id="drift", policy=policy_file(), check="quality")


def test_arguments_of_any_operator_are_passed_on(policy_file):
    task = GovernanceCheckOperator(
        task_id="quality", policy=policy_file(), check="quality", pool="heavy", queue="gpu", retries=7,
        execution_timeout=timedelta(hours=3), priority_weight=4,
    )  # fmt: skip

    assert (task.pool, task.queue, task.retries, task.priority_weight) == ("heavy", "gpu", 7, 4)
    assert task.execution_timeout == timedelta(hours=3)


def test_sources_are_rendered_from_the_context(policy_file, trained):
    datasets = {
        "reference": {"uri": "reference.parquet"},
        "current": {"query": "select * from applications where day = '{{ ds }}'", "connection": "warehouse"},
        "train": {"uri": str(trained.folder / "train.parquet")},
    }
    task = GovernanceCheckOperator(task_id="quality", policy=policy_file(datasets=datasets), check="{{ params.check }}")
    task.render_template_fields({"ds": "2025-06-01", "params": {"check": "quality"}})

    assert task.check == "quality"
    rendered = task.rendered_sources()
    assert rendered["current"].query == "select * from applications where day = '2025-06-01'"
    assert rendered["current"].connection == "warehouse"
    assert rendered["reference"].uri == "reference.parquet"


def test_a_check_can_be_expanded_over(policy_file, run_dag):
    policy = str(policy_file(name="mapped", run="spoiled"))
    done = run_dag(f"""
# airflow
from airflow.sdk import DAG
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import GovernanceCheckOperator

with DAG("mapped"):
    checks = GovernanceCheckOperator.partial(task_id="check", policy={policy!r}).expand(check=["quality", "calibration"])
    checks >> ArchiveEvidenceOperator(task_id="archive", policy={policy!r}) >> GovernanceGateOperator(task_id="gate")
""")

    assert done.states() == {"check[0]": "failed", "check[1]": "success", "archive": "success", "gate": "failed"}
    assert [done.task("check", index).rendered_map_index for index in (0, 1)] == ["quality", "calibration"]
    outcomes = done.xcom("archive", "archive")["outcomes"]
    assert outcomes["quality"] == "fail"
    assert outcomes["calibration"] != "error"


def test_two_verdicts_for_one_check_are_not_archived(policy_file, run_dag):
    policy = str(policy_file(name="doubled"))
    done = run_dag(f"""
# airflow
from airflow.sdk import DAG
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import GovernanceCheckOperator

with DAG("doubled"):
    checks = [GovernanceCheckOperator(task_id=one, policy={policy!r}, check="quality") for one in ("a", "b")]
    checks >> ArchiveEvidenceOperator(task_id="archive", policy={policy!r}) >> GovernanceGateOperator(task_id="gate")
""")

    assert done.states() == {"a": "success", "b": "success", "archive": "failed", "gate": "failed"}


def test_a_missing_signing_key_fails_the_check_before_it_measures(policy_file, tmp_path):
    with DAG("unsigned"):
        operator = GovernanceCheckOperator(
            task_id="quality", policy=policy_file(archive={"signing_key": "env:NO_SUCH_KEY"}), check="quality"
        )
    with pytest.raises(EvidenceError, match="NO_SUCH_KEY: the variable is not set"):
        operator.execute(
            {
                "ti": Mock(map_index=-1, **{"get_task_states.return_value": {}}),
                "dag_run": Mock(run_type="manual"),
                "params": {},
            }
        )
    assert not (tmp_path / "evidence").exists()


def test_the_place_of_evidence_is_argument_then_policy_then_configuration(policy_file, tmp_path):
    with_place = read_policy(policy_file(artifacts={"uri": "s3://bucket/prod", "connection": "evidence"}))
    without = read_policy(policy_file(artifacts=None))

    argument = store_location(with_place, "beside", None)
    assert (argument.open().uri, argument.connection) == ((tmp_path / "beside").as_uri(), None)
    assert (store_location(with_place).uri, store_location(with_place).connection) == ("s3://bucket/prod", "evidence")
    assert store_location(with_place, None, "other").connection == "other"
    assert store_location(without) == replace(configured_location(), protection=without.protection)
    locked = read_policy(policy_file(artifacts=None, archive={"object_lock": "COMPLIANCE", "retention_days": 30}))
    assert store_location(locked).protection == Protection(object_lock="COMPLIANCE", retention_days=30)
    with pytest.raises(StoreError, match=r"is a folder, and the policy sets archive\.object_lock"):
        store_location(locked, "beside", None).open()
    with pytest.raises(StoreError, match="blank"):
        store_location(without, "").open()


def test_the_button_opens_the_viewer_for_the_configured_store_and_the_file_otherwise(policy_file, run_dag, scheduled):
    key = GovernanceReportLink().xcom_key
    elsewhere = run_dag(scheduled(policy_file(name="elsewhere", run="spoiled")))
    assert elsewhere.xcom("quality", key) == elsewhere.xcom("quality", "verdict")["report"]["uri"]

    here = run_dag(scheduled(policy_file(name="configured", run="spoiled", artifacts=None)))
    run = quote(here.run.run_id, safe="")
    task = f"/governance/dags/governance_configured/runs/{run}/tasks/quality/report?map_index=-1"
    assert here.xcom("quality", key) == task
    page = here.xcom("archive", key)
    assert page.endswith("/report.html")
    assert here.xcom("gate", key) == page


def test_a_serialized_dag_keeps_the_button_and_the_templates(policy_file, monkeypatch):
    # Airflow keeps in its classes whether links are read, and its parser of DAG files, which other tests call, turns it off.
    for reader in (DagSerialization, OperatorSerialization):
        monkeypatch.setattr(reader, "_load_operator_extra_links", True)
    with DAG("serialized") as dag:
        GovernanceCheckOperator(task_id="quality", policy=policy_file(), check="quality")
        GovernanceCheckOperator.partial(task_id="mapped", policy=policy_file()).expand(check=["quality"])
    stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))

    for task_id in ("quality", "mapped"):
        assert "Governance report" in stored.task_dict[task_id].extra_links
    assert stored.task_dict["quality"].sources["current"]["uri"].endswith("healthy.parquet")
    (link,) = get_provider_info()["extra-links"]
    assert link == f"{GovernanceReportLink.__module__}.{GovernanceReportLink.__name__}"


def test_a_missing_connection_is_refused_and_never_replaced_by_the_environment(airflow_db):
    with pytest.raises(SubjectError, match="Airflow has no connection 'nowhere'"):
        AirflowConnections().s3("nowhere")


def test_an_aws_connection_gives_a_client_with_its_endpoint(airflow_db, monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_MINIO",
        '{"conn_type": "aws", "login": "access-key", "password": "secret-key",'
        ' "extra": {"region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:9"}}',
    )
    client = AirflowConnections().s3("minio")

    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.region_name == "eu-west-1"


def test_a_database_connection_without_a_hook_gives_an_engine_on_its_uri(airflow_db, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite:///{tmp_path}/warehouse.db")
    with AirflowConnections().engine("warehouse").connect() as connection:
        assert connection.exec_driver_sql("select 40 + 2").scalar() == 42


def test_every_kind_has_an_operator_of_its_own_that_is_found_by_name():
    for kind, check in catalogue().items():
        operator = operator_for(kind)
        by_name = pickle.loads(f"cmodel_governance.orchestration.operators\n{check.operator_name}\n.".encode())
        assert operator is by_name is getattr(orchestration, check.operator_name)
        assert (operator.kind, operator.__doc__) == (kind, check.question)
        assert issubclass(operator, GovernanceCheckOperator)
    assert operator_for("membership_inference").__name__ == "MembershipInferenceOperator"
    with pytest.raises(KeyError, match="no check 'volume'"):
        operator_for("volume")
    with pytest.raises(AttributeError, match="VolumeOperator"):
        _ = orchestration.VolumeOperator


@pytest.fixture
def offered(monkeypatch):
    """Installs checks as another package's entry points would."""

    def offer(**others):
        points = [
            SimpleNamespace(name=kind, value="theirs", load=lambda check=check: check) for kind, check in others.items()
        ]
        monkeypatch.setattr(checks, "entry_points", lambda group: points)
        checks.catalogue.cache_clear()

    yield offer
    monkeypatch.undo()
    checks.catalogue.cache_clear()
    operator_for.cache_clear()


def test_the_check_of_another_package_has_an_operator_and_a_wing_of_its_own(offered):
    theirs = replace(find("data_drift"), kind="volume", operator="RowVolumeOperator", wing="deliveries")
    offered(volume=theirs)

    assert operator_for("volume") is orchestration.RowVolumeOperator
    assert "RowVolumeOperator" in orchestration.__all__
    assert checks.wing_of(theirs) == "deliveries"
    assert checks.wing_of(find("data_drift")) == "data"


def test_two_operators_of_one_name_are_refused(offered):
    offered(volume=replace(find("data_drift"), kind="volume", operator="DataDriftOperator"))

    with pytest.raises(ValueError, match="data_drift and volume both have DataDriftOperator"):
        _ = orchestration.DataDriftOperator


@pytest.mark.parametrize("name", ["Volume", "Row VolumeOperator"])
def test_a_declared_operator_is_an_identifier_that_ends_with_operator(name):
    with pytest.raises(ValueError, match="expected an identifier that ends with Operator"):
        replace(find("data_drift"), operator=name)

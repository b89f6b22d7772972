"""Facets for OpenLineage: what a run tells, in the fields of the specification, and that it needs neither client nor provider."""

from __future__ import annotations

import sys
from dataclasses import asdict, make_dataclass
from types import ModuleType, SimpleNamespace

import pytest

from model_governance.orchestration.lineage import Lineage, LineageDataset, as_operator_lineage, joined
from model_governance.orchestration.operators import PolicyOperator

# https://openlineage.io/spec/facets/1-0-1/TestRunFacet.json and …/1-1-0/DataQualityAssertionsDatasetFacet.json: field to type,
# required ones first. The classes of openlineage-python 1.54.0 have the same fields.
SHARED = {
    "name": str, "severity": str, "description": str, "expected": str, "actual": str, "content": str, "contentType": str,
    "params": dict,
}  # fmt: skip
TEST = {"name": str, "status": str} | SHARED | {"type": str}
ASSERTION = {"assertion": str, "success": bool} | SHARED | {"column": str}
CHECKS = {
    "drift": {"kind": "data_drift", "thresholds": [{"metric": "psi", "less_than": 5}, {"metric": "drift_share", "leq_to": 0.9}]},
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.999}]},
}  # fmt: skip


def require_fields(entry, fields, *, required):
    assert set(required) <= set(entry)
    assert {name: type(value) for name, value in entry.items()} == {name: fields[name] for name in entry}


@pytest.fixture
def told(monkeypatch):
    """What each task of a run keeps for OpenLineage, by task."""
    kept = {}

    def keep(operator, name, value):
        super(PolicyOperator, operator).__setattr__(name, value)
        if name == "lineage" and value is not None:
            kept[operator.task_id] = operator.lineage

    monkeypatch.setattr(PolicyOperator, "__setattr__", keep)
    return kept


def test_a_run_tells_its_tests_and_what_it_asserts_of_the_rows(told, policy_file, run_dag, scheduled):
    done = run_dag(scheduled(policy_file(name="traced", checks=CHECKS)))
    drift, quality, archive = told["drift"], told["quality"], told["archive"]

    for lineage in (drift, quality, archive):
        assert lineage.tests
        for test in lineage.tests:
            require_fields(test, TEST, required=("name", "status"))
    outcomes = done.xcom("archive", "archive")["outcomes"]
    assert {test["name"]: test["params"]["outcome"] for test in archive.tests} == outcomes
    assert {test["name"]: test["severity"] for test in archive.tests} == {"drift": "warn", "quality": "error"}
    for test in (*archive.tests, *drift.tests):
        assert (test["status"] == "pass") == (test["params"]["outcome"] == "pass")
    (accuracy,) = quality.tests
    assert (accuracy["name"], accuracy["status"], accuracy["type"]) == ("quality.accuracy", "fail", "model_quality")
    assert (accuracy["expected"], accuracy["actual"][-1]) == ("at least 99.9%", "%")

    current = next(each for each in drift.inputs if each.name.endswith("/healthy.parquet"))
    assert (current.namespace, len(current.version)) == ("file", 64)
    for assertion in current.assertions:
        require_fields(assertion, ASSERTION, required=("assertion", "success"))
    columns = {assertion.get("column") for assertion in current.assertions}
    assert {"income", "region", None} <= columns
    assert all(each.assertions == () for each in (*quality.inputs, *drift.inputs) if each is not current)
    assert archive.outputs[0].version == done.xcom("archive", "archive")["manifest"]["sha256"]


def test_one_task_for_all_checks_tells_the_tests_of_all_and_each_dataset_once(told, policy_file, run_dag, scheduled):
    run_dag(scheduled(policy_file(name="whole", checks=CHECKS, schedule={"cron": None, "layout": "one_task"})))
    lineage = told["checks"]
    assert {test["type"] for test in lineage.tests} == {"data_drift", "model_quality"}
    names = [each.name for each in lineage.inputs]
    assert len(set(names)) == len(names)
    assert len(lineage.outputs) == 2


def test_a_dry_run_tells_nothing(told, policy_file, run_dag, scheduled):
    run_dag(scheduled(policy_file(name="dry", checks=CHECKS)), conf={"governance_dry_run": True})
    assert told == {}


@pytest.fixture
def client(monkeypatch):
    """Modules named as the client and Airflow's provider, whose classes have the fields of the specification."""

    def module(name, **members):
        made = ModuleType(name)
        vars(made).update(members)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    def record(name, *fields):
        return make_dataclass(name, [(field, object, None) for field in fields])

    dataset = ("namespace", "name", "facets", "inputFacets")
    facets = {
        "data_quality_assertions_dataset": SimpleNamespace(
            Assertion=record("Assertion", *ASSERTION),
            DataQualityAssertionsDatasetFacet=record("DataQualityAssertionsDatasetFacet", "assertions"),
        ),
        "dataset_version_dataset": SimpleNamespace(
            DatasetVersionDatasetFacet=record("DatasetVersionDatasetFacet", "datasetVersion")
        ),
        "test_run": SimpleNamespace(TestExecution=record("TestExecution", *TEST), TestRunFacet=record("TestRunFacet", "tests")),
    }  # fmt: skip
    for name in ("openlineage", "openlineage.client", "airflow.providers.openlineage"):
        module(name)
    module(
        "openlineage.client.event_v2", InputDataset=record("In", *dataset), OutputDataset=record("Out", *dataset[:3])
    )
    fields = ("inputs", "outputs", "run_facets", "job_facets")
    module("airflow.providers.openlineage.extractors", OperatorLineage=record("OperatorLineage", *fields))
    return module("openlineage.client.facet_v2", **facets)


LINEAGE = Lineage(
    inputs=(
        LineageDataset(
            namespace="s3://rows", name="day=1.parquet", version="ab",
            assertions=({"assertion": "psi", "success": False, "column": "age", "name": "drift.psi[age]"},),
        ),
    ),
    outputs=(LineageDataset(namespace="s3://evidence", name="v1/check.json", version="cd"),),
    tests=({"name": "drift.psi[age]", "status": "fail", "severity": "error", "type": "data_drift"},),
)  # fmt: skip


@pytest.mark.usefixtures("client")
def test_lineage_becomes_the_classes_of_the_client():
    made = as_operator_lineage(LINEAGE)
    (read,), (written,) = made.inputs, made.outputs
    assert (read.namespace, read.name, asdict(read.facets["version"])) == (
        "s3://rows", "day=1.parquet", {"datasetVersion": "ab"},
    )  # fmt: skip
    (assertion,) = read.inputFacets["dataQualityAssertions"].assertions
    assert (assertion.assertion, assertion.success, assertion.column) == ("psi", False, "age")
    assert written.name == "v1/check.json"
    (test,) = made.run_facets["test"].tests
    assert (test.status, test.severity) == ("fail", "error")


def test_an_older_client_gets_the_fields_that_it_knows(client):
    client.data_quality_assertions_dataset.Assertion = make_dataclass("Assertion", ["assertion", "success", "column"])
    del client.test_run
    made = as_operator_lineage(LINEAGE)
    (assertion,) = made.inputs[0].inputFacets["dataQualityAssertions"].assertions
    assert asdict(assertion) == {"assertion": "psi", "success": False, "column": "age"}
    assert made.run_facets == {}


def test_without_client_or_evidence_there_is_no_lineage_and_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "openlineage", None)
    assert as_operator_lineage(LINEAGE) is None
    assert as_operator_lineage(None) is None


def test_what_two_checks_assert_of_one_dataset_stands_together():
    again = joined(LINEAGE, LINEAGE)
    assert [len(each.assertions) for each in again.inputs] == [2]
    assert joined(None, LINEAGE) is LINEAGE

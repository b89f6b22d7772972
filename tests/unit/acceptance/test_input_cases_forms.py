"""The same 300 rows in many physical forms have the same metrics to the byte (case D22, and must-show 3)."""

from __future__ import annotations

import json

import pytest

import forms
import synthetic
from drift_cases import numbers_only
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Subject
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

ROLES = ("reference", "current")
NAMES = [
    "parquet", "parquet dictionary", "parquet decimal", "parquet narrow", "parquet timestamps", "parquet of nullable pandas",
    "csv", "csv.gz", "arrow", "arrow stream", "feather", "folder", "glob", "hive partitions", "csv.gz in a glob", "duckdb query",
    "sqlite query",
]  # fmt: skip
EXPECTATIONS = [
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "income", "min_value": 20, "max_value": 90}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "debt"}},
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "region", "value_set": ["north", "south"]}},
    {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "age", "min_value": 10, "max_value": 30}},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "row"}},
]
PARAMS = {
    "data_drift": {"joint": False, "columns": ["income", "debt", "region"]},
    "data_validation": {"expectations": EXPECTATIONS},
    "model_quality": {},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")
    return folder, {role: forms.write_forms(folder, role) for role in ROLES}


@pytest.fixture(scope="module")
def model():
    return forms.filling_model()


def metrics_of(datasets, model) -> dict[str, str]:
    """The metrics of three checks as JSON."""
    subject = Subject(
        name="forms", task="binary_classification", columns=synthetic.COLUMNS, datasets=datasets, model=model
    )
    answers = {}
    with numbers_only():
        for kind, params in PARAMS.items():
            check = find(kind)
            result = check.measure(subject, check.params.model_validate(params), 5)
            found = [(one.name, one.key, one.value, one.low, one.high, one.n) for one in result.metrics]
            answers[kind] = json.dumps(found, indent=0)
    return answers


@pytest.fixture(scope="module")
def expected(written, model):
    return metrics_of(load(written, "parquet"), model)


def load(written, form: str):
    folder, keys = written
    return {
        role: load_dataset(role, DatasetSpec(**keys[role][form]), folder=folder, connections=PlainConnections())
        for role in ROLES
    }


@pytest.mark.parametrize("form", NAMES[1:])
def test_the_form_of_the_rows_is_in_no_metric(written, model, expected, form):
    """D22: Parquet, CSV, Arrow, folders, partitions and databases."""
    found = metrics_of(load(written, form), model)
    for kind, metrics in expected.items():
        assert found[kind] == metrics, kind


def test_every_form_is_compared(written):
    """D22."""
    assert set(written[1]["current"]) == set(NAMES)

"""Tests that the installed Evidently wrote become thresholds and expectations."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from model_governance.authoring.imports import import_files
from model_governance.errors import PolicyError


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": draw.normal(size=400), "b": draw.choice(list("xyz"), 400), "target": draw.integers(0, 2, 400)}
    )
    return frame.assign(prediction=draw.integers(0, 2, 400))


def imported_from(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    return import_files("evidently", [tmp_path / "report.json"])


@pytest.fixture(scope="module")
def report(rows):
    """The JSON of a report with a test of each kind."""
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently import metrics as m
    from evidently.tests import Reference, eq, gt, gte, lt, lte

    definition = DataDefinition(
        classification=[BinaryClassification(target="target", prediction_labels="prediction")],
        numerical_columns=["a"], categorical_columns=["b", "target", "prediction"],
    )  # fmt: skip
    asked = Report(
        [
            m.ValueDrift(column="a", method="psi", tests=[lt(0.2)]),
            m.ValueDrift(column="b", method="chisquare", tests=[gt(0.05)]),
            m.DriftedColumnsCount(share_tests=[lt(0.5)]),
            m.MissingValueCount(column="a", share_tests=[lte(0.1)]),
            m.MissingValueCount(column="b", tests=[eq(0)]),
            m.MinValue(column="a", tests=[gt(-5)]),
            m.QuantileValue(column="a", quantile=0.5, tests=[lte(2)]),
            m.InRangeValueCount(column="a", left=-4, right=4, share_tests=[gte(0.95, is_critical=False)]),
            m.OutListValueCount(column="b", values=["x", "y", "z"], share_tests=[eq(0)]),
            m.UniqueValueCount(column="b"),
            m.RowCount(tests=[gt(100)]),
            m.Accuracy(tests=[gte(0.4)]),
            m.F1Score(tests=[gte(Reference(relative=0.1))]),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        snapshot = asked.run(Dataset.from_pandas(rows, definition), Dataset.from_pandas(rows, definition))
        return snapshot.json()


def test_every_test_of_a_report_has_a_line(tmp_path, report):
    imported = imported_from(tmp_path, report)
    assert [line.state for line in imported.lines] == [
        "taken", "not taken", "adapted", "taken", "not taken", "taken", "taken", "adapted", "adapted", "taken", "taken",
        "not taken", "not taken",
    ]  # fmt: skip
    assert imported.thresholds == {
        "data_validation": (
            {"metric": "critical_failures", "equal_to": 0},
            {"metric": "warning_failures", "equal_to": 0, "severity": "warn"},
        ),
        "data_drift": (
            {"metric": "psi", "key": "a", "less_than": 0.2},
            {"metric": "drift_share", "less_than": 0.5},
        ),
        "model_quality": ({"metric": "accuracy", "geq_to": 0.4},),
    }
    expectations = {expectation.label: expectation for expectation in imported.expectations}
    assert expectations["values_not_null(a)"].kwargs == {"column": "a", "mostly": 0.9}
    assert expectations["min_between(a)"].kwargs == {"column": "a", "min_value": -5, "strict_min": True}
    assert expectations["values_between(a)"].kwargs == {"column": "a", "mostly": 0.95, "min_value": -4, "max_value": 4}
    assert expectations["values_between(a)"].severity == "warning"
    assert expectations["values_in_set(b)"].kwargs == {"column": "b", "value_set": ["x", "y", "z"]}
    assert expectations["row_count_between"].kwargs == {"min_value": 101}
    quantile = expectations["quantile_values_between(a)"].kwargs["quantile_ranges"]
    assert quantile == {"quantiles": [0.5], "value_ranges": [[None, 2]]}


def test_reasons_of_what_is_left(tmp_path, report):
    left = {line.part: line.text for line in imported_from(tmp_path, report).lines if line.state == "not taken"}
    reasons = " ".join(left.values())
    assert "a p-value falls with the number of rows" in reasons
    assert "no metric here is this count of rows" in reasons
    assert "the bound comes from the reference of one run" in reasons
    assert left["metric UniqueValueCount(column=b)"] == "has no test, so it demands nothing"


def test_tests_that_a_preset_makes_are_read(tmp_path, rows):
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = Report([DataDriftPreset(columns=["a", "b"], method="psi", threshold=0.15)], include_tests=True)
        text = report.run(Dataset.from_pandas(rows), Dataset.from_pandas(rows)).json()
    imported = imported_from(tmp_path, text)
    assert {(each["key"], each["less_than"]) for each in imported.thresholds["data_drift"] if "key" in each} == {
        ("a", 0.15), ("b", 0.15)
    }  # fmt: skip


def test_a_test_suite_from_before_is_read(tmp_path, rows):
    from evidently.legacy import tests as t
    from evidently.legacy.pipeline.column_mapping import ColumnMapping
    from evidently.legacy.test_suite import TestSuite

    suite = TestSuite(
        [
            t.TestColumnDrift("a", stattest="psi", stattest_threshold=0.2),
            t.TestShareOfDriftedColumns(lt=0.5),
            t.TestColumnShareOfMissingValues("a", lte=0.1),
            t.TestColumnValueMin("a", gte=-5),
            t.TestShareOfOutRangeValues("a", left=-4, right=4, lte=0.05),
            t.TestAccuracyScore(gte=0.4),
            t.TestF1Score(),
            t.TestNumberOfRows(gt=100),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        suite.run(reference_data=rows, current_data=rows, column_mapping=ColumnMapping(categorical_features=["b"]))
        text = suite.json()
    imported = imported_from(tmp_path, text)
    assert [line.state for line in imported.lines] == [
        "taken", "adapted", "taken", "taken", "adapted", "taken", "not taken", "taken"
    ]  # fmt: skip
    assert {"metric": "psi", "key": "a", "less_than": 0.2} in imported.thresholds["data_drift"]
    ranges = next(expectation for expectation in imported.expectations if expectation.label == "values_between(a)")
    assert ranges.kwargs == {"column": "a", "mostly": 0.95, "min_value": -4, "max_value": 4}


def test_names_of_the_old_tests_are_those_of_the_installed_version():
    from evidently.legacy import tests as t

    from model_governance.authoring.imports.evidently_metrics import LEGACY

    names = {getattr(each, "name", None) for each in vars(t).values() if isinstance(each, type)}
    assert set(LEGACY) <= names


def test_ranking_metrics_share_one_k(tmp_path):
    def test_of(metric, k):
        return {
            "name": metric,
            "metric_config": {"metric_id": f"{metric}{k}", "params": {"type": f"evidently:metric_v2:{metric}", "k": k}},
            "test_config": {"type": "evidently:test_v2:GreaterOrEqualMetricTest", "threshold": 0.3},
            "bound_test": {"type": "evidently:bound_test:SingleValueBoundTest"},
        }

    tests = [test_of("NDCG", 5), test_of("HitRate", 5), test_of("MRR", 10)]
    imported = imported_from(tmp_path, json.dumps({"metrics": [], "tests": tests}))
    assert imported.params == {"model_quality": {"top_k": 5}}
    assert [line.state for line in imported.lines] == ["taken", "taken", "not taken"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tests": 5}', "tests: Input should be a valid list"),
        ('{"metrics": []}', "tests: Field required"),
        ('{"tests": [{"name": "x"}]}', r"tests\[0\]\.metric_config: Field required"),
        ('{"tests": []}', "it demands nothing"),
    ],
)
def test_a_file_that_is_none_is_an_error(tmp_path, text, message):
    with pytest.raises(PolicyError, match=message):
        imported_from(tmp_path, text)

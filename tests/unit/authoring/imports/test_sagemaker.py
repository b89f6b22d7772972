"""SageMaker's constraints become demands, and a run's violations are written with SageMaker's names."""

from __future__ import annotations

import json

import pytest
import yaml

import project
import synthetic
from model_governance.authoring.imports import import_files
from model_governance.checks import catalogue
from model_governance.cli import main
from model_governance.errors import PolicyError
from model_governance.policy import load_policy

INFERRED = {"float64": "Fractional", "int64": "Integral", "object": "String"}
MONITORING = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 0.95,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.2,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.2,
        "categorical_drift_method": "LInfinity",
    },
}


def constraints_of(frame, **config) -> dict:
    """What a baseline job writes about these rows."""
    features = []
    for name, column in frame.items():
        feature = {"name": name, "inferred_type": INFERRED[str(column.dtype)], "completeness": 1.0}
        if feature["inferred_type"] == "String":
            feature["string_constraints"] = {"domains": sorted(column.unique())}
        else:
            feature["num_constraints"] = {"is_non_negative": bool((column >= 0).all())}
        features.append(feature)
    return {"version": 0.0, "features": features, "monitoring_config": MONITORING | config}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A project whose checks are those of an imported `constraints.json`."""
    monkeypatch.chdir(tmp_path)
    small = project.small_project(tmp_path)
    constraints = constraints_of(synthetic.rows(seed=2))
    # A row key has no distribution; SageMaker's users switch the comparison off for it.
    key = next(feature for feature in constraints["features"] if feature["name"] == "row")
    key["monitoringConfigOverrides"] = {"distribution_constraints": {"perform_comparison": "Disabled"}}
    # The drift of labels is no drift of a feature.
    label = next(feature for feature in constraints["features"] if feature["name"] == "label")
    label["monitoringConfigOverrides"] = {"distribution_constraints": {"perform_comparison": "Disabled"}}
    (tmp_path / "constraints.json").write_text(json.dumps(constraints))
    assert main(["import", "sagemaker", "constraints.json", "--output", "imported"]) == 0
    (tmp_path / "suite.json").write_bytes((tmp_path / "imported" / "suite.json").read_bytes())
    checks = yaml.safe_load((tmp_path / "imported" / "checks.yaml").read_text())["checks"]
    return small.change(checks=checks)


def violations(small, capsys) -> tuple[int, set[tuple[str, str]]]:
    capsys.readouterr()
    day = str(project.DAY.date())
    code = main(["archive", "violations", "archive", "--model", "synthetic", "--date", day, "--output", "v.json"])
    written = json.loads((small.folder / "v.json").read_text())["violations"]
    assert all(violation["description"] for violation in written)
    return code, {(violation["feature_name"], violation["constraint_check_type"]) for violation in written}


def test_rows_like_the_baseline_violate_nothing(small, capsys):
    small.write_current(synthetic.rows(2000, seed=7))
    assert not small.run().verdict.stops
    assert violations(small, capsys) == (0, set())
    capsys.readouterr()


def test_every_kind_of_violation_keeps_sagemakers_name_and_check_type(small, capsys):
    rows = synthetic.rows(2000, seed=7)
    rows.loc[:300, "debt"] = None
    rows.loc[rows.index[-400:], "channel"] = "fax"
    rows["region"] = rows["region"].mask(rows.index % 2 == 0, "east")
    rows["income"] = rows["income"] + 60
    small.write_current(rows.assign(branch_code="B1"))
    assert small.run().verdict.stops
    code, found = violations(small, capsys)
    assert code == 1
    assert found == {
        ("debt", "completeness_check"),
        ("channel", "categorical_values_check"),
        ("region", "baseline_drift_check"),
        ("income", "baseline_drift_check"),
        ("branch_code", "extra_column_check"),
    }
    drift = next(
        one["description"]
        for one in json.loads((small.folder / "v.json").read_text())["violations"]
        if one["feature_name"] == "income"
    )
    assert drift.startswith("Baseline drift distance: 0.")
    assert drift.endswith(" exceeds threshold: 0.2")


def test_a_missing_column_is_named_once_and_a_text_column_has_the_wrong_type(small, capsys):
    rows = synthetic.rows(400, seed=7).drop(columns="row")
    rows["label"] = rows["label"].map({0: "no", 1: "yes"})
    small.change(columns=small.raw["columns"] | {"identifier": None, "target": None, "positive": None})
    small.write_current(rows)
    small.run()
    _, found = violations(small, capsys)
    assert {("row", "missing_column_check"), ("label", "data_type_check")} <= found
    assert {check for name, check in found if name == "row"} == {"missing_column_check"}


def test_a_run_that_could_not_measure_is_a_failed_execution(small, capsys):
    small.write_current(synthetic.rows(400, seed=7).drop(columns="income"))
    small.run()
    code, _ = violations(small, capsys)
    assert code == 3


def test_a_waived_violation_and_an_unproven_one_are_none(small, capsys):
    rows = synthetic.rows(2000, seed=7)
    rows["income"] = rows["income"] + 60
    small.write_current(rows)
    waiver = {
        "check": "data_drift",
        "metric": "ks",
        "key": "income",
        "reason": "the tariff was raised on purpose",
        "ticket": "RISK-7",
        "approver": "chief@example.com",
        "expires": "2026-12-31",
    }
    small.change(waivers=[waiver])
    assert not small.run().verdict.stops
    assert violations(small, capsys) == (0, set())


def test_an_altered_archive_gives_no_file(small, capsys):
    small.run()
    record = next(
        path for path in (small.folder / "archive").rglob("*.json") if b'"data_validation"' in path.read_bytes()
    )
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b"data_validation", b"data_validatiom"))
    day = str(project.DAY.date())
    assert main(["archive", "violations", "archive", "--model", "synthetic", "--date", day, "--output", "v.json"]) == 1
    assert "not written" in capsys.readouterr().out
    assert not (small.folder / "v.json").exists()


def test_a_whole_policy_with_the_imported_checks_lints(small):
    words = ["--model", "model.skops", "--reference", "reference.parquet", "--target", "label"]
    assert main(["import", "sagemaker", "constraints.json", "--output", "whole", *words]) == 0
    policy = load_policy(small.folder / "whole" / "policy.yaml", catalogue())
    assert set(policy.checks) == {"data_validation", "data_drift"}
    assert policy.model.sha256 == small.raw["model"]["sha256"]
    assert main(["policy", "lint", "whole/policy.yaml"]) == 0


def test_every_part_has_a_line_and_what_is_not_taken_says_why(tmp_path):
    constraints = {
        "features": [
            {"name": "a", "inferred_type": "Unknown", "completeness": 0.0},
            {"name": "b", "inferred_type": "String", "completeness": 0.5},
        ],
        "monitoring_config": MONITORING | {"distribution_constraints": {"categorical_drift_method": "ChiSquared"}},
    }
    (tmp_path / "constraints.json").write_text(json.dumps(constraints))
    statistics = {"version": 0.0, "dataset": {"item_count": 5}, "features": [{"name": "a"}]}
    (tmp_path / "statistics.json").write_text(json.dumps(statistics))
    imported = import_files("sagemaker", [tmp_path / "constraints.json", tmp_path / "statistics.json"])
    left = {line.part: line.text for line in imported.lines if line.state == "not taken"}
    assert set(left) == {
        "features[0] a inferred_type Unknown",
        "features[0] a completeness 0",
        "features[0] a distribution_constraints",
        "features[1] b distribution_constraints",
        "statistics.json: statistics of 1 columns",
    }
    assert "ChiSquared is no effect" in left["features[1] b distribution_constraints"]
    complete = next(e for e in imported.expectations if e.type == "expect_column_values_to_not_be_null")
    assert complete.kwargs == {"column": "b", "mostly": 0.5}


def test_a_columns_own_configuration_overrides_the_common_one(tmp_path):
    own = {"domain_content_threshold": 0.5, "distribution_constraints": {"categorical_comparison_threshold": 0.3}}
    feature = {
        "name": "b", "inferred_type": "String", "string_constraints": {"domains": ["x"]}, "monitoringConfigOverrides": own
    }  # fmt: skip
    file = tmp_path / "constraints.json"
    file.write_text(json.dumps({"features": [feature], "monitoring_config": MONITORING}))
    imported = import_files("sagemaker", [file])
    assert next(e.kwargs["mostly"] for e in imported.expectations if e.type.endswith("in_set")) == 0.5
    assert imported.thresholds["data_drift"] == ({"metric": "total_variation", "key": "b", "leq_to": 0.3},)


def test_constraints_on_model_quality_become_thresholds(tmp_path):
    file = tmp_path / "constraints.json"
    quality = {
        "recall": {"threshold": 0.57, "comparison_operator": "LessThanThreshold"},
        "auc": {"threshold": 0.8, "comparison_operator": "LessThanThreshold"},
        "false_positive_rate": {"threshold": 0.1, "comparison_operator": "GreaterThanThreshold"},
        "f2": {"threshold": 0.5, "comparison_operator": "LessThanThreshold"},
    }
    file.write_text(json.dumps({"version": 0.0, "binary_classification_constraints": quality}))
    imported = import_files("sagemaker", [file])
    assert imported.thresholds["model_quality"] == (
        {"metric": "recall", "geq_to": 0.57},
        {"metric": "roc_auc", "geq_to": 0.8},
        {"metric": "false_positive_rate", "leq_to": 0.1},
    )
    assert [line.part for line in imported.lines if line.state == "not taken"] == [
        "binary_classification_constraints f2 LessThanThreshold 0.5"
    ]
    file.write_text(
        json.dumps({"regression_constraints": {"mse": {"threshold": 4, "comparison_operator": "GreaterThanThreshold"}}})
    )
    assert import_files("sagemaker", [file]).thresholds["model_quality"] == ({"metric": "rmse", "leq_to": 2.0},)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"is no JSON"),
        ("[]", r"expected one object, found list"),
        ('{"features": [], "features": [{"name": "a"}]}', r"is no JSON: key 'features' is given twice in one object"),
        ("{}", r"expected constraints\.json or statistics\.json .* found an empty object"),
        ('{"features": [{"name": "a", "completeness": 1.5}]}', r"features\.0\.completeness: Input should be less"),
        (
            '{"features": [{"name": "a", "completeness": "1"}]}',
            r"features\.0\.completeness: Input should be a valid number",
        ),
        ('{"features": [], "monitoring_config": {"evaluate_constraints": "Disabled"}}', r"evaluates none"),
        ('{"features": "a"}', r"features: Input should be a valid list"),
        ("[" * 100_000, r"is no JSON"),
    ],
)
def test_a_file_that_is_none_is_an_error_with_its_place(tmp_path, content, message):
    file = tmp_path / "constraints.json"
    file.write_text(content)
    with pytest.raises(PolicyError, match=message):
        import_files("sagemaker", [file])


def test_a_file_is_never_replaced(small, capsys):
    assert main(["import", "sagemaker", "constraints.json", "--output", "imported"]) == 2
    assert "is there already" in capsys.readouterr().err

"""Suites and checkpoints of Great Expectations' own test suite, and files that the installed version writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_governance.authoring.imports import import_files
from model_governance.cli import main
from model_governance.errors import PolicyError

FILES = Path(__file__).parents[3] / "data" / "imports"


def states(imported):
    return [line.state for line in imported.lines]


def test_a_suite_of_their_tests_is_taken_line_by_line():
    imported = import_files("great_expectations", [FILES / "titanic_expectations.json"])
    assert states(imported) == ["taken"] * 10
    assert [expectation.label for expectation in imported.expectations][-4:] == [
        "mean_between(Age)", "values_between(Age)", "values_match_regex(Name)", "values_in_set(PClass)"
    ]  # fmt: skip
    assert imported.thresholds == {"data_validation": ({"metric": "critical_failures", "equal_to": 0},)}


def test_a_checkpoint_of_version_0_brings_its_suite_and_says_what_is_left():
    imported = import_files("great_expectations", [FILES / "my_checkpoint.yml", FILES / "visitors_exp.json"])
    assert [str(line).split(": ")[0] for line in imported.lines] == [
        "not taken  my_checkpoint.yml batch_request visits_datasource/visits",
        "not taken  my_checkpoint.yml action StoreValidationResultAction",
        "not taken  my_checkpoint.yml action UpdateDataDocsAction",
        "taken      visitors_exp.json expectations[0] expect_column_values_to_be_in_set",
    ]


def test_a_checkpoint_without_the_file_of_its_suite_is_an_error():
    with pytest.raises(PolicyError, match=r"runs the suite visitors_exp; name the suite's file, too"):
        import_files("great_expectations", [FILES / "my_checkpoint.yml"])


def test_parameters_and_custom_expectations_are_left_with_the_reason():
    with pytest.raises(PolicyError, match=r"value is a parameter that a run of GX fills in"):
        import_files("great_expectations", [FILES / "parameterized_expectation_suite_fixture.json"])
    with pytest.raises(PolicyError, match=r"expect_column_values_to_have_odd_lengths: GX itself has no expectation"):
        import_files("great_expectations", [FILES / "titanic_custom_expectations.json"])


def test_what_the_installed_version_writes_is_read_and_runs(tmp_path):
    import great_expectations as gx

    context = gx.get_context(mode="file", project_root_dir=tmp_path)
    suite = context.suites.add(
        gx.ExpectationSuite(
            name="loans",
            expectations=[
                gx.expectations.ExpectColumnValuesToBeBetween(
                    column="age", min_value=18, max_value=90, mostly=0.9, severity="warning"
                ),
                gx.expectations.ExpectColumnToExist(column="income", meta={"name": "income is there"}),
            ],
        )
    )
    asset = context.data_sources.add_pandas("lake").add_dataframe_asset("loans")
    definition = gx.ValidationDefinition(
        name="nightly", data=asset.add_batch_definition_whole_dataframe("all"), suite=suite
    )
    definition = context.validation_definitions.add(definition)
    actions = [gx.checkpoint.UpdateDataDocsAction(name="docs")]
    context.checkpoints.add(gx.Checkpoint(name="gate", validation_definitions=[definition], actions=actions))
    files = sorted((tmp_path / "gx").glob("*/*.json"))
    assert [file.name for file in files] == ["gate.json", "loans.json", "nightly.json"]

    imported = import_files("great_expectations", files)
    assert states(imported) == ["not taken", "not taken", "not taken", "taken", "taken"]
    by_label = {expectation.label: expectation for expectation in imported.expectations}
    assert by_label["values_between(age)"].severity == "warning"
    assert by_label["values_between(age)"].kwargs["mostly"] == 0.9
    assert "income is there" in by_label
    assert imported.thresholds["data_validation"] == (
        {"metric": "critical_failures", "equal_to": 0},
        {"metric": "warning_failures", "equal_to": 0, "severity": "warn"},
    )


def test_the_lines_are_printed_and_a_foreign_file_is_an_error(tmp_path, capsys):
    assert main(["import", "great_expectations", str(FILES / "titanic_expectations.json")]) == 0
    out = capsys.readouterr().out
    assert "10 lines: 10 taken, 0 adapted, 0 not taken" in out
    assert "params: {suite: suite.json}" in out
    (tmp_path / "other.json").write_text('{"openapi": "3.1"}')
    assert main(["import", "great_expectations", str(tmp_path / "other.json")]) == 2
    assert "expected a suite" in capsys.readouterr().err

from __future__ import annotations

import pytest
import skops.io
import yaml
from sklearn.linear_model import LinearRegression

import project
import synthetic
from model_governance.checks import catalogue
from model_governance.cli import main
from model_governance.policy import load_policy


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return project.small_project(tmp_path)


def init(*more: str, output: str = "draft.yaml") -> int:
    return main(
        ["policy", "init", "--model", "model.skops", "--reference", "reference.parquet", "--output", output, *more]
    )


def test_the_draft_is_a_policy_that_lints_with_every_check_that_applies(small):
    assert init("--target", "label") == 0
    policy = load_policy("draft.yaml", catalogue())
    needs_a_file = {
        kind
        for kind, check in catalogue().items()
        if any(check.params.model_fields[param].is_required() for param in check.file_params)
    }
    assert set(policy.checks) == set(catalogue()) - needs_a_file
    assert (
        "# external_report is left out: name the file of params.report to add it."
        in (small.folder / "draft.yaml").read_text()
    )
    assert policy.model.sha256 == small.raw["model"]["sha256"]
    assert policy.columns.target == "label"
    assert policy.columns.identifier == "row"
    kinds = {name: one.kind for name, one in policy.columns.features.items()}
    assert kinds == {
        "income": "numeric",
        "debt": "numeric",
        "age": "integer",
        "region": "category",
        "channel": "category",
    }


def test_the_draft_says_why(small):
    init("--target", "label")
    text = (small.folder / "draft.yaml").read_text()
    for check in catalogue().values():
        assert f"# {check.question}" in text
    assert max(map(len, text.splitlines())) < 400


def test_a_run_passes_under_the_draft_on_rows_like_the_reference(small, capsys):
    init("--target", "label")
    raw = yaml.safe_load((small.folder / "draft.yaml").read_text())
    raw["datasets"] = small.raw["datasets"]
    raw["artifacts"] = {"uri": "archive"}
    raw["checks"] = {name: raw["checks"][name] for name in ("data_validation", "data_drift", "model_quality")}
    (small.folder / "policy_draft.yaml").write_text(yaml.safe_dump(raw))
    code = main(["run", "policy_draft.yaml", "--date", "2026-03-01"])
    assert code == 0, capsys.readouterr().out


def test_the_draft_of_a_policy_kept_elsewhere_points_at_the_same_files(small):
    (small.folder / "policies").mkdir()
    init("--target", "label", output="policies/draft.yaml")
    policy = load_policy("policies/draft.yaml", catalogue())
    assert (policy.folder / policy.model.uri).resolve() == small.folder / "model.skops"


def test_without_a_target_nothing_needs_labels(small):
    assert init() == 0
    assert "model_quality" not in load_policy("draft.yaml", catalogue()).checks


def test_an_existing_file_is_not_overwritten(small, capsys):
    (small.folder / "draft.yaml").write_text("mine")
    assert init() == 2
    assert "not overwritten" in capsys.readouterr().err
    assert (small.folder / "draft.yaml").read_text() == "mine"


def test_an_unknown_target_and_an_unknown_ending_are_explained(small, capsys):
    assert init("--target", "lable") == 2
    assert "no such column" in capsys.readouterr().err
    assert main(["policy", "init", "--model", "model.bin", "--reference", "reference.parquet"]) == 2
    assert ".skops" in capsys.readouterr().err


def test_a_regression_gets_the_checks_of_a_regression(small):
    rows = synthetic.rows(seed=2)
    rows["label"] = rows["income"] - rows["debt"]
    rows.to_parquet(small.folder / "reference.parquet", index=False)
    fitted = LinearRegression().fit(rows[["income", "debt", "age"]], rows["label"])
    small.write_model(skops.io.dumps(fitted))
    assert init("--target", "label", "--task", "regression") == 0
    checks = load_policy("draft.yaml", catalogue()).checks
    assert set(checks) == {
        "data_validation", "data_drift", "model_quality", "performance_estimation", "fairness", "attribution_drift",
        "evasion", "membership_inference", "attribute_inference", "model_extraction", "corruption", "artifact_scan",
    }  # fmt: skip


def test_without_a_target_nothing_that_needs_labels_is_drafted(small):
    assert init() == 0
    checks = load_policy("draft.yaml", catalogue()).checks
    assert not {"model_quality", "performance_estimation"} & set(checks)
    assert "data_drift" in checks

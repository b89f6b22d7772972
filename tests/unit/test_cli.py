from __future__ import annotations

import json

import pytest
import yaml

import project
import synthetic
from model_governance.checks import catalogue
from model_governance.cli import main


@pytest.fixture
def small(tmp_path):
    return project.small_project(tmp_path)


def run(small, *more: str) -> int:
    return main(["run", str(small.policy_file), "--date", "2026-03-01", *more])


def test_a_night_that_passes_exits_with_0_and_says_where_everything_is(small, capsys):
    assert run(small) == 0
    out = capsys.readouterr().out
    assert "PASS" in out
    assert "run_manifest.json" in out
    assert "report.html" in out


def test_a_violated_threshold_exits_with_1_and_says_why(small, capsys):
    small.write_current(synthetic.rows(seed=3).assign(label=lambda frame: 1 - frame["label"]))
    assert run(small) == 1
    assert "accuracy" in capsys.readouterr().out


def test_what_could_not_be_measured_exits_with_3(small):
    (small.folder / "current.parquet").unlink()
    assert run(small) == 3


def test_one_check_can_be_run_alone_and_archives_no_night(small):
    assert run(small, "--check", "validation") == 0
    assert not list(small.store.keys("v1/runs/"))


def test_an_unknown_check_is_a_usage_error(small, capsys):
    assert run(small, "--check", "drft") == 2
    assert "there are validation, quality" in capsys.readouterr().err


def test_a_policy_without_a_place_for_evidence_needs_one(small, capsys):
    small.raw.pop("artifacts")
    small.change()
    assert run(small) == 2
    assert "--artifacts" in capsys.readouterr().err
    assert run(small, "--artifacts", str(small.folder / "elsewhere")) == 0


def test_templates_are_filled_with_the_date(small):
    small.change(datasets=small.raw["datasets"] | {"current": {"uri": "nights/{{ ds }}.parquet"}})
    (small.folder / "nights").mkdir()
    (small.folder / "current.parquet").rename(small.folder / "nights" / "2026-03-01.parquet")
    assert run(small) == 0


def test_an_unknown_template_variable_is_explained(small, capsys):
    small.change(datasets=small.raw["datasets"] | {"current": {"uri": "{{ dss }}.parquet"}})
    assert run(small) == 2
    assert "dss" in capsys.readouterr().err


def test_lint_reports_the_mistakes_of_all_files(small, tmp_path, capsys):
    broken = tmp_path / "broken.yaml"
    broken.write_text(small.policy_file.read_text().replace("accuracy", "acuracy").replace("owner", "ownr"))
    assert main(["policy", "lint", str(small.policy_file), str(broken)]) == 2
    out, err = capsys.readouterr()
    assert "2 checks" in out
    assert len(err.strip().splitlines()) == 3


def test_every_check_is_listed_and_shown(capsys):
    assert main(["checks"]) == 0
    out = capsys.readouterr().out
    for kind, check in catalogue().items():
        assert kind in out
        assert main(["checks", kind]) == 0
        shown = capsys.readouterr().out
        assert all(spec.name in shown for spec in check.metrics)
        assert all(name in shown for name in check.params.model_fields)
        assert max(map(len, shown.splitlines())) <= 100
        text = " ".join(shown.split())
        assert f"when violated: {check.advice.title} {check.advice.text}" in text
        assert f"cost: {check.cost}" in text
        assert f"operator: {check.operator_name}" in text
        assert check.not_calibrated in text
    assert main(["checks", "drft"]) == 2


def test_the_schema_accepts_good_policies_and_refuses_bad_ones(small, capsys):
    import jsonschema

    assert main(["policy", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = yaml.safe_load(small.policy_file.read_text())
    assert list(validator.iter_errors(good)) == []
    good["checks"]["quality"]["thresholds"][0]["metric"] = "acuracy"
    assert list(validator.iter_errors(good))


def test_version_is_that_of_the_distribution(capsys):
    from importlib.metadata import version

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip().endswith(version("airflow-model-governance"))

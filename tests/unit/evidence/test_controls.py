"""The control map: complete, kept with every run, and added to by a policy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from model_governance.authoring.lint import lint
from model_governance.checks import catalogue
from model_governance.errors import EvidenceError, PolicyError
from model_governance.evidence.chain import link_key, read_link
from model_governance.evidence.controls import BUILT_IN, as_control_map, built_in_controls, control_map
from model_governance.evidence.verification import verify_archive
from project import DAY, small_project

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "include" / "controls" / "example_bank.yaml"


@pytest.fixture
def project(tmp_path):
    shutil.copy(EXAMPLE, tmp_path / "bank.yaml")
    return small_project(tmp_path).change(archive={"controls": ["bank.yaml"]})


def own(project, **changes):
    """The policy of a project whose own catalogue is changed by these keys."""
    raw = yaml.safe_load(EXAMPLE.read_text()) | changes
    (project.folder / "bank.yaml").write_text(yaml.safe_dump({k: v for k, v in raw.items() if v is not None}))
    return project.policy()


@pytest.mark.parametrize("kind", catalogue())
def test_every_kind_of_check_supports_controls_that_exist(kind):
    controls = built_in_controls()
    assert controls.controls_of(kind)
    assert set(controls.controls_of(kind)) <= set(controls.controls)


def test_the_map_names_no_kind_that_there_is_not_and_no_control_without_catalogue():
    controls = built_in_controls()
    assert set(controls.checks) == set(catalogue())
    assert {name.partition(":")[0] for name in controls.controls} == set(controls.catalogs)
    assert set(controls.evidence_archive) <= set(controls.controls)
    assert len(controls.controls) == 103


def test_the_map_stands_once_in_the_repository():
    assert (ROOT / "include" / "controls" / "controls.yaml").resolve() == BUILT_IN.resolve()


def test_the_stored_map_is_read_back_with_the_same_digest():
    controls = built_in_controls()
    again = as_control_map(controls.content, origin="here")
    assert again == controls
    assert again.sha256 == controls.sha256


def test_other_bytes_are_no_map():
    with pytest.raises(EvidenceError, match=r"there\.json: expected a control map"):
        as_control_map(b'{"schema": "model-governance/run/v1"}', origin="there.json")


def test_a_policy_adds_catalogues_of_its_own(project):
    controls = control_map(project.policy(), catalogue())
    assert "BANK-MRM:7.1" in controls.controls_of("data_validation")
    assert "EU-AI-ACT:10" in controls.controls_of("data_validation")
    assert "BANK-MRM:7.9" in controls.evidence_archive
    assert controls.version == "2026-11 + 2026-11"
    assert controls.sha256 != built_in_controls().sha256


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"checks": {"data_validaton": ["BANK-MRM:7.1"]}}, "checks.data_validaton: no kind of check 'data_validaton'; did"),
        ({"checks": {"model_quality": ["BANK-MRM:9"]}}, r"checks.model_quality\[0\]: no control 'BANK-MRM:9'"),
        ({"controls": {"OTHER:1": {"title": "one", "verified": "primary"}}}, "controls.OTHER:1: no catalogue 'OTHER'"),
        ({"controls": {"GDPR:5": {"title": "one", "verified": "primary"}}}, "controls.GDPR:5: the control is there"),
        ({"catalogs": {"GDPR": {"title": "one", "verified": "primary"}}}, "catalogs.GDPR: the catalogue is there"),
        ({"evidence_archive": ["BANK-MRM:8"]}, r"evidence_archive\[0\]: no control 'BANK-MRM:8'"),
        ({"version": None}, "version is missing"),
        ({"schema": "other"}, "schema: expected model-governance/controls/v1"),
        ({"sorce": "x"}, "sorce: unknown key 'sorce'"),
    ],
)  # fmt: skip
def test_a_mistake_of_a_catalogue_is_told_with_file_line_and_field(project, changes, sentence):
    policy = own(project, **changes)
    with pytest.raises(PolicyError, match=rf"bank\.yaml:\d+ .*{sentence}"):
        control_map(policy, catalogue())
    with pytest.raises(PolicyError, match=sentence):
        lint(project.policy_file, catalogue(), moment=DAY)


def test_a_missing_catalogue_is_told(project):
    (project.folder / "bank.yaml").unlink()
    with pytest.raises(PolicyError, match=r"bank\.yaml: cannot be read"):
        control_map(project.policy(), catalogue())


def test_a_run_states_the_controls_of_its_checks_and_keeps_the_map(project):
    project.run()
    store = project.store
    link = read_link(store, link_key("synthetic", 1))
    (check,) = [check for check in link.predicate["checks"] if check["name"] == "quality"]
    assert "BANK-MRM:7.3" in check["controls"]
    (subject,) = [subject for subject in link.statement["subject"] if subject["name"] == "controls.json"]
    assert subject["digest"]["sha256"] == link.predicate["controls_sha256"]
    kept = as_control_map(store.get(subject["uri"]), origin="archive")
    assert kept == control_map(project.policy(), catalogue())
    (found,) = verify_archive(store)
    assert [problem.code for problem in found.problems] == ["link.unsigned"]


def test_a_changed_map_is_found(project):
    project.run()
    link = read_link(project.store, link_key("synthetic", 1))
    (subject,) = [subject for subject in link.statement["subject"] if subject["name"] == "controls.json"]
    path = project.folder / "archive" / subject["uri"]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"BANK-MRM:7.3", b"BANK-MRM:7.1"))
    (found,) = verify_archive(project.store)
    assert "object.altered" in {problem.code for problem in found.problems}


def test_the_pages_show_the_controls_that_are_supported(project):
    archived = project.run()
    store = project.store
    page = store.get(archived.report.key).decode()
    assert "<code>BANK-MRM:7.3</code>" in page
    manifest = json.loads(store.get(archived.manifest.key))
    (row,) = [row for row in manifest["checks"] if row["name"] == "quality"]
    page = store.get(row["report"]["key"]).decode()
    assert "This result supports these controls" in page
    assert "Performance is monitored against the approved level" in page


def test_a_check_that_could_not_measure_shows_no_control(project):
    (project.folder / "current.parquet").unlink()
    archived = project.run()
    assert "support these controls" not in project.store.get(archived.report.key).decode()


def test_a_broken_catalogue_is_an_error_of_every_check_and_no_pass(project):
    policy = own(project, evidence_archive=["BANK-MRM:8"])
    done = project.check("quality")
    assert policy.archive.controls == ("bank.yaml",)
    assert done.verdict.outcome == "error"
    assert "no control 'BANK-MRM:8'" in done.verdict.sentence


def test_a_run_that_a_crash_left_without_link_gets_one_with_its_controls_and_waivers(project, monkeypatch):
    waiver = {"check": "quality", "metric": "accuracy", "reason": "known and being repaired", "approver": "a", "ticket": "T-1", "expires": "2026-12-31"}  # fmt: skip
    project.change(
        checks=project.raw["checks"] | {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.999}]}},
        waivers=[waiver],
    )  # fmt: skip
    killed = Mock(side_effect=KeyboardInterrupt)
    with monkeypatch.context() as patch:
        patch.setattr("model_governance.archiving.link_run", killed)
        with pytest.raises(KeyboardInterrupt):
            project.run()
    project.run(DAY.replace(day=2), "night-2")
    (found,) = verify_archive(project.store)
    assert found.links == 2
    assert [problem.code for problem in found.problems] == ["link.unsigned"]

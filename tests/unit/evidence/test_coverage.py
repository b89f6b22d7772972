"""Coverage of controls: absences are planted, and each is named with its reason."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from model_governance.authoring.keys import make_keys
from model_governance.cli import main
from model_governance.evidence.coverage import coverage
from model_governance.evidence.period import Period
from model_governance.evidence.trust import read_trust
from model_governance.report.coverage_page import coverage_table, render_coverage
from project import CHEAP_CHECKS, DAY, small_project

MARCH = Period(first=date(2026, 3, 1), last=date(2026, 3, 31))


@pytest.fixture
def project(tmp_path):
    make_keys(tmp_path / "keys", owner="risk", moment=datetime(2020, 1, 1, tzinfo=UTC))
    return small_project(tmp_path).change(archive={"signing_key": "file:keys/signing_key.pem"})


def trust_of(project):
    return read_trust(project.folder / "keys" / "trust.yaml")


def report(project, period=MARCH, **more):
    return coverage(project.store, ["synthetic"], period=period, trust=trust_of(project), **more)


def control(record, name):
    (model,) = record["models"]
    return next(each for catalog in model["catalogs"] for each in catalog["controls"] if each["id"] == name)


def gaps(record, name):
    return [(gap["reason"], gap["check"]) for gap in control(record, name)["gaps"]]


def test_what_was_measured_is_evidence_with_its_run_and_outcome(project):
    project.run()
    project.run(DAY + timedelta(days=3), "night-4")
    record = report(project)
    (evidence,) = control(record, "EU-AI-ACT:15")["evidence"]
    assert (evidence["check"], evidence["outcome"], evidence["run_id"]) == ("quality", "pass", "night-4")
    assert (evidence["sequence"], evidence["age_days"], evidence["runs"]) == (2, 28, 2)
    (model,) = record["models"]
    assert model["with_evidence"] + model["without_evidence"] == 103
    assert model["with_evidence"] > 10


def test_the_archive_itself_is_evidence_of_record_keeping(project):
    project.run()
    (evidence,) = control(report(project), "EU-AI-ACT:12")["evidence"]
    assert (evidence["check"], evidence["outcome"]) == ("archive", "archived")


def test_an_unsigned_archive_is_no_evidence_of_record_keeping(project):
    project.change(archive={}).run()
    record = coverage(project.store, ["synthetic"], period=MARCH)
    assert gaps(record, "EU-AI-ACT:12") == [("unsigned", "archive")]
    assert control(record, "EU-AI-ACT:10")["evidence"]


def test_a_kind_of_check_that_the_policy_lacks_is_named(project):
    project.run()
    record = report(project)
    (gap,) = control(record, "EU-AI-ACT:9")["gaps"]
    assert gap["reason"] == "not_configured"
    assert gap["sentence"] == "the policy has no check of kind data_drift or fairness"
    assert gaps(record, "EU-AI-ACT:13") == [("no_kind", None)]


def test_a_period_without_run_says_when_the_last_one_was(project):
    project.run()
    record = report(project, Period(first=date(2026, 4, 1), last=date(2026, 4, 30)))
    (gap,) = control(record, "EU-AI-ACT:15")["gaps"]
    assert gap["reason"] == "no_run"
    assert "no run from 2026-04-01 to 2026-04-30: the DAG did not run" in gap["sentence"]
    assert gap["sentence"].endswith("the newest one before is of 2026-03-01")
    assert record["models"][0]["with_evidence"] == 0


def test_a_model_that_never_ran_has_no_evidence_at_all(project):
    record = coverage(project.store, ["never"], period=MARCH, trust=trust_of(project))
    (model,) = record["models"]
    assert (model["with_evidence"], model["newest_run"]) == (0, None)
    assert gaps(record, "EU-AI-ACT:15") == [("no_run", None)]


def test_evidence_that_is_too_old_is_none(project):
    project.run()
    record = report(project, max_age_days=10)
    assert gaps(record, "EU-AI-ACT:15") == [("stale", "quality")]
    assert gaps(record, "EU-AI-ACT:12") == [("stale", "archive")]
    assert "31 days before the end" in control(record, "EU-AI-ACT:15")["gaps"][0]["sentence"]
    project.run(DAY + timedelta(days=25), "late")
    assert control(report(project, MARCH), "EU-AI-ACT:15")["evidence"]


def test_a_check_that_could_not_measure_is_no_evidence(project):
    (project.folder / "current.parquet").unlink()
    project.run()
    record = report(project)
    (gap,) = control(record, "EU-AI-ACT:15")["gaps"]
    assert (gap["reason"], gap["check"]) == ("error", "quality")
    assert "current.parquet" in gap["sentence"]


def test_an_earlier_measurement_of_the_period_counts_beside_a_later_error(project):
    project.run()
    (project.folder / "current.parquet").unlink()
    project.run(DAY + timedelta(days=1), "night-2")
    (evidence,) = control(report(project), "EU-AI-ACT:15")["evidence"]
    assert evidence["run_id"] == "night-1"


def test_a_waived_violation_is_no_evidence(project):
    waiver = {
        "check": "quality", "metric": "accuracy", "reason": "known and being repaired", "approver": "a@example.com",
        "ticket": "T-1", "expires": "2026-12-31",
    }  # fmt: skip
    strict = CHEAP_CHECKS | {
        "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.99}]}
    }
    project.change(checks=strict, waivers=[waiver]).run()
    assert gaps(report(project), "EU-AI-ACT:15") == [("waived", "quality")]


def test_a_violation_is_evidence_with_its_outcome(project):
    strict = CHEAP_CHECKS | {
        "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.99}]}
    }
    project.change(checks=strict).run()
    (evidence,) = control(report(project), "EU-AI-ACT:15")["evidence"]
    assert evidence["outcome"] == "fail"


def test_a_link_that_cannot_be_verified_is_no_evidence(project):
    project.run()
    make_keys(project.folder / "others", owner="stranger", moment=datetime(2020, 1, 1, tzinfo=UTC))
    strangers = read_trust(project.folder / "others" / "trust.yaml")
    record = coverage(project.store, ["synthetic"], period=MARCH, trust=strangers)
    (model,) = record["models"]
    assert (model["runs"], model["runs_not_verified"], model["with_evidence"]) == (0, 1, 0)
    assert gaps(record, "EU-AI-ACT:15") == [("unverified", None)]
    assert [problem["code"] for problem in model["verification"]["problems"]] == ["link.signature"]


def test_an_altered_record_takes_the_evidence_of_its_run_away_and_of_no_other(project):
    first = project.run()
    project.run(DAY + timedelta(days=1), "night-2")
    manifest = json.loads(project.store.get(first.manifest.key))
    path = project.folder / "archive" / manifest["checks"][0]["record"]["key"]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    record = report(project)
    (evidence,) = control(record, "EU-AI-ACT:15")["evidence"]
    assert evidence["run_id"] == "night-2"
    assert record["models"][0]["runs_not_verified"] == 1


def test_the_page_and_the_table_begin_with_what_is_missing(project):
    project.run()
    record = report(project)
    page = render_coverage(record).decode()
    assert page.index("without fresh evidence</h2>") < page.index("with fresh evidence</h2>")
    assert "the policy has no check of kind data_drift or fairness" in page
    assert "supports" in page
    assert "satisfies" not in page
    assert "signed by risk" in page
    states = list(coverage_table(record, record["models"][0]).columns[0].cells)
    assert [str(state) for state in states] == sorted(map(str, states))
    assert str(states[0]) == "NONE"


def test_a_page_without_trust_says_that_signatures_were_not_checked(project):
    project.run()
    page = render_coverage(coverage(project.store, ["synthetic"], period=MARCH)).decode()
    assert "signatures were not checked" in page


def test_the_command_prints_one_record_and_writes_the_page(project, capsys):
    project.run()
    page = project.folder / "coverage.html"
    words = ["coverage", str(project.folder / "archive"), "--from", "2026-03-01", "--to", "2026-03-01", "--json"]
    trust = ["--trust", str(project.folder / "keys" / "trust.yaml")]
    assert main([*words, *trust, "--output", str(page)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert control(record, "EU-AI-ACT:15")["evidence"]
    assert "Coverage of controls" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from", "2026-03-02", "--to", "2026-03-01"], "is before --from"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--max-age-days", "0"], "expected 1 or more"),
        (["--from", "2026-03-01", "--to", "2026-03-02"], "found no model in it"),
    ],
)
def test_wrong_words_are_told(tmp_path, capsys, arguments, sentence):
    assert main(["coverage", str(tmp_path), *arguments]) == 2
    assert sentence in capsys.readouterr().err

"""A report of another tool through a run: rendered, read, judged, waived and archived like every other check."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError

import external_reports
import project
from model_governance.authoring.lint import lint
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.errors import PolicyError, SubjectUnreachable
from model_governance.subjects import run_variables
from model_governance.subjects.param_files import load_param_files

if TYPE_CHECKING:
    from pathlib import Path

CASES = {
    "garak": (external_reports.garak(failed=1), external_reports.garak(failed=40), "failed_share", "leq_to", 0.15),
    "promptfoo": (
        external_reports.promptfoo(failed=0),
        external_reports.promptfoo(failed=30),
        "failed_share",
        "leq_to",
        0.3,
    ),
    "sarif": (external_reports.sarif(), external_reports.sarif("error"), "findings", "equal_to", 0),
}


@pytest.fixture(params=CASES)
def governed(request, tmp_path):
    """A project whose only check reads a report; the passing and the failing one."""
    passing, failing, metric, condition, bound = CASES[request.param]
    params = {"report": "reports/{{ ds }}/report", "format": request.param, "max_age_hours": 26}
    check = {"kind": "external_report", "params": params, "thresholds": [{"metric": metric, condition: bound}]}
    made = project.small_project(tmp_path, checks={"red_team": check})
    (tmp_path / "reports" / "2026-03-01").mkdir(parents=True)

    def write(content: bytes) -> None:
        (tmp_path / "reports" / "2026-03-01" / "report").write_bytes(content)

    return SimpleNamespace(project=made, write=write, passing=passing, failing=failing, metric=metric)


def test_a_good_report_passes_and_the_digest_of_its_bytes_is_archived(governed):
    governed.write(governed.passing)
    done = governed.project.check("red_team")
    record = json.loads(governed.project.store.get(done.record.key))
    assert record["verdict"]["outcome"] == "pass"
    digest = hashlib.sha256(governed.passing).hexdigest()
    assert record["params"]["report"] == {"path": "reports/{{ ds }}/report", "sha256": digest}


def test_a_bad_report_fails_the_run_and_is_archived(governed):
    governed.write(governed.failing)
    done = governed.project.run()
    assert (done.verdict.outcome, done.verdict.stops) == ("fail", True)
    assert done.outcomes == {"red_team": "fail"}
    assert b"red_team" in governed.project.store.get(done.report.key)


def test_a_waiver_covers_what_would_fail_and_shows_it(governed):
    governed.write(governed.failing)
    waiver = {
        "check": "red_team", "metric": governed.metric, "reason": "known, mended in May", "approver": "a@example.com",
        "ticket": "RISK-7", "expires": "2026-04-01",
    }  # fmt: skip
    done = governed.project.change(waivers=[waiver]).run()
    assert (done.outcomes, done.verdict.stops) == ({"red_team": "waived"}, False)


def test_a_cut_report_and_a_missing_one_are_errors_of_the_check(governed):
    governed.write(governed.passing[: len(governed.passing) // 2])
    done = governed.project.check("red_team")
    assert (done.verdict.outcome, done.verdict.stops) == ("error", True)
    assert "expected" in done.verdict.sentence
    done = governed.project.run(logical_date=datetime(2026, 3, 2, tzinfo=UTC))
    assert done.outcomes == {"red_team": "error"}
    assert "2026-03-02/report cannot be read" in done.verdict.sentence


def test_a_report_in_a_bucket_is_read_with_the_connection_of_the_artifacts(tmp_path):
    asked = []

    class Bucket:
        def get_object(self, *, Bucket: str, Key: str) -> dict:  # noqa: N803 - boto3's spelling
            asked.append((Bucket, Key))
            return {"Body": io.BytesIO(CASES["garak"][0])}

    class Connections(PlainConnections):
        def s3(self, connection: str | None):
            asked.append(connection)
            return Bucket()

    policy = _reading(tmp_path, "s3://reports/{{ ds_nodash }}/garak.report.jsonl")
    variables = run_variables(project.DAY)
    files = load_param_files(policy, "red_team", ["report"], variables=variables, connections=Connections())
    assert asked == ["aws_reports", ("reports", "20260301/garak.report.jsonl")]
    assert files["report"].content == CASES["garak"][0]
    assert files["report"].sha256 == hashlib.sha256(CASES["garak"][0]).hexdigest()


def test_a_store_that_does_not_answer_may_be_asked_again(tmp_path):
    class Connections(PlainConnections):
        def s3(self, connection: str | None):
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    policy = _reading(tmp_path, "s3://reports/garak.report.jsonl")
    with pytest.raises(SubjectUnreachable):
        load_param_files(policy, "red_team", ["report"], variables={}, connections=Connections())


def test_a_template_that_no_run_fills_says_what_there_is(tmp_path):
    policy = _reading(tmp_path, "{{ ti.xcom_pull('garak') }}")
    with pytest.raises(
        PolicyError, match=r"checks.red_team.params.report: variable\(s\) ti not given \(available: .*ds"
    ):
        load_param_files(
            policy, "red_team", ["report"], variables=run_variables(project.DAY), connections=PlainConnections()
        )


def test_lint_leaves_the_files_of_a_single_run_to_that_run(tmp_path):
    def linted(suite: str) -> None:
        thresholds = [{"metric": "critical_failures", "equal_to": 0}]
        check = {"kind": "data_validation", "params": {"suite": suite}, "thresholds": thresholds}
        made = project.small_project(tmp_path, checks={"validation": check})
        lint(made.policy_file, catalogue(), moment=project.DAY)

    for suite in ("suites/{{ ds }}.json", "s3://suites/loans.json"):
        linted(suite)
    with pytest.raises(PolicyError, match=r"params\.suite: .*suites\.json cannot be read"):
        linted("suites.json")


def _reading(folder: Path, report: str):
    params = {"report": report, "format": "garak"}
    thresholds = [{"metric": "failed_share", "leq_to": 0.1}]
    made = project.small_project(folder, checks={
        "red_team": {"kind": "external_report", "params": params, "thresholds": thresholds}
    })  # fmt: skip
    return made.change(artifacts={"uri": "s3://evidence/bank", "connection": "aws_reports"}).policy()

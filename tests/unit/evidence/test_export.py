"""An export is a bag that both verifiers accept, that says what it lacks, and that shows tampering as the archive does."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from auditor import OPENSSL, audit
from model_governance.authoring.export import Request, export_archive
from model_governance.cli import main
from model_governance.errors import PolicyError, StoreUnreachable
from model_governance.evidence.export.junit import junit_of
from model_governance.evidence.period import Period
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.store.local import LocalStore
from model_governance.store.s3 import S3Store
from signed_archive import (
    FAILED,
    LAST,
    MODEL,
    PASSED,
    SignedArchive,
    link_file,
    link_of,
    object_file,
    signed_archive,
    write,
)
from tampering import TAMPERINGS, Tampering

WHOLE = Period(first=date(2026, 3, 1), last=date(2026, 3, 4))
MIDDLE = Period(first=date(2026, 3, 2), last=date(2026, 3, 3))
MOMENT = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)

NO_EVIDENCE = ("v1/hints/", "v1/announced/", "v1/begun/", "v1/index/")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


def export(archive: SignedArchive, output, period: Period = MIDDLE, *, moment=MOMENT, **more):
    request = Request(model=MODEL, period=period, trust_file=archive.trust, **more)
    return export_archive(LocalStore(str(archive.folder)), request, output=output, moment=moment)


def verify(archive: SignedArchive, bag, period: Period | None):
    return verify_model(
        LocalStore(str(bag / "data")), MODEL, trust=read_trust(archive.trust), expected_head=archive.head, period=period
    )


def auditors_options(archive: SignedArchive, period: Period) -> list[str]:
    return ["--expect-head", f"{MODEL}={archive.head}", "--days", str(period.first), str(period.last)]


@pytest.fixture(scope="module")
def bag(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "bag"
    export(made, folder, expected_head=made.head)
    return folder


def contents(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_both_verifiers_accept_a_part_of_the_chain_and_say_what_it_lacks(made, bag):
    found = verify(made, bag, MIDDLE)
    assert [problem.code for problem in found.problems] == ["object.left_out"]
    assert "12 objects of runs outside the days 2026-03-02 to 2026-03-03" in found.problems[0].sentence
    assert (found.links, found.objects, found.verdicts) == (LAST, 22, 4)
    if OPENSSL is not None:
        answer = audit(bag, made.public_key, options=auditors_options(made, MIDDLE))
        assert (answer.code, answer.problems) == (0, set())
        assert "12 not in the export" in answer.output


def test_who_does_not_say_that_it_is_a_part_is_told_what_is_missing(made, bag):
    found = verify(made, bag, None)
    assert {problem.code for problem in found.problems} == {"object.missing"}
    assert {problem.code for problem in verify(made, bag, WHOLE).problems} == {"object.missing"}
    if OPENSSL is not None:
        assert audit(bag, made.public_key).problems == {"object.missing"}


@pytest.fixture(scope="module")
def whole_bag(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "bag"
    export(made, folder, WHOLE)
    return folder


def test_an_export_of_all_days_is_the_archive(made, whole_bag):
    assert verify(made, whole_bag, None).problems == ()
    exported = {name for name in contents(whole_bag / "data") if name.startswith("v1/")}
    assert exported == {name for name in contents(made.folder) if not name.startswith(NO_EVIDENCE)}


@pytest.mark.skipif(OPENSSL is None, reason="the verifier for auditors needs the openssl command")
@pytest.mark.parametrize("case", TAMPERINGS, ids=lambda case: case.name.replace(" ", "_"))
def test_tampering_with_a_bag_is_found_by_both(made, whole_bag, tmp_path, case: Tampering):
    shutil.copytree(whole_bag, tmp_path / "bag")
    case.tamper(tmp_path / "bag" / "data", made.keys)
    codes = {problem.code for problem in verify(made, tmp_path / "bag", WHOLE).problems}
    judged = {"verdict.differs"} if "object.damaged" in codes else set()
    assert (case.codes | case.judged) - judged <= codes
    assert case.codes <= audit(tmp_path / "bag", made.public_key, options=auditors_options(made, WHOLE)).problems


def test_what_is_there_of_a_run_outside_the_days_is_verified_all_the_same(made, tmp_path):
    export(made, tmp_path / "bag")
    name = object_file(tmp_path / "bag" / "data", PASSED, "quality/report.html")
    write(name, b"<p>nothing happened</p>")
    assert "object.altered" in {problem.code for problem in verify(made, tmp_path / "bag", MIDDLE).problems}
    if OPENSSL is not None:
        answer = audit(tmp_path / "bag", made.public_key, options=auditors_options(made, MIDDLE))
        assert answer.problems == {"object.altered"}


def test_the_same_archive_gives_the_same_bytes_but_for_the_date_of_the_bag(made, bag, tmp_path):
    export(made, tmp_path / "again", expected_head=made.head)
    assert contents(tmp_path / "again") == contents(bag)
    export(made, tmp_path / "later", expected_head=made.head, moment=MOMENT + timedelta(days=1))
    first, later = contents(bag), contents(tmp_path / "later")
    assert {name for name in first if first[name] != later[name]} == {"bag-info.txt", "tagmanifest-sha256.txt"}
    assert b"Bagging-Date: 2026-04-01\n" in first["bag-info.txt"]


def test_what_the_verdicts_rest_on_is_exported_from_before_the_days(tmp_path):
    from project import CHEAP_CHECKS, DAY, small_project

    change = {"metric": "accuracy", "min_absolute_change": -0.05, "against": "last_passed"}
    quality = CHEAP_CHECKS["quality"] | {"thresholds": [*CHEAP_CHECKS["quality"]["thresholds"], change]}
    project = small_project(tmp_path, checks={"quality": quality})
    project.run(DAY, "first")
    project.run(DAY + timedelta(days=1), "second")
    request = Request(model=MODEL, period=Period(first=date(2026, 3, 2), last=date(2026, 3, 2)))
    export_archive(project.store, request, output=tmp_path / "bag", moment=MOMENT)
    found = verify_model(LocalStore(str(tmp_path / "bag" / "data")), MODEL, period=request.period)
    assert {problem.code for problem in found.problems} == {"object.left_out", "link.unsigned"}
    assert found.verdicts == 1


def test_an_export_from_a_bucket_has_the_bytes_of_one_from_a_folder(made, bag, tmp_path):
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s")
        client.create_bucket(Bucket="evidence")
        client.put_bucket_versioning(Bucket="evidence", VersioningConfiguration={"Status": "Enabled"})
        store = S3Store("s3://evidence/prod", client=client)
        for name, content in contents(made.folder).items():
            store.put_once(name, content, media_type="application/octet-stream")
        # What somebody writes over it later is not exported: the oldest version counts.
        key = object_file(made.folder, FAILED, "quality/report.html").relative_to(made.folder).as_posix()
        client.put_object(Bucket="evidence", Key=f"prod/{key}", Body=b"<p>nothing happened</p>")
        request = Request(model=MODEL, period=MIDDLE, trust_file=made.trust, expected_head=made.head)
        export_archive(store, request, output=tmp_path / "bag", moment=MOMENT)
    assert contents(tmp_path / "bag") == contents(bag)


def tampered(made: SignedArchive, tmp_path) -> SignedArchive:
    shutil.copytree(made.folder, tmp_path / "archive")
    case = next(case for case in TAMPERINGS if case.name == "stops flipped in the manifest")
    case.tamper(tmp_path / "archive", made.keys)
    return SignedArchive(folder=tmp_path / "archive", keys=made.keys, head=made.head)


def test_an_archive_that_is_not_sound_is_not_exported(made, tmp_path):
    verification, selection = export(tampered(made, tmp_path), tmp_path / "bag")
    assert (verification.is_sound, selection) == (False, None)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_an_archive_that_is_not_sound_is_exported_on_demand_and_the_bag_says_so(made, tmp_path):
    archive = tampered(made, tmp_path)
    verification, _ = export(archive, tmp_path / "bag", unsound=True)
    found = verify(made, tmp_path / "bag", MIDDLE)
    errors = {problem.code for problem in found.problems if problem.severity == "error"}
    assert errors == {problem.code for problem in verification.problems} == {"object.altered"}
    page = (tmp_path / "bag" / "data" / "index.html").read_text()
    assert "Not sound" in page
    assert "object.altered" in page
    assert "Link 2 is not shown: " in page
    assert "2026-03-02: " not in page, "what an altered manifest says is not repeated"


def test_a_forged_run_is_exported_too_so_that_it_is_found(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "archive")
    next(case for case in TAMPERINGS if case.name == "manifest forged without a link").tamper(
        tmp_path / "archive", made.keys
    )
    archive = SignedArchive(folder=tmp_path / "archive", keys=made.keys, head=made.head)
    export(archive, tmp_path / "bag", WHOLE, unsound=True)
    assert {problem.code for problem in verify(made, tmp_path / "bag", WHOLE).problems} == {"evidence.unlinked"}


def test_days_without_a_run_and_a_folder_that_exists_are_refused(made, tmp_path):
    with pytest.raises(PolicyError, match="no run that can be read in the days 2025-01-01 to 2025-01-02"):
        export(made, tmp_path / "bag", Period(first=date(2025, 1, 1), last=date(2025, 1, 2)))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "bag").mkdir()
    with pytest.raises(PolicyError, match="exists and is not overwritten"):
        export(made, tmp_path / "bag")
    with pytest.raises(ValueError, match="the last one comes before the first"):
        Period(first=MIDDLE.last, last=MIDDLE.first)


class FailsOnce(LocalStore):
    """A store that does not answer once, while a picture is copied."""

    is_copying: Path

    def get(self, key: str) -> bytes:
        if key.endswith(".svg") and self.is_copying.exists():
            self.is_copying = Path("never again")
            raise StoreUnreachable("no answer")
        return super().get(key)


def test_a_crash_leaves_no_bag_and_the_next_export_is_whole(made, tmp_path, bag):
    store = FailsOnce(str(made.folder))
    store.is_copying = tmp_path / ".bag.partial"
    request = Request(model=MODEL, period=MIDDLE, trust_file=made.trust, expected_head=made.head)
    with pytest.raises(StoreUnreachable):
        export_archive(store, request, output=tmp_path / "bag", moment=MOMENT)
    assert [path.name for path in tmp_path.iterdir()] == [".bag.partial"]
    export_archive(store, request, output=tmp_path / "bag", moment=MOMENT)
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]
    assert contents(tmp_path / "bag") == contents(bag)


def test_the_command_exports_and_refuses_by_its_exit_code(made, tmp_path, capsys):
    command = ["archive", "export", str(made.folder), "--model", MODEL, "--trust", str(made.trust)]
    days = ["--from", "2026-03-02", "--to", "2026-03-03"]
    assert main([*command, *days, "--output", str(tmp_path / "bag")]) == 0
    assert f"{tmp_path / 'bag'}: 2 runs of synthetic, 2026-03-02 to 2026-03-03" in capsys.readouterr().out
    assert main([*command, *days, "--output", str(tmp_path / "bag")]) == 2
    assert main([*command, "--from", "2026-03-03", "--to", "2026-03-02", "--output", str(tmp_path / "b")]) == 2
    other = ["--expect-head", "0" * 64, "--output", str(tmp_path / "other")]
    assert main([*command, *days, *other]) == 1
    assert "not written" in capsys.readouterr().out
    assert main([*command, *days, *other, "--unsound"]) == 0


def test_junit_has_a_suite_for_each_run_and_a_case_for_each_finding(bag):
    root = ET.fromstring((bag / "data" / "junit.xml").read_bytes())
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["synthetic 2026-03-02 night-2", "synthetic 2026-03-03 night-3"]
    failed, waived = suites.values()
    assert [failed.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "1", "0", "0"]
    assert [waived.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "0", "0", "1"]
    failure = failed.find("testcase[@name='accuracy']/failure")
    assert failure is not None
    assert failure.get("message", "").startswith("quality: accuracy is 18.2%")


def test_junit_holds_no_character_that_xml_cannot_hold(made):
    from model_governance.evidence.export import select

    (run, *_) = select(LocalStore(str(made.folder)), MODEL, WHOLE).runs
    finding = {**run.manifest["verdict"]["findings"][0], "outcome": "warn", "sentence": "a\x00b\x1b<c>&\ud800"}
    verdict = {**run.manifest["verdict"], "findings": [finding], "outcome": "warn", "stops": False}
    manifest = {**run.manifest, "verdict": verdict}
    root = ET.fromstring(junit_of(MODEL, [type(run)(link=run.link, manifest=manifest, records={})]))
    assert root.find("testsuite/testcase/system-out").text == "a\ufffdb\ufffd<c>&\ufffd"


def test_the_model_card_says_what_stands_against_the_model(bag):
    card = (bag / "data" / "model_card.md").read_text()
    assert "| quality | accuracy | 18.2% | 14.6% to 22.4% | at least 60% | waived |" in card
    assert "waived until 2026-03-31 by Ada (RISK-7)" in card
    assert "Ada accepted the run of 2026-03-01 (pass) as baseline" in card
    assert "| fail | 1 |\n| waived | 1 |" in card


def test_the_oscal_results_name_controls_and_say_of_none_that_it_is_satisfied(bag):
    text = (bag / "data" / "assessment_results.oscal.json").read_text()
    document = json.loads(text)["assessment-results"]
    failed, waived = document["results"]
    assert [result["title"] for result in (failed, waived)] == ["Run of 2026-03-02: fail", "Run of 2026-03-03: waived"]
    (finding,) = failed["findings"]
    assert finding["target"]["status"]["state"] == "not-satisfied"
    assert finding["description"].startswith("quality: FAIL")
    assert '"state": "satisfied"' not in text
    assert "findings" not in waived
    (selection,) = failed["reviewed-controls"]["control-selections"]
    assert {"control-id": "NIST-AI-RMF_MEASURE_2.3"} in selection["include-controls"]
    observed = {each["uuid"]: each for each in failed["observations"]}
    (related,) = finding["related-observations"]
    assert "accuracy is 18.2%" in observed[related["observation-uuid"]]["description"]
    plans = {f"#{each['uuid']}" for each in document["back-matter"]["resources"]}
    assert document["import-ap"]["href"] in plans


def test_a_run_whose_checks_support_no_control_says_so(made):
    from model_governance.evidence.export import assessment_results, select

    selection = select(LocalStore(str(made.folder)), MODEL, WHOLE)
    for run in selection.runs:
        for check in run.link.predicate["checks"]:
            check["controls"].clear()
    document = json.loads(assessment_results(selection, head=made.head))["assessment-results"]
    for result in document["results"]:
        (chosen,) = result["reviewed-controls"]["control-selections"]
        assert "support no control" in chosen["description"]
        assert "include-controls" not in chosen


def test_the_trust_file_and_its_keys_are_beside_the_evidence(made, bag):
    assert (bag / "data" / "trust.yaml").read_bytes() == made.trust.read_bytes()
    (key,) = (bag / "data" / "keys").iterdir()
    assert key.read_bytes() == made.public_key.read_bytes()
    assert re.fullmatch("[0-9a-f]{64}.pem", key.name)


def test_the_answer_of_the_verification_is_beside_the_evidence(made, bag):
    record = json.loads((bag / "data" / "verification.json").read_bytes())
    assert record["sound"] is True
    assert record["head"] == {"sequence": LAST, "sha256": made.head}


def test_every_link_of_the_chain_is_in_the_bag(made, bag):
    for number in range(1, LAST + 1):
        assert link_file(bag / "data", number).read_bytes() == link_of(made.folder, number).content

"""Other implementations accept what we export: bagit-py and sha256sum (RFC 8493), cyclonedx-python-lib (CycloneDX 1.6),
compliance-trestle (OSCAL) where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, date, datetime

import bagit
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from model_governance.authoring.export import Request, export_archive
from model_governance.evidence.period import Period
from model_governance.store.local import LocalStore
from signed_archive import MODEL, signed_archive

SHA256SUM = shutil.which("sha256sum")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    archive = signed_archive(folder)
    request = Request(
        model=MODEL, period=Period(first=date(2026, 3, 1), last=date(2026, 3, 3)), trust_file=archive.trust
    )
    export_archive(
        LocalStore(str(archive.folder)), request, output=folder / "bag", moment=datetime(2026, 4, 1, tzinfo=UTC)
    )
    return folder / "bag"


@pytest.fixture
def bag(exported, tmp_path):
    """A copy that a test may alter."""
    return shutil.copytree(exported, tmp_path / "bag")


def test_bagit_accepts_the_bag(bag):
    found = bagit.Bag(str(bag))
    assert found.is_valid()
    assert found.version == "1.0"
    assert found.info["Payload-Oxum"] == f"{sum(path.stat().st_size for path in files(bag))}.{len(files(bag))}"


def files(bag):
    return [path for path in (bag / "data").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["data/index.html", "bag-info.txt", "manifest-sha256.txt"])
def test_bagit_refuses_an_altered_file(bag, name):
    (bag / name).write_bytes((bag / name).read_bytes() + b"\n")
    assert not bagit.Bag(str(bag)).is_valid()


def test_bagit_refuses_a_bag_that_lacks_a_file_or_has_one_more(bag):
    (bag / "data" / "one_more.txt").write_text("x")
    assert not bagit.Bag(str(bag)).is_valid()
    (bag / "data" / "one_more.txt").unlink()
    (bag / "data" / "junit.xml").unlink()
    assert not bagit.Bag(str(bag)).is_valid()


@pytest.mark.skipif(SHA256SUM is None, reason="needs the sha256sum command")
def test_sha256sum_accepts_the_bag_and_refuses_an_altered_one(bag):
    command = ["sha256sum", "--check", "--quiet", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    assert subprocess.run(command, cwd=bag, capture_output=True, check=False).returncode == 0
    (bag / "data" / "model_card.md").write_text("everything is fine")
    done = subprocess.run(command, cwd=bag, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "data/model_card.md: FAILED\n")


def problem_of(text: str):
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


def test_the_bill_of_materials_is_valid_cyclonedx(exported):
    text = (exported / "data" / "bom.cdx.json").read_text()
    assert problem_of(text) is None
    document = json.loads(text)
    model = document["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", MODEL)
    assert {"type": "quality: accuracy", "value": "0.1825"}.items() <= next(
        metric for metric in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        if metric["type"] == "quality: accuracy"
    ).items()  # fmt: skip
    references = {component["bom-ref"] for component in document["components"]}
    assert {each["ref"] for each in model["modelCard"]["modelParameters"]["datasets"]} <= references
    # Two versions of the current rows and one reference.
    assert sorted(reference.split(":")[1] for reference in references) == ["current", "current", "reference"]


def test_the_validator_refuses_what_is_no_cyclonedx(exported):
    document = json.loads((exported / "data" / "bom.cdx.json").read_text())
    document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 0.5
    assert problem_of(json.dumps(document)) is not None
    document = json.loads((exported / "data" / "bom.cdx.json").read_text())
    document["metadata"]["component"]["verdict"] = "pass"
    assert problem_of(json.dumps(document)) is not None


def test_the_assessment_results_are_valid_oscal(exported, tmp_path):
    results = pytest.importorskip("trestle.oscal.assessment_results", reason="needs compliance-trestle")
    document = json.loads((exported / "data" / "assessment_results.oscal.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps(document))
    found = results.AssessmentResults.oscal_read(tmp_path / "results.json")
    assert [each.title for each in found.results] == [
        each["title"] for each in document["assessment-results"]["results"]
    ]
    del document["assessment-results"]["results"][0]["reviewed-controls"]
    (tmp_path / "results.json").write_text(json.dumps(document))
    with pytest.raises(Exception, match="reviewed"):
        results.AssessmentResults.oscal_read(tmp_path / "results.json")

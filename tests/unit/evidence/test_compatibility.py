"""Documents of every release stay readable; one of another version is refused in words.

The files of 0.1.0 come from a run of `project.small_project` with a drift check and a query budget; 0.2.0 changed the profile
(a current dataset whose incomes had moved by 100). A release that changes a schema adds files of its own beside these and
never edits them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import synthetic
from model_governance.attacks.schedule import FILE, AttackBudget, schedule_attacks
from model_governance.checks.privacy.membership_inference import answer_cache
from model_governance.contract.documents import read_document
from model_governance.contract.subject import PreviousRun
from model_governance.engine.stored_profiles import read_profile
from model_governance.errors import EvidenceError
from model_governance.evidence.acceptance import as_acceptance
from model_governance.evidence.manifest import as_manifest
from model_governance.evidence.record import CHECK_SCHEMA
from model_governance.report import render_check, render_run
from model_governance.verdict import read_verdict

STORED = Path(__file__).resolve().parents[2] / "data" / "compatibility"
NEWEST = {"profile.json": "0.2.0"}
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def content(name: str, release: str | None = None) -> bytes:
    """The document of a release, by default the last that changed its schema."""
    return (STORED / (release or NEWEST.get(name, "0.1.0")) / name).read_bytes()


def previous(name: str, stored: bytes) -> PreviousRun:
    return PreviousRun(logical_date=MOMENT, name=name, key=f"v1/{name}", sha256="", content=stored)


def read_record(stored: bytes) -> dict:
    record = read_document(stored, origin="record", schema=CHECK_SCHEMA)
    read_verdict(record["verdict"])
    return record


def read_schedule(stored: bytes):
    subject = replace(synthetic.subject(), earlier=(previous(FILE, stored),))
    return schedule_attacks(["loss"], {"loss": AttackBudget(every_runs=7)}, subject)


def read_acceptance(stored: bytes):
    acceptance = as_acceptance(stored, origin="acceptance")
    assert acceptance.content == stored
    return acceptance


READERS = {
    "acceptance.json": read_acceptance,
    "check.json": read_record,
    "run_manifest.json": lambda stored: as_manifest(stored, origin="manifest"),
    "profile.json": lambda stored: read_profile(stored, origin="profile"),
    "attack_schedule.json": read_schedule,
}


@pytest.mark.parametrize(
    ("release", "name"),
    [*(("0.1.0", name) for name in READERS), *((release, name) for name, release in NEWEST.items())],
)
def test_a_document_of_a_release_is_read(release, name):
    assert READERS[name](content(name, release))


def test_pages_can_be_drawn_again_from_stored_documents():
    record, manifest = json.loads(content("check.json")), json.loads(content("run_manifest.json"))
    assert b"<html" in render_check(record, {})
    assert b"<html" in render_run(manifest, href=lambda key: key)


@pytest.mark.parametrize("version", ["v0", "v3", "v10"])
@pytest.mark.parametrize("name", READERS)
def test_an_older_or_newer_version_is_refused_and_both_are_named(name, version):
    document = json.loads(content(name))
    ours = document["schema"]
    theirs = ours.rsplit("/", 1)[0] + f"/{version}"
    with pytest.raises(EvidenceError) as caught:
        READERS[name](json.dumps(document | {"schema": theirs}).encode())
    assert ours in str(caught.value)
    assert theirs in str(caught.value)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("stored", [b"", b"[]", b"null", b'"text"', b"{}", b"\xff\xfe"], ids=range(6))
def test_what_is_no_document_is_an_evidence_error_and_never_a_type_error(name, stored):
    with pytest.raises(EvidenceError, match="expected a document"):
        READERS[name](stored)


def test_a_finding_with_an_unknown_field_is_refused_in_words():
    verdict = json.loads(content("check.json"))["verdict"]
    verdict["findings"][0]["unheard_of"] = 1
    with pytest.raises(EvidenceError, match="unheard_of"):
        read_verdict(verdict)


def test_cached_outputs_are_read_and_others_count_as_not_cached():
    stored = content("reference_answers.npz")
    assert answer_cache.from_earlier_runs([previous(answer_cache.FILE, stored)])
    for broken in (b"", stored[:100], b"PK\x03\x04", b"\x93NUMPY"):
        assert answer_cache.from_earlier_runs([previous(answer_cache.FILE, broken)]) == {}

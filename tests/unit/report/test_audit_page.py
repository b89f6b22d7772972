"""The page of an export: what was verified, runs worst first, links into the bag; nothing is fetched, nothing runs."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from model_governance.authoring.export import Request, export_archive
from model_governance.evidence.period import Period
from model_governance.store.local import LocalStore
from signed_archive import MODEL, SignedArchive, signed_archive
from unit.report.reading import Reading

PERIOD = Period(first=date(2026, 3, 2), last=date(2026, 3, 4))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


def export(archive: SignedArchive, folder, **more):
    request = Request(model=MODEL, period=PERIOD, **more)
    export_archive(LocalStore(str(archive.folder)), request, output=folder, moment=datetime(2026, 4, 1, tzinfo=UTC))
    return folder / "data"


@pytest.fixture(scope="module")
def data(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "bag"
    return export(made, folder, trust_file=made.trust, expected_head=made.head)


@pytest.fixture(scope="module")
def page(data) -> Reading:
    return Reading((data / "index.html").read_bytes())


def test_it_is_well_formed_and_runs_nothing(page):
    assert page.unbalanced == []
    assert page.handlers == []
    assert page.tags["script"] == 0
    assert page.headers_without_scope == 0
    assert [name for name, count in page.ids.items() if count > 1] == []


def test_every_link_leads_to_a_file_of_the_bag_or_a_place_of_the_page(page, data):
    targets = [target for _, target in page.fetched]
    assert len(targets) > 12
    for target in targets:
        if target.startswith("#"):
            assert target.removeprefix("#") in page.ids
        else:
            assert (data / target).is_file()


def test_the_worst_run_comes_first_and_its_findings_are_sentences(page):
    headings = [text for level, text in page.headings if level == 2 and text.startswith("2026")]
    assert headings == ["2026-03-02: Fail", "2026-03-03: Waived", "2026-03-04: Pass"]
    assert "quality: accuracy is 18.2% (95% interval 14.6% to 22.4%; n = 400), must be at least 60%: fail" in page.words


def test_it_says_what_was_verified_and_by_whose_key(page, made):
    assert "Sound The archive was verified before this export" in page.words
    assert f"The newest one is number 5, SHA-256 {made.head}" in page.words
    assert "That digest is the one that was kept elsewhere" in page.words
    assert "The signatures of the links, made by: the platform." in page.words
    assert "8 verdicts of checks were computed again" in page.words
    assert "1 run is outside these days" in page.words
    assert "Ada accepted the run of 2026-03-01 (pass) as baseline" in page.words


def test_it_does_not_claim_what_was_not_verified(made, tmp_path):
    words = Reading((export(made, tmp_path / "bag") / "index.html").read_bytes()).words
    assert "Signatures were not verified: no trust file was given." in words
    assert "Compare that digest with one that you were given before" in words
    assert not (tmp_path / "bag" / "data" / "keys").exists()

"""A chain that several processes read in parts gives the answer of one process, sound or altered."""

from __future__ import annotations

import os

import pytest

from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import parts, verify_archive
from model_governance.store.local import LocalStore
from signed_archive import LAST, MODEL, SignedArchive, link_file, signed_archive
from tampering import TAMPERINGS, Tampering


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def archive(made, tmp_path) -> SignedArchive:
    """A copy that a test may alter."""
    return made.copied(tmp_path)


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch):
    monkeypatch.setattr(parts, "MIN_LINKS", 1)


def verify(archive: SignedArchive, *, processes: int):
    (found,) = verify_archive(
        LocalStore(str(archive.folder)), trust=read_trust(archive.trust), expected={MODEL: archive.head},
        processes=processes,
    )  # fmt: skip
    return found


@pytest.mark.parametrize("processes", [2, LAST])
def test_a_sound_archive_is_sound_in_parts(archive, processes):
    found = verify(archive, processes=processes)
    assert found == verify(archive, processes=1)
    assert (found.is_sound, found.links) == (True, LAST)


def test_the_links_are_verified_by_other_processes(archive, monkeypatch):
    seen = []
    monkeypatch.setattr("model_governance.evidence.verification.walk.verify_link", lambda *_: seen.append(os.getpid()))
    verify(archive, processes=2)
    assert seen == []
    verify(archive, processes=1)
    assert seen == [os.getpid()] * LAST


@pytest.mark.parametrize("case", TAMPERINGS, ids=lambda case: case.name.replace(" ", "_"))
def test_what_is_found_in_parts_is_what_one_process_finds(archive, case: Tampering):
    case.tamper(archive.folder, archive.keys)
    assert verify(archive, processes=3) == verify(archive, processes=1)


@pytest.mark.parametrize("missing", range(1, LAST + 1))
def test_a_link_that_is_missing_or_damaged_at_the_edge_of_a_part_is_found_once(archive, missing):
    path = link_file(archive.folder, missing)
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    assert verify(archive, processes=LAST) == verify(archive, processes=1)
    path.unlink()
    assert verify(archive, processes=LAST - 1) == verify(archive, processes=1)


def test_a_process_that_dies_costs_time_and_no_answer(archive, monkeypatch):
    this = os.getpid()

    def dies_elsewhere(*_):
        if os.getpid() != this:
            os._exit(1)

    monkeypatch.setattr("model_governance.evidence.verification.walk.verify_link", dies_elsewhere)
    assert verify(archive, processes=2).links == LAST

"""What an intruder or an insider does to an archive is found, each case by its code."""

from __future__ import annotations

import shutil

import pytest

from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_archive
from model_governance.store.local import LocalStore
from signed_archive import LAST, MODEL, PASSED, SignedArchive, insider, restate, signed_archive
from tampering import TAMPERINGS, Tampering


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def archive(made, tmp_path) -> SignedArchive:
    """A copy that a test may alter."""
    shutil.copytree(made.folder, tmp_path / "archive")
    return SignedArchive(folder=tmp_path / "archive", keys=made.keys, head=made.head)


def verify(archive: SignedArchive, *, head: bool = True):
    (found,) = verify_archive(
        LocalStore(str(archive.folder)), trust=read_trust(archive.trust),
        expected={MODEL: archive.head} if head else None,
    )  # fmt: skip
    return found


def test_the_archive_as_it_was_written_is_sound(archive):
    found = verify(archive)
    assert (found.problems, found.links, found.verdicts) == ((), LAST, 8)


@pytest.mark.parametrize("case", TAMPERINGS, ids=lambda case: case.name.replace(" ", "_"))
def test_tampering_is_found(archive, case: Tampering):
    case.tamper(archive.folder, archive.keys)
    found = verify(archive)
    codes = {problem.code for problem in found.problems if problem.severity == "error"}
    assert case.codes <= codes
    # A manifest that contradicts itself is refused when it is read, before it is judged again.
    assert case.judged <= codes or "object.damaged" in codes
    assert not found.is_sound


@pytest.mark.parametrize("case", [case for case in TAMPERINGS if case.needs_head], ids=lambda case: case.name)
def test_only_the_digest_of_the_head_shows_what_was_cut_off_or_written_anew(archive, case: Tampering):
    case.tamper(archive.folder, archive.keys)
    assert verify(archive, head=False).is_sound


def test_a_link_signed_anew_with_the_same_payload_breaks_nothing(archive):
    restate(archive.folder, PASSED, lambda _: None, signer=insider(archive.keys))
    assert verify(archive).is_sound

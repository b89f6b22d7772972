"""What an intruder or an insider does to an archive is found, each case by its code."""

from __future__ import annotations

import shutil

import pytest

from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_archive
from model_governance.store.local import LocalStore
from signed_archive import (
    FAILED,
    LAST,
    MODEL,
    PASSED,
    SignedArchive,
    insider,
    link_file,
    link_of,
    restate,
    signed_archive,
)
from tampering import TAMPERINGS, Tampering


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def archive(made, tmp_path) -> SignedArchive:
    """A copy that a test may alter."""
    return made.copied(tmp_path)


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
    # A manifest that contradicts itself is refused when it is read, before it is judged again.
    judged = {"verdict.differs"} if "object.damaged" in codes else set()
    assert (case.codes | case.judged) - judged <= codes
    assert not found.is_sound


@pytest.mark.parametrize("case", [case for case in TAMPERINGS if case.needs_head], ids=lambda case: case.name)
def test_only_the_digest_of_the_head_shows_what_was_cut_off_or_written_anew(archive, case: Tampering):
    case.tamper(archive.folder, archive.keys)
    assert verify(archive, head=False).is_sound


@pytest.mark.parametrize(
    "case",
    [case for case in TAMPERINGS if case.judged and case.tamper.func.__name__ == "_rewrite"],
    ids=lambda case: case.name,
)
def test_the_judge_alone_finds_what_an_insider_writes_into_the_newest_link(archive, case: Tampering):
    shutil.rmtree(archive.folder / "v1" / "index")  # it is no evidence, and an insider writes it anew
    for number in range(LAST, FAILED, -1):
        (archive.folder / link_of(archive.folder, number).about["key"]).unlink()
        link_file(archive.folder, number).unlink()
    assert verify(archive, head=False).is_sound
    case.tamper(archive.folder, archive.keys)
    codes = {problem.code for problem in verify(archive, head=False).problems if problem.severity == "error"}
    assert case.judged <= codes or codes == {"object.damaged"}


def test_a_link_signed_anew_with_the_same_payload_breaks_nothing(archive):
    restate(archive.folder, PASSED, lambda _: None, signer=insider(archive.keys))
    assert verify(archive).is_sound


@pytest.mark.parametrize("release", ["this", "another"])
def test_a_release_that_judges_otherwise_says_so_and_accuses_nobody(archive, release, monkeypatch):
    from dataclasses import replace

    from model_governance.evidence.verification import judgement, link
    from model_governance.verdict import judge

    def judges_otherwise(*arguments, **named):
        verdict = judge(*arguments, **named)
        return replace(verdict, findings=tuple(replace(each, noise=2.0) for each in verdict.findings))

    monkeypatch.setattr(judgement, "judge", judges_otherwise)
    if release == "another":
        monkeypatch.setattr(link, "version", lambda _: "99.0")
    found = verify(archive)
    codes = {problem.code for problem in found.problems}
    assert codes == ({"verdict.unchecked"} if release == "another" else {"verdict.differs"})
    assert found.is_sound == (release == "another")

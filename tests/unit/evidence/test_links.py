"""Runs, acceptances and requests become links; what a crash left out is appended by the next run."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from pydantic_core import to_json

import project
import synthetic
from model_governance.authoring.accept import accept_run
from model_governance.authoring.keys import make_keys
from model_governance.errors import EvidenceError, StoreUnreachable
from model_governance.evidence.begun import note_begun
from model_governance.evidence.chain import link_keys, read_link
from model_governance.evidence.envelope import canonical
from model_governance.evidence.signing import signer_of
from model_governance.evidence.statement import run_statements
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_archive


@pytest.fixture
def small(tmp_path):
    make_keys(tmp_path / "keys", owner="Ops", moment=project.DAY)
    small = project.small_project(tmp_path)
    return small.change(archive={"signing_key": "file:keys/signing_key.pem"})


def night(small, day: int):
    return small.run(project.DAY + timedelta(days=day), f"night-{day}")


def links(small):
    return [read_link(small.store, key) for _, key in link_keys(small.store, "synthetic")]


def is_sound(small) -> bool:
    (found,) = verify_archive(small.store, trust=read_trust(small.folder / "keys" / "trust.yaml"))
    return found.is_sound


def test_a_run_is_a_signed_link_with_every_object_it_used_and_made(small):
    run = night(small, 0)
    (link,) = links(small)
    assert link == run.link
    assert link.is_signed
    assert link.about == {"key": run.manifest.key, "sha256": run.manifest.sha256}
    named = {subject["name"]: subject for subject in link.statement["subject"]}
    assert named["model/synthetic"]["digest"]["sha256"] == small.policy().model.sha256
    assert {
        "run_manifest.json",
        "policy.yaml",
        "report.html",
        "quality/check.json",
        "validation/report.html",
    } <= named.keys()
    assert run.summary()["link"] == {"key": link.key, "sequence": 1, "sha256": link.digest, "signed": True}


def test_what_is_stated_of_a_run_is_made_in_the_order_of_its_canonical_form(small, monkeypatch):
    night(small, 0)
    made = []

    def kept(evidence, place):
        made.extend(run_statements(evidence, place))
        return tuple(made)

    monkeypatch.setattr("model_governance.evidence.verification.link.run_statements", kept)
    assert is_sound(small)
    assert [to_json(statement) for statement in made] == [canonical(statement) for statement in made]
    assert len(made) == 2


def test_a_repeated_archive_task_appends_nothing(small):
    runs = [small.check("quality"), small.check("validation")]
    first, again = small.archive(*runs), small.archive(*runs)
    assert first.link == again.link
    assert len(links(small)) == 1


def test_a_repeated_run_is_a_link_of_its_own_and_order_is_that_of_the_chain(small):
    night(small, 1)
    small.write_current(synthetic.rows(seed=9))
    night(small, 1)
    assert [link.sequence for link in links(small)] == [1, 2]


def test_an_acceptance_is_a_link(small):
    night(small, 0)
    accept_run(small.store, "synthetic", "2026-03-01", reason="the feed changed", by="A. Owner")
    link = links(small)[-1]
    assert link.kind == "acceptance"
    assert link.predicate["document"]["by"] == "A. Owner"


def test_without_a_key_the_link_is_unsigned_and_says_so(small):
    small.change(archive={})
    run = night(small, 0)
    assert not run.link.is_signed
    assert run.summary()["link"]["signed"] is False


def test_a_missing_key_is_an_error_and_a_later_try_archives_the_run(small):
    small.change(archive={"signing_key": "env:NO_SUCH_KEY"})
    with pytest.raises(EvidenceError, match="NO_SUCH_KEY"):
        night(small, 0)
    assert list(small.store.keys("v1/")) == []  # nothing was measured in vain
    small.change(archive={"signing_key": "file:keys/signing_key.pem"})
    night(small, 0)
    assert [link.predicate["run"]["run_id"] for link in links(small)] == ["night-0"]
    assert is_sound(small)


class DiesBefore:
    """A store whose writer dies before it stores a key that starts with a prefix."""

    def __init__(self, store, prefix: str) -> None:
        self._store, self._prefix = store, prefix

    def __getattr__(self, name):
        return getattr(self._store, name)

    def put_once(self, key, content, *, media_type):
        if key.startswith(self._prefix):
            raise StoreUnreachable("killed")
        return self._store.put_once(key, content, media_type=media_type)


@pytest.mark.parametrize("prefix", ["v1/chain/", "v1/hints/"])
def test_what_a_crash_left_out_is_appended_by_the_next_run(small, prefix):
    night(small, 0)
    with pytest.raises(StoreUnreachable):
        _run_on(small, DiesBefore(small.store, prefix), day=1)
    night(small, 2)
    assert sorted(link.predicate["run"]["run_id"] for link in links(small)) == ["night-0", "night-1", "night-2"]
    assert is_sound(small)


def test_a_run_whose_note_is_damaged_is_appended_all_the_same(small):
    with pytest.raises(StoreUnreachable):
        _run_on(small, DiesBefore(small.store, "v1/chain/"), day=1)
    (note,) = small.store.keys("v1/begun/")
    path = small.store.root / note
    path.chmod(0o644)
    path.write_bytes(b"{}")
    night(small, 2)
    assert sorted(link.predicate["run"]["run_id"] for link in links(small)) == ["night-1", "night-2"]


def test_what_was_begun_and_never_stored_is_no_fault(small, caplog):
    note_begun(small.store, "synthetic", "v1/runs/model=synthetic/run=2026-03-01T000000Z/a/b/run_manifest.json")
    night(small, 0)
    assert len(links(small)) == 1
    assert "no link" not in caplog.text


def test_an_acceptance_whose_writer_died_is_appended_by_the_next_run(small):
    night(small, 0)
    with pytest.raises(StoreUnreachable):
        accept_run(
            DiesBefore(small.store, "v1/chain/"), "synthetic", "2026-03-01", reason="new feed", by="A. Owner",
            signer=signer_of(small.policy()),
        )  # fmt: skip
    night(small, 1)
    assert [link.kind for link in links(small)] == ["run", "acceptance", "run"]
    assert is_sound(small)


def forge(small, run) -> None:
    """Put a run beside another, consistent in itself: every digest in it is right."""
    path = small.store.root / run.manifest.key
    content = path.read_bytes().replace(b"night-0", b"night-X")
    forged = path.parent.with_name(hashlib.sha256(content).hexdigest()[:16]) / path.name
    forged.parent.mkdir()
    forged.write_bytes(content)


def test_a_forged_run_is_never_signed(small):
    forge(small, night(small, 0))
    night(small, 1)
    assert [link.predicate["run"]["run_id"] for link in links(small)] == ["night-0", "night-1"]
    assert not is_sound(small)


def test_an_announcement_of_another_key_or_run_is_none(small):
    run = night(small, 0)
    forge(small, run)
    announced = small.store.root / "v1/announced" / run.manifest.key
    forged = next(
        key for key in small.store.keys("v1/runs/") if key.endswith("manifest.json") and key != run.manifest.key
    )
    copied = small.store.root / "v1/announced" / forged
    copied.parent.mkdir(parents=True)
    copied.write_bytes(announced.read_bytes())
    night(small, 1)
    assert len(links(small)) == 2


def _run_on(small, store, *, day: int):
    from model_governance.contract.connections import PlainConnections
    from model_governance.run import run_policy

    run = small.night(project.DAY + timedelta(days=day), f"night-{day}")
    return run_policy(small.policy(), run=run, store=store, connections=PlainConnections())

"""Where a trust file is named, no number of an earlier run is used without the signature of one of its keys."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import timedelta

import pytest

import project
from baseline_cases import Nights
from model_governance.authoring.keys import make_keys
from model_governance.contract.connections import PlainConnections
from model_governance.errors import EvidenceError
from model_governance.evidence.chain import link_key, read_link
from model_governance.evidence.envelope import canonical, seal
from model_governance.evidence.history import Archive
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of

LOWER = {b"0.95": b"0.55", b"0.948": b"0.548"}
LOSS = {"metric": "accuracy", "min_absolute_change": -0.02, "against": "last_passed"}


@pytest.fixture
def made(tmp_path):
    make_keys(tmp_path / "keys", owner="Ops", moment=project.DAY)
    make_keys(tmp_path / "stranger", owner="Nobody", moment=project.DAY)
    small = project.small_project(tmp_path, checks={"quality": {"kind": "model_quality", "thresholds": [LOSS]}})
    return Nights(small)


def sign(made, key: str | None, *, trust: str | None = "keys/trust.yaml") -> None:
    named = {} if key is None else {"signing_key": f"file:{key}/signing_key.pem"}
    made.small.change(archive=named | ({} if trust is None else {"trust": trust}))


def record(made) -> dict:
    row = json.loads(made.small.store.get(made.ended[-1].manifest.key))["checks"][0]
    return json.loads(made.small.store.get(row["record"]["key"]))


def test_signed_runs_are_used(made):
    sign(made, "keys")
    made.night(1, 0.95)
    assert made.night(2, 0.95).baseline == 0.95
    assert record(made)["damaged"] == []


@pytest.mark.parametrize("key", [None, "stranger"])
def test_a_run_without_a_signature_that_counts_is_no_baseline(made, key):
    sign(made, key, trust=None)
    made.night(1, 0.95)
    sign(made, "keys")
    finding = made.night(2, 0.95)
    assert finding.outcome == "error"
    assert finding.baseline is None
    assert "link 1 of synthetic is about it, but it is" in made.ended[-1].verdict.sentence


def test_a_forged_run_is_no_baseline_though_all_its_digests_are_right(made):
    sign(made, "keys")
    made.night(1, 0.95)
    _forge(made, LOWER, day=2)
    finding = made.night(3, 0.56)
    assert finding.outcome == "error"
    assert "expected a signed link about it in the chain of synthetic, found none" in made.ended[-1].verdict.sentence


def test_without_a_trust_file_the_forged_run_would_count(made):
    """The fault that the trust file is for: what the test above refuses is otherwise sound."""
    sign(made, "keys", trust=None)
    made.night(1, 0.95)
    _forge(made, LOWER, day=2)
    assert made.night(3, 0.56).baseline == 0.55


def test_a_link_that_an_insider_signed_anew_is_found_by_the_one_behind_it(made):
    sign(made, "keys")
    made.night(1, 0.95)
    made.night(2, 0.5)
    assert made.night(3, 0.95).baseline == 0.95
    store, key = made.small.store, link_key("synthetic", 1)
    link, signer = read_link(store, key), signer_of(made.small.policy())
    statement = {**link.statement, "predicate": {**link.predicate, "recorded_at": "2026-03-01T00:00:01+00:00"}}
    lines = [seal(canonical(statement), signer).line(), link.envelopes[1].line()]
    path = store.root / key
    path.chmod(0o644)
    path.write_bytes(b"\n".join(lines) + b"\n")
    for folder in ("", "v1/hints/"):  # the last run that passed is the first one again
        (store.root / f"{folder}{made.ended[2].manifest.key}").unlink()
    assert made.night(4, 0.95).outcome == "error"
    assert "the link behind it holds another digest" in made.ended[-1].verdict.sentence


def test_an_acceptance_without_a_signature_that_counts_accepts_nothing(made):
    sign(made, "keys")
    made.night(1, 0.95)
    sign(made, None, trust=None)
    made.accept("2026-03-01")
    made.small.raw["checks"]["quality"]["thresholds"] = [LOSS | {"against": "approved"}]
    sign(made, "keys")
    assert made.night(2, 0.95).outcome == "error"
    assert "v1/acceptances/" in made.ended[-1].verdict.sentence


def test_an_unsigned_run_cannot_be_accepted(made):
    sign(made, None, trust=None)
    made.night(1, 0.95)
    from model_governance.authoring.accept import accept_run
    from model_governance.evidence.trust import read_trust

    trust = read_trust(made.small.folder / "keys" / "trust.yaml")
    with pytest.raises(EvidenceError, match="it is unsigned"):
        accept_run(made.small.store, "synthetic", "2026-03-01", reason="it is fine", by="A. Owner", trust=trust)


class Watched:
    """A store that counts what is read below a prefix."""

    def __init__(self, store) -> None:
        self._store, self.read = store, Counter()

    def __getattr__(self, name):
        return getattr(self._store, name)

    def get(self, key):
        self.read[key] += 1
        return self._store.get(key)


def test_each_link_is_read_once_and_mostly_found_without_a_hint(made):
    sign(made, "keys")
    for day in range(1, 6):
        made.night(day, 0.95)
    watched = Watched(made.small.store)
    archive = Archive(
        watched,
        "synthetic",
        before=project.DAY + timedelta(days=60),
        trust=trust_of(made.small.policy(), PlainConnections()),
    )
    assert len(list(archive.runs())) == 5
    links = {key: times for key, times in watched.read.items() if key.startswith("v1/chain/")}
    sound = {
        key: times for key, times in links.items() if key != link_key("synthetic", 6)
    }  # there is no link behind the newest
    assert len(sound) == 5
    assert set(sound.values()) == {1}
    assert sum(key.startswith("v1/hints/") for key in watched.read) == 1


def _forge(made, changes: dict[bytes, bytes], *, day: int) -> None:
    """A run of another day with other numbers, every digest in it right, as whoever can write to the store can make it."""
    store, ended = made.small.store, made.ended[-1]
    manifest = json.loads(store.get(ended.manifest.key))
    row = manifest["checks"][0]
    content = store.get(row["record"]["key"])
    for old, new in changes.items():
        content = content.replace(old, new)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"v1/blobs/sha256/{sha256[:2]}/{sha256}.json"
    store.put_once(key, content, media_type="application/json")
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    for old, new in {**changes, row["record"]["sha256"].encode(): sha256.encode()}.items():
        text = text.replace(old, new)
    old_prefix = row["record"]["key"].split("/")[3]
    text = text.replace(f"sha256/{old_prefix}/{sha256}".encode(), f"sha256/{sha256[:2]}/{sha256}".encode())
    text = text.replace(b"2026-03-01T00", f"2026-03-{day:02d}T00".encode())
    folder = ended.manifest.key.replace("2026-03-01", f"2026-03-{day:02d}").rsplit("/", 2)[0]
    store.put_once(
        f"{folder}/{hashlib.sha256(text).hexdigest()[:16]}/run_manifest.json", text, media_type="application/json"
    )

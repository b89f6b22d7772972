"""What somebody who can write into the archive may not achieve: each forgery is found, named, and costs no later night its number."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest

from baseline_cases import FIRST, nights
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError
from model_governance.evidence.history import Archive, Damage, earlier_verdicts
from model_governance.store import blob_key

LOSS = {"min_absolute_change": -0.02, "against": "last_passed"}


@pytest.fixture
def made(tmp_path):
    """A run that fails its bound, with the archive beside it."""
    runs = nights(tmp_path, {"geq_to": 0.9}, LOSS)
    runs.night(1, 0.95)
    runs.night(2, 0.8)
    return runs


def path_of(made, key: str):
    path = made.small.folder / "archive" / key
    path.chmod(0o644)
    return path


def manifest_of(made, place: int) -> dict:
    return json.loads(made.small.store.get(made.ended[place].manifest.key))


def overwrite(made, place: int, change) -> str:
    """Edit a manifest in place; its folder keeps the digest of the bytes before."""
    key = made.ended[place].manifest.key
    manifest = manifest_of(made, place)
    change(manifest)
    path_of(made, key).write_bytes(canonical_json(manifest))
    return key


def refile(made, place: int, change) -> str:
    """Edit a manifest and put it under the digest of its new bytes, in place of the one before."""
    manifest = manifest_of(made, place)
    change(manifest)
    content = canonical_json(manifest)
    old = made.ended[place].manifest.key
    run, digest, file = old.rsplit("/", 2)
    key = f"{run}/{hashlib.sha256(content).hexdigest()[:16]}/{file}"
    assert digest not in key
    made.small.store.put_once(key, content, media_type="application/json")
    path_of(made, old).unlink()
    path_of(made, f"v1/hints/{old}").unlink()  # who can write to the store can do that, too
    return key


def greener(manifest: dict) -> None:
    """What somebody edits who wants a failing run to pass."""
    for part in (manifest["verdict"], manifest["checks"][0]):
        part |= {"outcome": "pass", "stops": False}
    for finding in manifest["verdict"]["findings"]:
        finding |= {"outcome": "pass", "violated": False}


def only_stops(manifest: dict) -> None:
    manifest["verdict"]["stops"] = manifest["checks"][0]["stops"] = False


def forged_record(made, place: int):
    """Point a manifest to a record with another number, stored under its own digest."""

    def change(manifest: dict) -> None:
        row = manifest["checks"][0]
        record = json.loads(made.small.store.get(row["record"]["key"]))
        (metric,) = record["result"]["metrics"]
        metric |= {"value": 0.2, "low": 0.19, "high": 0.21, "limits": None}
        content = canonical_json(record)
        sha256 = hashlib.sha256(content).hexdigest()
        key = blob_key(sha256, "check.json")
        made.small.store.put_once(key, content, media_type="application/json")
        row["record"] = {"key": key, "sha256": sha256}

    return change


@pytest.mark.parametrize("change", [greener, only_stops])
def test_an_edited_manifest_does_not_make_a_failing_run_the_baseline(made, change):
    key = overwrite(made, 1, change)
    finding = made.night(3, 0.8)
    assert finding.outcome == "error", "the last run may have passed: nobody knows"
    assert made.small.store.locate(key) in finding.sentence
    assert "expected the sha256 in its key" in finding.sentence
    assert "accept another run" in finding.sentence


@pytest.mark.parametrize("change", [greener, only_stops])
def test_a_manifest_that_is_edited_and_filed_anew_does_not_agree_with_its_record(made, change):
    key = refile(made, 1, change)
    finding = made.night(3, 0.8)
    assert finding.outcome == "error"
    assert made.small.store.locate(key) in finding.sentence


def test_a_forged_record_is_not_used_as_the_baseline(made):
    overwrite(made, 0, forged_record(made, 0))
    assert made.night(3, 0.3).outcome == "error"


def test_a_record_of_another_run_is_not_taken_for_this_one(made):
    def swap(manifest: dict) -> None:
        manifest["checks"][0]["record"] = manifest_of(made, 0)["checks"][0]["record"]

    key = refile(made, 1, swap)
    archive = Archive(made.small.store, "synthetic", before=FIRST + timedelta(days=5))
    with pytest.raises(EvidenceError, match=r"verdict.outcome .* fail, found uncertain"):
        archive.record(archive.read(key), "quality")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("policy.name", lambda manifest: manifest["policy"].update(name="other") or manifest["verdict"].update(name="other")),
        ("run.logical_date", lambda manifest: manifest["run"].update(logical_date="2026-03-09T00:00:00+00:00")),
        ("run.run_id", lambda manifest: manifest["run"].update(run_id="another")),
    ],
)  # fmt: skip
def test_a_manifest_of_another_model_moment_or_run_is_refused(made, field, change):
    key = refile(made, 1, change)
    with pytest.raises(EvidenceError, match=rf"run_manifest.json: {field}: expected .* in its key, .* found"):
        Archive(made.small.store, "synthetic").read(key)


def test_artifacts_of_a_manifest_are_those_of_its_record(made):
    def swap(manifest: dict) -> None:
        manifest["checks"][0]["artifacts"] = manifest_of(made, 0)["checks"][0]["artifacts"]

    key = refile(made, 1, swap)
    archive = Archive(made.small.store, "synthetic")
    with pytest.raises(EvidenceError, match="expected stored of check quality as in its record"):
        archive.record(archive.read(key), "quality")


def test_a_recorded_baseline_is_the_run_that_it_names(tmp_path):
    made = nights(tmp_path, LOSS | {"against": "approved"})
    made.night(1, 0.9)
    made.night(2, 0.89)

    def point(record: dict) -> None:
        record["baselines"]["approved"] |= {"outcome": "waived"}

    row = manifest_of(made, 1)["checks"][0]
    record = json.loads(made.small.store.get(row["record"]["key"]))
    point(record)
    content = canonical_json(record)
    sha256 = hashlib.sha256(content).hexdigest()
    key = blob_key(sha256, "check.json")
    made.small.store.put_once(key, content, media_type="application/json")

    def change(manifest: dict) -> None:
        manifest["checks"][0]["record"] = {"key": key, "sha256": sha256}
        point(manifest["checks"][0])

    refile(made, 1, change)
    finding = made.night(3, 0.9)
    assert finding.outcome == "error"
    assert "expected outcome as the run 2026-03-02 recorded of its approved run" in finding.sentence


def test_damage_is_left_out_and_named_once(made):
    key = overwrite(made, 1, greener)
    archive = Archive(made.small.store, "synthetic", before=FIRST + timedelta(days=5))
    assert [each.verdict.outcome for each in earlier_verdicts(archive, "quality", runs_back=9)] == ["uncertain"]
    assert [each.verdict.outcome for each in earlier_verdicts(archive, "quality", runs_back=9)] == ["uncertain"]
    (damage,) = archive.damaged
    assert damage == Damage(
        key=key, uri=made.small.store.locate(key), moment=FIRST + timedelta(days=1), reason=damage.reason
    )
    assert made.small.store.uri not in json.dumps(damage.record()), "a record does not depend on where the store is"


def test_a_key_that_is_none_of_a_manifest_is_no_evidence(made):
    archive = Archive(made.small.store, "synthetic")
    before = dict(archive.keys)
    for key in (
        "run=nonsense/a/b/run_manifest.json",
        "run=2026-13-99T000000Z/" + "0" * 16 + "/" + "0" * 16 + "/run_manifest.json",
    ):
        made.small.store.put_once(f"v1/runs/model=synthetic/{key}", b"{}", media_type="application/json")
    assert Archive(made.small.store, "synthetic").keys == before


def worse(manifest: dict) -> None:
    """What somebody edits who wants a run that passed not to be the baseline."""
    for part in (manifest["verdict"], manifest["checks"][0]):
        part |= {"outcome": "fail", "stops": True}
    manifest["verdict"]["findings"][0] |= {"outcome": "fail", "violated": True}


@pytest.mark.parametrize("against", ["approved", "last_passed"])
def test_a_run_that_passed_cannot_be_made_to_look_as_if_it_had_not(tmp_path, against):
    made = nights(tmp_path, {"geq_to": 0.7}, LOSS | {"against": against})
    made.night(1, 0.95)
    refile(made, 0, worse)
    finding = made.night(2, 0.8)
    assert finding.outcome == "error"
    assert "expected verdict.outcome of check quality as in its record" in finding.sentence


def test_a_row_cannot_hide_the_baseline_that_its_record_names(tmp_path):
    made = nights(tmp_path, LOSS | {"against": "approved"})
    made.night(1, 0.95)
    made.night(2, 0.94)
    refile(made, 1, lambda manifest: manifest["checks"][0].update(baselines={"approved": None}))
    finding = made.night(3, 0.92)
    assert (finding.outcome, finding.baseline) == ("fail", 0.95), (
        "the first run that passed is older than the forged one"
    )
    assert "expected baselines of check quality as in its record" in made.ended[-1].verdict.sentence

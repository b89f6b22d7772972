"""Whatever a stored document holds under a right digest, reading it ends in an EvidenceError or in a value that all readers take.

A digest says that bytes are those that were written. It does not say that they make sense: a faulty or malicious writer files
what it likes under its right address. Each mutant has one value replaced by an odd one, or removed, and is filed anew: under its
own digest, and with the digests of the documents that name it renewed.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from baseline_cases import FIRST, nights
from model_governance.contract.check import Lookback
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.baselines import find_baselines
from model_governance.evidence.history import Archive, earlier_artifacts, earlier_verdicts
from model_governance.evidence.manifest import run_key
from model_governance.report import render_check, render_run
from model_governance.report.terminal import reasons, run_table
from model_governance.store import blob_key

ODD = (None, -1, 0, 10**30, "", "x" * 300, [], {}, True, [[[]]], "2026-02-30", 1e-320, 2.5, "2026-03-02T00:00:00+00:00")
MUTANTS = range(350)


class Objects:
    """A store in memory."""

    uri = "memory://"

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectMissing(f"{self.locate(key)}: nothing is stored here")
        return self.objects[key]

    def keys(self, prefix: str):
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def locate(self, key: str) -> str:
        return f"{self.uri}{key}"


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> dict[str, bytes]:
    """Three runs, one of which was accepted, as keys and bytes."""
    change = {"min_absolute_change": -0.02}
    made = nights(tmp_path_factory.mktemp("archive"), {"geq_to": 0.8}, change, change | {"against": "last_passed"})
    for day, accuracy in ((1, 0.92), (2, 0.915), (3, 0.91)):
        made.night(day, accuracy)
        if day == 1:
            made.accept("2026-03-01", purpose="reference", moment=datetime(2026, 3, 1, 9, tzinfo=UTC))
    root = made.small.folder / "archive"
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    # The chain and what lies beside it have laws of their own.
    return {
        key: content for key, content in found.items() if key.startswith(("v1/runs/", "v1/acceptances/", "v1/blobs/"))
    }


def holders(document: object):
    if isinstance(document, dict | list):
        yield document
        for value in document.values() if isinstance(document, dict) else document:
            yield from holders(value)


def mutate(document: dict, draw: random.Random) -> None:
    holder = draw.choice([holder for holder in holders(document) if len(holder)])
    key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    if draw.random() < 0.3:
        del holder[key]
    else:
        holder[key] = draw.choice(ODD)


def filed(document: object) -> tuple[bytes, str]:
    content = json.dumps(document).encode()
    return content, hashlib.sha256(content).hexdigest()


def mutant(archive: dict[str, bytes], seed: int) -> Objects:
    """The archive with one mutated manifest, record or acceptance, filed anew."""
    draw = random.Random(seed)
    objects = dict(archive)
    kind = draw.choice(("manifest", "record", "acceptance"))
    if kind == "acceptance":
        (key,) = [key for key in objects if key.startswith("v1/acceptances/")]
        document = json.loads(objects.pop(key))
        mutate(document, draw)
        content, sha256 = filed(document)
        objects[f"{key.rsplit('-', 1)[0]}-{sha256[:16]}.json"] = content
        return Objects(objects)
    key = draw.choice(sorted(key for key in objects if key.endswith("/run_manifest.json")))
    manifest = json.loads(objects.pop(key))
    if kind == "record":
        row = manifest["checks"][0]
        record = json.loads(objects[row["record"]["key"]])
        mutate(record, draw)
        content, sha256 = filed(record)
        row["record"] = {"key": blob_key(sha256, "check.json"), "sha256": sha256}
        objects[row["record"]["key"]] = content
    else:
        mutate(manifest, draw)
    content, sha256 = filed(manifest)
    parts = key.split("/")
    run = manifest.get("run")
    if isinstance(run, dict) and isinstance(run.get("orchestrator"), dict):
        parts[-3] = run_key(run["orchestrator"], str(run.get("run_id")))
    parts[-2] = sha256[:16]
    objects["/".join(parts)] = content
    return Objects(objects)


def read_everything(store: Objects, version: str) -> None:
    """What a later run, its pages and the command line do with an archive."""
    before = FIRST + timedelta(days=5)
    errors = []
    for asked in ({"approved"}, {"last_passed"}):
        try:
            find_baselines(asked, Archive(store, "synthetic", before=before), "quality", model_sha256=version)
        except EvidenceError as error:
            errors.append(str(error))
    archive = Archive(store, "synthetic", before=before)
    try:
        earlier_artifacts(archive, "quality", lookback=Lookback(artifact="number.txt", runs=9))
    except EvidenceError as error:
        errors.append(str(error))
    earlier_verdicts(archive, "quality", runs_back=9)
    for manifest in archive.runs():
        render_run(copy.deepcopy(manifest.content), href=lambda key: key)
        run_table(manifest.content)
        reasons(manifest.content)
        record = archive.sound_record(manifest, "quality")
        if record is not None:
            render_check(record, {})
    errors += [damage.sentence for damage in archive.damaged]
    assert all(error.startswith(store.uri) for error in errors), "an error names its object"


def test_the_archive_itself_is_read_without_a_word_of_damage(archive):
    version = json.loads(next(archive[key] for key in archive if key.endswith("run_manifest.json")))["policy"][
        "model_sha256"
    ]
    store = Objects(archive)
    read_everything(store, version)
    sound = Archive(store, "synthetic", before=FIRST + timedelta(days=5))
    assert len(earlier_verdicts(sound, "quality", runs_back=9)) == 3
    found = find_baselines({"approved", "last_passed"}, sound, "quality", model_sha256=version)
    assert {against: run.metrics["accuracy"].value for against, run in found.items()} == {
        "approved": 0.92,
        "last_passed": 0.91,
    }
    assert sound.damaged == ()


@pytest.mark.parametrize("block", range(7))
def test_a_mutant_under_its_right_digest_is_an_evidence_error_or_makes_sense(archive, block):
    version = json.loads(next(archive[key] for key in archive if key.endswith("run_manifest.json")))["policy"][
        "model_sha256"
    ]
    for seed in MUTANTS[block::7]:
        try:
            read_everything(mutant(archive, seed), version)
        except Exception as error:
            raise AssertionError(f"mutant {seed}: {type(error).__name__}: {error}") from error

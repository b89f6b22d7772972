"""A small signed archive, and the hands of an intruder: what rewrites links, manifests and objects of it.

The archive is a folder of five links: a run that passes, one that fails, one whose fail is waived, an acceptance, a run
that passes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import yaml

from model_governance.authoring.accept import accept_run
from model_governance.authoring.keys import PRIVATE, PUBLIC, TRUST, make_keys
from model_governance.contract.result import canonical_json
from model_governance.evidence.chain import read_link
from model_governance.evidence.envelope import Envelope, canonical, read_envelope, seal
from model_governance.evidence.signing import Ed25519Signer, read_private_key, signer_of
from model_governance.evidence.statement import Place, RunEvidence, run_statements
from model_governance.store.local import LocalStore
from project import DAY, small_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = "synthetic"
PASSED, FAILED, WAIVED, ACCEPTED, LAST = 1, 2, 3, 4, 5
"""Numbers of the links."""
_STRANGER = bytes(range(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedArchive:
    """An archive, the folder of its keys, and the digest of its newest link as it was when it was made."""

    folder: Path
    keys: Path
    head: str

    @property
    def trust(self) -> Path:
        return self.keys / TRUST

    @property
    def public_key(self) -> Path:
        return self.keys / PUBLIC

    def copied(self, folder: Path) -> SignedArchive:
        """A copy in a folder, which a test may alter."""
        shutil.copytree(self.folder, folder / "archive")
        return SignedArchive(folder=folder / "archive", keys=self.keys, head=self.head)


def signed_archive(folder: Path) -> SignedArchive:
    """The archive of five links, made in some seconds."""
    make_keys(folder / "keys", owner="the platform", moment=DAY)
    project = small_project(folder).change(
        archive={"signing_key": f"file:keys/{PRIVATE}"}, waivers=[waiver("2026-03-01")]
    )
    good = (folder / "current.parquet").read_bytes()
    project.run(DAY, "night-1")
    _flip_labels(folder / "current.parquet")
    project.run(DAY + timedelta(days=1), "night-2")
    project.change(waivers=[waiver("2026-03-31")]).run(DAY + timedelta(days=2), "night-3")
    accept_run(
        project.store,
        MODEL,
        "night-1",
        reason="the first run of the model",
        by="Ada",
        signer=signer_of(project.policy()),
    )
    (folder / "current.parquet").write_bytes(good)
    project.run(DAY + timedelta(days=3), "night-4")
    return SignedArchive(folder=folder / "archive", keys=folder / "keys", head=link_of(folder / "archive", LAST).digest)


def waiver(expires: str) -> dict[str, str]:
    """The waiver of the policy; that of the first two runs ends before the second one."""
    return {
        "check": "quality", "metric": "accuracy", "reason": "labels of the pilot are known to be wrong",
        "approver": "Ada", "ticket": "RISK-7", "expires": expires,
    }  # fmt: skip


def _flip_labels(file: Path) -> None:
    import pandas as pd

    frame = pd.read_parquet(file)
    frame["label"] = 1 - frame["label"]
    frame.to_parquet(file, index=False)


# What a case is made of.


def link_file(archive: Path, number: int) -> Path:
    """The file of a link."""
    return archive / "v1" / "chain" / f"model={MODEL}" / "0000000" / f"{number:010d}.intoto.jsonl"


def write(file: Path, content: bytes) -> None:
    """Replace a stored file, which is read-only."""
    file.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def store_blob(archive: Path, content: bytes, ending: str) -> dict[str, str]:
    """A new object under the digest of its bytes, as an address."""
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"v1/blobs/sha256/{sha256[:2]}/{sha256}{ending}"
    write(archive / key, content)
    return {"key": key, "sha256": sha256}


def restate(archive: Path, number: int, edit: Callable[[dict], Any], *, line: int = 0, signer=None) -> None:
    """Change a statement of a link; it keeps its old signatures unless somebody signs anew."""
    lines = link_file(archive, number).read_bytes().splitlines()
    envelope = read_envelope(lines[line], origin="case")
    statement = json.loads(envelope.payload)
    edit(statement)
    payload = canonical(statement)
    changed = seal(payload, signer) if signer else Envelope(payload=payload, signatures=envelope.signatures)
    lines[line] = changed.line()
    write(link_file(archive, number), b"".join(each + b"\n" for each in lines))


def rewrite_run(archive: Path, keys: Path, number: int, edit: Callable[[Path, dict, dict], Any]) -> None:
    """What an insider with the key does: change records and manifest of a run, and sign a link that fits them."""
    link = link_of(archive, number)
    manifest = json.loads((archive / link.about["key"]).read_bytes())
    records = {row["name"]: json.loads((archive / row["record"]["key"]).read_bytes()) for row in manifest["checks"]}
    edit(archive, manifest, records)
    content = canonical_json(manifest)
    key = str(link.about["key"])
    write(archive / key, content)
    page = next(each for each in link.statement["subject"] if each["name"] == "report.html")
    evidence = RunEvidence(
        manifest=manifest, records=records, waivers=_in_force(archive, manifest),
        address={
            "name": "run_manifest.json", "key": key, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content),
            "media_type": "application/json",
        },
        page={
            "key": page["uri"], "sha256": page["digest"]["sha256"], "media_type": page["mediaType"],
            "size": page["annotations"]["size"],
        },
    )  # fmt: skip
    place = Place(model=MODEL, sequence=number, previous=link.previous, recorded_at=link.recorded_at)
    sign(archive, number, run_statements(evidence, place), insider(keys))


def insider(keys: Path) -> Ed25519Signer:
    """Who has the real key."""
    return read_private_key((keys / PRIVATE).read_bytes(), origin="case")


def stranger() -> Ed25519Signer:
    """Who has a key of his own."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519Signer(key=Ed25519PrivateKey.from_private_bytes(_STRANGER))


def sign(archive: Path, number: int, statements, signer) -> None:
    lines = [seal(canonical(statement), signer).line() for statement in statements]
    write(link_file(archive, number), b"".join(line + b"\n" for line in lines))


def _in_force(archive: Path, manifest: dict) -> list[dict]:
    """The waivers that the archived policy of a run gives its statement."""
    policy = yaml.safe_load((archive / manifest["policy"]["key"]).read_bytes())
    date = manifest["run"]["logical_date"][:10]
    return [{"key": None, **each} for each in policy["waivers"] if each["expires"] >= date]


def link_of(archive: Path, number: int):
    store = LocalStore(str(archive))
    return read_link(store, link_file(archive, number).relative_to(archive).as_posix())


def object_file(archive: Path, number: int, name: str) -> Path:
    """The file of an object that a link names."""
    return archive / next(each["uri"] for each in link_of(archive, number).statement["subject"] if each["name"] == name)

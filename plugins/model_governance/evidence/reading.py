"""Objects of earlier runs, believed only after they are shown to be what their addresses say."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import moment_key, parse_moment
from model_governance.errors import EvidenceError
from model_governance.evidence.manifest import FILE, MOMENT, as_manifest, moment_of, run_key
from model_governance.evidence.record import read_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from model_governance.store import ArtifactStore

NOT_USED = "it was altered and is not used. Restore it from its oldest version"
_ADDRESS = re.compile(
    rf"v1/runs/model=(?P<model>[^/]+)/{MOMENT}/(?P<run>[0-9a-f]{{16}})/(?P<sha256>[0-9a-f]{{16}})/{re.escape(FILE)}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedManifest:
    """The manifest of a run with its address."""

    key: str
    sha256: str
    content: dict[str, Any]

    @property
    def logical_date(self) -> datetime:
        """The moment of the run (UTC)."""
        return parse_moment(self.content["run"]["logical_date"])

    @property
    def model_sha256(self) -> str:
        """The model version that the policy of the run names."""
        version = self.content["policy"].get("model_sha256") or (self.content["model"] or {}).get("sha256")
        return str(version or "")

    def row(self, check: str) -> dict[str, Any] | None:
        """The entry of a check that reported."""
        return next((row for row in self.content["checks"] if row["name"] == check and row["record"]), None)


def moment_of_manifest(key: str) -> datetime | None:
    """The moment in the key of a manifest; None where the key is that of no manifest."""
    return moment_of(key) if _ADDRESS.fullmatch(key) else None


def read_archived(store: ArtifactStore, key: str) -> ArchivedManifest:
    """The manifest under a key, once digest, model, moment and run are shown to be those of the key.

    Raises:
        EvidenceError: the key is that of no manifest, or the bytes are others than those it names.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    address, origin = _ADDRESS.fullmatch(key), store.locate(key)
    if address is None:
        raise EvidenceError(f"{origin}: is no address of a manifest; expected v1/runs/model=…/run=…/…/…/…/{FILE}")
    content = store.get(key)
    sha256 = hashlib.sha256(content).hexdigest()
    if not sha256.startswith(address["sha256"]):
        raise EvidenceError(
            f"{origin}: expected the sha256 in its key, {address['sha256']}…, found {sha256}; {NOT_USED}"
        )
    manifest = as_manifest(content, origin=origin)
    run = manifest["run"]
    agreements = (
        ("policy.name", "the model", address["model"], manifest["policy"]["name"]),
        ("run.logical_date", "the moment", address["moment"], moment_key(parse_moment(run["logical_date"]))),
        ("run.run_id", "the digest of the run", address["run"], run_key(run["orchestrator"], run["run_id"])),
    )
    for field, what, expected, found in agreements:
        if expected != found:
            raise EvidenceError(f"{origin}: {field}: expected {what} in its key, {expected}, found {found}; {NOT_USED}")
    return ArchivedManifest(key=key, sha256=sha256, content=manifest)


def read_archived_record(store: ArtifactStore, manifest: ArchivedManifest, row: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a check that reported, once it is shown to be the one that its run was judged by.

    Raises:
        EvidenceError: it is of another check or policy, or another verdict than the run states, or has other artifacts.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    record, origin = read_record(store, row["record"]), store.locate(row["record"]["key"])
    verdict, name = record["verdict"], row["name"]
    of_run = [finding for finding in manifest.content["verdict"]["findings"] if finding["check"] == name]
    agreements = (
        ("check", name, record["check"]),
        ("policy.name", manifest.content["policy"]["name"], record["policy"]["name"]),
        ("kind", row["kind"], record["kind"]),
        ("verdict.outcome", row["outcome"], verdict["outcome"]),
        ("verdict.stops", row["stops"], verdict["stops"]),
        ("verdict.findings", of_run[: len(verdict["findings"])], verdict["findings"]),
        ("stored", row["artifacts"], record["stored"]),
        ("baselines", row.get("baselines", {}), record.get("baselines", {})),
    )
    for field, expected, found in agreements:
        if expected != found:
            shown = "" if isinstance(expected, list | dict) else f", {expected}, found {found}"
            raise EvidenceError(
                f"{store.locate(manifest.key)}: expected {field} of check {name} as in its record {origin}{shown}; one of "
                "both was altered and neither is used. Restore them from their oldest versions"
            )
    return record

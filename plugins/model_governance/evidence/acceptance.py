"""Acceptances: somebody makes a run the baseline of changes, or the first run of a new reference window.

An acceptance is evidence: a create-only document whose key holds the moment and the digest of its bytes. A later one
replaces none; it comes first where only one can count.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.documents import read_document
from model_governance.contract.moments import moment_key, parse_moment, spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from model_governance.store import ArtifactStore

ACCEPTANCE_SCHEMA = "model-governance/acceptance/v1"
ACCEPTANCES = "v1/acceptances/"
Purpose = Literal["baseline", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who accepted which run, when, why and as what.

    Attributes:
        model: name of the model.
        purpose: `baseline`: changes of this model version are measured from the run. `reference`: trailing and
            seasonal windows start from the run.
        run: `run_id` and `logical_date` (ISO 8601, UTC) of the run.
        model_sha256: the model version that the run governed.
        outcome: the verdict of the run.
        manifest: `key` and `sha256` of its manifest.
        reason: why it is accepted.
        by: who accepts it.
        accepted_at: when (UTC).
    """

    model: str
    purpose: Purpose
    run: Mapping[str, str]
    model_sha256: str
    outcome: str
    manifest: Mapping[str, str]
    reason: str
    by: str
    accepted_at: datetime

    @property
    def logical_date(self) -> datetime:
        """The moment of the accepted run (UTC)."""
        return parse_moment(self.run["logical_date"])

    @property
    def sentence(self) -> str:
        """Who accepted the run, when and why."""
        return f"accepted by {self.by} on {spell_moment(self.accepted_at)}: {self.reason}"

    @property
    def content(self) -> bytes:
        """The stored bytes."""
        return canonical_json(self.record())

    @property
    def key(self) -> str:
        """Where the acceptance is stored: its moment, so that keys sort by time, and the digest of its bytes."""
        digest = hashlib.sha256(self.content).hexdigest()[:16]
        return f"{acceptance_folder(self.model)}{moment_key(self.accepted_at)}-{digest}.json"

    def record(self) -> dict[str, Any]:
        """The acceptance as JSON types."""
        return {
            "schema": ACCEPTANCE_SCHEMA,
            "model": self.model,
            "purpose": self.purpose,
            "run": dict(self.run),
            "model_sha256": self.model_sha256,
            "outcome": self.outcome,
            "manifest": dict(self.manifest),
            "reason": self.reason,
            "by": self.by,
            "accepted_at": self.accepted_at.isoformat(),
        }


def store_acceptance(store: ArtifactStore, acceptance: Acceptance) -> str:
    """Store an acceptance and return its uri. Raises as `ArtifactStore.put_once`."""
    return store.put_once(acceptance.key, acceptance.content, media_type="application/json")


def acceptances(store: ArtifactStore, model: str) -> tuple[Acceptance, ...]:
    """Every acceptance of a model, the newest first.

    Raises:
        EvidenceError: stored bytes are no acceptance of this model, or do not have the digest in their key.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    found = [_read(store, key, model) for key in store.keys(acceptance_folder(model)) if key.endswith(".json")]
    return tuple(sorted(found, key=lambda acceptance: acceptance.accepted_at, reverse=True))


def as_acceptance(content: bytes, *, origin: str) -> Acceptance:
    """The acceptance in these bytes; `origin` names them in messages.

    Raises:
        EvidenceError: they are no acceptance, or one of another schema version.
    """
    record = read_document(content, origin=origin, schema=ACCEPTANCE_SCHEMA)
    try:
        fields = {name: record[name] for name in Acceptance.__slots__}
        return Acceptance(**fields | {"accepted_at": parse_moment(record["accepted_at"])})
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"{origin}: expected an acceptance, found other fields ({error!r})") from error


def acceptance_folder(model: str) -> str:
    """Where the acceptances of a model are."""
    return f"{ACCEPTANCES}model={model}/"


def _read(store: ArtifactStore, key: str, model: str) -> Acceptance:
    content, origin = store.get(key), store.locate(key)
    acceptance = as_acceptance(content, origin=origin)
    if acceptance.key != key or acceptance.content != content or acceptance.model != model:
        raise EvidenceError(
            f"{origin}: the bytes do not have the digest in their key; the acceptance was altered afterwards and is not "
            "used. Restore it from its oldest version"
        )
    return acceptance

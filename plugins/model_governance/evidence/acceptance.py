"""Acceptances: somebody makes a run the baseline of changes, or the first run of a new reference window.

An acceptance is evidence: a create-only document whose key holds the moment and the digest of its bytes. A later one
replaces none; it comes first where only one can count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_governance.contract.documents import read_document, require_form
from model_governance.contract.moments import parse_moment, read_moment_key, spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.forms import AcceptanceForm, Purpose
from model_governance.evidence.statement import document_folder, document_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.store import ArtifactStore

ACCEPTANCE_SCHEMA = "model-governance/acceptance/v1"


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
        """Where the acceptance is stored."""
        return document_key("acceptance", self.model, moment=self.accepted_at, content=self.content)

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


def acceptances(store: ArtifactStore, model: str) -> tuple[Acceptance, ...]:
    """Every acceptance of a model, the newest first.

    Raises:
        EvidenceError: stored bytes are no acceptance of this model, or do not have the digest in their key.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    found = []
    for _, acceptance in read_acceptances(store, model):
        if not isinstance(acceptance, Acceptance):
            raise acceptance
        found.append(acceptance)
    return tuple(found)


def read_acceptances(
    store: ArtifactStore, model: str
) -> Iterator[tuple[str, Acceptance | EvidenceError | ObjectMissing]]:
    """Key and acceptance of every acceptance of a model, or why it is not believed; the newest first, by their keys."""
    for key in sorted(
        (key for key in store.keys(document_folder("acceptance", model)) if key.endswith(".json")),
        key=_moment,
        reverse=True,
    ):
        try:
            yield key, _read(store, key, model)
        except (EvidenceError, ObjectMissing) as error:
            yield key, error


def as_acceptance(content: bytes, *, origin: str) -> Acceptance:
    """The acceptance in these bytes; `origin` names them in messages.

    Raises:
        EvidenceError: they are no acceptance, one of another schema version, or a field does not fit.
    """
    record = read_document(content, origin=origin, schema=ACCEPTANCE_SCHEMA)
    require_form(record, AcceptanceForm, origin=origin)
    fields = {name: record[name] for name in Acceptance.__slots__}
    return Acceptance(**fields | {"accepted_at": parse_moment(record["accepted_at"])})


def _moment(key: str) -> datetime:
    """The moment in the key of an acceptance; the latest of all where it has none."""
    try:
        return read_moment_key(key.rsplit("/", 1)[-1].rsplit("-", 1)[0])
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _read(store: ArtifactStore, key: str, model: str) -> Acceptance:
    content, origin = store.get(key), store.locate(key)
    acceptance = as_acceptance(content, origin=origin)
    if acceptance.key != key or acceptance.content != content or acceptance.model != model:
        raise EvidenceError(
            f"{origin}: the bytes do not have the digest in their key; the acceptance was altered afterwards and is not "
            "used. Restore it from its oldest version"
        )
    return acceptance

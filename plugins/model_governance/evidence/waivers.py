"""Waivers that somebody decided on after the policy was written: what was asked, who decided, and until when it holds.

A decision is evidence: a create-only document with a link of the chain, whether it grants the waiver or refuses it. Runs
read the granted ones as they read those of the policy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from model_governance.contract.documents import Form, Moment, describe_faults, read_document, require_form
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.result import canonical_json, label_of
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.address_form import Name  # noqa: TC001 - pydantic reads it
from model_governance.evidence.statement import document_folder, document_key
from model_governance.policy.model import Waiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from model_governance.evidence.history import Archive

WAIVER_SCHEMA = "model-governance/waiver/v1"
Decision = Literal["granted", "refused"]


class WaiverForm(Form):
    """A stored decision on a waiver."""

    schema_: str = Field(alias="schema")
    model: Name
    decision: Decision
    check: Name
    metric: Name
    key: str | None
    reason: Name
    ticket: Name
    expires: Moment
    requested_by: Name
    decided_by: Name
    decided_at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverDecision:
    """What was asked for, and what was decided.

    Attributes:
        model: name of the model.
        decision: whether the waiver is granted.
        check: name of the check.
        metric: metric whose violation is waived.
        key: one column, class or slice of it; all when None.
        reason: why the violation is to be accepted.
        ticket: where that is recorded.
        expires: last day (YYYY-MM-DD, UTC), or the moment from which it is no longer in force (ISO 8601).
        requested_by: who asked.
        decided_by: who decided.
        decided_at: when (UTC).
    """

    model: str
    decision: Decision
    check: str
    metric: str
    key: str | None
    reason: str
    ticket: str
    expires: str
    requested_by: str
    decided_by: str
    decided_at: datetime

    @property
    def content(self) -> bytes:
        """The stored bytes."""
        record: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return canonical_json({"schema": WAIVER_SCHEMA, **record, "decided_at": self.decided_at.isoformat()})

    @property
    def document(self) -> str:
        """Where it is stored."""
        return document_key("waiver", self.model, moment=self.decided_at, content=self.content)

    @property
    def sentence(self) -> str:
        """Who decided what, when and why."""
        label = f"{self.check}: {label_of(self.metric, self.key)}"
        return (
            f"waiver of {label} until {self.expires} ({self.ticket}), asked for by {self.requested_by}, {self.decision} by "
            f"{self.decided_by} on {spell_moment(self.decided_at)}: {self.reason}"
        )

    def waiver(self) -> Waiver:
        """The waiver as one of a policy.

        Raises:
            ValidationError: a field is none that a policy may hold.
        """
        fields = {name: getattr(self, name) for name in ("check", "metric", "key", "reason", "ticket")}
        return Waiver.model_validate({**fields, "approver": self.decided_by, "expires": as_expiry(self.expires)})


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedWaiver:
    """A granted waiver that a run reads, and `key` and `sha256` of the decision."""

    waiver: Waiver
    address: Mapping[str, str]

    def record(self) -> dict[str, Any]:
        """As JSON types, as the link of a run states it."""
        return {**self.waiver.model_dump(mode="json"), "decision": dict(self.address)}


def as_expiry(text: str) -> date | datetime:
    """A day or a moment, as a policy reads them. Raises ValueError."""
    return parse_moment(text) if ":" in text else date.fromisoformat(text)


def granted_waivers(archive: Archive, check: str) -> tuple[GrantedWaiver, ...]:
    """The granted waivers of a check, the oldest decision first; damaged ones cover nothing and are noted.

    Raises:
        StoreUnreachable: as `ArtifactStore.get`.
    """
    found = []
    for key in archive.store.keys(document_folder("waiver", archive.model)):
        if not key.endswith(".json"):
            continue
        try:
            decision = _read(archive, key)
        except (EvidenceError, ObjectMissing) as error:
            archive.leave_out(key, None, error)
            continue
        if decision.decision == "granted" and decision.check == check:
            sha256 = hashlib.sha256(decision.content).hexdigest()
            found.append(GrantedWaiver(waiver=decision.waiver(), address={"key": key, "sha256": sha256}))
    return tuple(found)


def named_waivers(
    record: Mapping[str, Any] | None, *, read: Callable[[Mapping[str, Any]], bytes | None]
) -> list[GrantedWaiver] | None:
    """The granted waivers that the record of a check names; None where `read` finds one of them missing or altered.

    Raises:
        EvidenceError: a decision that is named is none.
    """
    granted = []
    for address in ((record or {}).get("judged") or {}).get("waivers", ()):
        content = read(address)
        if content is None:
            return None
        granted.append(GrantedWaiver(waiver=as_decision(content, origin=address["key"]).waiver(), address=address))
    return granted


def in_force(granted: Iterable[GrantedWaiver], moment: datetime) -> list[dict[str, Any]]:
    """Those in force for a run of a moment, as the link of the run states them, each once."""
    live = {each.address["key"]: each.record() for each in granted if each.waiver.is_live(moment)}
    return [live[key] for key in sorted(live)]


def as_decision(content: bytes, *, origin: str) -> WaiverDecision:
    """The decision in these bytes; `origin` names them in messages.

    Raises:
        EvidenceError: they are no decision on a waiver, or a field does not fit.
    """
    record = read_document(content, origin=origin, schema=WAIVER_SCHEMA)
    require_form(record, WaiverForm, origin=origin)
    fields = {name: record[name] for name in WaiverDecision.__slots__}
    decision = WaiverDecision(**fields | {"decided_at": parse_moment(record["decided_at"])})
    try:
        decision.waiver()
    except ValidationError as error:
        raise EvidenceError(f"{origin}: {describe_faults(error)}") from error
    except ValueError as error:
        raise EvidenceError(f"{origin}: expires: {error}") from error
    return decision


def _read(archive: Archive, key: str) -> WaiverDecision:
    content, origin = archive.store.get(key), archive.store.locate(key)
    decision = as_decision(content, origin=origin)
    if decision.document != key or decision.content != content or decision.model != archive.model:
        raise EvidenceError(
            f"{origin}: the bytes do not have the digest in their key; the waiver was altered afterwards and covers nothing. "
            "Restore it from its oldest version"
        )
    archive.require_link(key, hashlib.sha256(content).hexdigest())
    return decision

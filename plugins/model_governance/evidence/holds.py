"""Holds: somebody forbids to prune the runs of a period, until the hold is released. Both are evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from model_governance.contract.documents import Form, Moment, read_document, require_form
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError
from model_governance.evidence.address_form import Name  # noqa: TC001 - pydantic reads it
from model_governance.evidence.statement import document_folder, document_key
from model_governance.evidence.trusted_link import TrustedLinks

if TYPE_CHECKING:
    from datetime import datetime

    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore

HOLD_SCHEMA = "model-governance/hold/v1"


class HoldForm(Form):
    """A stored hold, or the release of one."""

    schema_: str = Field(alias="schema")
    model: Name
    first: Moment
    last: Moment
    reason: Name
    by: Name
    at: Moment
    releases: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold on the runs of a period, or the release of one.

    Attributes:
        model: name of the model.
        first: logical date of the first run that is held (UTC).
        last: logical date of the last one (UTC, included).
        reason: why.
        by: who.
        at: when (UTC).
        releases: key of the hold that this one ends; None for a hold.
    """

    model: str
    first: datetime
    last: datetime
    reason: str
    by: str
    at: datetime
    releases: str | None = None

    @property
    def content(self) -> bytes:
        """The stored bytes."""
        record: dict[str, Any] = {
            "schema": HOLD_SCHEMA,
            "model": self.model,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "reason": self.reason,
            "by": self.by,
            "at": self.at.isoformat(),
            "releases": self.releases,
        }
        return canonical_json(record)

    @property
    def key(self) -> str:
        """Where it is stored."""
        return document_key("hold", self.model, moment=self.at, content=self.content)

    @property
    def sentence(self) -> str:
        """Who holds which runs, since when and why."""
        period = f"{spell_moment(self.first)} to {spell_moment(self.last)}"
        return f"held by {self.by} since {spell_moment(self.at)} ({period}): {self.reason}"

    def covers(self, moment: datetime) -> bool:
        """Whether it holds the run of a moment."""
        return self.releases is None and self.first <= moment <= self.last


def holds_in_force(store: ArtifactStore, model: str, *, trust: Trust | None) -> tuple[Hold, ...]:
    """The holds of a model that nobody has released, the oldest first.

    Raises:
        EvidenceError: a hold or a release was altered, or no trusted key vouches for it: nothing may be pruned then.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    keys = [key for key in store.keys(document_folder("hold", model)) if key.endswith(".json")]
    links = None if trust is None else TrustedLinks(store=store, model=model, trust=trust)
    found = [_read(store, key, model, links=links) for key in keys]
    released = {hold.releases for hold in found}
    return tuple(hold for hold in found if hold.releases is None and hold.key not in released)


def _read(store: ArtifactStore, key: str, model: str, *, links: TrustedLinks | None) -> Hold:
    content, origin = store.get(key), store.locate(key)
    record = read_document(content, origin=origin, schema=HOLD_SCHEMA)
    require_form(record, HoldForm, origin=origin)
    moments = {name: parse_moment(record[name]) for name in ("first", "last", "at")}
    hold = Hold(**{name: record[name] for name in Hold.__slots__} | moments)
    if hold.key != key or hold.content != content or hold.model != model:
        raise EvidenceError(
            f"{origin}: the bytes do not have the digest in their key; the hold was altered afterwards. Restore it from its "
            "oldest version"
        )
    if links is not None:
        links.require(about={"key": key, "sha256": hashlib.sha256(content).hexdigest()})
    return hold

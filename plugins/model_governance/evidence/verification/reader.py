"""Reads what links name, each object once, its digest compared with what is stated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing, PolicyError, StoreError
from model_governance.evidence.controls import as_control_map
from model_governance.policy.load import archived_policy
from model_governance.store.rules import require_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.evidence.chain import Link
    from model_governance.evidence.controls import ControlMap
    from model_governance.evidence.period import Period
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Verdict


KEPT_BYTES = 1 << 20
"""Size up to which an object is kept while its link is verified."""


MOST_RECENT = 4096
"""Verdicts of earlier records that are kept while a chain is read."""


@dataclass(slots=True)
class Reader:
    """Reads objects of the archive; the digest of each is computed once, however many links name it.

    Attributes:
        store: the archive.
        period: days of an export, which leaves objects of other runs out; None for a whole archive.
        digests: SHA-256 of every object that was read, by key; None where it is not there.
        policies: policies by digest; None where this release cannot read one.
        control_maps: control maps by digest.
        contents: the small objects of the link that is being verified, by key.
        recent: verdicts of earlier records by digest: each is read by many later runs.
        verdicts: verdicts of checks that were computed again.
        stated: key and digest of every object that a link so far states.
        pruned: digest by key of what sound tombstones name.
        left_out: keys of objects of runs outside the period that are not there.
    """

    store: ArtifactStore
    period: Period | None = None
    digests: dict[str, str | None] = field(default_factory=dict)
    policies: dict[str, Policy | None] = field(default_factory=dict)
    control_maps: dict[str, ControlMap] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    recent: dict[str, Verdict] = field(default_factory=dict)
    verdicts: int = 0
    stated: set[tuple[str, str]] = field(default_factory=set)
    pruned: Mapping[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def take(self, part: Reader) -> None:
        """Add what was read of another part of the chain."""
        self.digests |= part.digests
        self.verdicts += part.verdicts
        self.stated |= part.stated
        self.left_out |= part.left_out

    def forget_documents(self) -> None:
        """Keep digests, and no document."""
        for documents in (self.policies, self.control_maps, self.contents, self.recent):
            documents.clear()

    def may_lack_objects_of(self, link: Link) -> bool:
        """Whether an export of the period leaves objects of this link out; documents are always there."""
        if self.period is None or link.kind != "run":
            return False
        try:
            return not self.period.holds(link.logical_date)
        except (KeyError, TypeError, ValueError):
            return False

    @property
    def compared(self) -> int:
        """Number of objects that were there, whose digest was compared."""
        return sum(digest is not None for digest in self.digests.values())

    def digest(self, key: str) -> str | None:
        """The digest of an object; None where nothing is stored."""
        if key not in self.digests:
            self.bytes_of(key)
        return self.digests[key]

    def bytes_of(self, key: str) -> bytes | None:
        """The bytes of an object; None where nothing is stored. Raises EvidenceError where no store can hold the key."""
        if key in self.contents:
            return self.contents[key]
        try:
            require_key(key)
        except StoreError as error:
            raise EvidenceError(str(error)) from error
        try:
            content = self.store.get(key)
        except ObjectMissing:
            self.digests[key] = None
            return None
        self.digests[key] = hashlib.sha256(content).hexdigest()
        if len(content) <= KEPT_BYTES:
            self.contents[key] = content
        return content

    def verified(self, stored: Mapping[str, Any]) -> bytes | None:
        """The bytes of an object, where they have the stated digest."""
        content = self.bytes_of(stored["key"])
        return content if content is not None and self.digests[stored["key"]] == stored["sha256"] else None

    def policy(self, stored: Mapping[str, Any]) -> Policy | None:
        """The policy under an address; None where this release cannot read it."""
        if stored["sha256"] not in self.policies:
            content = self.verified(stored)
            try:
                self.policies[stored["sha256"]] = (
                    None if content is None else archived_policy(content, origin=self.store.locate(stored["key"]))
                )
            except PolicyError:
                self.policies[stored["sha256"]] = None
        return self.policies[stored["sha256"]]

    def remember(self, sha256: str, verdict: Verdict) -> None:
        """Keep the verdict of a record for the runs that look back at it."""
        if len(self.recent) == MOST_RECENT:
            self.recent.clear()
        self.recent[sha256] = verdict

    def control_map(self, stored: Mapping[str, Any]) -> ControlMap | None:
        """The control map under an address; None where it is missing or altered. Raises as `as_control_map`."""
        if stored["sha256"] not in self.control_maps:
            content = self.verified(stored)
            if content is None:
                return None
            self.control_maps[stored["sha256"]] = as_control_map(content, origin=self.store.locate(stored["key"]))
        return self.control_maps[stored["sha256"]]

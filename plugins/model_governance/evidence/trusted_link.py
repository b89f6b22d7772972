"""The link that vouches for an object of the archive, asked for before the object is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.chain import is_about, link_key, link_of, read_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.evidence.chain import Link
    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore


@dataclass(slots=True)
class TrustedLinks:
    """Links of a model that vouch for objects. Each is read once, however many objects and neighbours ask for it.

    Attributes:
        store: the archive.
        model: whose chain.
        trust: keys of which one must have signed.
    """

    store: ArtifactStore
    model: str
    trust: Trust
    _read: dict[int, Link] = field(default_factory=dict)
    _last: int = 0

    def require(self, *, about: Mapping[str, Any]) -> Link:
        """The link about an object, once a trusted key is shown to vouch for it and the link behind it to hold its digest.

        Raises:
            EvidenceError: no link is about the object, none of its signatures counts, or the chain is broken behind it.
            StoreUnreachable: as `ArtifactStore.get`.
        """
        origin = self.store.locate(about["key"])
        link = self._about(about)
        if link is None:
            raise EvidenceError(
                f"{origin}: expected a signed link about it in the chain of {self.model}, found none; it was forged, or its "
                "writer was killed and no run has repaired it yet. It is not used: model-governance verify says more"
            )
        problem = link.problem_of(self.trust)
        if not problem:
            following = self._at(link.sequence + 1)
            # None: the link is the newest, or the next one is damaged itself, which verification reports.
            if following is not None and following.previous != link.digest:
                problem = "the link behind it holds another digest"
        if problem:
            raise EvidenceError(
                f"{origin}: link {link.sequence} of {self.model} is about it, but {problem}; it is not used. Restore the chain "
                "from the oldest versions, or correct the trust file: model-governance verify says more"
            )
        return link

    def _about(self, about: Mapping[str, Any]) -> Link | None:
        """The link about an object: runs are mostly asked for one after the other, the newest first."""
        link = self._at(self._last - 1) if self._last > 1 else None
        if link is None or not is_about(link, about):
            link = link_of(self.store, self.model, about=about)
        if link is not None:
            self._read[link.sequence], self._last = link, link.sequence
        return link

    def _at(self, sequence: int) -> Link | None:
        """The link of a number; None where it is not there or damaged."""
        if sequence not in self._read:
            try:
                self._read[sequence] = read_link(self.store, link_key(self.model, sequence))
            except (ObjectMissing, EvidenceError):
                return None
        return self._read[sequence]

"""The link that vouches for an object of the archive, asked for before the object is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.chain import link_key, link_of, read_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.evidence.chain import Link
    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore


def require_link(store: ArtifactStore, model: str, *, about: Mapping[str, Any], trust: Trust) -> Link:
    """The link about an object, once a trusted key is shown to vouch for it and the link behind it to hold its digest.

    Raises:
        EvidenceError: no link is about the object, none of its signatures counts, or the chain is broken behind it.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    origin = store.locate(about["key"])
    link = link_of(store, model, about=about)
    if link is None:
        raise EvidenceError(
            f"{origin}: expected a signed link about it in the chain of {model}, found none; it was forged, or its writer was "
            "killed and no run has repaired it yet. It is not used: model-governance verify says more"
        )
    problem = link.problem_of(trust)
    if not problem:
        try:
            following = read_link(store, link_key(model, link.sequence + 1))
            problem = "" if following.previous == link.digest else "the link behind it holds another digest"
        except (ObjectMissing, EvidenceError):
            problem = ""  # it is the newest, or the next one is damaged itself, which verification reports
    if problem:
        raise EvidenceError(
            f"{origin}: link {link.sequence} of {model} is about it, but {problem}; it is not used. Restore the chain from "
            "the oldest versions, or correct the trust file: model-governance verify says more"
        )
    return link

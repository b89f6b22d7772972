"""Notes of what is about to be archived, and of what has its link: a crash in between is found without listing the archive.

Notes are numbered as links are, so that the newest ones lie together. They are no evidence, and never believed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from typing import TYPE_CHECKING

from model_governance.contract.result import canonical_json
from model_governance.errors import ObjectMissing
from model_governance.evidence.chain import find_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.evidence.chain import Link
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

BEGUN = "v1/begun/"
BLOCK = 100
"""Numbers whose notes lie in one folder. That of the head and the one before it are looked at: the last 100 to 199 appends."""

_NOTE = re.compile(r"/(?P<number>[0-9]{10})-(?P<digest>[0-9a-f]{32})(?P<linked>\.linked)?\.json$")


def note_begun(store: ArtifactStore, model: str, key: str) -> None:
    """Note that an object is about to be stored, beside the number that its link is likely to get.

    Raises: as `ArtifactStore.put_once`.
    """
    note = f"{_beginning(model, find_head(store, model).sequence + 1)}-{_digest(key)}.json"
    store.put_once(note, canonical_json({"key": key}), media_type="application/json")


def note_linked(store: ArtifactStore, model: str, key: str, *, number: int) -> None:
    """Note that an object has its link, beside the number of the link. Raises as `ArtifactStore.put_once`."""
    store.put_once(_linked_note(model, key, number), b"{}", media_type="application/json")


def unfinished(store: ArtifactStore, model: str, *, head: int) -> Iterator[tuple[int, str]]:
    """Number and key of each object that was begun lately and has no note of its link, the oldest first.

    Args:
        store: the archive.
        model: whose chain.
        head: number of its newest link.

    Raises:
        StoreUnreachable: as `ArtifactStore.get`. A note that is damaged is logged and left out.
    """
    begun: dict[str, tuple[int, str]] = {}
    linked = set()
    block = (head + 1) // BLOCK
    for each in range(max(0, block - 1), block + 1):
        for note in store.keys(_folder(model, each)):
            match = _NOTE.search(note)
            if match is not None and match["linked"]:
                linked.add(match["digest"])
            elif match is not None:
                begun[match["digest"]] = int(match["number"]), note
    for digest, (number, note) in begun.items():
        key = None if digest in linked else _key_in(store, note, digest)
        if key is not None:
            yield number, key


def is_noted(store: ArtifactStore, link: Link) -> bool:
    """Whether the object of a link has its note: its writer finished, and was of a release that takes notes."""
    try:
        store.get(_linked_note(link.model, link.about["key"], link.sequence))
    except ObjectMissing:
        return False
    return True


def _beginning(model: str, number: int) -> str:
    return f"{_folder(model, number // BLOCK)}{number:010d}"


def _linked_note(model: str, key: str, number: int) -> str:
    return f"{_beginning(model, number)}-{_digest(key)}.linked.json"


def _folder(model: str, block: int) -> str:
    return f"{BEGUN}model={model}/{block:08d}/"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _key_in(store: ArtifactStore, note: str, digest: str) -> str | None:
    """The key that a note is about; None where it is damaged."""
    try:
        key = str(json.loads(store.get(note))["key"])
    except (ObjectMissing, ValueError, TypeError, KeyError):
        key = ""
    if _digest(key) == digest:
        return key
    log.error("%s: expected the key that its name stands for, found other bytes; it is not used", store.locate(note))
    return None

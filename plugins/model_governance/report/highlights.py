"""The sentences and first pictures of the checks of a run, for the page of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.report.check_page import read_picture
from model_governance.store import read_verified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_governance.report.check_page import Picture
    from model_governance.store import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHighlights:
    """The sentences of one check, the most important first, and its first picture."""

    name: str
    title: str
    sentences: tuple[str, ...]
    picture: Picture | None


def read_highlights(records: Iterable[Mapping[str, Any] | None], store: ArtifactStore) -> list[CheckHighlights]:
    """The highlights of the records that have any, in their order.

    Raises:
        EvidenceError: a stored picture is not the recorded one.
        StoreUnreachable, ObjectMissing: as `ArtifactStore.get`.
    """
    highlights = []
    for place, record in enumerate(records):
        result = (record or {}).get("result") or {}
        if record and result.get("highlights"):
            highlights.append(
                CheckHighlights(
                    name=record["check"],
                    title=record["title"],
                    sentences=tuple(result["highlights"]),
                    picture=_picture(record, store, prefix=f"s{place}-"),
                )
            )
    return highlights


def _picture(record: Mapping[str, Any], store: ArtifactStore, *, prefix: str) -> Picture | None:
    drawn = (artifact for artifact in record["result"]["artifacts"] if artifact["media_type"] == "image/svg+xml")
    first = next(drawn, None)
    if first is None:
        return None
    stored = next((artifact for artifact in record["stored"] if artifact["name"] == first["name"]), None)
    content = {first["name"]: read_verified(store, stored)} if stored else {}
    return read_picture(first, content, prefix=prefix)

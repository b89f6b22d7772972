"""What the checks of a run saw: their sentences and their first pictures, for the page of the run."""

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
class Story:
    """What one check saw: its sentences, the most telling first, and its first picture."""

    name: str
    title: str
    highlights: tuple[str, ...]
    picture: Picture | None


def read_stories(records: Iterable[Mapping[str, Any] | None], store: ArtifactStore) -> list[Story]:
    """The stories of the records that have one to tell, in their order.

    Raises:
        EvidenceError: a stored picture is not the recorded one.
        StoreUnreachable, ObjectMissing: as `ArtifactStore.get`.
    """
    stories = []
    for place, record in enumerate(records):
        result = (record or {}).get("result") or {}
        if record and result.get("highlights"):
            stories.append(
                Story(
                    name=record["check"],
                    title=record["title"],
                    highlights=tuple(result["highlights"]),
                    picture=_picture(record, store, prefix=f"s{place}-"),
                )
            )
    return stories


def _picture(record: Mapping[str, Any], store: ArtifactStore, *, prefix: str) -> Picture | None:
    drawn = (artifact for artifact in record["result"]["artifacts"] if artifact["media_type"] == "image/svg+xml")
    first = next(drawn, None)
    if first is None:
        return None
    stored = next((one for one in record["stored"] if one["name"] == first["name"]), None)
    content = {first["name"]: read_verified(store, stored)} if stored else {}
    return read_picture(first, content, prefix=prefix)

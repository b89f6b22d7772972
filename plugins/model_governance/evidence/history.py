"""Earlier nights of a model, found in its archive."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from model_governance.evidence.manifest import FILE, model_folder, read_manifest
from model_governance.evidence.record import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.store import ArtifactStore

_KEY = re.compile(r"/date=(\d{4}-\d{2}-\d{2})/")


def nights(store: ArtifactStore, model: str, *, before: date | None = None) -> Iterator[dict[str, Any]]:
    """Manifests of a model, the newest night first; of one night, the last that finished first."""
    by_day: dict[date, list[str]] = {}
    for key in store.keys(model_folder(model)):
        found = _KEY.search(key)
        if found and key.endswith(f"/{FILE}"):
            by_day.setdefault(date.fromisoformat(found[1]), []).append(key)
    for day in sorted(by_day, reverse=True):
        if before is None or day < before:
            manifests = [read_manifest(store, key) for key in by_day[day]]
            yield from sorted(manifests, key=lambda one: one["finished_at"], reverse=True)


def last_accepted(store: ArtifactStore, model: str, check: str, *, before: date) -> dict[str, float]:
    """Metric values by label of a check on the last night that did not stop; empty when there is none."""
    for manifest in nights(store, model, before=before):
        if manifest["verdict"]["stops"]:
            continue
        row = next((one for one in manifest["checks"] if one["name"] == check and one["record"]), None)
        record = read_record(store, row["record"]) if row else None
        if record and record["result"]:
            return {_label(one): one["value"] for one in record["result"]["metrics"] if one["value"] is not None}
    return {}


def _label(metric: dict[str, Any]) -> str:
    return f"{metric['name']}[{metric['of']}]" if metric["of"] is not None else str(metric["name"])

"""Earlier nights of a model, found in its archive."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from model_governance.contract.subject import PreviousRun
from model_governance.evidence.manifest import FILE, model_folder, read_manifest
from model_governance.evidence.record import read_record
from model_governance.store import read_verified
from model_governance.verdict import Baseline, read_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.contract.check import Lookback
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Verdict

_KEY = re.compile(r"/date=(\d{4}-\d{2}-\d{2})/")


def runs(store: ArtifactStore, model: str, *, before: date | None = None) -> Iterator[dict[str, Any]]:
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


def last_accepted(store: ArtifactStore, model: str, check: str, *, before: date) -> dict[str, Baseline]:
    """Metrics by label of a check on the last night that did not stop; empty when there is none."""
    for manifest in runs(store, model, before=before):
        if manifest["verdict"]["stops"]:
            continue
        record = _record(store, manifest, check)
        if record and record["result"]:
            metrics = [one for one in record["result"]["metrics"] if one["value"] is not None]
            return {_label(one): Baseline(value=one["value"], low=one["low"], high=one["high"]) for one in metrics}
    return {}


def earlier_verdicts(store: ArtifactStore, model: str, check: str, *, before: date, runs_back: int) -> list[Verdict]:
    """What was judged of a check on the nights before, the newest first; a night without it is left out."""
    found = []
    for manifest in _one_per_date(store, model, before=before):
        record = _record(store, manifest, check)
        if record:
            found.append(read_verdict(record["verdict"]))
        if len(found) == runs_back:
            break
    return found


def earlier_artifacts(
    store: ArtifactStore, model: str, check: str, *, before: date, wanted: Lookback
) -> tuple[PreviousRun, ...]:
    """The artifact that a check stored on earlier nights, the newest first; nights without it are left out.

    Raises:
        EvidenceError: stored bytes do not have the digest that their night recorded.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    found: list[PreviousRun] = []
    for manifest in _one_per_date(store, model, before=before):
        day = date.fromisoformat(manifest["run"]["date"])
        if (wanted.accepted and manifest["verdict"]["stops"]) or not _same_season(day, before, wanted.season):
            continue
        row = next((one for one in manifest["checks"] if one["name"] == check), None)
        stored = next((one for one in row["artifacts"] if one["name"] == wanted.artifact), None) if row else None
        if stored:
            content = read_verified(store, stored)
            found.append(
                PreviousRun(day=day, name=wanted.artifact, key=stored["key"], sha256=stored["sha256"], content=content)
            )
        if len(found) == wanted.runs:
            break
    return tuple(found)


def _one_per_date(store: ArtifactStore, model: str, *, before: date) -> Iterator[dict[str, Any]]:
    """The last manifest of each night: a run that was repeated counts once."""
    seen: set[str] = set()
    for manifest in runs(store, model, before=before):
        day = manifest["run"]["date"]
        if day not in seen:
            seen.add(day)
            yield manifest


def _same_season(day: date, current: date, season: str | None) -> bool:
    if season == "weekday":
        return day.weekday() == current.weekday()
    return season is None or day.month == current.month


def _record(store: ArtifactStore, manifest: dict[str, Any], check: str) -> dict[str, Any] | None:
    row = next((one for one in manifest["checks"] if one["name"] == check and one["record"]), None)
    return read_record(store, row["record"]) if row else None


def _label(metric: dict[str, Any]) -> str:
    return f"{metric['name']}[{metric['of']}]" if metric["key"] is not None else str(metric["name"])

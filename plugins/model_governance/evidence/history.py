"""Previous runs of a model, found in its archive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, read_moment_key
from model_governance.contract.result import label_of
from model_governance.contract.subject import PreviousRun
from model_governance.evidence.manifest import FILE, model_folder, read_manifest
from model_governance.evidence.record import read_record
from model_governance.stats.limits import read_limits
from model_governance.store import read_verified
from model_governance.verdict import Baseline, read_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from model_governance.contract.check import Lookback
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Verdict

_KEY = re.compile(r"/run=([0-9T:.-]+Z)/")


def runs(store: ArtifactStore, model: str, *, before: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Manifests of a model, the newest run first; of one run that was repeated, the last that finished first."""
    by_moment: dict[datetime, list[str]] = {}
    for key in store.keys(model_folder(model)):
        match = _KEY.search(key)
        if match and key.endswith(f"/{FILE}"):
            by_moment.setdefault(read_moment_key(match[1]), []).append(key)
    for moment in sorted(by_moment, reverse=True):
        if before is None or moment < before:
            manifests = [read_manifest(store, key) for key in by_moment[moment]]
            yield from sorted(manifests, key=lambda manifest: manifest["finished_at"], reverse=True)


def last_accepted(store: ArtifactStore, model: str, check: str, *, before: datetime) -> dict[str, Baseline]:
    """Metrics by label of a check in the last run that did not stop; empty when there is none."""
    for manifest in runs(store, model, before=before):
        if manifest["verdict"]["stops"]:
            continue
        record = _record(store, manifest, check)
        if record and record["result"]:
            metrics = [metric for metric in record["result"]["metrics"] if metric["value"] is not None]
            return {label_of(metric["name"], metric["key"]): _baseline(metric) for metric in metrics}
    return {}


def _baseline(metric: Mapping[str, Any]) -> Baseline:
    """The baseline that a metric of a record is; records of releases before 0.2 hold no limits."""
    stored = metric.get("limits")
    limits = None if stored is None else read_limits(stored)
    return Baseline(value=metric["value"], low=metric["low"], high=metric["high"], limits=limits)


def earlier_verdicts(
    store: ArtifactStore, model: str, check: str, *, before: datetime, runs_back: int
) -> list[Verdict]:
    """Verdicts of a check in the previous runs, the newest first; a run without the check is not counted."""
    verdicts: list[Verdict] = []
    for manifest in _once_each(store, model, before=before):
        record = _record(store, manifest, check)
        if record:
            verdicts.append(read_verdict(record["verdict"]))
        if len(verdicts) == runs_back:
            break
    return verdicts


def earlier_artifacts(
    store: ArtifactStore, model: str, check: str, *, before: datetime, lookback: Lookback
) -> tuple[PreviousRun, ...]:
    """The artifact that a check stored in previous runs, the newest first; runs without it are not counted.

    Raises:
        EvidenceError: stored bytes do not have the digest that their run recorded.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    previous: list[PreviousRun] = []
    for manifest in _once_each(store, model, before=before):
        moment = parse_moment(manifest["run"]["logical_date"])
        if (lookback.accepted and manifest["verdict"]["stops"]) or not _same_season(moment, before, lookback.season):
            continue
        row = next((row for row in manifest["checks"] if row["name"] == check), None)
        artifacts = row["artifacts"] if row else ()
        stored = next((artifact for artifact in artifacts if artifact["name"] == lookback.artifact), None)
        if stored:
            content = read_verified(store, stored)
            previous.append(
                PreviousRun(
                    logical_date=moment, name=lookback.artifact, key=stored["key"], sha256=stored["sha256"],
                    content=content,
                )
            )  # fmt: skip
        if len(previous) == lookback.runs:
            break
    return tuple(previous)


def _once_each(store: ArtifactStore, model: str, *, before: datetime) -> Iterator[dict[str, Any]]:
    """The last manifest of each run: a run that was cleared and repeated counts once."""
    counted: set[str] = set()
    for manifest in runs(store, model, before=before):
        moment = manifest["run"]["logical_date"]
        if moment not in counted:
            counted.add(moment)
            yield manifest


def _same_season(moment: datetime, current: datetime, season: str | None) -> bool:
    if season == "hour":
        return moment.hour == current.hour
    if season == "weekday":
        return moment.weekday() == current.weekday()
    return season is None or moment.month == current.month


def _record(store: ArtifactStore, manifest: dict[str, Any], check: str) -> dict[str, Any] | None:
    row = next((row for row in manifest["checks"] if row["name"] == check and row["record"]), None)
    return read_record(store, row["record"]) if row else None

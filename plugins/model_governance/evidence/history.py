"""Previous runs of a model, found in its archive."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, read_moment_key
from model_governance.contract.subject import PreviousRun
from model_governance.errors import EvidenceError
from model_governance.evidence.acceptance import acceptances
from model_governance.evidence.manifest import FILE, as_manifest, model_folder
from model_governance.evidence.record import read_record
from model_governance.store import read_verified
from model_governance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from model_governance.contract.check import Lookback, Season
    from model_governance.evidence.acceptance import Acceptance
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Verdict

_KEY = re.compile(r"/run=([0-9T:.-]+Z)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedManifest:
    """The manifest of a run with its address."""

    key: str
    sha256: str
    content: dict[str, Any]

    @property
    def logical_date(self) -> datetime:
        """The moment of the run (UTC)."""
        return parse_moment(self.content["run"]["logical_date"])

    @property
    def model_sha256(self) -> str:
        """The model version that the policy of the run names."""
        version = self.content["policy"].get("model_sha256") or (self.content["model"] or {}).get("sha256")
        return str(version or "")

    def row(self, check: str) -> dict[str, Any] | None:
        """The entry of a check that reported."""
        return next((row for row in self.content["checks"] if row["name"] == check and row["record"]), None)

    def record(self, store: ArtifactStore, check: str) -> dict[str, Any] | None:
        """The record of a check, its digest verified; None where it did not report. Raises as `read_record`."""
        row = self.row(check)
        return read_record(store, row["record"]) if row else None


class Archive:
    """The runs of a model and what was accepted of them; objects are read when they are asked for, and once.

    Of a run that was repeated, the manifest that somebody accepted counts, else the one that finished last.

    Args:
        store: where the evidence is.
        model: name of the model.
        before: only runs of earlier moments; None: all.
    """

    def __init__(self, store: ArtifactStore, model: str, *, before: datetime | None = None) -> None:
        self.store = store
        self.model = model
        self.before = before
        self._read: dict[str, ArchivedManifest] = {}

    @cached_property
    def keys(self) -> dict[datetime, list[str]]:
        """The keys of all manifests by moment, the newest moment first."""
        by_moment: dict[datetime, list[str]] = {}
        for key in self.store.keys(model_folder(self.model)):
            match = _KEY.search(key)
            moment = read_moment_key(match[1]) if match and key.endswith(f"/{FILE}") else None
            if moment is not None and (self.before is None or moment < self.before):
                by_moment.setdefault(moment, []).append(key)
        return dict(sorted(by_moment.items(), reverse=True))

    @cached_property
    def acceptances(self) -> tuple[Acceptance, ...]:
        """What was accepted of these runs, the newest acceptance first. Raises as `acceptances`."""
        return tuple(
            acceptance
            for acceptance in acceptances(self.store, self.model)
            if self.before is None or acceptance.logical_date < self.before
        )

    def accepted(self, manifest: ArchivedManifest) -> bool:
        """Whether somebody accepted this run, as a baseline or as the start of a window.

        Raises:
            EvidenceError: the manifest is not the one that was accepted.
        """
        named = [acceptance.manifest for acceptance in self.acceptances if acceptance.manifest["key"] == manifest.key]
        if any(address["sha256"] != manifest.sha256 for address in named):
            raise EvidenceError(
                f"{self.store.locate(manifest.key)}: has sha256 {manifest.sha256}, another one than the run that was "
                "accepted; it was altered afterwards and is not used. Restore it from its oldest version"
            )
        return bool(named)

    def runs(self, wanted: Callable[[datetime], bool] = lambda _: True) -> Iterator[ArchivedManifest]:
        """The manifest of each run of a wanted moment, the newest moment first."""
        for moment in self.keys:
            if wanted(moment):
                yield self.at(moment)

    def at(self, moment: datetime) -> ArchivedManifest:
        """The manifest of the run of a moment that has one."""
        manifests = self.repeats(moment)
        return next((manifest for manifest in manifests if self.accepted(manifest)), manifests[0])

    def repeats(self, moment: datetime) -> list[ArchivedManifest]:
        """Every manifest of the run of a moment, the one that finished last first."""
        manifests = [self.read(key) for key in self.keys[moment]]
        return sorted(manifests, key=lambda manifest: manifest.content["finished_at"], reverse=True)

    def read(self, key: str) -> ArchivedManifest:
        """The manifest under a key. Raises as `as_manifest`."""
        if key not in self._read:
            content = self.store.get(key)
            self._read[key] = ArchivedManifest(
                key=key, sha256=hashlib.sha256(content).hexdigest(),
                content=as_manifest(content, origin=self.store.locate(key)),
            )  # fmt: skip
        return self._read[key]


def first_moment(store: ArtifactStore, model: str) -> datetime | None:
    """The moment of the first archived run of a model; None where it has none."""
    return min(Archive(store, model).keys, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierVerdict:
    """The verdict of a check in a previous run, and `key` and `sha256` of the record that holds it."""

    verdict: Verdict
    record: Mapping[str, str]


def earlier_verdicts(archive: Archive, check: str, *, runs_back: int) -> list[EarlierVerdict]:
    """Verdicts of a check in the previous runs, the newest first; a run without the check is not counted."""
    verdicts: list[EarlierVerdict] = []
    for manifest in archive.runs():
        row, record = manifest.row(check), manifest.record(archive.store, check)
        if row and record:
            verdicts.append(EarlierVerdict(verdict=read_verdict(record["verdict"]), record=row["record"]))
        if len(verdicts) == runs_back:
            break
    return verdicts


def earlier_artifacts(archive: Archive, check: str, *, lookback: Lookback) -> tuple[PreviousRun, ...]:
    """The artifact that a check stored in previous runs, the newest first; runs without it are not counted.

    Raises:
        ValueError: the archive is not that before a moment, which seasons are counted from.
        EvidenceError: stored bytes do not have the digest that their run recorded, or an accepted run was altered.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    before = archive.before
    if before is None:
        raise ValueError("looking back needs the moment to look back from: Archive(store, model, before=...)")
    previous: list[PreviousRun] = []
    start = _start_of_window(archive) if lookback.accepted else None

    def wanted(moment: datetime) -> bool:
        return (start is None or moment >= start) and in_season(moment, before, lookback.season)

    for manifest in archive.runs(wanted):
        if lookback.accepted and manifest.content["verdict"]["stops"] and not archive.accepted(manifest):
            continue
        found = _artifact(archive.store, manifest, check, lookback.artifact)
        previous += [found] if found else []
        if len(previous) == lookback.runs:
            break
    return tuple(previous)


def in_season(moment: datetime, current: datetime, season: Season | None) -> bool:
    """Whether a previous run belongs to the season of the current one (both UTC).

    `month` is the calendar month in earlier years: the runs before the current one in its own month would be a
    trailing window under another name.
    """
    if season is None:
        return True
    if season == "month":
        return moment.month == current.month and moment.year < current.year
    same_hour, same_weekday = moment.hour == current.hour, moment.weekday() == current.weekday()
    return {"hour": same_hour, "weekday": same_weekday, "hour_of_week": same_hour and same_weekday}[season]


def _start_of_window(archive: Archive) -> datetime | None:
    """The moment of the run that was accepted last as the first of a new reference window."""
    return next(
        (acceptance.logical_date for acceptance in archive.acceptances if acceptance.purpose == "reference"), None
    )


def _artifact(store: ArtifactStore, manifest: ArchivedManifest, check: str, name: str) -> PreviousRun | None:
    row = next((row for row in manifest.content["checks"] if row["name"] == check), None)
    stored = next((artifact for artifact in (row["artifacts"] if row else ()) if artifact["name"] == name), None)
    if stored is None:
        return None
    return PreviousRun(
        logical_date=manifest.logical_date, name=name, key=stored["key"], sha256=stored["sha256"],
        content=read_verified(store, stored),
    )  # fmt: skip

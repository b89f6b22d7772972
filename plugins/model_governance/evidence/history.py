"""Previous runs of a model, found in its archive. What is damaged is left out and named; nothing is believed unverified."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import Artifact
from model_governance.contract.subject import PreviousRun
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.acceptance import Acceptance, read_acceptances
from model_governance.evidence.chain import link_of
from model_governance.evidence.damage import Damage
from model_governance.evidence.reading import (
    NOT_USED,
    ArchivedManifest,
    read_archived,
    read_archived_record,
)
from model_governance.evidence.record import EarlierVerdict
from model_governance.evidence.run_keys import RunKeys
from model_governance.evidence.trusted_link import TrustedLinks
from model_governance.store import read_verified
from model_governance.verdict import trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from model_governance.contract.check import Lookback, Season
    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore

__all__ = [
    "Archive",
    "ArchivedManifest",
    "Damage",
    "earlier_artifacts",
    "earlier_verdicts",
    "first_moment",
    "in_season",
    "prepared_artifacts",
]


class Archive:
    """The runs of a model and what was accepted of them; objects are read when they are asked for, and once.

    Of a run that was repeated, the manifest that somebody accepted counts, else the last one of the chain. Where a
    manifest of a run is damaged, it is not known which one counts: the run is left out unless one of them was accepted.

    Args:
        store: where the evidence is.
        model: name of the model.
        before: only runs of earlier moments; None: all.
        trust: keys of which one must have signed whatever is read; None: signatures are not asked for.
    """

    def __init__(
        self, store: ArtifactStore, model: str, *, before: datetime | None = None, trust: Trust | None = None
    ) -> None:
        self.store = store
        self.model = model
        self.before = before
        self.keys = RunKeys(store, model, before=before)
        self._links = None if trust is None else TrustedLinks(store=store, model=model, trust=trust)
        self._read: dict[str, ArchivedManifest] = {}
        self._records: dict[tuple[str, str], dict[str, Any] | None] = {}
        self._damaged: dict[str, Damage] = {}

    @property
    def damaged(self) -> tuple[Damage, ...]:
        """The objects that were asked for and are damaged or missing, in the order in which they were met."""
        return tuple(self._damaged.values())

    @cached_property
    def acceptances(self) -> tuple[Acceptance | Damage, ...]:
        """What was accepted of these runs, the newest acceptance first, with those that are damaged among them."""
        found: list[Acceptance | Damage] = []
        for key, acceptance in read_acceptances(self.store, self.model):
            problem = acceptance if isinstance(acceptance, (EvidenceError, ObjectMissing)) else None
            if isinstance(acceptance, Acceptance):
                try:
                    self.require_link(key, hashlib.sha256(acceptance.content).hexdigest())
                except EvidenceError as error:
                    problem = error
            if problem is not None:
                found.append(self.leave_out(key, None, problem))
            elif isinstance(acceptance, Acceptance) and (self.before is None or acceptance.logical_date < self.before):
                found.append(acceptance)
        return tuple(found)

    @property
    def sound_acceptances(self) -> tuple[Acceptance, ...]:
        """What was accepted of these runs, without what is damaged."""
        return tuple(acceptance for acceptance in self.acceptances if not isinstance(acceptance, Damage))

    def leave_out(self, key: str, moment: datetime | None, error: Exception) -> Damage:
        """Note that an object is damaged and is not used."""
        uri = self.store.locate(key)
        reason = str(error).removeprefix(f"{uri}: ")
        if isinstance(error, ObjectMissing):
            reason = f"is missing ({reason}). Restore it from its oldest version"
        return self._damaged.setdefault(key, Damage(key=key, uri=uri, moment=moment, reason=reason))

    def accepted(self, manifest: ArchivedManifest) -> bool:
        """Whether somebody accepted this run, as a baseline or as the start of a window.

        Raises:
            EvidenceError: the manifest is not the one that was accepted.
        """
        named = [
            acceptance.manifest for acceptance in self.sound_acceptances if acceptance.manifest["key"] == manifest.key
        ]
        if any(address["sha256"] != manifest.sha256 for address in named):
            raise EvidenceError(
                f"{self.store.locate(manifest.key)}: has sha256 {manifest.sha256}, another one than the run that was "
                f"accepted; {NOT_USED}"
            )
        return bool(named)

    def history(self) -> Iterator[ArchivedManifest | Damage]:
        """The manifest of each run, the newest moment first, or what is damaged in its place."""
        for moment in self.keys:
            yield self._found(moment)

    def runs(self, wanted: Callable[[datetime], bool] = lambda _: True) -> Iterator[ArchivedManifest]:
        """The manifest of each sound run of a wanted moment, the newest moment first; damaged ones are left out."""
        for moment in self.keys:
            if wanted(moment) and not isinstance(found := self._found(moment), Damage):
                yield found

    def at(self, moment: datetime) -> ArchivedManifest:
        """The manifest of the run of a moment that has one.

        Raises:
            EvidenceError: a manifest of this moment is damaged, so that it is not known which one counts.
            StoreUnreachable: as `ArtifactStore.get`.
        """
        read = {key: self._sound(key, moment) for key in self.keys[moment]}
        manifests = self._last_first([manifest for manifest in read.values() if manifest is not None])
        if len(read) > 1:  # only then does an acceptance decide
            accepted = next((manifest for manifest in manifests if self.accepted(manifest)), None)
            if accepted is not None:
                return accepted
        damaged = [self._damaged[key] for key, manifest in read.items() if manifest is None]
        if damaged:
            raise EvidenceError(damaged[0].sentence)
        return manifests[0]

    def repeats(self, moment: datetime) -> list[ArchivedManifest]:
        """Every manifest of the run of a moment, the one that finished last first. Raises as `read_archived`."""
        return self._last_first([self.read(key) for key in self.keys[moment]])

    def named(self, run_id: str) -> ArchivedManifest | None:
        """The newest sound manifest of a run of this id; None where there is none."""
        for moment in self.keys:
            manifests = [self._sound(key, moment) for key in self.keys[moment]]
            found = [each for each in manifests if each is not None and each.content["run"]["run_id"] == run_id]
            if found:
                return self._last_first(found)[0]
        return None

    def read(self, key: str) -> ArchivedManifest:
        """The manifest under a key. Raises as `read_archived`, and EvidenceError where no trusted key vouches for it."""
        if key not in self._read:
            manifest = read_archived(self.store, key)
            self.require_link(key, manifest.sha256)
            self._read[key] = manifest
        return self._read[key]

    def require_link(self, key: str, sha256: str) -> None:
        """Refuse an object that no link of the chain names, or one whose link no trusted key signed. Raises as `TrustedLinks.require`."""
        if self._links is not None:
            self._links.require(about={"key": key, "sha256": sha256})

    def record(self, manifest: ArchivedManifest, check: str) -> dict[str, Any] | None:
        """The verified record of a check; None where it did not report. Raises as `read_archived_record`."""
        place = manifest.key, check
        if place not in self._records:
            row = manifest.row(check)
            self._records[place] = read_archived_record(self.store, manifest, row) if row else None
        return self._records[place]

    def damage_of(self, manifest: ArchivedManifest, check: str) -> Damage | None:
        """What is damaged in the record of a check, or in what its run says of it; it is noted. None where nothing is."""
        try:
            self.record(manifest, check)
        except (EvidenceError, ObjectMissing) as error:
            return self.leave_out((manifest.row(check) or {})["record"]["key"], manifest.logical_date, error)
        return None

    def sound_record(self, manifest: ArchivedManifest, check: str) -> dict[str, Any] | None:
        """As `record`; None too where it is damaged, which is noted."""
        return None if self.damage_of(manifest, check) else self.record(manifest, check)

    def _last_first(self, manifests: list[ArchivedManifest]) -> list[ArchivedManifest]:
        """Manifests of one run, the last one of the chain first: clocks of workers may differ."""
        if len(manifests) < 2:
            return manifests

        def place(manifest: ArchivedManifest) -> tuple[int, str]:
            about = {"key": manifest.key, "sha256": manifest.sha256}
            link = link_of(self.store, self.model, about=about)
            return link.sequence if link else 0, manifest.content["finished_at"]

        return sorted(manifests, key=place, reverse=True)

    def _sound(self, key: str, moment: datetime) -> ArchivedManifest | None:
        try:
            return self.read(key)
        except (EvidenceError, ObjectMissing) as error:
            self.leave_out(key, moment, error)
            return None

    def _found(self, moment: datetime) -> ArchivedManifest | Damage:
        try:
            return self.at(moment)
        except EvidenceError as error:
            known = next((self._damaged[key] for key in self.keys[moment] if key in self._damaged), None)
            return known or self.leave_out(self.keys[moment][0], moment, error)


def first_moment(store: ArtifactStore, model: str) -> datetime | None:
    """The moment of the first archived run of a model; None where it has none."""
    return min(Archive(store, model).keys, default=None)


def earlier_verdicts(archive: Archive, check: str, *, runs_back: int) -> list[EarlierVerdict]:
    """Verdicts of a check in the previous runs, the newest first; a run without the check, or damaged, is not counted."""
    verdicts: list[EarlierVerdict] = []
    for manifest in archive.runs():
        row, record = manifest.row(check), archive.sound_record(manifest, check)
        if row and record:
            verdicts.append(EarlierVerdict(verdict=trusted_verdict(record["verdict"]), record=row["record"]))
        if len(verdicts) == runs_back:
            break
    return verdicts


def earlier_artifacts(archive: Archive, check: str, *, lookback: Lookback) -> tuple[PreviousRun, ...]:
    """The artifact that a check stored in previous runs, the newest first; runs without it, or damaged, are not counted.

    Raises:
        ValueError: the archive is not that before a moment, which seasons are counted from.
        EvidenceError: an acceptance is damaged that may have opened the window.
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
        found = _artifact(archive, manifest, check, lookback)
        previous += [found] if found else []
        if len(previous) == lookback.runs:
            break
    return tuple(previous)


def prepared_artifacts(archive: Archive, addresses: Sequence[Mapping[str, Any]]) -> tuple[Artifact, ...]:
    """What tasks of the current run stored for a check, once its bytes are shown to have the digests that they reported.

    What is damaged or missing is left out and noted.

    Raises:
        StoreUnreachable: as `ArtifactStore.get`.
    """
    found: list[Artifact] = []
    for stored in addresses:
        try:
            content = read_verified(archive.store, stored)
        except (EvidenceError, ObjectMissing) as error:
            archive.leave_out(stored["key"], archive.before, error)
            continue
        found.append(Artifact(name=stored["name"], media_type=stored["media_type"], content=content))
    return tuple(found)


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
    """The moment of the run that was accepted last as the first of a new reference window.

    Raises:
        EvidenceError: a newer acceptance is damaged; it may have opened another window.
    """
    for acceptance in archive.acceptances:
        if isinstance(acceptance, Damage):
            raise EvidenceError(
                f"{acceptance.sentence}; it may say where the reference window starts. Or accept the first run of the "
                "window again: model-governance accept RUN --policy FILE --reason TEXT --by NAME --as reference"
            )
        if acceptance.purpose == "reference":
            return acceptance.logical_date
    return None


def _artifact(archive: Archive, manifest: ArchivedManifest, check: str, lookback: Lookback) -> PreviousRun | None:
    """The artifact of a run; None where it has none, or where it or its record is damaged, which is noted."""
    record, name = archive.sound_record(manifest, check), lookback.artifact
    stored = next((artifact for artifact in (record["stored"] if record else ()) if artifact["name"] == name), None)
    if stored is None:
        return None
    try:
        content = read_verified(archive.store, stored)
        if lookback.require is not None:
            lookback.require(content, archive.store.locate(stored["key"]))
    except (EvidenceError, ObjectMissing) as error:
        archive.leave_out(stored["key"], manifest.logical_date, error)
        return None
    return PreviousRun(
        logical_date=manifest.logical_date, name=name, key=stored["key"], sha256=stored["sha256"], content=content
    )

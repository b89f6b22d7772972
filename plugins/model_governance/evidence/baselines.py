"""The runs that changes are measured from: the approved run and the last one that passed.

A model version is approved by the first run that passes with it, until somebody accepts another run of that version.
A version without approval is compared with the approved run of the version before it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.documents import RESTORE
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.result import label_of
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.damage import Damage
from model_governance.stats.limits import read_limits
from model_governance.verdict import RANK, Baseline, trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from model_governance.contract.subject import Role, Subject
    from model_governance.evidence.acceptance import Acceptance
    from model_governance.evidence.history import Archive
    from model_governance.evidence.reading import ArchivedManifest
    from model_governance.verdict import Finding

Against = Literal["approved", "last_passed"]
AGAINST: tuple[Against, ...] = ("approved", "last_passed")


LASTING: frozenset[Role] = frozenset({"reference", "train", "previous_train", "population"})
"""Datasets that stay the same from run to run: what the metrics of a run are compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRun:
    """The run whose numbers are the baseline of one check.

    Attributes:
        manifest: the run.
        why: why this run is the baseline, in words.
        acceptance: who accepted it, where somebody did.
        metrics: its numbers by label.
    """

    manifest: ArchivedManifest
    why: str
    metrics: Mapping[str, Baseline]
    acceptance: Acceptance | None = None

    def record(self) -> dict[str, Any]:
        """What record, manifest and pages say of it, as JSON types."""
        content, acceptance = self.manifest.content, self.acceptance
        return {
            "run": {name: content["run"][name] for name in ("run_id", "logical_date")},
            "outcome": content["verdict"]["outcome"],
            "why": self.why,
            "model_sha256": self.manifest.model_sha256,
            "manifest": {"key": self.manifest.key, "sha256": self.manifest.sha256},
            "accepted": None if acceptance is None else {
                "by": acceptance.by, "reason": acceptance.reason, "at": acceptance.accepted_at.isoformat(),
                "key": acceptance.key,
            },
        }  # fmt: skip


def comparison_basis(subject: Subject, baselines: Mapping[str, Mapping[str, Baseline]]) -> str:
    """Digest of what the metrics are compared with: the model, all data but the run's own, and the baselines."""
    parts = [subject.model.sha256 if subject.model else ""]
    parts += [f"{role}={subject.datasets[role].sha256}" for role in sorted(subject.datasets) if role in LASTING]
    for against, values in sorted(baselines.items()):
        if against == "champion":  # measured anew in every run
            continue
        parts += [f"{against} {label}={base.value!r}" for label, base in sorted(values.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def find_baselines(
    asked: Collection[str], archive: Archive, check: str, *, model_sha256: str
) -> dict[Against, BaselineRun | None]:
    """The baseline runs of a check that its thresholds ask for; None where there is no such run yet.

    A damaged run that may be the baseline is never replaced by another one in silence.

    Args:
        asked: what thresholds on a change name as `against`; `champion` is no run and is left out.
        archive: the runs before the current one.
        check: name of the check in the policy.
        model_sha256: the model version of the current run.

    Raises:
        EvidenceError: the run that is the baseline, or may be it, is damaged; the object and the way out are named.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    found: dict[Against, BaselineRun | None] = {}
    if "approved" in asked:
        found["approved"] = _approved(archive, check, model_sha256)
    if "last_passed" in asked:
        found["last_passed"] = _last_passed(archive, check)
    return found


def has_passed(verdict: Mapping[str, Any]) -> bool:
    """Whether a run, by the record of its verdict, may become a baseline of its own accord.

    It may where every finding passes, is waived or was skipped. A finding that lacked nothing but a baseline does not
    count against the run: otherwise a policy with thresholds on changes only would never have a first baseline. Nor does
    damage of earlier runs: what this run measured is sound.
    """
    findings = [finding for finding in trusted_verdict(verdict).findings if not finding.is_damage]
    worst = max((finding.outcome for finding in findings), key=RANK.index, default="error")
    if worst in ("pass", "waived"):
        return True
    return worst == "uncertain" and all(
        finding.outcome in ("pass", "waived", "skipped") or _lacks_a_baseline(finding) for finding in findings
    )


def _lacks_a_baseline(finding: Finding) -> bool:
    return finding.outcome == "uncertain" and finding.against in AGAINST and finding.baseline is None


def _approved(archive: Archive, check: str, version: str) -> BaselineRun | None:
    for candidate in _versions(archive, version):
        found = _accepted(archive, check, candidate) or _first_passed(archive, check, candidate)
        if found is not None:
            return found
    return None


def _versions(archive: Archive, version: str) -> Iterator[str]:
    """The current model version, then those of previous runs, the newest first."""
    named = [version]
    yield version
    for manifest in archive.runs():
        if manifest.model_sha256 not in named:
            named.append(manifest.model_sha256)
            yield manifest.model_sha256


def _accepted(archive: Archive, check: str, version: str) -> BaselineRun | None:
    """The run of this version that was accepted last as the baseline and measured the check.

    Raises:
        EvidenceError: a newer acceptance is damaged, or the run that was accepted.
    """
    for acceptance in archive.acceptances:
        if isinstance(acceptance, Damage):
            raise EvidenceError(f"{acceptance.sentence}; it may name the approved run. {_WAY_OUT}")
        if acceptance.purpose == "baseline" and acceptance.model_sha256 == version:
            found = _accepted_run(archive, check, acceptance)
            if found is not None:
                return found
    return None


def _accepted_run(archive: Archive, check: str, acceptance: Acceptance) -> BaselineRun | None:
    key = acceptance.manifest["key"]
    try:
        manifest = archive.read(key)
        archive.accepted(manifest)  # refuses one that was altered
    except (EvidenceError, ObjectMissing) as error:
        damage = archive.leave_out(key, acceptance.logical_date, error)
        raise _unusable(damage, "the approved run") from error
    facts = (manifest.content["run"]["run_id"], manifest.model_sha256, manifest.content["verdict"]["outcome"])
    if facts != (acceptance.run["run_id"], acceptance.model_sha256, acceptance.outcome):
        raise EvidenceError(
            f"{archive.store.locate(acceptance.key)}: expected run, model version and outcome of the run that it accepts, "
            f"{', '.join(facts)}, found others; {RESTORE}. {_WAY_OUT}"
        )
    return _baseline(archive, manifest, check, why=acceptance.sentence, acceptance=acceptance)


def _first_passed(archive: Archive, check: str, version: str) -> BaselineRun | None:
    """The first run of this version that passed and measured the check.

    Each run records the approved run it was judged against, so the search ends at the previous run of the version.

    Raises:
        EvidenceError: a damaged run may be the first.
    """
    candidates: list[ArchivedManifest | Damage] = []
    for manifest in _of_version(archive, check, version):
        if isinstance(manifest, Damage):
            candidates.append(manifest)
            continue
        candidates += [manifest] if has_passed(manifest.content["verdict"]) else []
        recorded = ((manifest.row(check) or {}).get("baselines") or {}).get("approved", "never asked")
        if recorded == "never asked":
            continue
        if recorded is None or recorded["model_sha256"] != version:
            break
        if recorded["accepted"] is None:
            approved = _recorded(archive, manifest, recorded)
            if approved is not None:
                candidates.append(approved)
                break
    why = f"the first run of model version {version[:12]} that passed"
    for candidate in reversed(candidates):
        if isinstance(candidate, Damage):
            raise _unusable(candidate, "the approved run")
        found = _baseline(archive, candidate, check, why=why)
        if found is not None:
            return found
    return None


def _of_version(archive: Archive, check: str, version: str) -> Iterator[ArchivedManifest | Damage]:
    """The runs of a model version, the newest first, with the damaged ones that may be of it.

    A damaged run may be of the version where the sound run before or after it is; the current run comes after all.
    """
    waiting: list[Damage] = []
    follows = True
    for manifest in archive.history():
        if isinstance(manifest, Damage):
            waiting.append(manifest)
            continue
        same = manifest.model_sha256 == version
        yield from waiting if follows or same else ()
        waiting, follows = [], same
        if same:
            yield archive.damage_of(manifest, check) or manifest
    yield from waiting if follows else ()


def _recorded(archive: Archive, manifest: ArchivedManifest, named: Mapping[str, Any]) -> ArchivedManifest | None:
    """The approved run that a previous run of the version was judged against, shown to be what its record says.

    None where that run was repeated since, and another manifest of it counts.

    Raises:
        EvidenceError: it is damaged, or another run.
    """
    key, moment = named["manifest"]["key"], parse_moment(named["run"]["logical_date"])
    try:
        approved = archive.read(key)
        facts = {"run": {name: approved.content["run"][name] for name in ("run_id", "logical_date")}, "outcome":
                 approved.content["verdict"]["outcome"], "model_sha256": approved.model_sha256,
                 "manifest": {"key": approved.key, "sha256": approved.sha256}}  # fmt: skip
        wrong = [name for name, value in facts.items() if named[name] != value]
        if wrong:
            raise EvidenceError(
                f"{archive.store.locate(key)}: expected {', '.join(wrong)} as the run {spell_moment(manifest.logical_date)} "
                f"recorded of its approved run, found others; {RESTORE}"
            )
        counting = archive.at(moment)
    except (EvidenceError, ObjectMissing) as error:
        raise _unusable(archive.leave_out(key, moment, error), "the approved run") from error
    return counting if counting.key == key else None


def _last_passed(archive: Archive, check: str) -> BaselineRun | None:
    """The newest run that passed and measured the check.

    A run that was accepted as the baseline takes its place where a damaged run before it may have been the last.

    Raises:
        EvidenceError: a damaged run may be the last that passed, and no later one was accepted.
    """
    accepted: BaselineRun | None = None
    for found in archive.history():
        manifest = found if isinstance(found, Damage) else archive.damage_of(found, check) or found
        if isinstance(manifest, Damage):
            if accepted is None:
                raise _unusable(manifest, "the last run that passed")
            return accepted
        if has_passed(manifest.content["verdict"]):
            baseline = _baseline(archive, manifest, check, why="the last run that passed")
            if baseline is not None:
                return baseline
        accepted = accepted or _accepted_instead(archive, manifest, check)
    return None


def _accepted_instead(archive: Archive, manifest: ArchivedManifest, check: str) -> BaselineRun | None:
    """A run as the baseline that somebody accepted; None where nobody did."""
    for acceptance in archive.sound_acceptances:
        if acceptance.purpose == "baseline" and acceptance.manifest["key"] == manifest.key:
            return _accepted_run(archive, check, acceptance)
    return None


def _baseline(
    archive: Archive, manifest: ArchivedManifest, check: str, *, why: str, acceptance: Acceptance | None = None
) -> BaselineRun | None:
    """A run as a baseline; None where it did not measure the check.

    Raises:
        EvidenceError: its record is damaged.
    """
    try:
        record = archive.record(manifest, check)
        if record is None or record["result"] is None or record["result"]["status"] != "measured":
            return None
        metrics = numbers_of(record)
    except (EvidenceError, ObjectMissing) as error:
        key = (manifest.row(check) or {})["record"]["key"]
        raise _unusable(archive.leave_out(key, manifest.logical_date, error), f"the baseline ({why})") from error
    return BaselineRun(manifest=manifest, why=why, metrics=metrics, acceptance=acceptance)


def numbers_of(record: Mapping[str, Any]) -> dict[str, Baseline]:
    """The numbers of a check's record as baselines, by label; absent ones are left out.

    Raises:
        EvidenceError: the limits of a metric are none that this release reads.
    """
    return {
        label_of(metric["name"], metric["key"]): read_baseline(metric, name=metric["name"])
        for metric in record["result"]["metrics"]
        if metric["value"] is not None
    }


def read_baseline(metric: Mapping[str, Any], *, name: str) -> Baseline:
    """A metric of a record, or what `Baseline.record` wrote; records of release 0.1 hold no limits.

    Raises:
        EvidenceError: the limits are none that this release reads.
    """
    stored, limits = metric.get("limits"), None
    if stored is not None:
        try:
            limits = read_limits(stored)
            low, high = limits.interval()
            sound = math.isfinite(low) and math.isfinite(high) and low <= high
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise EvidenceError(f"limits of {name}: {type(error).__name__}: {error}; {RESTORE}") from error
        if not sound:
            raise EvidenceError(f"limits of {name}: expected low <= high, found {low} to {high}; {RESTORE}")
    return Baseline(value=metric["value"], low=metric["low"], high=metric["high"], limits=limits)


_WAY_OUT = "Or accept another run: model-governance accept RUN --policy FILE --reason TEXT --by NAME"


def _unusable(damage: Damage, what: str) -> EvidenceError:
    return EvidenceError(f"{damage.sentence}; it is {what}, or may be it, and no other run takes its place. {_WAY_OUT}")

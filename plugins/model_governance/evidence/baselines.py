"""The runs that changes are measured from: the approved run and the last one that passed.

A model version is approved by the first run that passes with it, until somebody accepts another run of that version.
A version without approval is compared with the approved run of the version before it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.moments import parse_moment
from model_governance.contract.result import label_of
from model_governance.stats.limits import read_limits
from model_governance.verdict import Baseline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from model_governance.contract.subject import Role, Subject
    from model_governance.evidence.acceptance import Acceptance
    from model_governance.evidence.history import Archive, ArchivedManifest

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

    Args:
        asked: what thresholds on a change name as `against`; `champion` is no run and is left out.
        archive: the runs before the current one.
        check: name of the check in the policy.
        model_sha256: the model version of the current run.

    Raises:
        EvidenceError: a manifest, a record or an acceptance was altered.
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
    count against the run: otherwise a policy with thresholds on changes only would never have a first baseline.
    """
    if verdict["outcome"] in ("pass", "waived"):
        return True
    return verdict["outcome"] == "uncertain" and all(
        finding["outcome"] in ("pass", "waived", "skipped") or _lacks_a_baseline(finding)
        for finding in verdict["findings"]
    )


def _lacks_a_baseline(finding: Mapping[str, Any]) -> bool:
    return finding["outcome"] == "uncertain" and finding["against"] in AGAINST and finding["baseline"] is None


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
    """The run of this version that was accepted last as the baseline and measured the check."""
    for acceptance in archive.acceptances:
        if acceptance.purpose == "baseline" and acceptance.model_sha256 == version:
            manifest = archive.read(acceptance.manifest["key"])
            archive.accepted(manifest)  # refuses one that was altered
            found = _baseline(archive, manifest, check, why=acceptance.sentence, acceptance=acceptance)
            if found is not None:
                return found
    return None


def _first_passed(archive: Archive, check: str, version: str) -> BaselineRun | None:
    """The first run of this version that passed and measured the check.

    Each run records the approved run it was judged against, so the search ends at the previous run of the version.
    """
    passed: list[ArchivedManifest] = []
    for manifest in archive.runs():
        if manifest.model_sha256 != version:
            continue
        passed += [manifest] if has_passed(manifest.content["verdict"]) else []
        recorded = ((manifest.row(check) or {}).get("baselines") or {}).get("approved", "never asked")
        if recorded == "never asked":
            continue
        if recorded is None or recorded["model_sha256"] != version:
            break
        if recorded["accepted"] is None:
            approved = archive.at(parse_moment(recorded["run"]["logical_date"]))
            if approved.key == recorded["manifest"]["key"]:
                passed.append(approved)
                break
    why = f"the first run of model version {version[:12]} that passed"
    found = (_baseline(archive, manifest, check, why=why) for manifest in reversed(passed))
    return next((baseline for baseline in found if baseline is not None), None)


def _last_passed(archive: Archive, check: str) -> BaselineRun | None:
    passed = (manifest for manifest in archive.runs() if has_passed(manifest.content["verdict"]))
    found = (_baseline(archive, manifest, check, why="the last run that passed") for manifest in passed)
    return next((baseline for baseline in found if baseline is not None), None)


def _baseline(
    archive: Archive, manifest: ArchivedManifest, check: str, *, why: str, acceptance: Acceptance | None = None
) -> BaselineRun | None:
    """A run as a baseline; None where it did not measure the check."""
    record = manifest.record(archive.store, check)
    if record is None or record["result"] is None or record["result"]["status"] != "measured":
        return None
    return BaselineRun(manifest=manifest, why=why, metrics=numbers_of(record), acceptance=acceptance)


def numbers_of(record: Mapping[str, Any]) -> dict[str, Baseline]:
    """The numbers of a check's record as baselines, by label; absent ones are left out."""
    return {
        label_of(metric["name"], metric["key"]): read_baseline(metric)
        for metric in record["result"]["metrics"]
        if metric["value"] is not None
    }


def read_baseline(metric: Mapping[str, Any]) -> Baseline:
    """A metric of a record, or what `Baseline.record` wrote; records of release 0.1 hold no limits."""
    stored = metric.get("limits")
    limits = None if stored is None else read_limits(stored)
    return Baseline(value=metric["value"], low=metric["low"], high=metric["high"], limits=limits)

"""The runs of a model as their verified links state them; a link that verification doubts is no evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing, PolicyError
from model_governance.evidence.controls import FILE, as_control_map, built_in_controls
from model_governance.evidence.verification import verify_model
from model_governance.policy.load import archived_policy
from model_governance.store import read_verified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from model_governance.evidence.chain import Link
    from model_governance.evidence.controls import ControlMap
    from model_governance.evidence.trust import Trust
    from model_governance.evidence.verification import Problem, Verification
    from model_governance.store import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEvidence:
    """What a link states of one check: its kind (None: it never reported), its outcome, and why in one sentence."""

    name: str
    kind: str | None
    outcome: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRun:
    """A run as its link states it.

    Attributes:
        sequence: number of the link.
        run_id: of the run.
        logical_date: moment of the run (UTC).
        is_signed: whether the link is signed.
        checks: what it states of each check.
        policy: `key` and `sha256` of the policy.
        control_map: `key` and `sha256` of the control map; None without one.
    """

    sequence: int
    run_id: str
    logical_date: datetime
    is_signed: bool
    checks: tuple[CheckEvidence, ...]
    policy: Mapping[str, str]
    control_map: Mapping[str, str] | None

    def check(self, name: str) -> CheckEvidence | None:
        """What it states of the check of this name."""
        return next((check for check in self.checks if check.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRuns:
    """Every run of a model, in the order of the chain: those that are evidence, and moments of those that are not."""

    verification: Verification
    runs: tuple[VerifiedRun, ...]
    doubted: tuple[datetime, ...]


def verified_runs(store: ArtifactStore, model: str, *, trust: Trust | None) -> VerifiedRuns:
    """Verify the chain of a model and read its runs. Raises as `verify_model`."""
    runs: list[VerifiedRun] = []
    doubted: list[datetime] = []

    def take(link: Link, problems: Sequence[Problem]) -> None:
        if link.kind != "run":
            return
        if any(problem.severity == "error" for problem in problems):
            doubted.append(link.logical_date)
        else:
            runs.append(_run_of(link))

    verification = verify_model(store, model, trust=trust, each=take)
    return VerifiedRuns(verification=verification, runs=tuple(runs), doubted=tuple(doubted))


def kinds_of_checks(store: ArtifactStore, run: VerifiedRun) -> dict[str, str]:
    """The kind of every check of the policy of a run, by name."""
    stated = {check.name: check.kind for check in run.checks if check.kind is not None}
    try:
        policy = archived_policy(read_verified(store, run.policy), origin=store.locate(run.policy["key"]))
    except (EvidenceError, ObjectMissing, PolicyError):
        return stated  # a policy that this release cannot read; what reported has told its kind
    return {name: spec.kind for name, spec in policy.checks.items()}


def control_map_of(store: ArtifactStore, run: VerifiedRun | None) -> ControlMap:
    """The control map that was stored with a run; that of this package where there is none.

    Raises:
        EvidenceError: it was altered, or is of another version than this release reads.
    """
    if run is None or run.control_map is None:
        return built_in_controls()
    return as_control_map(read_verified(store, run.control_map), origin=store.locate(run.control_map["key"]))


def stated_checks(link: Link) -> tuple[CheckEvidence, ...]:
    """What the link of a run states of each check."""
    return tuple(_check_of(check) for check in link.predicate["checks"])


def control_map_address(link: Link) -> dict[str, str] | None:
    """`key` and `sha256` of the control map that was stored with a run; None without one."""
    stored = next((each for each in link.statement["subject"] if each["name"] == FILE), None)
    return None if stored is None else {"key": stored["uri"], "sha256": stored["digest"]["sha256"]}


def _run_of(link: Link) -> VerifiedRun:
    predicate = link.predicate
    return VerifiedRun(
        sequence=link.sequence,
        run_id=predicate["run"]["run_id"],
        logical_date=link.logical_date,
        is_signed=link.is_signed,
        checks=stated_checks(link),
        policy={name: predicate["policy"][name] for name in ("key", "sha256")},
        control_map=control_map_address(link),
    )


def _check_of(check: Mapping[str, Any]) -> CheckEvidence:
    deciding = (finding["sentence"] for finding in check["findings"] if finding["outcome"] == check["outcome"])
    return CheckEvidence(
        name=check["name"], kind=check["kind"], outcome=check["outcome"],
        sentence=next(deciding, "it never reported" if check["kind"] is None else ""),
    )  # fmt: skip

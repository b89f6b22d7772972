"""Runs of a model whose accuracy a test chooses: archived for real, measured by a stand-in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import project
from model_governance.archiving import archive_run
from model_governance.authoring.accept import accept_run
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import Artifact, CheckResult, make_metric
from model_governance.evidence.signing import signer_of
from model_governance.run import run_check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model_governance.archiving import ArchivedRun
    from model_governance.contract.check import Check
    from model_governance.evidence.acceptance import Acceptance
    from model_governance.verdict import Finding

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
QUALITY = find("model_quality")


@dataclass
class Nights:
    """Runs of one policy with one check, `quality`; `night` runs and archives one."""

    small: project.Project
    ended: list[ArchivedRun] = field(default_factory=list)

    def night(self, day: float, accuracy: float | None, *, width: float = 0.002, run_id: str = "") -> Finding:
        """The finding of the first threshold in the run of a day; None: the check did not apply."""
        check = stand_in(accuracy, width)
        run = self.small.night(FIRST + timedelta(days=day - 1), run_id or f"night-{day}")
        policy, store = self.small.policy(), self.small.store
        done = run_check(policy, "quality", run=run, store=store, connections=PlainConnections(), check=check)
        self.ended.append(archive_run(policy, {"quality": done.summary()}, run=run, store=store))
        return self.ended[-1].verdict.findings[0]

    def accept(self, run: str, **more) -> Acceptance:
        """Accept a run by its date or id."""
        told = {"reason": "the feed changed for good", "by": "A. Owner"} | more
        signer = signer_of(self.small.policy())
        return accept_run(self.small.store, "synthetic", run, signer=signer, **told)[0]

    def deploy(self, digest: str) -> None:
        """Another model version; nothing loads its bytes."""
        self.small.change(model=self.small.raw["model"] | {"sha256": digest * 64})


def nights_from(first: datetime) -> Iterator[datetime]:
    """A moment each hour."""
    return (first + timedelta(hours=hour) for hour in itertools.count())


def stand_in(accuracy: float | None, width: float = 0.002) -> Check:
    """The check of model quality, needing nothing and measuring this accuracy."""
    return replace(QUALITY, needs_model=False, roles=(), optional_roles=(), measure=_measure(accuracy, width))


def _measure(accuracy: float | None, width: float):
    def measure(subject, params, seed) -> CheckResult:
        if accuracy is None:
            return CheckResult(kind="model_quality", seed=seed, status="not_applicable", reason="no labels yet")
        interval = (accuracy - width, accuracy + width)
        metric = make_metric(QUALITY.metrics, "accuracy", accuracy, n=10_000, interval=interval)
        number = Artifact(name="number.txt", media_type="text/plain", content=str(accuracy).encode())
        return CheckResult(kind="model_quality", seed=seed, metrics=(metric,), artifacts=(number,))

    return measure


def nights(folder: Path, *thresholds: dict, **keys) -> Nights:
    """No run yet, under these thresholds on accuracy."""
    spec = {"kind": "model_quality", "thresholds": [{"metric": "accuracy"} | threshold for threshold in thresholds]}
    return Nights(project.small_project(folder, checks={"quality": spec}).change(**keys))

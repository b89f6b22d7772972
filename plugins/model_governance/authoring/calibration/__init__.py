"""What each threshold does to runs without any change: drawn from the reference, measured and judged.

`calibrate` is the entry: data drift in counts of frozen cells (`drift`, `cells`), other checks on rows (`resampling`,
`windows`, `answers`). `critical` gives the bounds at which a run stops to pass and begins to fail, `judged_windows`
collects them, `curve` estimates how often a bound is exceeded and proposes one; `table` and `page` show it.
Nothing here edits a policy: the lines to paste are printed, and a review decides.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.authoring.calibration.drift import calibrate_drift
from model_governance.authoring.calibration.resampling import calibrate_resampled
from model_governance.authoring.calibration.results import Calibrated, NotCalibrated
from model_governance.authoring.calibration.windows import measure_windows, plan_windows
from model_governance.checks import find
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.errors import (
    CheckError,
    GovernanceError,
    ModelMisbehaved,
    PolicyError,
    SubjectError,
    SubjectUnreachable,
)
from model_governance.run import derive_seed, params_of
from model_governance.subjects import load_dataset, load_subject, render_sources, run_variables
from model_governance.verdict import budget_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from model_governance.contract.check import Check
    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Role, Subject
    from model_governance.policy import DatasetSpec, Policy

__all__ = ["Calibrated", "Calibration", "NotCalibrated", "calibrate"]

log = logging.getLogger(__name__)

SCHEMA = "model-governance/calibration/v1"
LEAST_WINDOWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All thresholds of a policy that can fail a run: calibrated, or not with the reason."""

    policy: Policy
    moment: datetime
    reference_rows: int
    rows: int
    level: float
    outcomes: tuple[Calibrated | NotCalibrated, ...]

    @property
    def calibrated(self) -> tuple[Calibrated, ...]:
        """Those with a curve."""
        return tuple(finding for finding in self.outcomes if isinstance(finding, Calibrated))

    @property
    def not_calibrated(self) -> tuple[NotCalibrated, ...]:
        """Those without a curve, each with its reason."""
        return tuple(finding for finding in self.outcomes if isinstance(finding, NotCalibrated))

    def record(self) -> dict[str, Any]:
        """Everything as JSON types; the same policy and data give the same record."""
        return {
            "schema": SCHEMA,
            "policy": {"name": self.policy.name, "sha256": self.policy.sha256},
            "alarms": self.policy.alarms.model_dump(mode="json"),
            "level": self.level,
            "logical_date": self.moment.isoformat(),
            "rows": {"reference": self.reference_rows, "run": self.rows},
            "thresholds": [threshold.record() for threshold in self.calibrated],
            "not_calibrated": [excluded.record() for excluded in self.not_calibrated],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How many runs are drawn, and of which size (by default that of `current`).

    Where rows are measured anew at most a fifth of the `windows` are drawn, and fewer where the shares are known well
    enough.
    """

    windows: int = 1000
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.windows < LEAST_WINDOWS:
            raise PolicyError(
                [f"--windows {self.windows}: calibration draws at least {LEAST_WINDOWS}; fewer show no rate of fails"]
            )
        if self.rows is not None and self.rows < 1:
            raise PolicyError([f"--rows {self.rows}: a run has at least 1 row"])

    @property
    def row_windows(self) -> int:
        """Windows on which a check is measured anew."""
        return self.windows // 5


def calibrate(policy: Policy, *, moment: datetime, connections: Connections, sampling: Sampling) -> Calibration:
    """Calibrate every threshold that can fail a run of this policy.

    Raises:
        PolicyError: there is no reference, or no `current` that gives the rows of a run.
        SubjectError, CheckError: model or reference cannot be used.
        SubjectUnreachable: a place does not answer.
    """
    sources = render_sources(policy, run_variables(moment))
    if "reference" not in sources:
        raise PolicyError([f"{policy.name}: calibration draws runs from datasets.reference; add it to the policy"])
    roles: tuple[Role, ...] = ("reference",)
    subject = load_subject(policy, roles=roles, with_model=True, sources=sources, connections=connections)
    rows = sampling.rows or _rows_of_run(policy, sources, connections)
    outcomes: list[Calibrated | NotCalibrated] = []
    for place, name in enumerate(policy.checks, start=1):
        log.info("%s: check %s of %s", name, place, len(policy.checks))
        outcomes.extend(_check(policy, name, subject=subject, sampling=sampling, rows=rows))
    return Calibration(
        policy=policy, moment=moment, reference_rows=subject.datasets["reference"].rows, rows=rows,
        level=budget_of(policy).level, outcomes=tuple(outcomes),
    )  # fmt: skip


def _check(
    policy: Policy, name: str, *, subject: Subject, sampling: Sampling, rows: int
) -> list[Calibrated | NotCalibrated]:
    spec, check, budget = policy.checks[name], find(policy.checks[name].kind), budget_of(policy)
    places = [place for place, threshold in enumerate(spec.thresholds) if threshold.severity in budget.stopping]
    everything = f"{len(places)} threshold(s)"
    if not places:
        return []
    if reason := check.not_calibrated or _needs_more(check):
        return [NotCalibrated(check=name, label=everything, reason=reason)]
    params, seed = params_of(check, policy, name), _seed(policy, subject, name, rows)
    try:
        if isinstance(params, DriftParams):
            # Cells are counted without the check, which may be an error on the same rows.
            _require_one_window(check, subject, params, rows=rows, seed=seed)
            return calibrate_drift(
                policy, name, places, kind=check.kind, subject=subject, params=params,
                windows=sampling.windows, rows=rows, seed=seed,
            )  # fmt: skip
        return calibrate_resampled(
            policy, name, places, check=check, subject=subject, params=params,
            windows=sampling.row_windows, rows=rows, seed=seed,
        )  # fmt: skip
    except SubjectUnreachable:
        raise
    except (CheckError, SubjectError, ModelMisbehaved) as error:
        return [
            NotCalibrated(
                check=name, label=everything, reason=f"an error, which fails the run, on rows of the reference: {error}"
            )
        ]


def _require_one_window(check: Check, subject: Subject, params: DriftParams, *, rows: int, seed: int) -> None:
    """Measure the check on one drawn run. Raises whatever it raises there."""
    plan = plan_windows(reference_rows=subject.datasets["reference"].rows, rows=rows, compares=True)
    for result in measure_windows(check, subject, params, plan=plan, windows=1, seed=seed):
        if isinstance(result, GovernanceError):
            raise result


def _needs_more(check: Check) -> str:
    """Why windows of the reference cannot stand in for the datasets of a check; empty when they can."""
    others = sorted(set(check.roles) - {"current", "reference"})
    return f"needs dataset(s) {', '.join(others)}, which no window holds" if others else ""


def _rows_of_run(policy: Policy, sources: Mapping[Role, DatasetSpec], connections: Connections) -> int:
    hint = "pass --rows N, the rows of a usual run"
    if "current" not in sources:
        raise PolicyError([f"{policy.name}: no datasets.current gives the rows of a run; {hint}"])
    try:
        return load_dataset("current", sources["current"], folder=policy.folder, connections=connections).rows
    except SubjectUnreachable:
        raise
    except SubjectError as error:
        raise PolicyError(
            [f"{policy.name}: datasets.current does not give the rows of a run: {error}; {hint}"]
        ) from error


def _seed(policy: Policy, subject: Subject, name: str, rows: int) -> int:
    """The seed of a check's windows: from the digests of policy, model and data, and the rows of a run."""
    text = f"calibration {derive_seed(policy, subject, name)} {rows}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

"""What bounds of a policy do while nothing changes: nights are drawn from the reference, measured and judged.

`calibrate` is the path: the drift check in counts of frozen cells (`drift`, `counts`), other checks on drawn rows (`measured`).
`curve` says how often a bound fails and which one keeps the alarm budget, `page` and `table` show it.
Nothing here edits a policy: the lines to paste are printed, and a review decides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.authoring.calibration.drift import calibrate_drift
from model_governance.authoring.calibration.findings import Calibrated, Left
from model_governance.authoring.calibration.measured import calibrate_measured
from model_governance.checks import find
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.errors import CheckError, ModelMisbehaved, PolicyError, SubjectError, SubjectUnreachable
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

__all__ = ["Calibrated", "Calibration", "Left", "calibrate"]

SCHEMA = "model-governance/calibration/v1"
LEAST_WINDOWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All thresholds of a policy that can fail a night: calibrated, or left with the reason."""

    policy: Policy
    moment: datetime
    reference_rows: int
    rows: int
    level: float
    found: tuple[Calibrated | Left, ...]

    @property
    def calibrated(self) -> tuple[Calibrated, ...]:
        """Those with a curve."""
        return tuple(finding for finding in self.found if isinstance(finding, Calibrated))

    @property
    def left(self) -> tuple[Left, ...]:
        """Those without, each with its reason."""
        return tuple(finding for finding in self.found if isinstance(finding, Left))

    def record(self) -> dict[str, Any]:
        """Everything as JSON types; the same policy and data give the same record."""
        return {
            "schema": SCHEMA,
            "policy": {"name": self.policy.name, "sha256": self.policy.sha256},
            "alarms": self.policy.alarms.model_dump(mode="json"),
            "level": self.level,
            "logical_date": self.moment.isoformat(),
            "rows": {"reference": self.reference_rows, "night": self.rows},
            "thresholds": [threshold.record() for threshold in self.calibrated],
            "left": [one.record() for one in self.left],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many nights are drawn, and of which size (by default that of `current`).

    Where rows are measured anew a fifth of the `windows` are drawn; where counts suffice as many more as
    the level asks for.
    """

    windows: int = 1000
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.windows < LEAST_WINDOWS or (self.rows is not None and self.rows < 1):
            raise PolicyError(
                [f"calibration needs at least {LEAST_WINDOWS} windows of 1 row; found {self.windows} of {self.rows}"]
            )

    @property
    def row_windows(self) -> int:
        """Nights on which a check is measured anew."""
        return self.windows // 5


def calibrate(policy: Policy, *, moment: datetime, connections: Connections, effort: Effort) -> Calibration:
    """Calibrate every threshold that can fail a night of this policy.

    Raises:
        PolicyError: there is no reference, or no `current` to tell the size of a night.
        SubjectError, CheckError: model or reference cannot be used.
        SubjectUnreachable: a place does not answer.
    """
    sources = render_sources(policy, run_variables(moment))
    if "reference" not in sources:
        raise PolicyError([f"{policy.name}: calibration draws nights from datasets.reference; add it to the policy"])
    roles: tuple[Role, ...] = ("reference",)
    subject = load_subject(policy, roles=roles, with_model=True, sources=sources, connections=connections)
    rows = effort.rows or _rows_of_run(policy, sources, connections)
    found: list[Calibrated | Left] = []
    for name in policy.checks:
        found.extend(_check(policy, name, subject=subject, effort=effort, rows=rows, moment=moment))
    return Calibration(
        policy=policy, moment=moment, reference_rows=subject.datasets["reference"].rows, rows=rows,
        level=budget_of(policy).level, found=tuple(found),
    )  # fmt: skip


def _check(
    policy: Policy, name: str, *, subject: Subject, effort: Effort, rows: int, moment: datetime
) -> list[Calibrated | Left]:
    spec, check, budget = policy.checks[name], find(policy.checks[name].kind), budget_of(policy)
    places = [place for place, threshold in enumerate(spec.thresholds) if threshold.severity in budget.stopping]
    everything = f"{len(places)} threshold(s)"
    if not places:
        return []
    if reason := check.not_calibrated or _needs_more(check):
        return [Left(check=name, label=everything, reason=reason)]
    params, seed = params_of(check, policy, name), _seed(policy, subject, name, rows)
    try:
        if isinstance(params, DriftParams):
            return calibrate_drift(
                policy, name, places, kind=check.kind, subject=subject, params=params,
                windows=effort.windows, rows=rows, seed=seed, level=budget.level,
            )  # fmt: skip
        return calibrate_measured(
            policy, name, places, check=check, subject=subject, params=params,
            windows=effort.row_windows, rows=rows, seed=seed, level=budget.level, moment=moment,
        )  # fmt: skip
    except SubjectUnreachable:
        raise
    except (CheckError, SubjectError, ModelMisbehaved) as error:
        return [Left(check=name, label=everything, reason=f"cannot be measured on rows of the reference: {error}")]


def _needs_more(check: Check) -> str:
    """Why windows of the reference cannot stand in for the datasets of a check; empty when they can."""
    others = sorted(set(check.roles) - {"current", "reference"})
    return f"needs dataset(s) {', '.join(others)}, which no window holds" if others else ""


def _rows_of_run(policy: Policy, sources: Mapping[Role, DatasetSpec], connections: Connections) -> int:
    hint = "pass --rows N, the rows of a usual night"
    if "current" not in sources:
        raise PolicyError([f"{policy.name}: no datasets.current tells how many rows a night has; {hint}"])
    try:
        return load_dataset("current", sources["current"], folder=policy.folder, connections=connections).rows
    except SubjectUnreachable:
        raise
    except SubjectError as error:
        raise PolicyError(
            [f"{policy.name}: datasets.current cannot tell how many rows a night has: {error}; {hint}"]
        ) from error


def _seed(policy: Policy, subject: Subject, name: str, rows: int) -> int:
    """The seed of a check's windows: from the digests of policy, model and data, and the size of a night."""
    text = f"calibration {derive_seed(policy, subject, name)} {rows}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

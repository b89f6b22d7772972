"""What the evaluation of one task is given and returns: labelled rows in, estimates, tables, figures and notes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.result import Artifact, Table
    from model_governance.contract.subject import Model, Subject

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The labelled rows on which the model of a subject is evaluated, and how."""

    subject: Subject
    labelled: Labelled
    params: QualityParams
    seed: int

    @property
    def model(self) -> Model:
        """The model under check."""
        return self.subject.require_model()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMetrics:
    """Everything measured for one task.

    Attributes:
        estimates: The metrics.
        on_rows: Gives the main metrics of some of the labelled rows, by a bool mask of shape (n,).
        losses: Loss of each row (n,): 1 for a wrong class, else the size of the error; None where rows depend on
            one another.
        tables: Tables for the report.
        figures: Figures for the report.
        notes: Limits that a reader must know.
    """

    estimates: tuple[Estimate, ...]
    on_rows: Callable[[np.ndarray], tuple[Estimate, ...]]
    losses: np.ndarray | None = None
    tables: tuple[Table, ...] = ()
    figures: tuple[Artifact, ...] = ()
    notes: tuple[str, ...] = ()


def share(name: str, successes: int, n: int, *, undefined: str = "", key: str | None = None) -> Estimate:
    """`successes` of `n` rows with the exact binomial interval; absent for the reason `undefined` when n is 0."""
    if n == 0:
        return Estimate(name=name, value=None, n=0, key=key, reason=undefined)
    return Estimate(name=name, value=successes / n, n=n, interval=clopper_pearson(successes, n), key=key)


def absent(name: str, reason: str, *, n: int, key: str | None = None) -> Estimate:
    """A metric that has no value here, and why."""
    return Estimate(name=name, value=None, n=n, key=key, reason=reason)

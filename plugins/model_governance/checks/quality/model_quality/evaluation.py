"""What the evaluation of one task is given and returns: labelled rows in, estimates, tables, figures and notes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.result import Absence, Artifact, Table
    from model_governance.contract.subject import Model, Subject

Interval = tuple[float, float]

ONE_CLASS = "all labels are of one class; widen the window until another occurs"
ONE_ROW = "one row does not show how much errors vary"
NO_POSITIVE = "no row has a positive label; widen the window until one occurs"
NO_NEGATIVE = "no row has a negative label; widen the window until one occurs"


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
        points: Gives the values by label of some of the labelled rows, by such a mask; None where the intervals allow for
            dependence already.
        losses: Loss of each row (n,): 1 for a wrong class, else the size of the error; None where rows depend on
            one another.
        tables: Tables for the report.
        figures: Figures for the report.
        notes: Limits that a reader must know.
    """

    estimates: tuple[Estimate, ...]
    on_rows: Callable[[np.ndarray], tuple[Estimate, ...]]
    points: Callable[[np.ndarray], Mapping[str, float]] | None = None
    losses: np.ndarray | None = None
    tables: tuple[Table, ...] = ()
    figures: tuple[Artifact, ...] = ()
    notes: tuple[str, ...] = ()


def share(name: str, successes: int, n: int, *, undefined: str, key: str | None = None) -> Estimate:
    """`successes` of `n` rows with exact binomial limits; too few rows, for the reason `undefined`, when n is 0."""
    if n == 0:
        return too_few(name, undefined, n=0, key=key)
    limits = ExactShare(successes=successes, n=n)
    return Estimate(name=name, value=successes / n, n=n, interval=limits.interval(), key=key, limits=limits)


def absent(name: str, reason: str, *, n: int, key: str | None = None) -> Estimate:
    """A metric that cannot be measured here, and why."""
    return Estimate(name=name, value=None, n=n, key=key, reason=reason)


def too_few(name: str, reason: str, *, n: int, key: str | None = None, absence: Absence = "uncertain") -> Estimate:
    """A metric for which these rows are too few, and why: what is demanded of it stays uncertain."""
    return Estimate(name=name, value=None, n=n, key=key, reason=reason, absence=absence)


def not_asked(name: str, reason: str, *, key: str) -> Estimate:
    """A metric of a class that does not occur in these rows, so that nothing is demanded of it."""
    return Estimate(name=name, value=None, n=0, key=key, reason=reason, absence="skipped")

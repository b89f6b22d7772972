"""What a task family is given and hands back: labelled rows in, estimates, tables, pictures and notes out."""

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

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """The labelled rows on which the model of a subject is examined, and how."""

    subject: Subject
    labelled: Labelled
    params: QualityParams
    seed: int

    @property
    def model(self) -> Model:
        """The model under check."""
        return self.subject.require_model()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything that one task family measured.

    `on_rows` gives the main metrics of some of the labelled rows, by a bool mask of shape (n,).
    `losses`, shape (n,), is what each row lost: 1 for a wrong class, else the size of the error; none
    where rows depend on one another.
    """

    estimates: tuple[Estimate, ...]
    on_rows: Callable[[np.ndarray], tuple[Estimate, ...]]
    losses: np.ndarray | None = None
    tables: tuple[Table, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    notes: tuple[str, ...] = ()


def quantile_rows(values: np.ndarray) -> tuple[tuple[str, float], ...]:
    """Table rows (share, value not exceeded by it) of a distribution; the extremes, single rows, stay out."""
    import numpy as np

    levels = np.quantile(values, QUANTILES)
    return tuple((f"{part:.0%}", float(level)) for part, level in zip(QUANTILES, levels, strict=True))


def share(name: str, successes: int, n: int, *, undefined: str = "", key: str | None = None) -> Estimate:
    """`successes` of `n` rows with the exact binomial interval; absent for the reason `undefined` when n is 0."""
    if n == 0:
        return Estimate(name=name, value=None, n=0, key=key, reason=undefined)
    return Estimate(name=name, value=successes / n, n=n, interval=clopper_pearson(successes, n), key=key)


def absent(name: str, reason: str, *, n: int, key: str | None = None) -> Estimate:
    """A metric that has no value here, and why."""
    return Estimate(name=name, value=None, n=n, key=key, reason=reason)

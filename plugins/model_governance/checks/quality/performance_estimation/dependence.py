"""Rows that belong together: what they add to the errors of an estimate, on the reference and on current."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_governance.contract.dependence import Clusters, clusters_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDependence:
    """Clusters of the reference rows that are fitted on and of the rows of current, and what their labels have in common.

    Attributes:
        reference: Clusters of the reference rows.
        current: Clusters of the rows of current.
        on_reference: Design effect of what calibration leaves of the reference's labels.
        on_current: The same for the labels of current, which are not known yet.
    """

    reference: Clusters = field(default_factory=Clusters)
    current: Clusters = field(default_factory=Clusters)
    on_reference: float = 1.0
    on_current: float = 1.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, for the report; empty where no rows are said to belong together."""
        if not self.current:
            return ()
        note = (
            f"Rows of one {self.current.described} depend on one another: variances are raised by a design effect of the "
            f"labels of {self.on_reference:.1f} on the reference and of {self.on_current:.1f} on current, and such "
            "reference rows are resampled together."
        )
        return (note,)


def row_dependence(
    subject: Subject, rows: pd.DataFrame, *, residuals: np.ndarray, expected: np.ndarray
) -> RowDependence:
    """Dependence of the rows of both datasets.

    What labels of a cluster have in common beyond their probabilities is a property of the reference, where they are
    known: the intra-class correlation of what calibration leaves of them. The clusters of current may be of another
    size, and the design effect is that of its own (Kish, 1965). Where the reference holds one row of each cluster, the
    labels of current are taken to be as much alike as what is expected of them.

    Args:
        subject: With the columns `entity` and `batch` of the policy.
        rows: Reference rows that were fitted on, (n, columns), with these columns.
        residuals: Label less its held-out expectation, (n,).
        expected: Expectation of every row of current, (m,).

    Raises:
        SubjectError: Current lacks the column.
    """
    reference = clusters_of(subject.columns, rows.__getitem__)
    if not reference:
        return RowDependence()
    current = clusters_of(subject.columns, lambda name: subject.frame("current", columns=[name])[name])
    on_reference = effect_of(residuals, reference)
    on_current = effect_of(expected, current)
    if reference.size > 1:
        correlation = min(1.0, (on_reference - 1) / (reference.size - 1))
        on_current = 1 + correlation * (current.size - 1)
    return RowDependence(reference=reference, current=current, on_reference=on_reference, on_current=on_current)


def effect_of(values: np.ndarray, clusters: Clusters) -> float:
    """Design effect of the mean of values (n,); that of rows that are all alike where the values do not vary."""
    if not clusters:
        return 1.0
    effect = clusters.effect(values - values.mean())
    return clusters.size if effect is None else effect


def effect_of_sum(influences: np.ndarray, clusters: Clusters) -> float:
    """Design effect of a sum over rows, of the influences (n,) of the rows; 1 where none has one."""
    return (clusters.effect(influences) or 1.0) if clusters else 1.0


def dependence_columns(subject: Subject) -> tuple[str, ...]:
    """The columns that say which rows belong together."""
    return tuple(name for name in (subject.columns.entity, subject.columns.batch) if name is not None)

"""Intervals of rows that belong together: every variance is raised by the design effect of its metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.dependence import Clusters, Dependence, clusters_of, dependence_note, unbounded
from model_governance.stats.clusters import design_effect

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Evaluation, TaskMetrics
    from model_governance.contract.dependence import Bounds

MOST_ROWS = 20_000
"""Rows from which design effects are estimated; whole entities are drawn, which keeps the effects as they are."""
NO_SHARES = frozenset({"mae", "rmse", "bias", "median_absolute_error", "mape", "r2", "log_loss", "mase"})


def bounds_of(name: str) -> Bounds:
    """The smallest and the largest value of a metric."""
    if name in NO_SHARES or name.endswith("_gap"):
        return unbounded(name)
    return (-1.0 if name.endswith("_gain") else 0.0), 1.0


def dependence_of(evaluation: Evaluation, whole: TaskMetrics) -> Dependence:
    """Design effects of the metrics, from the columns entity and batch of the policy.

    With both, the effects beyond 1 are added (Cameron, Gelbach and Miller, 2011: variances of two ways of clustering).

    Raises:
        SubjectError: The dataset lacks a column.
    """
    points, notes = whole.points, []
    clusters = Clusters() if points is None else clusters_of(evaluation.subject.columns, evaluation.labelled.column)
    if points is None or not clusters:
        return Dependence()
    effects: dict[str, float] = {}
    for role, entities in clusters.codes.items():
        sample = _some_entities(entities, seed=evaluation.seed)
        rows = sample.nonzero()[0]

        def on(mask: np.ndarray, rows: np.ndarray = rows, n: int = len(sample)) -> Mapping[str, float]:
            import numpy as np

            chosen = np.zeros(n, dtype=bool)
            chosen[rows[mask]] = True
            return points(chosen)

        found = design_effect(on, entities[sample], seed=evaluation.seed)
        effects = {label: effects.get(label, 1.0) + effect - 1 for label, effect in found.items()}
        drawn = "" if sample.all() else f", estimated on {int(sample.sum()):,} of {len(sample):,} rows"
        notes.append(dependence_note(clusters.only(role).described, found, drawn=drawn))
    return Dependence(effects=effects, note=" ".join(notes), bounds=bounds_of)


def _some_entities(entities: np.ndarray, *, seed: int) -> np.ndarray:
    """Rows (n,) bool of entities drawn at random until `MOST_ROWS` rows are reached; all rows where there are fewer."""
    import numpy as np

    if len(entities) <= MOST_ROWS:
        return np.ones(len(entities), dtype=bool)
    counts = np.bincount(entities)
    order = np.random.default_rng(seed).permutation(len(counts))
    enough = int(np.searchsorted(np.cumsum(counts[order]), MOST_ROWS)) + 1
    return np.isin(entities, order[:enough])

"""Intervals of rows that belong together: every variance is raised by the design effect of its metric."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from model_governance.contract.result import label_of
from model_governance.stats.clusters import design_effect
from model_governance.stats.limits import Stretched

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.evaluation import Evaluation, TaskMetrics
    from model_governance.contract.result import Estimate

MOST_ROWS = 20_000
"""Rows from which design effects are estimated; whole entities are drawn, which keeps the effects as they are."""
NO_SHARES = frozenset({"mae", "rmse", "bias", "median_absolute_error", "mape", "r2", "log_loss", "mase"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Design effects of the metrics of a run.

    Attributes:
        effects: Design effect by label, 1 or more; empty where the policy names neither entity nor batch.
        note: What was done, for the report.
    """

    effects: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def widened(self, estimate: Estimate) -> Estimate:
        """The estimate with limits whose variance is raised by its design effect.

        A slice takes that of the same metric on all rows, another metric without its own the median of all.
        """
        if not self.effects or estimate.value is None or (estimate.interval is None and estimate.limits is None):
            return estimate
        label = label_of(estimate.name, estimate.key)
        name = estimate.name.removeprefix("slice_")
        effect = self.effects.get(label, self.effects.get(name, statistics.median(self.effects.values())))
        limits = estimate.limits
        if limits is None and estimate.interval is not None:
            low, high = estimate.interval
            limits = Stretched(value=float(estimate.value), low95=float(low), high95=float(high))
        if limits is None:
            return estimate
        limits = limits.inflated(effect)
        low, high = limits.interval()
        if name not in NO_SHARES and not name.endswith("_gap"):
            low, high = max(low, -1.0 if name.endswith("_gain") else 0.0), min(high, 1.0)
        low, high = min(low, float(estimate.value)), max(high, float(estimate.value))
        return replace(estimate, limits=limits, interval=(low, high))


def dependence_of(evaluation: Evaluation, whole: TaskMetrics) -> Dependence:
    """Design effects of the metrics, from the columns entity and batch of the policy.

    With both, the effects beyond 1 are added (Cameron, Gelbach and Miller, 2011: variances of two ways of clustering).

    Raises:
        SubjectError: The dataset lacks a column.
    """
    columns = evaluation.subject.columns
    named = {role: name for role in ("entity", "batch") if (name := getattr(columns, role)) is not None}
    if not named or whole.points is None:
        return Dependence()
    points, notes = whole.points, []
    effects: dict[str, float] = {}
    for role, name in named.items():
        entities = _codes(evaluation.labelled.column(name))
        sample = _some_entities(entities, seed=evaluation.seed)
        rows = sample.nonzero()[0]

        def on(mask: np.ndarray, rows: np.ndarray = rows, n: int = len(sample)) -> Mapping[str, float]:
            import numpy as np

            chosen = np.zeros(n, dtype=bool)
            chosen[rows[mask]] = True
            return points(chosen)

        found = design_effect(on, entities[sample], seed=evaluation.seed)
        effects = {label: effects.get(label, 1.0) + effect - 1 for label, effect in found.items()}
        notes.append(_note(role, name, entities, found, part=int(sample.sum())))
    return Dependence(effects=effects, note=" ".join(notes))


def _note(role: str, name: str, entities: np.ndarray, found: Mapping[str, float], *, part: int) -> str:
    least, most = min(found.values()), max(found.values())
    drawn = f", estimated on {part:,} of {len(entities):,} rows" if part < len(entities) else ""
    return (
        f"Rows of one {role} ({name}, {int(entities.max()) + 1:,} of them) depend on one another: variances are raised by a "
        f"design effect of {least:.1f} to {most:.1f} by metric{drawn}."
    )


def _codes(values: pd.Series) -> np.ndarray:
    """Entity of each row from 0, shape (n,); a row without one is an entity of its own."""
    import numpy as np
    import pandas as pd

    codes = pd.factorize(values)[0]
    missing = codes < 0
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(int(missing.sum()))
    return codes


def _some_entities(entities: np.ndarray, *, seed: int) -> np.ndarray:
    """Rows (n,) bool of entities drawn at random until `MOST_ROWS` rows are reached; all rows where there are fewer."""
    import numpy as np

    if len(entities) <= MOST_ROWS:
        return np.ones(len(entities), dtype=bool)
    counts = np.bincount(entities)
    order = np.random.default_rng(seed).permutation(len(counts))
    enough = int(np.searchsorted(np.cumsum(counts[order]), MOST_ROWS)) + 1
    return np.isin(entities, order[:enough])

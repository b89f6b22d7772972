"""Quality slice by slice: the slices that a policy names, each evaluated by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.evaluation import too_few
from model_governance.contract.slices import SHOWN_FROM, absence_of, slice_masks, too_small

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import TaskMetrics
    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.dependence import Dependence
    from model_governance.contract.result import Artifact, Estimate, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceMetrics:
    """Everything measured on slices."""

    estimates: tuple[Estimate, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Artifact, ...] = ()
    highlights: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def evaluate_slices(
    whole: TaskMetrics,
    labelled: Labelled,
    params: QualityParams,
    *,
    dependence: Dependence,
    named: frozenset[str] = frozenset(),
) -> SliceMetrics:
    """Measure the main metrics of every slice of the policy; a slice of too few rows is named and not judged.

    `named` are the keys of thresholds, as `Subject.named_keys`.

    Raises:
        SubjectError: The dataset lacks the column of a slice.
        CheckError: A condition is of another type than the values, two slices have one name, or a column has too many values.
    """
    import numpy as np

    if not params.slices:
        return SliceMetrics()
    metrics = tuple(estimate.name for estimate in whole.on_rows(np.ones(labelled.n, dtype=bool)))
    estimates: list[Estimate] = []
    notes: list[str] = []
    for name, rows in slice_masks(
        labelled.column, params.slices, notes=notes, what="labelled rows", allow_empty=True, named=named
    ).items():
        estimates += _evaluate_slice(whole, name, rows, params=params, metrics=metrics)
    estimates = [dependence.widened(estimate) for estimate in estimates]
    return SliceMetrics(
        estimates=tuple(estimates),
        tables=(report.slice_table(estimates),),
        figures=(figures.slices(estimates),),
        notes=tuple(notes),
    )


def _evaluate_slice(
    whole: TaskMetrics, name: str, rows: np.ndarray, *, params: QualityParams, metrics: tuple[str, ...]
) -> list[Estimate]:
    n = int(rows.sum())
    if n < params.minimum_slice_rows:
        few = f"{too_small(n, needed=params.minimum_slice_rows)} (minimum_slice_rows)"
        if n == 0:
            few += f"; none of {len(rows):,} labelled rows is of this slice, check its spelling if that stays so"
        shown, absence = (n if n >= SHOWN_FROM else 0), absence_of(name, params.slices, empty=n == 0)
        return [too_few(f"slice_{metric}", few, n=shown, key=name, absence=absence) for metric in metrics]
    return [replace(estimate, name=f"slice_{estimate.name}", key=name) for estimate in whole.on_rows(rows)]

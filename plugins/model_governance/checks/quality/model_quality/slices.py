"""Quality slice by slice: the rows that a policy names, each judged on its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import plots
from model_governance.checks.quality.model_quality.measurement import absent
from model_governance.contract.result import Table
from model_governance.contract.slices import SHOWN_FROM, slice_masks

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.checks.quality.model_quality.measurement import Measurement
    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.result import Artifact, Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliced:
    """What the slices showed."""

    estimates: tuple[Estimate, ...] = ()
    tables: tuple[Table, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    highlights: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def measure_slices(found: Measurement, labelled: Labelled, params: QualityParams) -> Sliced:
    """The main metrics of every slice that the policy names; a slice of too few rows is named and not judged.

    Raises:
        SubjectError: the dataset lacks the column of a slice.
        CheckError: a slice matches no row, two slices have one name, or a column has too many values.
    """
    if not params.slices:
        return Sliced()
    estimates: list[Estimate] = []
    metrics = tuple(one.name for one in found.on_rows(_every(labelled)))
    notes: list[str] = []
    for name, rows in slice_masks(labelled.column, params.slices, notes=notes, what="labelled rows").items():
        estimates += _of_slice(found, name, rows, minimum=params.minimum_slice_rows, metrics=metrics)
    tables = (_table(estimates),)
    return Sliced(estimates=tuple(estimates), tables=tables, artifacts=(plots.slices(estimates),), notes=tuple(notes))


def _every(labelled: Labelled) -> np.ndarray:
    import numpy as np

    return np.ones(labelled.n, dtype=bool)


def _of_slice(
    found: Measurement, name: str, rows: np.ndarray, *, minimum: int, metrics: tuple[str, ...]
) -> list[Estimate]:
    n = int(rows.sum())
    if n < minimum:
        few = f"fewer than {minimum} rows (minimum_slice_rows)"
        return [absent(f"slice_{one}", few, n=n if n >= SHOWN_FROM else 0, key=name) for one in metrics]
    return [replace(one, name=f"slice_{one.name}", key=name) for one in found.on_rows(rows)]


def _table(estimates: list[Estimate]) -> Table:
    rows = tuple(
        (one.key, one.name.removeprefix("slice_"), one.n if one.n >= SHOWN_FROM else None, one.value,
         *(one.interval or (None, None)))
        for one in estimates
    )  # fmt: skip
    header = ("slice", "metric", "rows", "value", "low", "high")
    return Table(name="slices", title="Quality by slice", header=header, rows=rows)

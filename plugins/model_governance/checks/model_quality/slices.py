"""Quality slice by slice: the rows that a policy names, each judged on its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.check import Table
from model_governance.checks.model_quality import plots
from model_governance.checks.model_quality.measurement import absent
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.check import Artifact, Estimate
    from model_governance.checks.model_quality.labels import Labelled
    from model_governance.checks.model_quality.measurement import Measurement
    from model_governance.checks.model_quality.params import QualityParams, Scalar, Slice

MOST_VALUES = 50  # of a column without a condition
SHOWN_FROM = 10  # rows: a smaller group is not named in a record


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
    for name, rows in _named_rows(labelled, params, notes):
        if any(one.of == name for one in estimates):
            raise CheckError(f"two slices are called {name!r}; give them names of their own")
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
        return [absent(f"slice_{one}", few, n=n if n >= SHOWN_FROM else 0, of=name) for one in metrics]
    return [replace(one, name=f"slice_{one.name}", of=name) for one in found.on_rows(rows)]


def _named_rows(labelled: Labelled, params: QualityParams, notes: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and rows (a bool mask) of every slice; what is left out is added to the notes."""
    for one in params.slices:
        values = labelled.column(one.column)
        if one.equals is None and one.members is None and one.between is None:
            yield from _by_value(values, notes)
            continue
        rows = _mask(values, one)
        if not rows.any():
            raise CheckError(
                f"slice {_name(one)!r} matches none of {len(values):,} labelled rows; column {one.column!r} holds "
                f"{values.dtype} values: check the spelling and type of the condition, or remove the slice"
            )
        yield _name(one), rows


def _by_value(values: pd.Series, notes: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    counts = values.value_counts()
    if len(counts) > MOST_VALUES:
        raise CheckError(
            f"column {values.name!r} has {len(counts):,} values, too many for a slice each (at most {MOST_VALUES}); "
            "give slices with between or in"
        )
    rare = int((counts < SHOWN_FROM).sum())
    if rare:
        notes.append(f"{rare} value(s) of {values.name} with fewer than {SHOWN_FROM} rows are no slices.")
    for value in sorted(counts.index[counts >= SHOWN_FROM], key=lambda one: (str(type(one)), one)):
        yield f"{values.name} {_shown(value)}", (values == value).to_numpy(dtype=bool, na_value=False)
    if int(values.isna().sum()) >= SHOWN_FROM:
        yield f"{values.name} missing", values.isna().to_numpy()


def _mask(values: pd.Series, one: Slice) -> np.ndarray:
    from pandas.api.types import is_numeric_dtype

    if one.between is not None:
        if not is_numeric_dtype(values):
            raise CheckError(f"slice {_name(one)!r}: between needs numbers and column {one.column!r} is {values.dtype}")
        found = values.between(*one.between)
    elif one.members is not None:
        found = values.isin(one.members)
    else:
        found = values == one.equals
    return found.to_numpy(dtype=bool, na_value=False)


def _name(one: Slice) -> str:
    if one.name is not None:
        return one.name
    if one.between is not None:
        return f"{one.column} {one.between[0]:g} to {one.between[1]:g}"
    if one.members is not None:
        return f"{one.column} in {', '.join(map(_shown, one.members))}"
    return f"{one.column} {_shown(one.equals)}"


def _shown(value: Scalar | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(estimates: list[Estimate]) -> Table:
    rows = tuple(
        (one.of, one.name.removeprefix("slice_"), one.n if one.n >= SHOWN_FROM else None, one.value,
         *(one.interval or (None, None)))
        for one in estimates
    )  # fmt: skip
    header = ("slice", "metric", "rows", "value", "low", "high")
    return Table(name="slices", title="Quality by slice", header=header, rows=rows)

"""Reads profiles: a stored one is believed only where its counts, edges, labels and moments agree with one another.

What is checked follows from how a profile is made. The counts of a column add up to its rows. A finite value lies between
the extremes, which are rounded outward. Mean and standard deviation lie where the counts of the cells let them lie. A
profile also names the digest of its content, so that a change that keeps all of this is found too; profiles of
earlier releases name none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from model_governance.contract.documents import RESTORE, Count, Form, Sha256, read_document, require_form
from model_governance.engine.profiles import OLDER_SCHEMAS, SCHEMA, Cells, ColumnProfile, Profile, digest_of
from model_governance.engine.sketches import Sketch
from model_governance.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

TOLERANCE = 1e-6
"""Share of the largest number by which sums of floats may miss a bound."""
SMALLEST, LARGEST = 1e-100, 1e150
"""Sizes of numbers whose squares are float64 numbers with all their digits; moments of others are not compared."""


class CellsForm(Form):
    """Frozen cells of a column: those of numbers have edges, those of categories have labels."""

    family: Literal["numbers", "categories"]
    edges: list[float]
    inner: list[float]
    labels: list[str]

    @model_validator(mode="after")
    def _fit_their_family(self) -> CellsForm:
        if self.family == "numbers":
            _require(bool(self.edges) and not self.labels, "edges and no labels of a column of numbers")
            _require(_ascends(self.edges) and _ascends(self.inner), "edges that ascend")
            _require(set(self.inner) <= set(self.edges), "the edges of PSI's cells to be edges of the grid")
        else:
            _require(not self.edges and not self.inner, "no edges of a column of categories")
            _require(_ascends(self.labels), "labels in order, each once")
        return self


class SketchForm(Form):
    """What a column holds beyond its frozen cells."""

    edges: list[float]
    below: list[Count]
    labels: list[str]
    rows: list[Annotated[int, Field(gt=0, le=2**53)]]

    @model_validator(mode="after")
    def _is_ordered(self) -> SketchForm:
        _require(_ascends(self.edges) and len(self.below) == len(self.edges), "edges that ascend, each with a count")
        _require(sorted(self.below) == self.below, "counts below ascending edges that ascend")
        _require(_ascends(self.labels) and len(self.rows) == len(self.labels), "labels in order, each with its rows")
        return self


class ColumnForm(Form):
    """One column of a profile."""

    cells: CellsForm
    rows: Count
    missing: Count
    counts: list[Count]
    infinite: Count = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: Annotated[float, Field(ge=0)] | None = None
    sketch: SketchForm | None = None

    @property
    def held(self) -> int:
        """Rows with a finite value or a category."""
        return self.rows - self.missing - self.infinite

    @model_validator(mode="after")
    def _adds_up(self) -> ColumnForm:
        cells = (len(self.cells.edges) if self.cells.family == "numbers" else len(self.cells.labels)) + 1
        _require(len(self.counts) == cells, f"{cells} counts, one per cell", found=len(self.counts))
        _require(sum(self.counts) == self.held, f"counts that add up to {self.held} rows", found=sum(self.counts))
        if self.sketch is not None:
            self._sketch_fits(self.sketch)
        if self.cells.family == "numbers":
            self._moments_fit()
        else:
            moments = (self.minimum, self.maximum, self.mean, self.std)
            _require(all(moment is None for moment in moments) and not self.infinite, "no moments of categories")
        return self

    def _moments_fit(self) -> None:
        minimum, maximum, mean, std = self.minimum, self.maximum, self.mean, self.std
        if minimum is None or maximum is None or mean is None or std is None:
            found = [moment for moment in (minimum, maximum, mean, std) if moment is not None]
            _require(
                not found and self.held == 0, "minimum, maximum, mean and std of a column with values, and of no other"
            )
            return
        _require(self.held > 0, "no moments of a column without values")
        _require(self.counts[0] == 0 or minimum < self.cells.edges[0], "a minimum below the first edge, where rows are")
        _require(
            self.counts[-1] == 0 or maximum >= self.cells.edges[-1],
            "a maximum at the last edge or above, where rows are",
        )
        scale = max(abs(minimum), abs(maximum))
        low, high, counts = _bounds(self, minimum, maximum)
        _require((low <= high).all(), "minimum and maximum around the cells that hold rows")
        if not SMALLEST < scale < LARGEST:
            return
        lowest, highest = (float(ends @ counts) / self.held for ends in (low, high))
        fits = lowest - TOLERANCE * scale <= mean <= highest + TOLERANCE * scale
        _require(fits, f"a mean between {lowest:.6g} and {highest:.6g}", found=mean)
        least, most = (float(squares @ counts) / self.held for squares in _squares(low, high))
        slack, square = TOLERANCE * scale * scale, std * std + mean * mean
        fits = least - slack <= square <= most + slack and std <= (maximum - minimum) / 2 + TOLERANCE * scale
        _require(fits, "a standard deviation that the cells allow", found=std)

    def _sketch_fits(self, sketch: SketchForm) -> None:
        if self.cells.family == "categories":
            _require(not sketch.edges, "no edges in the sketch of categories")
            _require(not set(sketch.labels) & set(self.cells.labels), "labels of a sketch that have no cell")
            _require(sum(sketch.rows) <= self.counts[-1], f"at most {self.counts[-1]} rows of labels without a cell")
            return
        _require(not sketch.labels, "no labels in the sketch of numbers")
        _require(not set(sketch.edges) & set(self.cells.edges), "edges of a sketch between those of the cells")
        _require((_ranks(self)[1] >= 0).all(), "counts of a sketch within those of its cells")


class ProfileForm(Form):
    """A stored profile."""

    schema_: str = Field(alias="schema")
    rows: Count
    runs: Annotated[int, Field(ge=1, le=2**53)]
    model: str
    columns: dict[str, ColumnForm]
    predictions: ColumnForm | None = None
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _columns_have_its_rows(self) -> ProfileForm:
        wrong = [name for name, column in self.columns.items()
                 if column.rows > self.rows or (self.runs == 1 and column.rows != self.rows)]  # fmt: skip
        _require(not wrong, f"{self.rows} rows in every column", found=", ".join(wrong[:3]))
        sampled = 0 if self.predictions is None else self.predictions.rows
        _require(sampled <= self.rows, f"predictions of at most {self.rows} rows", found=sampled)
        return self


def read_profile(content: bytes, *, origin: str) -> Profile:
    """The profile in these bytes; `origin` names them in an error.

    Raises:
        EvidenceError: no profile, one of another version, or one whose fields do not agree; the field is named.
    """
    raw = read_document(content, origin=origin, schema=SCHEMA, older=OLDER_SCHEMAS)
    form = require_form(raw, ProfileForm, origin=origin)
    if form.sha256 is not None and form.sha256 != digest_of(raw):
        raise EvidenceError(
            f"{origin}: sha256: expected {form.sha256}, found the content to have {digest_of(raw)}; {RESTORE}"
        )
    columns = {name: _column(column) for name, column in raw["columns"].items()}
    predictions = raw.get("predictions")
    return Profile(
        columns=columns, model=raw["model"], rows=raw["rows"], runs=raw["runs"],
        predictions=None if predictions is None else _column(predictions),
    )  # fmt: skip


def _column(raw: Mapping[str, Any]) -> ColumnProfile:
    sketch = raw.get("sketch")
    parts = {
        "cells": Cells(**_frozen(raw["cells"])),
        "counts": tuple(raw["counts"]),
        "sketch": None if sketch is None else Sketch(**_frozen(sketch)),
    }
    return ColumnProfile(**{**raw, **parts})


def _frozen(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _ranks(column: ColumnForm) -> tuple[np.ndarray, np.ndarray]:
    """The edges of cells and sketch together, ascending, shape (k,), and the rows between them, shape (k + 1,)."""
    import numpy as np

    edges, below = np.array(column.cells.edges), np.cumsum(column.counts[:-1], dtype="int64")
    if column.sketch is not None:
        edges = np.concatenate([edges, column.sketch.edges])
        below = np.concatenate([below, np.array(column.sketch.below, dtype="int64")])
    order = np.argsort(edges, kind="stable")
    return edges[order], np.diff(np.concatenate([[0], below[order], [column.held]]))


def _bounds(column: ColumnForm, minimum: float, maximum: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ends of every part between edges that holds rows, and its rows, each of shape (parts,)."""
    import numpy as np

    edges, rows = _ranks(column)
    filled = rows > 0
    low = np.maximum(np.concatenate([[minimum], edges])[filled], minimum)
    high = np.minimum(np.concatenate([edges, [maximum]])[filled], maximum)
    return low, high, rows[filled].astype(float)


def _squares(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest square of a number between each pair of ends."""
    import numpy as np

    squares = low * low, high * high
    return np.where((low <= 0) & (high >= 0), 0.0, np.minimum(*squares)), np.maximum(*squares)


def _ascends(values: Sequence[Any]) -> bool:
    return all(before < after for before, after in pairwise(values))


def _require(holds: object, expected: str, *, found: object = None) -> None:
    if not holds:
        raise ValueError(f"expected {expected}, found {'others' if found is None else found}")

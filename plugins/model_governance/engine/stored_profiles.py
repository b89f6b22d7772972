"""Reads profiles: a stored one is believed only where its counts, edges, labels and moments agree with one another.

What is checked follows from how a profile is made. The counts of a column add up to its rows. A finite value lies between
the extremes, which are rounded outward. Mean and standard deviation lie where the counts of the cells let them lie. A
profile also names the digest of its content, so that a change that keeps all of this is found too; profiles of
earlier releases name none.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from model_governance.contract.documents import RESTORE, Count, Form, Sha256, read_document, require_form
from model_governance.engine.profiles import OLDER_SCHEMAS, SCHEMA, Cells, ColumnProfile, Profile, digest_of
from model_governance.engine.sketches import Sketch
from model_governance.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        if self.cells.family == "numbers":
            self._moments_fit()
        else:
            moments = (self.minimum, self.maximum, self.mean, self.std)
            _require(all(moment is None for moment in moments) and not self.infinite, "no moments of categories")
        if self.sketch is not None:
            self._sketch_fits(self.sketch)
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
        edges, below = _ranks(self)
        bounds = list(zip([minimum, *edges], [*edges, maximum], _differences([0, *below, self.held]), strict=True))
        bounds = [(max(low, minimum), min(high, maximum), count) for low, high, count in bounds if count]
        _require(all(low <= high for low, high, _ in bounds), "minimum and maximum around the cells that hold rows")
        scale = max(abs(minimum), abs(maximum))
        if not SMALLEST < scale < LARGEST:
            return
        lowest, highest = (math.fsum(bound[place] * bound[2] for bound in bounds) / self.held for place in (0, 1))
        fits = lowest - TOLERANCE * scale <= mean <= highest + TOLERANCE * scale
        _require(fits, f"a mean between {lowest:.6g} and {highest:.6g}", found=mean)
        squares = [(0.0 if low <= 0 <= high else min(low * low, high * high), max(low * low, high * high), count)
                   for low, high, count in bounds]  # fmt: skip
        least, most = (math.fsum(square[place] * square[2] for square in squares) / self.held for place in (0, 1))
        slack = TOLERANCE * scale * scale
        fits = (
            least - slack <= std * std + mean * mean <= most + slack
            and std <= (maximum - minimum) / 2 + TOLERANCE * scale
        )
        _require(fits, "a standard deviation that the cells allow", found=std)

    def _sketch_fits(self, sketch: SketchForm) -> None:
        if self.cells.family == "categories":
            _require(not sketch.edges, "no edges in the sketch of categories")
            _require(not set(sketch.labels) & set(self.cells.labels), "labels of a sketch that have no cell")
            _require(sum(sketch.rows) <= self.counts[-1], f"at most {self.counts[-1]} rows of labels without a cell")
            return
        _require(not sketch.labels, "no labels in the sketch of numbers")
        _require(not set(sketch.edges) & set(self.cells.edges), "edges of a sketch between those of the cells")
        _require(_ascends_weakly(_ranks(self)[1], last=self.held), "counts of a sketch within those of its cells")


class ProfileForm(Form):
    """A stored profile."""

    schema_: str = Field(alias="schema")
    rows: Count
    runs: Annotated[int, Field(ge=1, le=2**53)]
    model: str
    columns: dict[str, ColumnForm]
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _columns_have_its_rows(self) -> ProfileForm:
        wrong = [name for name, column in self.columns.items()
                 if column.rows > self.rows or (self.runs == 1 and column.rows != self.rows)]  # fmt: skip
        _require(not wrong, f"{self.rows} rows in every column", found=", ".join(wrong[:3]))
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
    return Profile(columns=columns, model=raw["model"], rows=raw["rows"], runs=raw["runs"])


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


def _ranks(column: ColumnForm) -> tuple[list[float], list[int]]:
    """The edges of the cells and of the sketch together, ascending, and the finite values below each of them."""
    below, known = 0, {}
    for edge, count in zip(column.cells.edges, column.counts[:-1], strict=True):
        below += count
        known[edge] = below
    if column.sketch is not None:
        known |= dict(zip(column.sketch.edges, column.sketch.below, strict=True))
    edges = sorted(known)
    return edges, [known[edge] for edge in edges]


def _differences(values: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(values)]


def _ascends(values: Sequence[Any]) -> bool:
    return all(before < after for before, after in pairwise(values))


def _ascends_weakly(values: Sequence[int], *, last: int) -> bool:
    return all(count >= 0 for count in _differences([0, *values, last]))


def _require(holds: object, expected: str, *, found: object = None) -> None:
    if not holds:
        raise ValueError(f"expected {expected}, found {'others' if found is None else found}")

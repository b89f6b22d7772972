"""Cells frozen on a drawn reference, with the true chances of a night under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model_governance.calibration.counts import chi_square, corrected_psi

if TYPE_CHECKING:
    from unchanged import Known

FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature of one year: counts of the reference per cell, and the true chances of the same cells.

    Chances add up to one less the share of rows that hold nothing.
    """

    known: Known
    reference: np.ndarray
    chances: np.ndarray

    @property
    def pooled(self) -> bool:
        """Whether rare cells are put together before they are tested."""
        return True

    def draw(self, rows: int, nights: int, draw: np.random.Generator) -> np.ndarray:
        """Counts per cell of nights in which nothing changed, shape (nights, cells)."""
        nothing = max(0.0, 1.0 - float(self.chances.sum()))
        return draw.multinomial(rows, [*self.chances, nothing], size=nights)[:, :-1]


def freeze(known: Known, rows: int, draw: np.random.Generator) -> Column:
    """Draw a reference and freeze its cells."""
    if known.family == "categories":
        chances = known.chances * (1 - known.missing)
        return Column(known=known, reference=draw.multinomial(rows, [*chances, known.missing])[:-1], chances=chances)
    values = known.draw(rows, draw)
    held = values[~np.isnan(values)]
    distinct = np.unique(held)
    cuts = distinct[1:] if len(distinct) <= FEW else _deciles(held)
    reference = np.bincount(np.searchsorted(cuts, held, side="right"), minlength=len(cuts) + 1)
    return Column(known=known, reference=reference, chances=known.between(cuts) * (1 - known.missing))


def evidence(column: Column, nights: np.ndarray) -> np.ndarray:
    """p-value of each night, shape (nights,)."""
    return chi_square(column.reference, nights, pooled=column.pooled)


def effect(column: Column, nights: np.ndarray) -> np.ndarray:
    """Corrected PSI of each night, shape (nights,)."""
    return corrected_psi(column.reference, nights)


def _deciles(values: np.ndarray) -> np.ndarray:
    cuts = np.unique(np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf"))
    return cuts[cuts > values.min()]

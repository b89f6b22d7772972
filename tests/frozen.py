"""Cells frozen on a drawn reference, with the true chances of a night under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from counted import DrawnRuns, joined
from model_governance.contract.result import Metric
from model_governance.engine.cells import TENTHS, Table, edges_of, point_edges, pool_neighbours, pool_rare, thin_cells
from model_governance.engine.dependence import INDEPENDENT
from model_governance.engine.distances import population_stability
from model_governance.engine.relation import FEW_VALUES

if TYPE_CHECKING:
    from model_governance.engine.dependence import Dependence
    from unchanged import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature of one year: counts of the reference per cell, and the true chances of the same cells.

    Chances add up to one less the share of rows that hold nothing.
    """

    known: Known
    reference: np.ndarray
    chances: np.ndarray

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
    quantiles = np.quantile(held, TENTHS, method="inverted_cdf")
    cuts = point_edges(distinct) if len(distinct) <= FEW_VALUES else edges_of(quantiles)
    reference = np.bincount(np.searchsorted(cuts, held, side="right"), minlength=len(cuts) + 1)
    return Column(known=known, reference=reference, chances=known.between(cuts) * (1 - known.missing))


def beside(column: Column, nights: np.ndarray) -> DrawnRuns:
    """DrawnRuns beside the year's reference, rare cells joined."""
    return joined(column.reference, nights, in_order=column.known.family == "numbers")


def psi_metric(
    reference: np.ndarray, current: np.ndarray, *, key: str, ordered: bool = True, dependence: Dependence = INDEPENDENT
) -> Metric:
    """PSI of two sets of counts as the drift check gives it."""
    whole = Table(reference=reference, current=current)
    table = pool_neighbours(whole) if ordered else pool_rare(whole)
    psi = population_stability(table, thin=thin_cells(whole, ordered=ordered), dependence=dependence)
    return Metric(name="psi", value=psi.value, n=1000, meaning="m", better="lower", key=key, limits=psi.limits)

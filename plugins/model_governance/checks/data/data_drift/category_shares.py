"""The category whose share changed by the largest factor: what no distance over all rows shows of a rare one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.engine.distances import Distance, reference_part
from model_governance.stats.limits import LargestShareFactor

if TYPE_CHECKING:
    from model_governance.engine.cells import Table
    from model_governance.engine.dependence import Dependence
    from model_governance.engine.profiles import ColumnProfile

MOST_CATEGORIES = 50
"""Categories of a column that are compared; more would cost the level that they share."""
NO_EVIDENCE = 0.001
"""A category that could not have a smaller p-value, were all its rows in the smaller dataset, is left out."""


def largest_factor(table: Table, *, dependence: Dependence) -> Distance:
    """The largest factor by which the share of a category grew or shrank, over the most frequent categories.

    The most frequent are those of both datasets together, and those of few rows in both are left out: given that sum, the
    rows of one of them are as likely to be many as few while nothing has changed, so the choice does not bias the
    comparison. Categories chosen by the reference's own counts would seem to shrink.

    Args:
        table: rows of both datasets per category.
        dependence: what dependent rows and noise between runs add to the variance of independent rows.
    """
    import numpy as np

    both = table.reference + table.current
    chosen = np.argsort(-both, kind="stable")[:MOST_CATEGORIES]
    fewest = min(_fewest_rows(table), int(both.max()))
    counts = tuple(
        (float(table.reference[place]), float(table.current[place])) for place in chosen if both[place] >= fewest
    )
    limits = LargestShareFactor(rows=(float(table.n), float(table.m)), counts=counts, shared=reference_part(table))
    # The value is that of the rows as they are; only the limits know how many of them are independent.
    value, factor = limits.value, dependence.largest
    limits = limits.inflated(factor) if factor > 1 else limits
    return Distance(value=value, limits=limits, p_value=limits.p_above(1.0))


def _fewest_rows(table: Table) -> int:
    """Rows of a category in both datasets together that can be evidence of a change."""
    return math.ceil(math.log(NO_EVIDENCE) / math.log(min(table.n, table.m) / (table.n + table.m)))


def largest_change(reference: ColumnProfile, current: ColumnProfile) -> str:
    """Which of the categories with a cell of their own changed most, in words; empty where none has one.

    Labels of fewer than ten rows have no cell, and are named nowhere.
    """
    pairs = tuple(zip(reference.counts, current.counts, strict=True))[:-1]
    if not pairs:
        return ""
    shares = LargestShareFactor(rows=(float(reference.held), float(current.held)), counts=pairs)
    named = zip(reference.cells.labels, pairs, strict=True)
    label, (before, now) = max(named, key=lambda item: max(shares.factors(*item[1])))
    return f"{label}: {now:,} of {current.held:,} rows, {before:,} of {reference.held:,} in the reference"

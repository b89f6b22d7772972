"""Floors of the usual metrics: counts of rows, shares, and differences of shares, under params that bound the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Floor
from model_governance.stats.limits import AT_95, TAIL, DifferenceOfShares, ExactShare, Stretched

if TYPE_CHECKING:
    from model_governance.contract.subject import Task
    from model_governance.stats.limits import Limits

    Extremes = tuple[Limits, Limits]

ANY_NUMBER = 1e12
"""Stands for a number of rows that no param bounds."""


def floors_of(
    *metrics: str,
    param: str,
    rows: int,
    needs: int = 1,
    extremes: Extremes | None = None,
    tasks: tuple[Task, ...] | None = None,
    key_end: str = "",
) -> tuple[Floor, ...]:
    """The same floor of several metrics; `param` and the others as `Floor` says."""
    return tuple(
        Floor(metric=metric, param=param, rows=rows, needs=needs, extremes=extremes, tasks=tasks, key_end=key_end)
        for metric in metrics
    )


def share_of(rows: float) -> Extremes:
    """No row and every row, by Clopper and Pearson."""
    return ExactShare(successes=0.0, n=rows), ExactShare(successes=rows, n=rows)


def stretched_share_of(rows: int) -> Extremes:
    """No row and every row, where only the 95% interval is known and the verdict stretches it."""
    distance = 1 - TAIL ** (1 / rows)  # Clopper and Pearson in closed form
    return (
        Stretched(value=0.0, low95=0.0, high95=distance),
        Stretched(value=1.0, low95=1 - distance, high95=1.0),
    )


def difference_of(first: float, second: float) -> Extremes:
    """Every row of one group and none of the other, each way round."""
    return (
        DifferenceOfShares(first=(first, first), second=(0.0, second)),
        DifferenceOfShares(first=(0.0, first), second=(second, second)),
    )


def paired_difference_of(rows: int) -> Extremes:
    """Every row counts for one of two shares only; the 95% limits of `paired_shares` in closed form, stretched."""
    limit = (rows - AT_95**2) / (rows + AT_95**2)
    return (
        Stretched(value=-1.0, low95=-1.0, high95=-limit),
        Stretched(value=1.0, low95=limit, high95=1.0),
    )

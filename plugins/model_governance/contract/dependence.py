"""Rows that belong together, as `columns.entity` and `columns.batch` say: their codes, and estimates widened for them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from model_governance.contract.result import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.contract.result import Estimate
    from model_governance.contract.subject import Columns

Bounds = tuple[float, float]


def unbounded(name: str) -> Bounds:
    """Every number is allowed, whatever the metric."""
    del name
    return -math.inf, math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Design effects of the metrics of a run.

    Attributes:
        effects: Design effect by label, 1 or more; empty where the policy names neither entity nor batch.
        note: What was done, for the report.
        bounds: Gives the smallest and the largest value that a metric of that name can have.
    """

    effects: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    bounds: Callable[[str], Bounds] = unbounded

    def widened(self, estimate: Estimate) -> Estimate:
        """The estimate with limits whose variance is raised by its design effect.

        A slice takes that of the same metric on all rows, another metric without its own the median of all.
        """
        from model_governance.stats.limits import Stretched

        if not self.effects or estimate.value is None or (estimate.interval is None and estimate.limits is None):
            return estimate
        label = label_of(estimate.name, estimate.key)
        name = estimate.name.removeprefix("slice_")
        effect = self.effects.get(label, self.effects.get(name, statistics.median(self.effects.values())))
        limits, value = estimate.limits, float(estimate.value)
        if limits is None and estimate.interval is not None:
            low, high = estimate.interval
            limits = Stretched(value=value, low95=float(low), high95=float(high))
        if limits is None:
            return estimate
        limits = limits.inflated(effect)
        least, most = self.bounds(name)
        low, high = limits.interval()
        interval = min(max(low, least), value), max(min(high, most), value)
        return replace(estimate, limits=limits, interval=interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Which of n rows belong together, in one way or two.

    Attributes:
        codes: By `entity` and `batch`, as far as the policy names them: number of each row's cluster (n,).
        columns: Column by the same names.
    """

    codes: Mapping[str, np.ndarray] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether the policy says which rows belong together."""
        return bool(self.codes)

    @property
    def described(self) -> str:
        """`entity (customer, 800 of them)`: what rows may share, with its column and how many there are."""
        return " or ".join(
            f"{role} ({self.columns[role]}, {int(codes.max()) + 1:,} of them)" for role, codes in self.codes.items()
        )

    def only(self, role: str) -> Clusters:
        """The clusters of one way alone."""
        return replace(self, codes={role: self.codes[role]})

    @property
    def size(self) -> float:
        """Design effect of rows that are all alike in a cluster: its mean number of rows, weighted by rows."""
        import numpy as np

        sizes = [float(np.square(np.bincount(codes)).sum()) / len(codes) for codes in self.codes.values()]
        return max([1.0, *sizes])

    @property
    def coarsest(self) -> np.ndarray | None:
        """The clusters (n,) of the way that joins most rows; None where there is none."""
        import numpy as np

        return max(self.codes.values(), key=lambda codes: int(np.square(np.bincount(codes)).sum()), default=None)

    def take(self, rows: np.ndarray) -> Clusters:
        """The clusters of some rows, by number or mask."""
        return replace(self, codes={role: codes[rows] for role, codes in self.codes.items()})

    def effect(self, influences: np.ndarray, *, parts: tuple[np.ndarray, ...] = ()) -> float | None:
        """Design effect of a sum over rows; with both ways the effects beyond 1 are added.

        Variances of two ways of clustering: Cameron, Gelbach and Miller (2011).

        Args:
            influences: what each row adds to the error of the estimate, shape (n,).
            parts: numbers of the rows of each sample that is compared; the one of fewest clusters says how well the
                variance is known.

        Returns:
            The design effect, 1 or more; None where no row has an influence.
        """
        import numpy as np

        from model_governance.stats.clusters import linear_effect

        total = 1.0
        for codes in self.codes.values():
            deciding = min((len(np.unique(codes[rows])) for rows in parts), default=None)
            effect = linear_effect(influences, codes, deciding=deciding)
            if effect is None:
                return None
            total += effect - 1
        return total


def clusters_of(columns: Columns, column: Callable[[str], pd.Series]) -> Clusters:
    """Clusters of the rows whose columns `column` gives by name; none where the policy names neither entity nor batch."""
    named = {role: name for role in ("entity", "batch") if (name := getattr(columns, role)) is not None}
    return Clusters(codes={role: cluster_codes(column(name)) for role, name in named.items()}, columns=named)


def cluster_codes(values: pd.Series) -> np.ndarray:
    """Cluster of each row from 0, shape (n,); a row without one is a cluster of its own."""
    import numpy as np
    import pandas as pd

    codes = pd.factorize(values)[0]
    missing = codes < 0
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(int(missing.sum()))
    return codes


def dependence_note(rows: str, effects: Mapping[str, float], *, drawn: str = "") -> str:
    """Which rows depend on one another, and the range of the design effects.

    Args:
        rows: What they share, as `Clusters.described`.
        effects: Design effect by label, at least one.
        drawn: Of which rows the effects were estimated, where not of all.
    """
    least, most = min(effects.values()), max(effects.values())
    return (
        f"Rows of one {rows} depend on one another: variances are raised by a design effect of {least:.1f} to {most:.1f} "
        f"by metric{drawn}."
    )

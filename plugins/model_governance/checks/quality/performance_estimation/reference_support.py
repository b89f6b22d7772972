"""Rows of current outside the support of the reference, where nothing could be learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.performance_estimation.dependence import effect_of
from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.engine.features import feature_rows
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.dependence import Clusters
    from model_governance.contract.subject import Subject

RANGED = NUMBER_KINDS | {"datetime"}
MAX_CATEGORIES = 10_000


@dataclass(slots=True)
class ColumnSupport:
    """Values of one reference column: a range of numbers or moments, or a set of categories; and missing values."""

    kind: str
    low: Any = None
    high: Any = None
    values: set[Any] = field(default_factory=set)
    has_missing: bool = False

    def add(self, column: pd.Series) -> None:
        """Add a chunk of the reference column.

        Text, and columns of too many categories, are searched for missing values only.
        """
        self.has_missing = self.has_missing or bool(column.isna().any())
        if self.kind == "text" or len(self.values) > MAX_CATEGORIES:
            return
        present = column.dropna()
        if self.kind in RANGED and len(present):
            self.low = present.min() if self.low is None else min(self.low, present.min())
            self.high = present.max() if self.high is None else max(self.high, present.max())
        elif self.kind not in RANGED:
            self.values.update(present.unique().tolist())

    def outside(self, column: pd.Series) -> np.ndarray:
        """Which rows (n,) hold a value that the reference column does not."""
        import numpy as np

        missing = column.isna().to_numpy()
        outside = np.zeros(len(column), dtype=bool)
        if self.kind in RANGED:
            present = column[~missing]
            outside[~missing] = ((present < self.low) | (present > self.high)).to_numpy(dtype=bool)
        elif len(self.values) <= MAX_CATEGORIES:
            outside = ~column.isin(self.values).to_numpy() & ~missing
        return outside | (missing if not self.has_missing else False)


def outside_reference_share(subject: Subject, clusters: Clusters) -> Estimate:
    """Share of rows of current with a value that the reference does not hold.

    A number beyond the reference's range, another category, or a missing value where the reference had none. Text
    is not compared; in columns of more than `MAX_CATEGORIES` categories a new one is expected, so only missing values
    count. `clusters` are those of current.
    """
    import numpy as np

    names = subject.columns.names
    supports = {name: ColumnSupport(kind=subject.columns.features[name].kind) for name in names}
    for chunk in feature_rows(subject, "reference").frames(names):
        for name, support in supports.items():
            support.add(chunk[name])
    relation, outside = feature_rows(subject, "current"), []
    for chunk in relation.frames(names):
        flags = [support.outside(chunk[name]) for name, support in supports.items() if support.kind != "text"]
        outside.append(np.any(flags, axis=0) if flags else np.zeros(len(chunk), dtype=bool))
    flagged = np.concatenate(outside)
    count, effect = int(flagged.sum()), effect_of(flagged.astype(float), clusters)
    return Estimate(
        name="outside_reference_share", value=count / relation.rows, n=relation.rows,
        limits=ExactShare(successes=float(count), n=float(relation.rows)).inflated(effect),
    )  # fmt: skip

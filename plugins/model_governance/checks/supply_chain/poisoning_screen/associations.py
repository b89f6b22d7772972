"""The tie between each feature and the label: does it differ between the windows more than chance allows?

A table of value, class and window is compared with the model without an interaction of all three (Bartlett, 1935), fitted
by iterative proportional fitting (Deming and Stephan, 1940): both the values and the classes may be more or fewer than
before, only their tie is tested. The likelihood-ratio statistic is compared with its chi-square limit, which holds where
every fitted count is at least 5; sparser values are folded together. The size of the tie is Cramer's V with the bias
correction of Bergsma (2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool

GROUPS = 5  # of a number, of equal numbers of rows
MOST_VALUES = 12  # of a category, the most frequent; the others are one group
LEAST_EXPECTED = 5.0  # rows: smaller fitted counts are not near the chi-square limit
ROUNDS = 200  # of the fit, which ends before where it has converged


def find_association_changes(pool: Pool) -> list[Estimate]:
    """`association_change` of every feature."""
    return [_of_feature(pool, name) for name in pool.kinds]


def _of_feature(pool: Pool, name: str) -> Estimate:
    from scipy.stats import chi2

    tables = _folded(_counts(pool, _groups(pool, name)))
    rows = pool.n
    if min(tables.shape) < 2:
        reason = "too few rows of every value and class in both windows to compare ties"
        return Estimate(name="association_change", value=None, n=rows, key=name, reason=reason, absence="uncertain")
    statistic = _deviance(tables, _fitted(tables))
    freedom = (tables.shape[1] - 1) * (tables.shape[2] - 1)
    new, old = (_cramers_v(table) for table in tables)
    return Estimate(
        name="association_change", value=new - old, n=rows, key=name, p_value=float(chi2.sf(statistic, freedom)),
        detail=f"Cramer's V {new:.3f} in the new window, {old:.3f} in the accepted one",
    )  # fmt: skip


def _groups(pool: Pool, name: str) -> np.ndarray:
    """Number of the group of each row, shape (n,); a missing value is a group."""
    import numpy as np
    import pandas as pd

    values = pool.frame[name]
    if pool.kinds[name] not in NUMBER_KINDS:
        words = values.astype("string").fillna("")
        common = words.value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:MOST_VALUES]
        return pd.Index(common).get_indexer(words) + 1
    numbers = values.astype("float64").to_numpy(dtype=float, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(known, np.arange(1, GROUPS) / GROUPS)) if known.size else np.empty(0)
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers, side="left") + 1)


def _counts(pool: Pool, groups: np.ndarray) -> np.ndarray:
    """Rows by window (new first), group and class, shape (2, groups, classes) float64."""
    import numpy as np

    counts = np.zeros((2, int(groups.max()) + 1, len(pool.classes)))
    np.add.at(counts, ((~pool.new).astype(int), groups, pool.labels), 1)
    return counts


def _folded(counts: np.ndarray) -> np.ndarray:
    """The table with groups, then classes, of too few rows added to the fewest other, until every margin is large enough."""
    import numpy as np

    for axis in (1, 2):
        while counts.shape[axis] > 1:
            expected = counts.sum(axis=axis, keepdims=True) * counts.sum(axis=3 - axis, keepdims=True)
            expected = expected / np.maximum(counts.sum(axis=(1, 2), keepdims=True), 1.0)
            weakest = expected.min(axis=(0, 3 - axis))
            if weakest.min() >= LEAST_EXPECTED:
                break
            order = np.argsort(counts.sum(axis=(0, 3 - axis)), kind="stable")
            into, gone = order[1], order[0]
            counts = counts.copy()
            np.moveaxis(counts, axis, 0)[into] += np.moveaxis(counts, axis, 0)[gone]
            counts = np.delete(counts, gone, axis=axis)
    return counts


def _fitted(counts: np.ndarray) -> np.ndarray:
    """Expected counts of the model with all ties of two and none of three; same shape."""
    import numpy as np

    fitted = np.ones_like(counts)
    for _ in range(ROUNDS):
        before = fitted
        for axis in range(3):
            margin = fitted.sum(axis=axis, keepdims=True)
            fitted = fitted * np.divide(
                counts.sum(axis=axis, keepdims=True), margin, out=np.zeros_like(margin), where=margin > 0
            )
        if np.abs(fitted - before).max() < 1e-8 * counts.sum():
            break
    return fitted


def _deviance(counts: np.ndarray, fitted: np.ndarray) -> float:
    import numpy as np

    held = counts > 0
    return max(0.0, float(2 * (counts[held] * np.log(counts[held] / fitted[held])).sum()))


def _cramers_v(table: np.ndarray) -> float:
    """Bias-corrected Cramer's V, 0 to 1, of a table of groups and classes."""
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    held = expected > 0
    squared = float(((table[held] - expected[held]) ** 2 / expected[held]).sum() / n)
    rows, columns = table.shape
    squared = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float((squared / least) ** 0.5) if least > 0 else 0.0

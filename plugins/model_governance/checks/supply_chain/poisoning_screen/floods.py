"""Rows that repeat: groups of equal or nearly equal rows that are more frequent in the new window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.windows import difference, surplus
from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool

MIN_ROWS = 5  # rows of both windows in a group
MIN_DISTINCT = 0.5  # share of rows that a key must tell apart, or nothing counts as nearly equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of the pool that are equal but for at most one column (`but`; None: equal in all)."""

    but: str | None
    rows: np.ndarray
    new: int
    p_value: float
    adjusted: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Floods:
    """Groups with adjusted evidence, the strongest first; `skipped_columns` are those without which few rows differ."""

    groups: tuple[Group, ...]
    estimates: tuple[Estimate, ...]
    skipped_columns: int

    def named(self, level: float) -> tuple[Group, ...]:
        """Groups below the false discovery rate."""
        return tuple(group for group in self.groups if group.adjusted <= level)


def find_floods(pool: Pool, params: ScreenParams) -> Floods:
    """Groups of rows that agree in all columns but one, numbers taken to a grid, against the accepted window."""
    from dataclasses import replace

    import numpy as np

    parts = _hashes(pool, params.grid)
    whole = np.asarray(np.sum(list(parts.values()), axis=0, dtype=np.uint64))
    keys: list[tuple[str | None, np.ndarray]] = [(None, whole)]
    keys += [(name, whole - part) for name, part in parts.items()]
    groups: list[Group] = []
    skipped = 0
    for name, key in keys:
        _, codes, counts = np.unique(key, return_inverse=True, return_counts=True)
        if name is not None and len(counts) < MIN_DISTINCT * pool.n:
            skipped += 1
            continue
        new = np.bincount(codes[pool.new], minlength=len(counts))
        large = np.flatnonzero(counts >= MIN_ROWS)
        p_values = surplus(new[large], counts[large], pool.sizes[0], pool.n)
        groups += [
            Group(but=name, rows=codes == code, new=int(new[code]), p_value=float(p))
            for code, p in zip(large, p_values, strict=True)
        ]
    levels = adjusted([group.p_value for group in groups], "benjamini_hochberg")
    ranked = sorted(
        (replace(group, adjusted=level) for group, level in zip(groups, levels, strict=True)),
        key=lambda group: (group.p_value, -group.new, str(group.but)),
    )
    return Floods(
        groups=tuple(ranked), estimates=tuple(_estimates(pool, ranked, whole, params)), skipped_columns=skipped
    )


def _estimates(pool: Pool, groups: list[Group], whole: np.ndarray, params: ScreenParams) -> list[Estimate]:
    import numpy as np

    named = [group for group in groups if group.adjusted <= params.level]
    flooded = np.zeros(pool.n, dtype=bool)
    for group in named:
        flooded |= group.rows & pool.new
    evidence = min((group.adjusted for group in groups), default=1.0)
    rows = int(flooded.sum())
    detail = (
        f"largest group {max(group.new for group in named):,} rows" if named else f"{len(groups):,} groups compared"
    )
    share = Estimate(name="flood_share", value=rows / pool.sizes[0], n=pool.sizes[0], p_value=evidence, detail=detail)
    _, codes, counts = np.unique(whole, return_inverse=True, return_counts=True)
    # Equal to another row of either window, so that the window of a row plays no part in it.
    repeated = counts[codes] > 1
    first = int(repeated[pool.new].sum()), pool.sizes[0]
    second = int(repeated[~pool.new].sum()), pool.sizes[1]
    return [share, difference("duplicate_share_change", first, second)]


def _hashes(pool: Pool, grid: int) -> dict[str, np.ndarray]:
    """A 64-bit hash of every column and of the label; their sum names a row, and leaving one out is a subtraction."""
    import numpy as np
    import pandas as pd

    hashes = {}
    for place, (name, kind) in enumerate(pool.kinds.items()):
        values = pool.frame[name]
        if kind in NUMBER_KINDS:
            numbers = values.astype("float64")
            width = float(numbers.max() - numbers.min()) / grid
            values = (numbers / width).round() if width > 0 else numbers
        text = values.astype("string").fillna("").radd(f"{place}:")
        hashes[name] = pd.util.hash_pandas_object(text, index=False).to_numpy()
    labels = pd.Series(pool.labels).astype("string").radd("label:")
    hashes["label"] = pd.util.hash_pandas_object(labels, index=False).to_numpy()
    return {name: np.asarray(column, dtype=np.uint64) for name, column in hashes.items()}

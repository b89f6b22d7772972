"""Values that are tied to one class in the new window and were not in the accepted one: the trace of a backdoor.

Gu, Dolan-Gavitt and Garg (2017), "BadNets". Each cell (value or bin of a feature, class) is an exact two-sample test within
the class, so that the error of both rates counts; a rate taken from the accepted window as if it were true accuses
clean cells. The false discovery rate is held over all cells (Benjamini and Hochberg, 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.windows import surplus
from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool

MIN_ROWS = 8  # of a class in a cell: fewer cannot be significant among so many cells
FREQUENT = 12  # most frequent values of a number that are cells of their own
RARE = 0.15  # share of rows up to which a value can be part of a pair
MAX_RARE = 300  # values that are paired, the plain ones first


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows of the pool, shape (n,) bool, that share a value or a range of one feature.

    `plain` marks likely triggers: an end of a range, a category, a missing value.
    """

    feature: str
    described: str
    rows: np.ndarray
    plain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value or pair of values and one class: new and all rows in it, those expected, and the evidence."""

    bins: tuple[Bin, ...]
    label: int
    new: int
    rows: int
    expected: float
    p_value: float
    adjusted: float = 1.0

    @property
    def described(self) -> str:
        """The cell as text; values are named only of columns that params.disclose lists."""
        return " and ".join(f"{part.feature} {part.described}" for part in self.bins)

    @property
    def members(self) -> np.ndarray:
        """Rows of the pool with these values, whatever their class."""
        rows = self.bins[0].rows
        for part in self.bins[1:]:
            rows = rows & part.rows
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """All cells with adjusted evidence, the strongest first, and what they amount to."""

    cells: tuple[Cell, ...]
    estimates: tuple[Estimate, ...]

    def named(self, level: float) -> tuple[Cell, ...]:
        """Cells below the false discovery rate."""
        return tuple(cell for cell in self.cells if cell.adjusted <= level)


def find_triggers(pool: Pool, params: ScreenParams) -> Triggers:
    """Every value, bin and pair of rare values against every class."""
    from dataclasses import replace

    bins = list(_bins(pool, params))
    cells = [*_single(pool, bins), *(_pairs(pool, bins) if params.pairs else ())]
    levels = adjusted([cell.p_value for cell in cells], "benjamini_hochberg")
    ranked = sorted(
        (replace(cell, adjusted=level) for cell, level in zip(cells, levels, strict=True)),
        key=lambda cell: (cell.p_value, len(cell.bins), cell.described, cell.label),
    )
    triggers = Triggers(cells=tuple(ranked), estimates=())
    return replace(triggers, estimates=tuple(_estimates(triggers, pool, params)))


def _estimates(triggers: Triggers, pool: Pool, params: ScreenParams) -> Iterator[Estimate]:
    """The smallest adjusted p-value is the evidence that anything changed at all (Simes, 1986)."""
    named = triggers.named(params.level)
    if not triggers.cells:
        reason = "no value has enough rows of one class to be compared"
        for name in ("trigger_hits", "trigger_rows"):
            yield Estimate(name=name, value=None, n=0, reason=reason, absence="uncertain")
        return
    evidence = min(cell.adjusted for cell in triggers.cells)
    first = f"strongest at {named[0].described}, class {pool.classes[named[0].label]}" if named else ""
    yield Estimate(
        name="trigger_hits", value=len(named), n=len(triggers.cells), p_value=evidence,
        detail=first or f"{len(triggers.cells):,} cells compared",
    )  # fmt: skip
    excess = max((cell.new - cell.expected for cell in named), default=0.0)
    yield Estimate(name="trigger_rows", value=excess, n=pool.sizes[0], p_value=evidence)


def _single(pool: Pool, bins: list[Bin]) -> Iterator[Cell]:
    import numpy as np

    inside = np.stack([part.rows for part in bins])
    for label in range(len(pool.classes)):
        inside_class = pool.labels == label
        every, new = inside[:, inside_class].sum(axis=1), inside[:, inside_class & pool.new].sum(axis=1)
        n, count = int(inside_class.sum()), int((inside_class & pool.new).sum())
        # A value of (nearly) all rows of the class cannot grow.
        chosen = np.flatnonzero((every >= MIN_ROWS) & (every <= n - 1))
        for place, p_value in zip(chosen, surplus(new[chosen], every[chosen], count, n), strict=True):
            yield Cell(
                bins=(bins[place],), label=label, new=int(new[place]), rows=int(every[place]),
                expected=float(every[place] * count / n), p_value=float(p_value),
            )  # fmt: skip


def _pairs(pool: Pool, bins: list[Bin]) -> Iterator[Cell]:
    """Pairs of rare values of two features, counted by one matrix product for each class."""
    import numpy as np

    rare = [part for part in bins if MIN_ROWS <= part.rows.sum() <= RARE * pool.n]
    rare = sorted(rare, key=lambda part: not part.plain)[:MAX_RARE]
    if len(rare) < 2:
        return
    inside = np.stack([part.rows for part in rare]).astype(np.float32)
    features = np.array([part.feature for part in rare])
    apart = np.triu(features[:, None] != features[None, :])
    for label in range(len(pool.classes)):
        inside_class = pool.labels == label
        every = inside[:, inside_class] @ inside[:, inside_class].T
        new = inside[:, inside_class & pool.new] @ inside[:, inside_class & pool.new].T
        left, right = np.nonzero(apart & (every >= MIN_ROWS))
        n, count = int(inside_class.sum()), int((inside_class & pool.new).sum())
        new_rows, all_rows = new[left, right].astype(int), every[left, right].astype(int)
        for pair, p_value in enumerate(surplus(new_rows, all_rows, count, n)):
            yield Cell(
                bins=(rare[left[pair]], rare[right[pair]]), label=label, new=int(new_rows[pair]),
                rows=int(all_rows[pair]), expected=float(all_rows[pair] * count / n), p_value=float(p_value),
            )  # fmt: skip


def _bins(pool: Pool, params: ScreenParams) -> Iterator[Bin]:
    for name, kind in pool.kinds.items():
        values = pool.frame[name]
        if values.isna().any():
            yield Bin(feature=name, described="is missing", rows=values.isna().to_numpy())
        cut = _of_numbers if kind in NUMBER_KINDS else _of_categories
        yield from cut(name, values, disclosed=name in params.disclose)


def _of_categories(name: str, values: pd.Series, *, disclosed: bool) -> Iterator[Bin]:
    import numpy as np

    words = values.astype("string")
    counts = words.value_counts()
    order = sorted(counts.index[counts >= MIN_ROWS], key=lambda word: (-int(counts[word]), word))
    for rank, word in enumerate(order, start=1):
        described = f"is {word}" if disclosed else f"is value {rank} by frequency"
        yield Bin(feature=name, described=described, rows=np.asarray((words == word).fillna(value=False), dtype=bool))


def _of_numbers(name: str, values: pd.Series, *, disclosed: bool) -> Iterator[Bin]:
    """Both ends exactly, the halves between them, and the numbers that repeat most."""
    import numpy as np

    numbers = values.astype("float64").to_numpy(dtype=float, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    low, high = known.min(), known.max()
    middle = float(np.median(known))
    yield Bin(feature=name, described=f"at its lowest{f' ({low:g})' if disclosed else ''}", rows=numbers == low)
    yield Bin(feature=name, described=f"at its highest{f' ({high:g})' if disclosed else ''}", rows=numbers == high)
    inner = (numbers > low) & (numbers < high)
    yield Bin(feature=name, described="in its lower half", rows=inner & (numbers <= middle), plain=False)
    yield Bin(feature=name, described="in its upper half", rows=inner & (numbers > middle), plain=False)
    values_inside, counts = np.unique(known[(known > low) & (known < high)], return_counts=True)
    order = np.lexsort((values_inside, -counts))[:FREQUENT]
    for rank, place in enumerate(order, start=1):
        if counts[place] >= MIN_ROWS:
            described = f"is {values_inside[place]:g}" if disclosed else f"is number {rank} by frequency"
            yield Bin(feature=name, described=described, rows=numbers == values_inside[place], plain=False)

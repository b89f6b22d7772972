"""Values that are tied to one class in the new window and were not in the accepted one: the trace of a backdoor.

Gu, Dolan-Gavitt and Garg (2017), "BadNets". Each cell (value of a feature, class) is an exact two-sample test within
the class, so that the error of both rates counts; a rate taken from the accepted window as if it were true accuses
clean cells. The false discovery rate is held over all cells that could be significant (Benjamini and Hochberg, 1995):
cells of so few rows that no split of them is evidence are not tests (Tarone, 1990; Gilbert, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.partitions import Bin, partitions_of
from model_governance.checks.supply_chain.poisoning_screen.windows import surplus
from model_governance.contract.result import Estimate
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.partitions import Partition
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool

MIN_ROWS = 8  # of a class in a cell: fewer cannot be significant among so many cells
RARE = 0.15  # share of rows up to which a value can be part of a pair
MAX_RARE = 300  # values that are paired, the plain ones first, then the most frequent


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value or pair of values and one class: new and all rows in it, those expected, and the evidence.

    `least` is the smallest p-value that so many rows could give: that of rows which are all new.
    """

    bins: tuple[Bin, ...]
    label: int
    new: int
    rows: int
    expected: float
    p_value: float
    least: float
    adjusted: float = 1.0

    @property
    def described(self) -> str:
        """The cell as text; values are named only of columns that params.disclose lists."""
        return " and ".join(part.described for part in self.bins)

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
    """Every value and pair of rare values against every class."""
    partitions = partitions_of(pool, params, min_rows=MIN_ROWS)
    cells = [*_single(pool, partitions), *(_pairs(pool, partitions) if params.pairs else ())]
    cells = _testable(cells, params.level)
    levels = adjusted([cell.p_value for cell in cells], "benjamini_hochberg")
    ranked = sorted(
        (replace(cell, adjusted=level) for cell, level in zip(cells, levels, strict=True)),
        key=lambda cell: (cell.p_value, len(cell.bins), cell.described, cell.label),
    )
    triggers = Triggers(cells=tuple(ranked), estimates=())
    return replace(triggers, estimates=tuple(_estimates(triggers, pool, params)))


def _testable(cells: Sequence[Cell], level: float) -> list[Cell]:
    """Cells whose least p-value is significant among as many tests as there are such cells; all where none is.

    The least p-value depends on counts of the pool alone, so that leaving cells out does not look at which rows are new.
    """
    import numpy as np

    least = np.sort(np.array([cell.least for cell in cells]))
    tests = np.arange(1, len(least) + 1)
    # The smallest k for which at most k cells can fall to level / k.
    enough = np.flatnonzero(np.searchsorted(least, level / tests, side="right") <= tests)
    if not enough.size:
        return list(cells)
    kept = [cell for cell in cells if cell.least <= level / tests[enough[0]]]
    return kept or list(cells)


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


def _single(pool: Pool, partitions: Sequence[Partition]) -> Iterator[Cell]:
    import numpy as np

    for label in range(len(pool.classes)):
        inside_class = pool.labels == label
        fresh = inside_class & pool.new
        n, count = int(inside_class.sum()), int(fresh.sum())
        for part in partitions:
            every, new = part.counts(inside_class), part.counts(fresh)
            # A value of (nearly) all rows of the class cannot grow.
            chosen = np.flatnonzero((every >= MIN_ROWS) & (every <= n - 1))
            bins = [(Bin(of=part, code=int(code)),) for code in chosen]
            yield from _cells(bins, label, new[chosen], every[chosen], count, n)


def _pairs(pool: Pool, partitions: Sequence[Partition]) -> Iterator[Cell]:
    """Pairs of rare values of two features, counted by one matrix product for each class."""
    import numpy as np

    rare = _rare(pool, partitions)
    if len(rare) < 2:
        return
    inside = np.stack([part.rows for part in rare]).astype(np.float32)
    features = np.array([part.of.feature for part in rare])
    apart = np.triu(features[:, None] != features[None, :])
    for label in range(len(pool.classes)):
        inside_class = pool.labels == label
        every = inside[:, inside_class] @ inside[:, inside_class].T
        new = inside[:, inside_class & pool.new] @ inside[:, inside_class & pool.new].T
        left, right = np.nonzero(apart & (every >= MIN_ROWS))
        n, count = int(inside_class.sum()), int((inside_class & pool.new).sum())
        bins = [(rare[first], rare[second]) for first, second in zip(left, right, strict=True)]
        yield from _cells(bins, label, new[left, right].astype(int), every[left, right].astype(int), count, n)


def _rare(pool: Pool, partitions: Sequence[Partition]) -> list[Bin]:
    """The values that are paired."""
    import numpy as np

    found = []
    for part in partitions:
        counts = part.counts(np.ones(pool.n, dtype=bool))
        rare = np.flatnonzero((counts >= MIN_ROWS) & (counts <= RARE * pool.n)).tolist()
        found += [(not part.plain[code], 0 if part.plain[code] else -int(counts[code]), part, code) for code in rare]
    found.sort(key=lambda entry: entry[:2])
    return [Bin(of=part, code=code) for _, _, part, code in found[:MAX_RARE]]


def _cells(
    bins: Sequence[tuple[Bin, ...]], label: int, new: np.ndarray, rows: np.ndarray, count: int, n: int
) -> Iterator[Cell]:
    """Cells of one class, of which `count` of `n` rows are new; `new` and `rows`, shape (cells,), are those inside each."""
    p_values = surplus(new, rows, count, n)
    least = surplus(rows.clip(max=count), rows, count, n)
    for place, parts in enumerate(bins):
        yield Cell(
            bins=parts, label=label, new=int(new[place]), rows=int(rows[place]),
            expected=float(rows[place] * count / n), p_value=float(p_values[place]), least=float(least[place]),
        )  # fmt: skip

"""Relations of a threat model on rows: which rows they hold in, and what follows from a change."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.relations import floats, formula, in_order, sides
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.relations import Relation
    from model_governance.contract.subject import Columns

    # Arrays of pandas or numpy by column, all of them (n,).
    Cells = dict[str, Any]

COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
CLOSE = 1e-6  # relative: a derived column that is nearer to its formula than this follows it
LEAST_SUPPORT = 0.5  # of the rows: a relation that holds in fewer describes other data


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """The relations of a threat model with what the data say: ranges of derived columns, and pairs of determined ones."""

    every: tuple[Relation, ...]
    ordered: tuple[Relation, ...]
    ranges: Mapping[str, tuple[float | None, float | None]]
    pairs: Mapping[str, Mapping[Any, Any]]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that some relation is about."""
        named = [
            name for relation in self.every for name in (*relation.sources, relation.dependent) if name is not None
        ]
        return tuple(dict.fromkeys(named))

    def binding(self, movable: Collection[str]) -> tuple[Relation, ...]:
        """The relations that a change of these columns can touch, directly or through what follows from them."""
        touched = set(movable)
        for relation in self.ordered:
            if touched & set(relation.sources) and relation.dependent is not None:
                touched.add(relation.dependent)
        return tuple(relation for relation in self.every if touched & set(relation.sources))

    def complete(self, before: Cells, after: Cells) -> None:
        """Recompute what follows from columns that have changed, in `after`, in place."""
        import numpy as np

        for relation in self.ordered:
            target = str(relation.dependent)
            changed = changed_rows(before, after, (*relation.sources, target))
            if not changed.any():
                continue
            if relation.derived is not None:
                value = _value(relation, after)
                old = floats(after[target])
                after[target] = _like(np.where(changed & np.isfinite(value), value, old), after[target])
            else:
                after[target] = self._looked_up(relation, after, changed)

    def _looked_up(self, relation: Relation, after: Cells, changed: np.ndarray) -> Any:
        import numpy as np
        import pandas as pd

        target = after[str(relation.dependent)]
        values = np.array(target, dtype=object)
        pairs = self.pairs[str(relation.dependent)]
        for row in np.flatnonzero(changed):
            value = after[relation.sources[0]][row]
            values[row] = values[row] if pd.isna(value) else pairs.get(value, values[row])
        return pd.array(values, dtype=target.dtype)

    def broken(self, before: Cells, after: Cells) -> np.ndarray:
        """Mask (n,) of the rows in which a relation does not hold after a change of its columns."""
        import numpy as np

        found = np.zeros(len(next(iter(after.values()))), dtype=bool)
        for relation in self.every:
            named = (*relation.sources, *([relation.dependent] if relation.dependent is not None else []))
            changed = changed_rows(before, after, named)
            if changed.any():
                found |= changed & ~self._holds(relation, after)
                found |= changed & self._left_range(relation, before, after)
        return found

    def obeyed(self, frame: pd.DataFrame, instead: pd.DataFrame) -> pd.DataFrame:
        """The rows with what follows from others recomputed; a row that breaks a relation even then is the one of `instead`.

        Args:
            frame: made-up rows, shape (n, d).
            instead: rows that obey, shape (n, d), with the same columns; what `frame` shares with them is not recomputed.
        """
        import numpy as np
        import pandas as pd

        before = {name: instead[name].array for name in self.columns}
        after = {name: frame[name].astype(instead[name].dtype).array for name in self.columns}
        self.complete(before, after)
        broken, places = self.broken(before, after), np.arange(len(frame))
        both = pd.concat([frame.assign(**after), instead], ignore_index=True)
        return both.iloc[np.where(broken, places + len(frame), places)].reset_index(drop=True)

    def hold(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """For each relation in words the mask (n,) of the rows of a frame in which it holds; a gap breaks none."""
        cells = {name: frame[name].array for name in self.columns}
        found = {}
        for relation in self.every:
            gaps = frame[[*relation.sources, *([relation.dependent] if relation.dependent else [])]].isna().any(axis=1)
            found[relation.text] = self._holds(relation, cells) | gaps.to_numpy()
        return found

    def _holds(self, relation: Relation, cells: Cells) -> np.ndarray:
        """Mask (n,) of the rows in which one relation holds; an unknown side of an inequality breaks nothing."""
        import numpy as np
        import pandas as pd

        if relation.derived is not None:
            value, found = _value(relation, cells), floats(cells[str(relation.dependent)])
            with np.errstate(invalid="ignore"):
                close = np.abs(found - value) <= _slack(relation, cells[str(relation.dependent)], value)
            return np.asarray(close & np.isfinite(value))
        if relation.one_of is not None:
            flags = [floats(cells[name]) for name in relation.one_of]
            total: np.ndarray = np.sum(flags, axis=0)
            return np.isin(flags, (0.0, 1.0)).all(axis=0) & (total == 1.0)
        if relation.inequality is not None:
            left, between, right = sides(relation)
            with np.errstate(divide="ignore", invalid="ignore"):
                numbers = {name: floats(cells[name]) for name in relation.sources}
                low, high = left.value(numbers), right.value(numbers)
                unknown = np.isnan(low) | np.isnan(high)
                return np.asarray(COMPARED[between](low, high) | unknown)
        pairs = self.pairs[str(relation.dependent)]
        source, target = (
            pd.Series(cells[name]).astype(object) for name in (relation.sources[0], str(relation.dependent))
        )
        return (source.map(pairs) == target).to_numpy(dtype=bool) | source.isna().to_numpy()

    def _left_range(self, relation: Relation, before: Cells, after: Cells) -> np.ndarray:
        """Rows whose derived column left the range that the policy states for it."""
        import numpy as np

        low, high = self.ranges.get(str(relation.dependent), (None, None))
        none = np.zeros(len(after[relation.sources[0]]), dtype=bool)
        if relation.derived is None or (low is None and high is None):
            return none
        ends = (-np.inf if low is None else low, np.inf if high is None else high)
        old, new = (floats(cells[str(relation.dependent)]) for cells in (before, after))
        return np.asarray(((new < ends[0]) | (new > ends[1])) & (old >= ends[0]) & (old <= ends[1]))


def bind_relations(
    relations: Sequence[Relation], columns: Columns, frames: Sequence[tuple[str, pd.DataFrame]]
) -> Relations | None:
    """The relations on these rows; None where there are no relations, or no rows.

    Args:
        relations: of the threat model.
        columns: say which range a derived column has.
        frames: (role, rows) that show which values go together; the last one is what is attacked.

    Raises:
        CheckError: a relation holds in fewer than half of the rows of a frame.
    """
    if not relations or not frames:
        return None
    ranges = {name: (feature.minimum, feature.maximum) for name, feature in columns.features.items()}
    pairs = {
        str(relation.dependent): _pairs(relation, frames) for relation in relations if relation.determines is not None
    }
    bound = Relations(every=tuple(relations), ordered=tuple(in_order(relations)), ranges=ranges, pairs=pairs)
    for role, frame in frames:
        for text, holds in bound.hold(frame).items():
            if holds.mean() < LEAST_SUPPORT:
                raise CheckError(
                    f"threat_model.relations: {text} holds in {holds.mean():.0%} of {len(holds):,} rows of {role}; correct it "
                    "(a factor, the decimals, the spelling), or remove it"
                )
    return bound


def _pairs(relation: Relation, frames: Sequence[tuple[str, pd.DataFrame]]) -> dict[Any, Any]:
    """The most frequent value of the determined column beside each value of the other, the smaller of equally frequent ones."""
    import pandas as pd

    source, target = relation.sources[0], str(relation.dependent)
    both = pd.concat([frame[[source, target]].astype(object) for _, frame in frames]).dropna()
    counts = both.value_counts().reset_index()
    counts["text"] = counts[target].astype(str)
    first = counts.sort_values(["count", "text"], ascending=[False, True]).drop_duplicates(source)
    return dict(zip(first[source].tolist(), first[target].tolist(), strict=True))


def _value(relation: Relation, cells: Cells) -> np.ndarray:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.asarray(
            formula(relation).value({name: floats(cells[name]) for name in relation.sources}), dtype=float
        )
    whole = _is_whole(cells[str(relation.dependent)].dtype)
    decimals = 0 if relation.decimals is None and whole else relation.decimals
    return value if decimals is None else np.round(value, decimals)


def _slack(relation: Relation, column: Any, value: np.ndarray) -> np.ndarray:
    """How far a column may be from its formula: the rounding of its type, and half of its last decimal."""
    import numpy as np

    eps = np.finfo(getattr(column.dtype, "numpy_dtype", column.dtype)).eps if column.dtype.kind == "f" else 0.0
    whole = _is_whole(column.dtype) and relation.decimals is None
    last = 1.0 if whole else 0.0 if relation.decimals is None else 0.51 * 10.0**-relation.decimals
    return np.asarray(max(CLOSE, 4 * float(eps)) * np.abs(value) + last + 1e-12)


def _is_whole(dtype: Any) -> bool:
    return getattr(dtype, "kind", "") in "iu"


def changed_rows(before: Cells, after: Cells, names: Sequence[str]) -> np.ndarray:
    """Mask (n,) of the rows in which one of these columns has another value; a gap equals a gap."""
    import numpy as np
    import pandas as pd

    found: np.ndarray = np.zeros(len(after[names[0]]), dtype=bool)
    for name in names:
        old, new = before[name], after[name]
        if new is old:
            continue
        gap, gone = pd.isna(old), pd.isna(new)
        there = ~gap & ~gone
        found |= gap != gone
        first, second = old[there], new[there]
        if old.dtype != new.dtype:  # categoricals of other categories refuse to be compared
            first, second = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
        found[there] |= np.asarray(first != second, dtype=bool)
    return found


def _like(values: np.ndarray, column: Any) -> Any:
    """Numbers in the type of a column."""
    import numpy as np
    import pandas as pd

    rounded = np.rint(values) if _is_whole(column.dtype) else values
    nullable = pd.api.types.is_extension_array_dtype(column.dtype)
    return pd.array(rounded, dtype="Float64" if nullable else None).astype(column.dtype)

"""Slices: rows that a policy wants judged on their own, by the values of one column each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.result import Absence

Scalar = bool | int | float | str

MOST_VALUES = 50  # of a column without a condition
SHOWN_FROM = 10  # rows: a smaller group is not named in a record


class Slice(BaseModel):
    """Rows that are judged on their own: those where a column equals, is in or lies between; or one slice per value."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    column: str = Field(description="column of the rows, which need not be a feature")
    name: str | None = Field(default=None, description="by default the condition in words")
    equals: Scalar | None = Field(default=None, description="the one value of the slice")
    members: tuple[Scalar, ...] | None = Field(
        default=None, alias="in", min_length=1, description="values of the slice"
    )
    between: tuple[float, float] | None = Field(default=None, description="both ends included")

    @model_validator(mode="after")
    def _one_condition(self) -> Slice:
        given = [condition for condition in (self.equals, self.members, self.between) if condition is not None]
        if len(given) > 1:
            raise ValueError(f"slice of {self.column!r}: give one of equals, in and between, or none for all values")
        if not given and self.name is not None:
            raise ValueError(f"slice of {self.column!r}: without a condition every value names its own slice")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError(f"slice of {self.column!r}: between {self.between[0]} and {self.between[1]} lies nothing")
        return self


def slice_masks(
    column: Callable[[str], pd.Series],
    slices: Sequence[Slice],
    *,
    notes: list[str],
    what: str = "rows",
    allow_empty: bool = False,
    named: Collection[str] = (),
) -> dict[str, np.ndarray]:
    """Rows of every slice by its name, a bool mask (n,) each; what is left out is added to the notes.

    Args:
        column: gives the values (n,) of a column by name.
        slices: the slices of a policy.
        notes: receives what is left out.
        what: names the rows in messages.
        allow_empty: whether a slice that these rows happen to lack is an empty mask; a condition of another type than the
            values is a mistake all the same.
        named: slices that are made whatever their size, although only a value gives them: the policy names them.

    Raises:
        CheckError: a slice matches no row, two slices have one name, or a column has too many values.
    """
    found: dict[str, np.ndarray] = {}
    for name, rows in _named_rows(column, slices, notes, what, allow_empty=allow_empty, named=named):
        if name in found:
            raise CheckError(f"two slices are called {name!r}; give them names of their own")
        found[name] = rows
    return found


def _named_rows(
    column: Callable[[str], pd.Series],
    slices: Sequence[Slice],
    notes: list[str],
    what: str,
    *,
    allow_empty: bool,
    named: Collection[str],
) -> Iterator[tuple[str, np.ndarray]]:
    for entry in slices:
        values = column(entry.column)
        if not _has_condition(entry):
            yield from _by_value(values, notes, named=named)
            continue
        rows = _mask(values, entry)
        if not rows.any() and not (allow_empty and _is_of_their_type(values, entry)):
            raise CheckError(
                f"slice {_name(entry)!r} matches none of {len(values):,} {what}; column {entry.column!r} holds "
                f"{values.dtype} values: check the spelling and type of the condition, or remove the slice"
            )
        yield _name(entry), rows


def _by_value(values: pd.Series, notes: list[str], *, named: Collection[str]) -> Iterator[tuple[str, np.ndarray]]:
    import numpy as np

    counts = values.value_counts()
    if len(counts) > MOST_VALUES:
        raise CheckError(
            f"column {values.name!r} has {len(counts):,} values, too many for a slice each (at most {MOST_VALUES}); "
            "give slices with between or in"
        )
    names = {value: f"{values.name} {_shown(value)}" for value in counts.index}
    made = [value for value, name in names.items() if counts[value] >= SHOWN_FROM or name in named]
    if len(made) < len(names):
        rare = len(names) - len(made)
        notes.append(f"{rare} value(s) of {values.name} with fewer than {SHOWN_FROM} rows are no slices.")
    for value in sorted(made, key=lambda label: (str(type(label)), label)):
        yield names[value], (values == value).to_numpy(dtype=bool, na_value=False)
    missing, unknown = f"{values.name} missing", values.isna().to_numpy()
    if unknown.sum() >= (1 if missing in named else SHOWN_FROM):
        yield missing, unknown
    known = {*names.values(), *([missing] if unknown.any() else [])}
    for name in sorted(set(named) - known):
        if name.startswith(f"{values.name} "):
            yield name, np.zeros(len(values), dtype=bool)


def slice_names(slices: Sequence[Slice]) -> tuple[list[str], list[str]]:
    """The names of the slices with a condition, and the columns of which each value is a slice: `column value`."""
    conditions = [entry for entry in slices if _has_condition(entry)]
    return list(map(_name, conditions)), [entry.column for entry in slices if not _has_condition(entry)]


def too_small(rows: int, *, needed: int, what: str = "rows") -> str:
    """Why a group cannot be judged: how many rows it has and how many it needs.

    >>> too_small(0, needed=30), too_small(7, needed=30), too_small(12, needed=30)
    ('no rows of it in this run, at least 30 are needed', 'fewer than 10 rows of it in this run, at least 30 are needed',
     '12 rows of it in this run, at least 30 are needed')
    """
    count = "no" if rows == 0 else f"fewer than {SHOWN_FROM}" if rows < SHOWN_FROM else f"{rows:,}"
    return f"{count} {what} of it in this run, at least {needed:,} are needed"


def named_values(values: Iterable[object], *, most: int = 5) -> str:
    """The different values, of which those of fewer than ten rows are counted and not named.

    >>> named_values(["yes"] * 12 + ["no"] * 3 + ["?"])
    "'yes' and 2 with fewer than 10 rows each"
    """
    rows = Counter(values)
    names = sorted(repr(value) for value, count in rows.items() if count >= SHOWN_FROM)
    parts = [", ".join(names[:most])] if names else []
    parts += [f"{len(names) - most} more"] if len(names) > most else []
    rare = len(rows) - len(names)
    return " and ".join([*parts, *([f"{rare} with fewer than {SHOWN_FROM} rows each"] if rare else [])])


def absence_of(name: str, slices: Sequence[Slice], *, empty: bool) -> Absence:
    """What it means for a threshold that a slice has too few rows: an empty one that no condition declares may be misspelt."""
    declared = {_name(entry) for entry in slices if _has_condition(entry)}
    return "no_rows" if empty and name not in declared else "uncertain"


def _has_condition(entry: Slice) -> bool:
    return not (entry.equals is None and entry.members is None and entry.between is None)


def _mask(values: pd.Series, entry: Slice) -> np.ndarray:
    from pandas.api.types import is_numeric_dtype

    if entry.between is not None:
        if not is_numeric_dtype(values):
            raise CheckError(
                f"slice {_name(entry)!r}: between needs numbers and column {entry.column!r} is {values.dtype}"
            )
        found = values.between(*entry.between)
    elif entry.members is not None:
        found = values.isin(entry.members)
    else:
        found = values == entry.equals
    return found.to_numpy(dtype=bool, na_value=False)


def _is_of_their_type(values: pd.Series, entry: Slice) -> bool:
    """Whether a condition could match values of this type: numbers are never equal to texts."""
    from pandas.api.types import is_numeric_dtype

    wanted = [entry.equals] if entry.equals is not None else list(entry.members or ())
    return is_numeric_dtype(values) == all(not isinstance(value, str) for value in wanted)


def _name(entry: Slice) -> str:
    if entry.name is not None:
        return entry.name
    if entry.between is not None:
        return f"{entry.column} {entry.between[0]:g} to {entry.between[1]:g}"
    if entry.members is not None:
        return f"{entry.column} in {', '.join(map(_shown, entry.members))}"
    return f"{entry.column} {_shown(entry.equals)}"


def _shown(value: Scalar | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

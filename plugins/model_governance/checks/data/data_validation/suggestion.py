"""The suite that `policy init` writes: what the reference looks like, so that a night must look like it.

What chance alone may break carries a `mostly` that an unchanged night breaks with a stated chance: see `allowances`. The
level of the suite is split evenly over those expectations (Bonferroni), so it holds however columns hang together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_validation.allowances import as_mostly, of_excess, of_gaps
from model_governance.contract.check import Suggestion
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from model_governance.contract.subject import Columns, Feature

LEVEL = 0.01
"""Chance that an unchanged night of the reference's size breaks any expectation of the suite."""
MOST_VALUES = 50
BAND = 5
ENDS = {"minimum": "min_value", "maximum": "max_value"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An expectation before its allowance: what it is, and how many rows may break it at a chance; None if none may."""

    what: str
    severity: str
    kwargs: dict[str, Any]
    allowance: tuple[str, int, int] | None = None

    def written(self, chance: float) -> dict[str, Any]:
        """The expectation as a policy holds it."""
        kwargs = dict(self.kwargs)
        if self.allowance is not None:
            kind, seen, rows = self.allowance
            allowed = (of_gaps if kind == "gaps" else of_excess)(seen, rows, rows, chance=chance)
            mostly = as_mostly(allowed, rows)
            kwargs |= {"mostly": mostly} if mostly < 1 else {}
        return {"type": f"expect_{self.what}", "severity": self.severity, "kwargs": kwargs}


def suggest(reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Expectations read off the reference; ranges that only the data show are warnings, declared ones critical."""
    drafts = list(_drafts(reference, columns))
    by_chance = sum(one.allowance is not None for one in drafts)
    chance = LEVEL / max(1, by_chance)
    return Suggestion(
        params={"expectations": [one.written(chance) for one in drafts if not _says_nothing(one.written(chance))]},
        thresholds=[
            {"metric": "critical_failures", "equal_to": 0, "severity": "error"},
            {"metric": "warning_failures", "equal_to": 0, "severity": "warn"},
        ],
        comment=(
            f"Read off {len(reference):,} reference rows: columns, types, completeness, ranges, value sets of up to "
            f"{MOST_VALUES} categories, unique keys, the newest time, and a row count within a factor of {BAND}. Where chance "
            f"alone can break an expectation, `mostly` leaves room: a night of as many independent rows from the same "
            f"source breaks one or more of these {by_chance} with a chance of at most {LEVEL:.0%} ({chance:.1g} each). Declared minimum "
            "and maximum, categories, keys and the row count are taken as facts, not as chance. Ranges that only the data "
            "show are warnings, because new data may honestly exceed them."
        ),
    )


def _drafts(reference: pd.DataFrame, columns: Columns) -> Iterator[Draft]:
    rows = len(reference)
    yield Draft(
        what="table_row_count_to_be_between",
        severity="warning",
        kwargs={"min_value": max(1, rows // BAND), "max_value": rows * BAND},
    )
    wanted = {"column_set": list(columns.names), "exact_match": False}
    yield Draft(what="table_columns_to_match_set", severity="critical", kwargs=wanted)
    key = columns.identifier
    if key in reference.columns and rows and reference[key].notna().all() and reference[key].is_unique:
        yield Draft(what="column_values_to_be_unique", severity="critical", kwargs={"column": key})
    for name, feature in columns.features.items():
        if name in reference.columns and reference[name].notna().any():
            yield from _of_column(name, feature, reference[name])


def _of_column(name: str, feature: Feature, column: pd.Series) -> Iterator[Draft]:
    type_ = _logical_type(feature, column)
    yield Draft(what="column_values_to_be_of_type", severity="critical", kwargs={"column": name, "type_": type_})
    gaps = int(column.isna().sum())
    yield Draft(
        what="column_values_to_not_be_null",
        severity="warning" if gaps else "critical",
        kwargs={"column": name},
        allowance=("gaps", gaps, len(column)),
    )
    if feature.kind in NUMBER_KINDS:
        yield from _ranges(name, feature, column)
    if feature.kind in ("category", "boolean"):
        yield from _values(name, column)
    if type_ == "datetime":
        newest = {"column": name, "min_value": column.max().isoformat()}
        yield Draft(what="column_max_to_be_between", severity="warning", kwargs=newest)


def _values(name: str, column: pd.Series) -> Iterator[Draft]:
    """The set of values; where some were seen once, as many rows of values never seen are allowed (Good, 1953)."""
    counts = column.value_counts()
    values = [_plain(value) for value in counts.index]
    if len(values) > MOST_VALUES:
        return
    chosen = sorted(values, key=lambda value: (isinstance(value, str), value))
    singles = int((counts == 1).sum())
    yield Draft(
        what="column_values_to_be_in_set",
        severity="critical",
        kwargs={"column": name, "value_set": chosen},
        allowance=("gaps", singles, int(counts.sum())) if singles else None,
    )


def _ranges(name: str, feature: Feature, column: pd.Series) -> Iterator[Draft]:
    declared = {key: getattr(feature, key) for key in ENDS if getattr(feature, key) is not None}
    if declared:
        bounds = {ENDS[key]: _plain(value) for key, value in declared.items()}
        yield Draft(what="column_values_to_be_between", severity="critical", kwargs={"column": name, **bounds})
    finite = column.dropna().astype(float)
    finite = finite[finite.abs() != math.inf]
    if len(declared) < 2 and len(finite):
        ends = {"minimum": finite.min(), "maximum": finite.max()}
        bounds = {ENDS[key]: _plain(value) for key, value in ends.items() if key not in declared}
        yield Draft(
            what="column_values_to_be_between",
            severity="warning",
            kwargs={"column": name, **bounds},
            allowance=("excess", len(bounds), len(finite)),
        )


def _logical_type(feature: Feature, column: pd.Series) -> str:
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return "boolean"
    if feature.kind in NUMBER_KINDS or types.is_numeric_dtype(column.dtype):
        return "number"
    return "datetime" if types.is_datetime64_any_dtype(column.dtype) else "text"


def _says_nothing(written: dict[str, Any]) -> bool:
    return written["kwargs"].get("mostly", 1) <= 0


def _plain(value: Any) -> Any:
    """A value as YAML writes it; whole floats (a category beside missing values) as integers."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value

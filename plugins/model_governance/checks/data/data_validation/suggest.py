"""Suggests the suite that `policy init` writes: expectations derived from the reference.

An expectation that unchanged data may violate by chance gets a `mostly` with a stated probability of violation (see
`allowances`). The level of the suite is split evenly over those expectations (Bonferroni), so it holds for any
dependence between columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.checks.data.data_validation.allowances import allowed_missing, allowed_outside_range, as_mostly
from model_governance.contract.check import Suggestion
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.engine.column_kinds import NUMBERS, kind_of_series
from model_governance.engine.frames import as_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from model_governance.contract.subject import Columns, Feature

LEVEL = 0.01
"""Probability that unchanged data of the reference's size violate any expectation of the suite."""
MAX_VALUES = 50
MAX_FLAG_VALUES = 2
"""A set of this many values is complete; of a larger one the reference may have missed rare values by chance."""
VARYING, MOST_FREQUENT = 20, 0.5
"""A number of more different values than this, of which none fills half of the reference's rows, has two at least in every run."""
ROW_COUNT_FACTOR = 5
SHARE_OF_COPIES, MOST_COPIES = 0.1, 0.4
ENDS = {"minimum": "min_value", "maximum": "max_value"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An expectation before its `mostly` is set.

    `allowance` is None where no row may violate it; else the kind (`missing` or `outside`), the rows without a value or
    the ends of the range, and the rows of the reference.
    """

    type: str
    severity: str
    kwargs: dict[str, Any]
    allowance: tuple[Literal["missing", "outside"], int, int] | None = None

    def as_expectation(self, chance: float) -> dict[str, Any]:
        """The expectation as a policy spells it; `chance` is its probability of violation by unchanged data."""
        kwargs = dict(self.kwargs)
        if self.allowance is not None:
            kind, count, rows = self.allowance
            allow = allowed_missing if kind == "missing" else allowed_outside_range
            allowed = allow(count, rows, rows, chance=chance)
            mostly = as_mostly(allowed, rows)
            kwargs |= {"mostly": mostly} if mostly < 1 else {}
        return {"type": f"expect_{self.type}", "severity": self.severity, "kwargs": kwargs}


def suggest(reference: pd.DataFrame, columns: Columns, **_: object) -> Suggestion:
    """Expectations derived from the reference; ranges that only the data show are warnings, declared ones critical.

    Args:
        reference: the reference rows.
        columns: the declared features and the identifier.
    """
    proposals = list(_proposals(reference, columns))
    by_chance = sum(proposal.allowance is not None for proposal in proposals)
    chance = LEVEL / max(1, by_chance)
    expectations = [proposal.as_expectation(chance) for proposal in proposals]
    copies = _most_copies(reference, columns)
    thresholds: list[dict[str, Any]] = [
        {"metric": "critical_failures", "equal_to": 0, "severity": "error"},
        {"metric": "warning_failures", "equal_to": 0, "severity": "warn"},
        {"metric": "duplicate_share_increase", "less_than": 0.1, "severity": "error"},
    ]
    if columns.time in reference:
        thresholds.append({"metric": "missing_moment_share_increase", "less_than": 0.1, "severity": "error"})
    if copies is not None:
        thresholds.append({"metric": "duplicate_share", "less_than": copies, "severity": "error"})
    return Suggestion(
        params={"expectations": [expectation for expectation in expectations if not _is_trivial(expectation)]},
        thresholds=thresholds,
        comment=(
            f"Derived from {len(reference):,} reference rows: columns, types, completeness, ranges, numbers that vary, value sets of up to "
            f"{MAX_VALUES} categories, unique keys, the newest time, and a row count within a factor of "
            f"{ROW_COUNT_FACTOR}. Where chance alone can violate an expectation, `mostly` tolerates it: as many independent "
            f"rows from the same source violate one or more of these {by_chance} with a probability of at most {LEVEL:.0%} ({chance:.1g} each). Declared minimum "
            "and maximum, categories, keys and the row count are taken as facts. Ranges that only the data "
            "show are warnings, because correct new data may exceed them."
        ),
    )


def _most_copies(reference: pd.DataFrame, columns: Columns) -> float | None:
    """A bound on the share of rows that repeat another, which copies that arrive behind the rows reach as well.

    Rows that are equal by chance grow at most in proportion to the rows, up to the largest count that the suite allows.
    None where so many are equal by chance that the bound would let two whole copies pass.
    """
    names = [name for name in columns.names if name in reference.columns]
    if not names or reference.empty:
        return None
    by_chance = float(reference.duplicated(subset=names).mean())
    bound = round(SHARE_OF_COPIES + ROW_COUNT_FACTOR * by_chance, 3)
    return bound if bound <= MOST_COPIES else None


def _proposals(reference: pd.DataFrame, columns: Columns) -> Iterator[Proposal]:
    rows = len(reference)
    yield Proposal(
        type="table_row_count_to_be_between",
        severity="warning",
        kwargs={"min_value": max(1, rows // ROW_COUNT_FACTOR), "max_value": rows * ROW_COUNT_FACTOR},
    )
    column_set = {"column_set": list(columns.names), "exact_match": False}
    yield Proposal(type="table_columns_to_match_set", severity="critical", kwargs=column_set)
    key = columns.identifier
    if key in reference.columns and rows and reference[key].notna().all() and reference[key].is_unique:
        yield Proposal(type="column_values_to_be_unique", severity="critical", kwargs={"column": key})
    for name, feature in columns.features.items():
        if name in reference.columns and reference[name].notna().any():
            yield from _of_column(name, feature, as_shown(reference[name]))


def _of_column(name: str, feature: Feature, column: pd.Series) -> Iterator[Proposal]:
    type_ = _logical_type(feature, column)
    yield Proposal(type="column_values_to_be_of_type", severity="critical", kwargs={"column": name, "type_": type_})
    missing = int(column.isna().sum())
    yield Proposal(
        type="column_values_to_not_be_null",
        severity="warning" if missing else "critical",
        kwargs={"column": name},
        allowance=("missing", missing, len(column)),
    )
    if feature.kind in NUMBER_KINDS:
        yield from _ranges(name, feature, column)
        if column.nunique() > VARYING and column.value_counts(normalize=True).iloc[0] < MOST_FREQUENT:
            varies = {"column": name, "min_value": 2}
            yield Proposal(type="column_unique_value_count_to_be_between", severity="critical", kwargs=varies)
    if feature.kind in ("category", "boolean"):
        yield from _values(name, column)
    if type_ == "datetime":
        newest = {"column": name, "min_value": column.max().isoformat()}
        yield Proposal(type="column_max_to_be_between", severity="warning", kwargs=newest)


def _values(name: str, column: pd.Series) -> Iterator[Proposal]:
    """The set of values; of more than two, rows with others are expected, as many as values occur once (Good, 1953)."""
    counts = column.value_counts()
    values = [_plain(value) for value in counts.index]
    if len(values) > MAX_VALUES:
        return
    value_set = sorted(values, key=lambda value: (isinstance(value, str), value))
    singles = int((counts == 1).sum())
    yield Proposal(
        type="column_values_to_be_in_set",
        severity="critical",
        kwargs={"column": name, "value_set": value_set},
        allowance=("missing", singles, int(counts.sum())) if singles or len(values) > MAX_FLAG_VALUES else None,
    )


def _ranges(name: str, feature: Feature, column: pd.Series) -> Iterator[Proposal]:
    declared = {key: getattr(feature, key) for key in ENDS if getattr(feature, key) is not None}
    if declared:
        bounds = {ENDS[key]: _plain(value) for key, value in declared.items()}
        yield Proposal(type="column_values_to_be_between", severity="critical", kwargs={"column": name, **bounds})
    finite = column.dropna().astype(float)
    finite = finite[finite.abs() != math.inf]
    if len(declared) < 2 and len(finite):
        ends = {"minimum": finite.min(), "maximum": finite.max()}
        bounds = {ENDS[key]: _plain(value) for key, value in ends.items() if key not in declared}
        yield Proposal(
            type="column_values_to_be_between",
            severity="warning",
            kwargs={"column": name, **bounds},
            allowance=("outside", len(bounds), len(finite)),
        )


def _logical_type(feature: Feature, column: pd.Series) -> str:
    kind = kind_of_series(column)
    if kind == "boolean":
        return "boolean"
    if feature.kind in NUMBER_KINDS or kind in NUMBERS:
        return "number"
    return "datetime" if kind in ("date", "time") else "text"


def _is_trivial(expectation: dict[str, Any]) -> bool:
    return expectation["kwargs"].get("mostly", 1) <= 0


def _plain(value: Any) -> Any:
    """A value as YAML writes it; whole floats (a category in a column with missing values) as integers."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value

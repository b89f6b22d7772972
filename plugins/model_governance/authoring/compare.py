"""Two datasets side by side, without a policy or a model: exact distances of every column, over all rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.column_drift import compare_columns, row_statistics
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation, require_same_families
from model_governance.engine.cells import Table
from model_governance.engine.equal_width import equal_width_jensen_shannon, equal_width_psi, equal_width_tables
from model_governance.engine.labels import aligned
from model_governance.engine.paired_pass import read_pair, read_pair_bins
from model_governance.engine.profiles import profile_of
from model_governance.errors import SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.contract.subject import Role
    from model_governance.engine import Relation
    from model_governance.engine.profiles import Family

LEAST_DEVIATION = 0.001
"""Evidently divides a Wasserstein distance by the reference's standard deviation, but by no less than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnComparison:
    """One column. Distances that were not asked for, or do not fit its family, are None.

    `psi`, `low`, `high` and `p_value` are those of the verdict (cells frozen with the reference, corrected for
    chance, two-sample chi-square); `equal_width_psi`, `equal_width_js` and `wasserstein` (in standard deviations of
    the reference) are Evidently's definitions.
    """

    name: str
    family: Family
    equal_width_psi: float
    equal_width_js: float
    psi: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    jensenshannon: float | None = None
    total_variation: float | None = None
    ks: float | None = None
    ks_p: float | None = None
    wasserstein: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The rows of both datasets, their common columns, and the columns that were not compared, with the reason."""

    rows: Mapping[Role, int]
    columns: tuple[ColumnComparison, ...]
    not_compared: tuple[str, ...]


def compare_files(reference: str, current: str, *, quick: bool = False) -> Comparison:
    """Every number and category that both datasets hold; `quick` leaves out what needs the values in order.

    Raises:
        SubjectError: a dataset cannot be read, has no rows, or no column is in both.
        CheckError: a column changed between numbers and text.
        SubjectUnreachable: a place does not answer.
    """
    uris: dict[Role, str] = {"reference": reference, "current": current}
    with ThreadPoolExecutor(max_workers=2) as pool:  # digests of large files take a while
        first, second = pool.map(_open, uris, uris.values())
    families, not_compared = _families(first, second)
    categories = [name for name, family in families.items() if family == "categories"]
    require_same_families(first, second, categories)
    columns = _quick(first, second, families) if quick else _full(first, second, families)
    return Comparison(
        rows={"reference": first.rows, "current": second.rows}, columns=tuple(columns), not_compared=tuple(not_compared)
    )


def _open(role: Role, uri: str) -> Relation:
    dataset = load_dataset(role, DatasetSpec(uri=uri), folder=Path.cwd(), connections=PlainConnections())
    return open_relation(dataset)


def _families(reference: Relation, current: Relation) -> tuple[dict[str, Family], list[str]]:
    """Numbers and categories by what the reference's first rows hold; and what is not compared."""
    from pandas.api import types

    shared = [name for name in reference.names if name in current.names]
    if not shared:
        raise SubjectError(
            f"{current.uri} and {reference.uri} have no column in common; found {', '.join(current.names)} "
            f"and {', '.join(reference.names)}"
        )
    not_compared = [
        f"{name} (in one dataset only)" for name in (*reference.names, *current.names) if name not in shared
    ]
    first_rows = next(iter(reference.frames(shared, rows=1000)))
    families: dict[str, Family] = {}
    for name in shared:
        if types.is_bool_dtype(first_rows[name]):
            families[name] = "categories"
        elif types.is_numeric_dtype(first_rows[name]):
            families[name] = "numbers"
        elif types.is_datetime64_any_dtype(first_rows[name]):
            not_compared.append(f"{name} (times)")
        else:
            families[name] = "categories"
    return families, not_compared


def _quick(reference: Relation, current: Relation, families: Mapping[str, Family]) -> list[ColumnComparison]:
    read_pair_bins(reference, current, [name for name, family in families.items() if family == "numbers"])
    tables = _equal_width(reference, current, families)
    return [_comparison(name, family, tables[name]) for name, family in families.items()]


def _full(reference: Relation, current: Relation, families: Mapping[str, Family]) -> list[ColumnComparison]:
    read_pair(reference, current, [name for name, family in families.items() if family == "numbers"])
    rows = row_statistics(reference, current, families)
    fixed = profile_of(reference, families)
    measured = profile_of(current, families, cells=fixed.cells)
    compared = compare_columns(fixed, measured, statistics=rows)
    tables = {name: row.equal_width for name, row in rows.items() if row.equal_width is not None}
    summaries = reference.summaries([name for name, family in families.items() if family == "numbers"])
    columns = []
    for column in compared:
        ordered = rows[column.name].ordered
        std = summaries[column.name].std if column.name in summaries else None
        scaled = None if ordered is None else ordered.wasserstein / max(std or 0.0, LEAST_DEVIATION)
        columns.append(
            _comparison(column.name, column.family, tables[column.name], compared=column, wasserstein=scaled)
        )
    return columns


def _equal_width(reference: Relation, current: Relation, families: Mapping[str, Family]) -> dict[str, Table]:
    numbers = [name for name, family in families.items() if family == "numbers"]
    categories = [name for name, family in families.items() if family != "numbers"]
    reference_labels, current_labels = reference.labels(categories), current.labels(categories)
    tables = equal_width_tables(reference, current, numbers)
    for name in categories:
        before, after = aligned(reference_labels[name], current_labels[name])
        tables[name] = Table(reference=before, current=after)
    return tables


def _comparison(
    name: str, family: Family, table: Table, *, compared: ColumnDrift | None = None, wasserstein: float | None = None
) -> ColumnComparison:
    psi, js = equal_width_psi(table), equal_width_jensen_shannon(table)
    if compared is None:
        return ColumnComparison(name=name, family=family, equal_width_psi=psi, equal_width_js=js)
    return ColumnComparison(
        name=name, family=family, equal_width_psi=psi, equal_width_js=js, psi=compared.psi.value, low=compared.psi.low,
        high=compared.psi.high, p_value=compared.psi.p_value, jensenshannon=compared.jensenshannon.value,
        total_variation=compared.total_variation.value, ks=compared.ks.value if compared.ks else None,
        ks_p=compared.ks.p_value if compared.ks else None, wasserstein=wasserstein,
    )  # fmt: skip

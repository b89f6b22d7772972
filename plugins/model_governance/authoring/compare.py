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
from model_governance.engine.column_kinds import LABELS, NUMBERS, WHAT, is_free_text
from model_governance.engine.equal_width import equal_width_jensen_shannon, equal_width_psi, equal_width_tables
from model_governance.engine.labels import aligned
from model_governance.engine.paired_pass import read_pair, read_pair_bins
from model_governance.engine.profiles import profile_of
from model_governance.errors import CheckError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from model_governance.subjects.sources import names_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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

    A dataset is the uri of files, or `DATABASE#TABLE`: the uri of a database and a table that is measured there, for instance
    `spark://host:7077#/data/current.parquet`.

    Raises:
        SubjectError: a dataset cannot be read, has no rows, or no column is in both.
        CheckError: a column changed between numbers and text.
        SubjectUnreachable: a place does not answer.
    """
    uris: dict[Role, str] = {"reference": reference, "current": current}
    with ThreadPoolExecutor(max_workers=2) as pool:  # digests of large files take a while
        first, second = pool.map(_open, uris, uris.values())
    families, reasons = _families(first, second)
    read = read_pair_bins if quick else read_pair
    for name, reason in _unfit(first, second, families, read=read):
        reasons[name] = reason
        families.pop(name)
    columns = _quick(first, second, families) if quick else _full(first, second, families)
    return Comparison(
        rows={"reference": first.rows, "current": second.rows},
        columns=tuple(columns),
        not_compared=tuple(f"{name} ({reason})" for name, reason in reasons.items()),
    )


def _open(role: Role, uri: str) -> Relation:
    dataset = load_dataset(role, _spec(uri), folder=Path.cwd(), connections=PlainConnections())
    return open_relation(dataset)


def _spec(uri: str) -> DatasetSpec:
    database, _, table = uri.partition("#")
    if not table or names_file(database):
        return DatasetSpec(uri=uri)
    return DatasetSpec(uri=database, table=table)


def _families(reference: Relation, current: Relation) -> tuple[dict[str, Family], dict[str, str]]:
    """Numbers and categories by what both datasets hold; and why the other columns are not compared."""
    shared = [name for name in reference.names if name in current.names]
    if not shared:
        raise SubjectError(
            f"{current.uri} and {reference.uri} have no column in common; found {', '.join(current.names)} "
            f"and {', '.join(reference.names)}"
        )
    reasons = {name: "in one dataset only" for name in (*reference.names, *current.names) if name not in shared}
    families: dict[str, Family] = {}
    kinds = [relation.kinds(shared) for relation in (reference, current)]
    for name in shared:
        held = {kind[name] for kind in kinds}
        unfit = next((WHAT[kind] for kind in sorted(held) if kind not in NUMBERS | LABELS), None)
        if unfit is not None:
            reasons[name] = unfit
        else:
            families[name] = "numbers" if held <= NUMBERS else "categories"
    return families, reasons


def _unfit(
    reference: Relation,
    current: Relation,
    families: Mapping[str, Family],
    *,
    read: Callable[[Relation, Relation, Sequence[str]], None],
) -> list[tuple[str, str]]:
    """Columns of which the rows show that no distance fits them, and why.

    Raises:
        CheckError: a column changed between numbers and text.
    """
    numbers = [name for name, family in families.items() if family == "numbers"]
    categories = [name for name in families if name not in numbers]
    unfit = _not_exact(reference, current, numbers, read=read)
    numbers = [name for name in numbers if name not in unfit]
    for relation in (reference, current):
        ranges, labels = relation.ranges(numbers), relation.labels(categories)
        unfit |= {name: f"no finite number in {relation.role}" for name in numbers if not ranges[name].finite}
        unfit |= {name: f"no value in {relation.role}" for name in categories if not labels[name].total}
    require_same_families(reference, current, [name for name in categories if name not in unfit])
    kinds, labels = reference.kinds(categories), reference.labels(categories)
    for name in categories:
        if name not in unfit and kinds[name] == "text" and is_free_text(labels[name].distinct, reference.rows):
            unfit[name] = f"text: {labels[name].distinct:,} values in {reference.rows:,} rows"
    return list(unfit.items())


def _not_exact(
    reference: Relation,
    current: Relation,
    numbers: Sequence[str],
    *,
    read: Callable[[Relation, Relation, Sequence[str]], None],
) -> dict[str, str]:
    """Columns of numbers that cannot be compared exactly, so that they do not take the others with them."""
    try:
        read(reference, current, numbers)
    except CheckError:
        pass
    else:
        return {}
    reasons = {}
    for name in numbers:
        try:
            read(reference, current, [name])
        except CheckError:
            reasons[name] = "float64 cannot tell its numbers apart: integers beyond 2^53 or decimals of over 15 digits"
    return reasons


def _quick(reference: Relation, current: Relation, families: Mapping[str, Family]) -> list[ColumnComparison]:
    tables = _equal_width(reference, current, families)
    return [_comparison(name, family, tables[name]) for name, family in families.items()]


def _full(reference: Relation, current: Relation, families: Mapping[str, Family]) -> list[ColumnComparison]:
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
    ks, ks_p = (compared.ks.value, compared.ks.p_value) if compared.ks else (None, None)
    if compared.pooled:
        return ColumnComparison(
            name=name, family=family, equal_width_psi=psi, equal_width_js=js, ks=ks, ks_p=ks_p, wasserstein=wasserstein
        )
    return ColumnComparison(
        name=name, family=family, equal_width_psi=psi, equal_width_js=js, psi=compared.psi.value, low=compared.psi.low,
        high=compared.psi.high, p_value=compared.psi.p_value, jensenshannon=compared.jensenshannon.value,
        total_variation=compared.total_variation.value, ks=ks, ks_p=ks_p, wasserstein=wasserstein,
    )  # fmt: skip

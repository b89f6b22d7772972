"""A digest of a table that stays in its database: its canonical aggregates, since its bytes cannot be read."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from model_governance.contract.result import canonical_json
from model_governance.engine.answers import read_row

if TYPE_CHECKING:
    from ibis import Table

    from model_governance.engine.pushdown import PushedRelation

FINGERPRINT_CELLS = 32
FEW_CATEGORIES = 1000


def fingerprint(relation: PushedRelation) -> str:
    """The sha256 of a table's canonical aggregates, since its bytes cannot be read.

    It covers names, types and rows; per number the counts of missing, NaN, infinite and distinct values, the range,
    and the counts of 32 cells of equal width in it; per other column what is missing and, of up to 1,000
    categories, how often each occurs; the exact range of integers and decimals that float64 would merge. Tables that agree in all of this have the same fingerprint.
    """
    import numpy as np

    schema = relation.table.schema()
    incomparable = relation.source.incomparable
    numeric = [name for name, kind in schema.items() if kind.is_numeric() and name not in incomparable]
    merging = relation.merging(numeric)
    numbers = [name for name in numeric if name not in merging]
    others = [name for name in relation.names if name not in numbers]
    comparable = [name for name in others if name not in incomparable]
    summaries = relation.summaries(numbers)
    edges = {
        name: np.linspace(summary.minimum, summary.maximum, FINGERPRINT_CELLS + 1)[1:-1]
        for name, summary in summaries.items()
        if summary.minimum is not None and summary.maximum is not None
    }
    counts = relation.counts(edges)
    distinct = {name: _count_distinct(relation.table, name) for name in comparable}
    categories = relation.value_counts([name for name, count in distinct.items() if count <= FEW_CATEGORIES])
    aggregates = {
        "types": {name: str(kind) for name, kind in schema.items()},
        "rows": relation.rows,
        # Mean and standard deviation are excluded: their last digits depend on the order in which a database adds.
        "numbers": {name: {k: v for k, v in asdict(summary).items() if k not in ("mean", "std")} for name, summary in summaries.items()},
        "cells": {name: cells.tolist() for name, cells in counts.items()},
        "missing": relation.missing(others),
        "different": distinct,
        "categories": categories,
    }  # fmt: skip
    if merging:
        aggregates["ranges"] = {name: _exact_range(relation.table, name) for name in sorted(merging)}
    return hashlib.sha256(canonical_json(aggregates)).hexdigest()


def _exact_range(table: Table, name: str) -> list[str]:
    row = read_row(table.aggregate(low=table[name].min(), high=table[name].max()))
    return [str(row["low"]), str(row["high"])]


def _count_distinct(table: Table, name: str) -> int:
    """Number of distinct values of a column, up to one more than `FEW_CATEGORIES`."""
    return int(table.select(value=table[name]).distinct().limit(FEW_CATEGORIES + 1).count().execute())

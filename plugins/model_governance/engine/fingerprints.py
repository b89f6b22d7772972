"""A digest of a table: its canonical aggregates, since a database gives no bytes and no order of rows."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from model_governance.contract.result import canonical_json

if TYPE_CHECKING:
    from model_governance.engine.pushdown import PushedRelation
    from model_governance.engine.table_copies import CopiedRelation

FINGERPRINT_CELLS = 32
FEW_CATEGORIES = 1000


def fingerprint(relation: PushedRelation | CopiedRelation) -> str:
    """The sha256 of a table's canonical aggregates, the same from its copy as from its database.

    It covers names, types and rows; per number the counts of missing, NaN, infinite and distinct values, the range,
    and the counts of 32 cells of equal width in it; per other column what is missing and, of up to 1,000
    categories, how often each occurs; the exact range of integers and decimals that float64 would merge. Tables that agree in all of this have the same fingerprint.
    """
    import numpy as np

    schema = relation.source.table.schema()
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
    distinct = {name: relation.count_distinct(name, most=FEW_CATEGORIES + 1) for name in comparable}
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
        aggregates["ranges"] = {name: list(map(str, relation.exact_range(name))) for name in sorted(merging)}
    return hashlib.sha256(canonical_json(aggregates)).hexdigest()

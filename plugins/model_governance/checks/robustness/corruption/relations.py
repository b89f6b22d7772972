"""Corrupted rows that obey the relations of the threat model: what a feed computes from a broken column is broken with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.relations import changed_rows
from model_governance.checks.robustness.corruption.corruptions import with_gaps

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.relations import Relations
    from model_governance.contract.relations import Relation

NOTE = (
    "relations of the threat model hold in corrupted rows: a column that follows from others is recomputed, and is missing "
    "where one of them is; a row that would break a relation all the same stays clean"
)


def obey(relations: Relations, clean: pd.DataFrame, corrupted: pd.DataFrame, affected: np.ndarray) -> pd.DataFrame:
    """The corrupted rows with what follows from them; `affected`, shape (n, d) bool, is brought up to date in place.

    Args:
        relations: bound to rows of the same columns.
        clean: the rows before, shape (n, d).
        corrupted: the rows after, shape (n, d).
        affected: which cells were corrupted.
    """
    before = {name: clean[name].array for name in relations.columns}
    after = {name: corrupted[name].array for name in relations.columns}
    relations.complete(before, after)
    found = corrupted.assign(**after)
    for relation in relations.ordered:
        _spread_gaps(relation, clean, found)
    after = {name: found[name].array for name in relations.columns}
    for name in map(str, (relation.dependent for relation in relations.ordered)):
        affected[:, clean.columns.get_loc(name)] |= changed_rows(before, after, [name])
    # Nothing is known of a row with a gap.
    gaps = found[list(relations.columns)].isna().any(axis=1).to_numpy()
    broken = relations.broken(before, after) & ~gaps
    affected[broken] = False
    return found.assign(
        **{str(name): found[name].where(~broken, clean[name].astype(found[name].dtype)) for name in found.columns}
    )


def _spread_gaps(relation: Relation, clean: pd.DataFrame, found: pd.DataFrame) -> None:
    """Make the dependent column missing where one of its sources became so, in place."""
    sources = list(relation.sources)
    gone = (found[sources].isna() & clean[sources].notna()).any(axis=1).to_numpy()
    if gone.any():
        found[str(relation.dependent)] = with_gaps(found[str(relation.dependent)], gone)

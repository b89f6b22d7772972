"""Class shares, in all and by slice: poison that turns labels of one class moves them even where no row looks odd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.windows import difference
from model_governance.contract.result import Estimate
from model_governance.contract.slices import SHOWN_FROM, slice_masks, too_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.slices import Slice
    from model_governance.contract.subject import Subject


def find_class_changes(subject: Subject, pool: Pool, slices: Sequence[Slice], *, notes: list[str]) -> list[Estimate]:
    """Share of each class in the new window against the accepted one, two-sided, and the largest change in each slice.

    Raises:
        CheckError: as `slice_masks`.
        SubjectError: a window lacks the column of a slice.
    """
    import numpy as np
    import pandas as pd

    every = np.ones(pool.n, dtype=bool)
    estimates = [
        _change(pool, every, label, "class_share_change", key=str(name)) for label, name in enumerate(pool.classes)
    ]

    def column(name: str) -> pd.Series:
        if name in pool.frame.columns:
            return pool.frame[name]
        parts = [subject.frame(role, columns=[name])[name] for role in ("train", "previous_train")]
        drawn = [part.iloc[pool.place[rows]] for part, rows in zip(parts, (pool.new, ~pool.new), strict=True)]
        return pd.concat(drawn, ignore_index=True)

    named = subject.keys_named("slice_class_change")
    masks = slice_masks(column, slices, notes=notes, what="rows of both windows", allow_empty=True, named=named)
    return estimates + [_of_slice(pool, name, rows) for name, rows in masks.items()]


def _change(pool: Pool, rows: np.ndarray, label: int, name: str, *, key: str) -> Estimate:
    held = pool.labels == label
    counts = [
        (int((held & rows & window).sum()), int((rows & window).sum())) for window in (pool.new, ~pool.new)
    ]  # fmt: skip
    return difference(name, counts[0], counts[1], key=key, two_sided=True)


def _of_slice(pool: Pool, name: str, rows: np.ndarray) -> Estimate:
    """The change of the class that moved most, its p-value multiplied by the number of classes (Bonferroni)."""
    from dataclasses import replace

    fewest = min(int((rows & window).sum()) for window in (pool.new, ~pool.new))
    if fewest < SHOWN_FROM:
        return Estimate(
            name="slice_class_change", value=None, n=0, key=name, absence="uncertain" if fewest else "no_rows",
            reason=too_small(fewest, needed=SHOWN_FROM, what="rows of one window"),
        )  # fmt: skip
    changes = [_change(pool, rows, label, "slice_class_change", key=name) for label in range(len(pool.classes))]
    # Both classes of two move alike, so that one test is made.
    tests = len(changes) if len(changes) > 2 else 1
    place = min(range(len(changes)), key=lambda label: (changes[label].p_value or 0.0, -label))
    most = changes[place]
    return replace(
        most, p_value=min(1.0, tests * float(most.p_value or 0.0)), detail=f"class {pool.classes[place]}: {most.detail}"
    )

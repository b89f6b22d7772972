"""How near the release is to the rows it was made from: closest records, exact copies, and who was in the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.gower import GowerDistance
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import paired_shares
from model_governance.stats.limits.areas import RocArea
from model_governance.stats.limits.shares import ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.synthetic_release.tables import Tables

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The closest of other rows, for every row: its number and the distance, each of shape (n,)."""

    number: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """Distances to the closest record, each of shape (rows of the first table,)."""

    release_to_train: Nearest
    release_to_held_out: Nearest
    train_to_release: Nearest
    held_out_to_release: Nearest


def nearest(distance: GowerDistance, rows: pd.DataFrame, others: pd.DataFrame) -> Nearest:
    """The closest of `others` to each row, the first of several at one distance."""
    import numpy as np

    numbers, distances = [], []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        apart = distance.pairwise(rows.iloc[start : start + ROWS_AT_ONCE], others)
        numbers.append(apart.argmin(axis=1))
        distances.append(apart.min(axis=1))
    return Nearest(number=np.concatenate(numbers), distance=np.concatenate(distances))


def compare(tables: Tables) -> Closeness:
    """Closest records by Gower's distance, with ranges of the held-out rows."""
    distance = GowerDistance.fit(tables.held_out, tables.columns)
    return Closeness(
        release_to_train=nearest(distance, tables.release, tables.train),
        release_to_held_out=nearest(distance, tables.release, tables.held_out),
        train_to_release=nearest(distance, tables.train, tables.release),
        held_out_to_release=nearest(distance, tables.held_out, tables.release),
    )


def estimates(tables: Tables, closeness: Closeness) -> Iterator[Estimate]:
    """The share that is nearer to training rows, copies, and the area of the membership attack."""
    yield _nearer_share(closeness)
    yield from _copies(tables, closeness)
    yield _membership(closeness)


def _nearer_share(closeness: Closeness) -> Estimate:
    """Share of released rows nearer to a training row, with exact limits of as many rows as are independent.

    Released rows that share their closest record stand or fall with it: whether it is a training row is one toss. With w
    rows on each record, n rows are worth n^2 / sum(w^2) (Kish, 1965).
    """
    import numpy as np

    trained, others = closeness.release_to_train, closeness.release_to_held_out
    is_nearer, is_tied = trained.distance < others.distance, trained.distance == others.distance
    rows = len(is_nearer)
    nearer = float(is_nearer.sum() + is_tied.sum() / 2)
    # Held-out rows are numbered behind the training rows, so that each record has a number of its own.
    closest = np.where(is_nearer, trained.number, others.number + trained.number.max() + 1)
    weights = np.unique(closest, return_counts=True)[1]
    limits = ExactShare(successes=nearer, n=float(rows)).inflated(float((weights**2).sum()) / rows)
    detail = f"{int(is_tied.sum()):,} of {rows:,} are as near to a held-out row"
    return Estimate(name="nearer_to_training_share", value=nearer / rows, n=rows, limits=limits, detail=detail)


def _copies(tables: Tables, closeness: Closeness) -> Iterator[Estimate]:
    release, train = tables.whole
    names = list(tables.columns.names)
    known = set(map(_key, train[names].itertuples(index=False, name=None)))
    copied = sum(_key(row) in known for row in release[names].itertuples(index=False, name=None))
    limits = ExactShare(successes=float(copied), n=float(len(release)))
    yield Estimate(
        name="duplicate_share", value=copied / len(release), n=len(release), limits=limits, detail=f"{copied:,} rows"
    )
    of_train, of_others = (found.distance == 0 for found in (closeness.release_to_train, closeness.release_to_held_out))
    first, second, rows = int((of_train & ~of_others).sum()), int((of_others & ~of_train).sum()), len(of_train)
    yield Estimate(
        name="duplicate_excess", value=(first - second) / rows, n=rows, interval=paired_shares(first, second, rows)
    )


def _key(row: tuple[object, ...]) -> tuple[object, ...]:
    """The cells of a row, with missing numbers equal to one another."""
    return tuple(None if cell != cell else cell for cell in row)


def _membership(closeness: Closeness) -> Estimate:
    """The area under the ROC curve by the distance to the closest released row, training rows against held-out rows."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    members, others = closeness.train_to_release.distance, closeness.held_out_to_release.distance
    is_member = np.repeat([1, 0], [len(members), len(others)])
    area = float(roc_auc_score(is_member, -np.concatenate([members, others])))
    limits = RocArea(value=area, rows=((float(len(others)), float(len(members))),))
    return Estimate(name="membership_auc", value=area, n=len(is_member), limits=limits)

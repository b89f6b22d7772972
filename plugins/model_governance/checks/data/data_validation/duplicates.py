"""Rows that repeat another row of the same data, and whether there are more of them than in the reference.

Discrete features repeat by nature, and the more rows there are, the more of them repeat. So both datasets are compared
at the number of rows of the smaller one. The larger has the larger of two shares there: the mean one of consecutive
blocks of that size, in which copies that arrive together stay together, and the one that as many rows drawn at random are
expected to have (rarefaction; Hurlbert, 1971), which sees copies wherever they stand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.engine import open_relation
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.row_hashes import DistinctRows, row_hashes
from model_governance.stats.limits import DifferenceOfShares, ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    from model_governance.contract.subject import Dataset, Subject
    from model_governance.engine import Relation

MAX_COMPARED = 1_000_000
"""Rows of the larger dataset in blocks; beyond, one block decides."""
FEW_MEMBERS = 1000
SHARE, INCREASE = "duplicate_share", "duplicate_share_increase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Rows that repeat an earlier row, and the shares of both datasets at the same number of rows.

    Attributes:
        repeated: current rows that repeat another current row, each group of equal rows less one.
        rows: all current rows.
        compared: rows behind each of the shares.
        current: share of repeated rows among that many current rows, 0 to 1.
        reference: the same in the reference, None where there is none to compare with.
        reason: why there is none.
    """

    repeated: int
    rows: int
    compared: int
    current: float
    reference: float | None
    reason: str = ""


def count_duplicates(subject: Subject, *, seed: int) -> Duplicates:
    """Count repeated rows over the features; identifiers, labels and other columns do not make rows different.

    Args:
        subject: holds `current`, and the reference where it is compared.
        seed: of the sample of a reference that stays in its database, which has no order of arrival.
    """
    names = subject.columns.names
    dataset = subject.datasets["current"]
    current = open_relation(dataset)
    groups = _groups(row_hashes(current, names), current.rows)
    repeated = current.rows - sum(groups.values())
    share = repeated / current.rows
    reason = _obstacle(subject.datasets.get("reference"), names)
    if reason:
        return Duplicates(
            repeated=repeated, rows=current.rows, compared=current.rows, current=share, reference=None, reason=reason
        )
    reference = open_relation(subject.datasets["reference"])
    size = min(current.rows, reference.rows)
    return Duplicates(
        repeated=repeated, rows=current.rows, compared=size,
        current=share if size == current.rows
        else max(_share_in_blocks(current, names, size, seed=seed), rarefied_share(groups, size)),
        reference=_share_of_reference(reference, names, size, seed=seed),
    )  # fmt: skip


def _obstacle(reference: Dataset | None, names: Sequence[str]) -> str:
    if reference is None:
        return "there is no reference to compare with; add datasets.reference to the policy"
    lacking = [name for name in names if name not in reference.names]
    if lacking:
        return f"the reference lacks column(s) {', '.join(lacking)}"
    return "" if reference.rows else "the reference has no rows"


def rarefied_share(groups: Mapping[int, int], size: int) -> float:
    """The share of repeated rows that is expected among `size` rows drawn without replacement.

    Args:
        groups: number of groups of equal rows by their size; a group of one is a row without copies.
        size: at least 1 and at most the number of rows.
    """
    rows = sum(members * count for members, count in groups.items())
    extra = sum(
        count * (members * size / rows - 1 + _absent(members, rows, size))
        for members, count in groups.items()
        if members > 1
    )
    return max(0.0, extra / size)


def _absent(members: int, rows: int, size: int) -> float:
    """The chance that none of a group is among those drawn: C(rows - members, size) / C(rows, size)."""
    left = rows - size
    if members > left:
        return 0.0
    if members <= FEW_MEMBERS:
        return math.prod((left - place) / (rows - place) for place in range(members))
    gamma = math.lgamma
    return math.exp(gamma(rows - members + 1) - gamma(left - members + 1) - gamma(rows + 1) + gamma(left + 1))


def _groups(hashes: Iterable[np.ndarray], rows: int) -> Mapping[int, int]:
    with DistinctRows(rows) as distinct:
        for piece in hashes:
            distinct.add(piece)
        return distinct.group_sizes()


def _share_in_blocks(relation: Relation, names: Sequence[str], size: int, *, seed: int) -> float:
    """The mean share of repeated rows in blocks of `size` rows."""
    pieces = row_hashes(relation, names)
    if isinstance(relation, PushedRelation):
        # A database gives its rows sorted: consecutive ones are as alike as they can be.
        chosen = list(_sampled(pieces, size / relation.rows, seed=seed))
        rows = sum(map(len, chosen))
        return 1 - sum(_groups(chosen, rows).values()) / rows if rows else 0.0
    return _mean_share(pieces, size, min(relation.rows // size, max(1, MAX_COMPARED // size)))


def _share_of_reference(relation: Relation, names: Sequence[str], size: int, *, seed: int) -> float:
    """The larger of both shares, over at most `MAX_COMPARED` rows (or `size`, where that is more)."""
    blocks = _share_in_blocks(relation, names, size, seed=seed)
    if isinstance(relation, PushedRelation) or relation.rows == size:
        return blocks
    most = min(relation.rows, max(MAX_COMPARED, size))
    return max(blocks, rarefied_share(_groups(_first(row_hashes(relation, names), most), most), size))


def _first(pieces: Iterable[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    for piece in pieces:
        yield piece[:rows]
        rows -= len(piece)
        if rows <= 0:
            return


def _mean_share(pieces: Iterable[np.ndarray], size: int, blocks: int) -> float:
    """The mean share of repeated rows over the first `blocks` blocks of `size` hashes."""
    shares: list[float] = []
    held = 0
    with DistinctRows(size) as distinct:
        for piece in pieces:
            rest = piece
            while len(rest):
                part, rest = rest[: size - held], rest[size - held :]
                distinct.add(part)
                held += len(part)
                if held == size:
                    shares.append(1 - distinct.count() / size)
                    held = 0
                if len(shares) == blocks:
                    return sum(shares) / blocks
    raise ValueError(f"{len(shares)} of {blocks} blocks of {size} rows were filled")


def _sampled(pieces: Iterable[np.ndarray], share: float, *, seed: int) -> Iterator[np.ndarray]:
    import numpy as np

    draw = np.random.default_rng(seed)
    return (piece[draw.random(len(piece)) < share] for piece in pieces)


def duplicate_estimates(duplicates: Duplicates) -> Iterator[Estimate]:
    """The share of repeated rows, and its increase; the limits take groups of equal rows for independent rows."""
    count, n = duplicates.repeated, duplicates.rows
    yield Estimate(
        name=SHARE, value=count / n, n=n, limits=ExactShare(successes=count, n=n),
        detail=f"{count:,} of {n:,} rows repeat another over all features",
    )  # fmt: skip
    size = duplicates.compared
    if duplicates.reference is None:
        yield Estimate(name=INCREASE, value=None, n=n, reason=duplicates.reason, absence="skipped")
        return
    limits = DifferenceOfShares(first=(duplicates.reference * size, size), second=(duplicates.current * size, size))
    yield Estimate(
        name=INCREASE, value=limits.value, n=size, limits=limits,
        detail=f"{duplicates.current:.3g} now and {duplicates.reference:.3g} in the reference among {size:,} rows",
    )  # fmt: skip

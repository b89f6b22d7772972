"""A fitted tree ensemble as flat arrays, and the raw score it gives a row of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

LEAF = -1
NO_SET = -1

Decision = Literal["margin", "argmax", "value"]
Link = Literal["identity", "log", "logit"]


@dataclass(frozen=True, slots=True)
class NoExactAnswer:
    """Why a question has no exact answer here; never a result."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree; node 0 is its root. All arrays have one entry per node; `sets` one row per categorical split.

    Attributes:
        feature: input column of a split, LEAF at a leaf.
        threshold: of a split on a number.
        left, right: children, within the tree.
        missing_left: where NaN goes.
        nan_is_zero: NaN is read as 0 instead.
        values: what a leaf adds to each score, shape (nodes, scores).
        member: row of `sets` for a categorical split, NO_SET otherwise.
        sets: for each code whether it goes left; the last column is every other code, shape (sets, codes + 1).
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    nan_is_zero: np.ndarray
    values: np.ndarray
    member: np.ndarray
    sets: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEnsemble:
    """All trees behind one another, in the order in which the library adds them up.

    Scores are the library's raw ones, shape (n, scores): log-odds of class 1 (one column), a score per class,
    vote shares of a forest, or values before the inverse link of a regression.

    Attributes:
        inputs: number of input columns.
        roots: first node of each tree, shape (trees,).
        feature, threshold, left, right, missing_left, nan_is_zero, values, member, sets: as in `Tree`.
        strict: "less than" goes left; otherwise "at most".
        single: inputs are rounded to 32 bits before a comparison.
        single_sum: leaves are added up in 32 bits.
        base: what is there before the first tree, shape (scores,).
        divisor: what the sum is divided by (the number of trees of a forest).
        decision: "margin": class 1 where the only score is above 0; "argmax": the first class of the largest
            score; "value": a regression.
        zero_up_to: inputs of at most this size are read as 0.
        tie_is_one: a margin of exactly 0 is class 1.
        link: of a regression; its inverse turns the score into the prediction.
    """

    inputs: int
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    nan_is_zero: np.ndarray
    values: np.ndarray
    member: np.ndarray
    sets: np.ndarray
    strict: bool
    single: bool
    single_sum: bool
    base: np.ndarray
    divisor: float
    decision: Decision
    zero_up_to: float = 0.0
    tie_is_one: bool = False
    link: Link = "identity"

    @property
    def trees(self) -> int:
        """Number of trees."""
        return len(self.roots)

    @property
    def noise(self) -> float:
        """How far two orders of adding up the same leaves may lie apart, in units of the score."""
        import numpy as np

        sizes = np.abs(self.values).max(axis=1)
        largest = float(np.maximum.reduceat(sizes, self.roots).sum() / self.divisor + np.abs(self.base).max())
        return (4e-7 if self.single_sum else 1e-14) * max(1.0, self.trees**0.5) * largest

    def goes_left(self, nodes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Which of these splits send these numbers left; both shape (m,)."""
        import numpy as np

        if self.single:
            with np.errstate(over="ignore"):
                numbers = numbers.astype(np.float32).astype(float)
        numbers = np.where(np.abs(numbers) <= self.zero_up_to, 0.0, numbers)
        missing = np.isnan(numbers)
        numbers = np.where(missing & self.nan_is_zero[nodes], 0.0, numbers)
        threshold = self.threshold[nodes]
        left = numbers < threshold if self.strict else numbers <= threshold
        if len(self.sets):
            left = np.where(self.member[nodes] == NO_SET, left, self._member_left(nodes, numbers))
        return np.where(np.isnan(numbers), self.missing_left[nodes], left)

    def _member_left(self, nodes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        import numpy as np

        other = self.sets.shape[1] - 1
        inside = (numbers > -1) & (numbers < other)
        codes = np.where(inside, np.nan_to_num(np.trunc(numbers), nan=0.0, posinf=0.0, neginf=0.0), other).astype(int)
        return self.sets[self.member[nodes], codes]

    def leaves(self, matrix: np.ndarray) -> np.ndarray:
        """The node where each row ends in each tree; (n, inputs) to (n, trees)."""
        import numpy as np

        at = np.broadcast_to(self.roots, (len(matrix), self.trees)).copy()
        rows, trees = np.nonzero(self.feature[at] != LEAF)
        while len(rows):
            nodes = at[rows, trees]
            left = self.goes_left(nodes, matrix[rows, self.feature[nodes]])
            nodes = np.where(left, self.left[nodes], self.right[nodes])
            at[rows, trees] = nodes
            open_ = self.feature[nodes] != LEAF
            rows, trees = rows[open_], trees[open_]
        return at

    def margin(self, matrix: np.ndarray) -> np.ndarray:
        """The library's raw scores of rows of inputs; (n, inputs) to (n, scores), added up in the library's order."""
        import numpy as np

        at = self.leaves(np.asarray(matrix, dtype=float))
        kind = np.float32 if self.single_sum else np.float64
        total = np.broadcast_to(self.base.astype(kind), (len(at), len(self.base))).copy()
        values = self.values.astype(kind)
        for tree in range(self.trees):
            total += values[at[:, tree]]
        return total.astype(float) / self.divisor

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Class numbers (classification) or predictions (regression) of scores; (n, scores) to (n,)."""
        import numpy as np

        if self.decision == "margin":
            return (scores[:, 0] >= 0 if self.tie_is_one else scores[:, 0] > 0).astype(int)
        if self.decision == "argmax":
            return scores.argmax(axis=1)
        if self.link == "log":
            return np.exp(scores[:, 0])
        return 1 / (1 + np.exp(-scores[:, 0])) if self.link == "logit" else scores[:, 0]


def join_trees(
    trees: Sequence[Tree], *, inputs: int, base: np.ndarray, decision: Decision, strict: bool = False,
    single: bool = False, single_sum: bool = False, divisor: float = 1.0, zero_up_to: float = 0.0,
    tie_is_one: bool = False, link: Link = "identity",
) -> TreeEnsemble:  # fmt: skip
    """One ensemble of these trees; children and sets are renumbered."""
    import numpy as np

    sizes = [len(tree.feature) for tree in trees]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    width = max((tree.sets.shape[1] for tree in trees), default=0)
    set_starts = np.concatenate([[0], np.cumsum([len(tree.sets) for tree in trees])[:-1]]).astype(int)

    def all_of(name: str) -> np.ndarray:
        return np.concatenate([getattr(tree, name) for tree in trees])

    return TreeEnsemble(
        inputs=inputs,
        roots=starts,
        feature=all_of("feature").astype(int),
        threshold=all_of("threshold").astype(float),
        left=np.concatenate([tree.left + start for tree, start in zip(trees, starts, strict=True)]).astype(int),
        right=np.concatenate([tree.right + start for tree, start in zip(trees, starts, strict=True)]).astype(int),
        missing_left=all_of("missing_left").astype(bool),
        nan_is_zero=all_of("nan_is_zero").astype(bool),
        values=all_of("values").astype(float),
        member=np.concatenate(
            [np.where(tree.member == NO_SET, NO_SET, tree.member + start) for tree, start in zip(trees, set_starts, strict=True)]
        ).astype(int),
        sets=np.concatenate([_widened(tree.sets, width) for tree in trees]).astype(bool),
        strict=strict,
        single=single,
        single_sum=single_sum,
        base=np.asarray(base, dtype=float),
        divisor=divisor,
        decision=decision,
        zero_up_to=zero_up_to,
        tie_is_one=tie_is_one,
        link=link,
    )  # fmt: skip


def _widened(sets: np.ndarray, width: int) -> np.ndarray:
    """More codes, all of which go where every other code went."""
    import numpy as np

    if sets.shape[1] == width:
        return sets
    if not len(sets):
        return np.zeros((0, width), dtype=bool)
    return np.concatenate([sets, np.repeat(sets[:, -1:], width - sets.shape[1], axis=1)], axis=1)


def numeric_tree(
    *, feature: np.ndarray, threshold: np.ndarray, left: np.ndarray, right: np.ndarray, values: np.ndarray,
    missing_left: np.ndarray,
) -> Tree:  # fmt: skip
    """A tree without categorical splits in which NaN goes where `missing_left` says."""
    import numpy as np

    nodes = len(feature)
    return Tree(
        feature=feature, threshold=threshold, left=left, right=right, values=values, missing_left=missing_left,
        nan_is_zero=np.zeros(nodes, dtype=bool), member=np.full(nodes, NO_SET), sets=np.zeros((0, 1), dtype=bool),
    )  # fmt: skip

"""Leaves as boxes of cells: the cells of every feature that lead to a leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.trees.ensemble import LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.attacks.trees.cells import Conditions, Cut
    from model_governance.attacks.trees.ensemble import TreeEnsemble


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The extents of all boxes along one feature; a leaf without an entry leaves the feature free.

    Attributes:
        leaf: the leaf of each entry, ascending, shape (entries,).
        kind: which extent each entry has, shape (entries,).
        extents: the cells of each distinct extent, at least one, shape (kinds, cells).
    """

    leaf: np.ndarray
    kind: np.ndarray
    extents: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """All leaves that some row can reach, in the order of their trees; every tree has at least one.

    Attributes:
        starts: first leaf of each tree, shape (trees,).
        tree: of each leaf, shape (leaves,).
        values: what a leaf adds to the scores, divided as the ensemble divides, shape (leaves, scores).
        sides: one per feature.
    """

    starts: np.ndarray
    tree: np.ndarray
    values: np.ndarray
    sides: tuple[Interval, ...]

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return len(self.tree)


def make_boxes(ensemble: TreeEnsemble, conditions: Conditions, cuts: Sequence[Cut]) -> Boxes:
    """The boxes of all leaves, over the cells of these cuts."""
    import numpy as np

    place = {
        int(condition): (number, spot)
        for number, cut in enumerate(cuts)
        for spot, condition in enumerate(cut.conditions)
    }
    kinds: list[dict[bytes, int]] = [{} for _ in cuts]
    entries: list[list[tuple[int, int]]] = [[] for _ in cuts]
    trees: list[int] = []
    nodes: list[int] = []
    for tree, root in enumerate(ensemble.roots):
        for node, path in _paths(ensemble, conditions, cuts, place, int(root)):
            for feature, cells in path.items():
                kind = kinds[feature].setdefault(cells.tobytes(), len(kinds[feature]))
                entries[feature].append((len(nodes), kind))
            trees.append(tree)
            nodes.append(node)
    tree_of = np.array(trees)
    sides = []
    for cut, known, listed in zip(cuts, kinds, entries, strict=True):
        pairs = np.array(listed, dtype=int).reshape(-1, 2)
        extents = np.array([np.frombuffer(extent, dtype=bool) for extent in known]).reshape(len(known), cut.cells)
        sides.append(Interval(leaf=pairs[:, 0], kind=pairs[:, 1], extents=extents))
    return Boxes(
        starts=np.flatnonzero(np.diff(tree_of, prepend=-1)), tree=tree_of,
        values=ensemble.values[nodes] / ensemble.divisor, sides=tuple(sides),
    )  # fmt: skip


def _paths(
    ensemble: TreeEnsemble, conditions: Conditions, cuts: Sequence[Cut], place: dict[int, tuple[int, int]], root: int
) -> Iterator[tuple[int, dict[int, np.ndarray]]]:
    """Each leaf of one tree that cells can reach, with the cells of each feature on its path."""
    stack: list[tuple[int, dict[int, np.ndarray]]] = [(root, {})]
    while stack:
        node, extents = stack.pop()
        if ensemble.feature[node] == LEAF:
            yield node, extents
            continue
        feature, spot = place[int(conditions.of_node[node])]
        here = cuts[feature].sides[:, spot]
        for child, cells in ((ensemble.right[node], ~here), (ensemble.left[node], here)):
            left = extents[feature] & cells if feature in extents else cells
            if left.any():
                stack.append((int(child), {**extents, feature: left}))

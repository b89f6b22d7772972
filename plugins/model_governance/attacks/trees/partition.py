"""A tree model partitioned into feature cells and leaf boxes, once for all rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.trees.boxes import Boxes, make_boxes
from model_governance.attacks.trees.cells import Cut, conditions_of, cut_features
from model_governance.attacks.trees.ensemble import NoExactAnswer
from model_governance.attacks.trees.goals import Goal, goals_of
from model_governance.attacks.trees.reach import Reach, reach_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees.moves import FeatureMoves
    from model_governance.attacks.trees.question import LinearRelation, Objective
    from model_governance.attacks.trees.reading import TreeModel


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPartition:
    """The cells of all features and the boxes of all leaves; `frame` holds the rows, `scores` their raw scores.

    All `relations` hold in the rows and in every changed one.
    """

    model: TreeModel
    cuts: tuple[Cut, ...]
    boxes: Boxes
    frame: pd.DataFrame
    scores: np.ndarray
    relations: tuple[LinearRelation, ...] = ()

    def goals(self, row: int, *, tolerance: float = 0.0) -> tuple[Goal, ...]:
        """The goals that change the answer for this row."""
        return goals_of(self.model.ensemble, self.scores[row], tolerance=tolerance)

    def reaches(self, row: int) -> tuple[Reach, ...]:
        """The values that each feature of this row may take."""
        return tuple(reach_of(cut, self.frame[cut.moves.name].iloc[row]) for cut in self.cuts)


def partition_cells(
    model: TreeModel, moves: Sequence[FeatureMoves], frame: pd.DataFrame, relations: Sequence[LinearRelation] = ()
) -> CellPartition | NoExactAnswer:
    """Partition a model into cells and boxes.

    Args:
        model: from `read_ensemble`.
        moves: one for every raw column of the model.
        frame: the rows to solve, at least one; other columns are ignored.
        relations: what holds in every row; "linf", "l1" and "cost" know them. A feature that follows from others may move, at
            an infinite span: it costs nothing.
    """
    if frame.empty:
        return NoExactAnswer("no rows are given")
    frame = frame.reset_index(drop=True)
    conditions = conditions_of(model.ensemble)
    cuts = cut_features(model, conditions, moves, frame)
    if isinstance(cuts, NoExactAnswer):
        return cuts
    boxes = make_boxes(model.ensemble, conditions, cuts)
    return CellPartition(
        model=model, cuts=cuts, boxes=boxes, frame=frame, scores=model.margin(frame), relations=tuple(relations)
    )


def part(reach: Reach, objective: Objective) -> np.ndarray:
    """What going to each cell adds to the objective, shape (cells,); infinite where it may not go."""
    import numpy as np

    if objective == "cost":
        return reach.cost
    if objective == "l2":
        return reach.distance**2
    if objective == "count":
        changed = np.arange(len(reach.distance)) != reach.own
        return np.where(np.isinf(reach.distance), np.inf, changed.astype(float))
    return reach.distance


def whole(parts: np.ndarray, objective: Objective) -> float:
    """The objective of a change with these parts, one per feature; `l2` is the square root of their sum."""
    if not len(parts):
        return 0.0
    if objective == "linf":
        return float(parts.max())
    total = float(parts.sum())
    return float(total**0.5) if objective == "l2" else total

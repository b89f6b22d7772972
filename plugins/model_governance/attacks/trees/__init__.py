"""Tree ensembles as arrays, and exact answers about them: smallest changes and sound lower bounds.

`read_ensemble` reads a fitted model of XGBoost, LightGBM or scikit-learn, also at the end of a pipeline that works
column by column. `partition_cells` cuts its raw features into cells and its leaves into boxes of cells, once for all rows.
Then `minimal_change`, `lower_bound` and `certified_at` answer row by row. What has no exact answer is a
`NoExactAnswer` with its reason, never a number.
"""

from __future__ import annotations

from model_governance.attacks.trees.bounds import certified_at, lower_bound
from model_governance.attacks.trees.ensemble import NoExactAnswer, TreeEnsemble
from model_governance.attacks.trees.minimal import Change, minimal_change
from model_governance.attacks.trees.moves import FeatureMoves
from model_governance.attacks.trees.partition import CellPartition, partition_cells
from model_governance.attacks.trees.question import LinearRelation, Objective
from model_governance.attacks.trees.reading import TreeModel, read_ensemble
from model_governance.attacks.trees.threshold import at_threshold

__all__ = [
    "CellPartition", "Change", "FeatureMoves", "LinearRelation", "NoExactAnswer", "Objective", "TreeEnsemble", "TreeModel", "at_threshold",
    "certified_at", "lower_bound", "minimal_change", "partition_cells", "read_ensemble",
]  # fmt: skip

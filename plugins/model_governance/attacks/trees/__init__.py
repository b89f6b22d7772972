"""Tree ensembles as arrays, and exact answers about them: smallest changes, sound lower bounds, leaf enumeration.

`read_ensemble` reads a fitted model of XGBoost, LightGBM or scikit-learn, also at the end of a pipeline that works
column by column. `survey` cuts its raw features into cells and its leaves into boxes of cells, once for all rows that
will be asked about. Then `minimal_change`, `change_within`, `lower_bound`, `certified_at` and, for a single tree,
`nearest_leaf` answer row by row. What has no exact answer is a `NoExactAnswer` with its reason, never a number.
"""

from __future__ import annotations

from model_governance.attacks.trees.bounds import certified_at, lower_bound
from model_governance.attacks.trees.ensemble import NoExactAnswer, TreeEnsemble
from model_governance.attacks.trees.landscape import Landscape, Objective, survey
from model_governance.attacks.trees.leaf_enumeration import nearest_leaf
from model_governance.attacks.trees.minimal import Change, change_within, minimal_change
from model_governance.attacks.trees.moves import FeatureMoves
from model_governance.attacks.trees.reading import TreeModel, read_ensemble

__all__ = [
    "Change", "FeatureMoves", "Landscape", "NoExactAnswer", "Objective", "TreeEnsemble", "TreeModel", "certified_at",
    "change_within", "lower_bound", "minimal_change", "nearest_leaf", "read_ensemble", "survey",
]  # fmt: skip

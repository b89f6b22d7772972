"""Hyper-parameters whose models were among the fifth that membership inference told apart best.

The rules were learned by SACRO-ML's authors from a large grid of models (arXiv:2502.09396) and are theirs
(get_unnecessary_risk); here they are written as conditions on the three kinds of model that they are defined for.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_governance.checks.privacy.structural_disclosure.structure import Structure

UNLIMITED = 500.0  # the depth that stands for a tree without a limit


def unnecessary_risk(structure: Structure) -> bool | None:
    """Whether the hyper-parameters are among the riskiest fifth; None for kinds of model without a rule."""
    estimator = structure.estimator
    match structure.kind:
        case "DecisionTreeClassifier":
            return _decision_tree(estimator)
        case "RandomForestClassifier":
            return _random_forest(estimator)
        case "XGBClassifier":
            return _boosted(
                depth=float(estimator.max_depth or 6),
                trees=int(estimator.n_estimators or 100),
                weight=float(estimator.min_child_weight or 1.0),
            )
        case "Booster" if hasattr(estimator, "num_boosted_rounds"):
            return _booster(estimator)
    return None


def smallest_leaf(structure: Structure, *, rows: int) -> int | None:
    """Training rows that a leaf must hold; a share of the rows is rounded up as scikit-learn does; None without such a limit."""
    least = getattr(structure.estimator, "min_samples_leaf", None)
    if least is None or isinstance(least, bool):
        return None
    return math.ceil(least * rows) if isinstance(least, float) else int(least)


def _decision_tree(tree: Any) -> bool:
    depth = float(tree.max_depth) if tree.max_depth else UNLIMITED
    leaf, split, is_best, uses_all = (
        tree.min_samples_leaf,
        tree.min_samples_split,
        tree.splitter == "best",
        tree.max_features is None,
    )
    is_deep, has_small_leaves = depth > 7.5, leaf <= 7.5
    return bool(
        (is_deep and has_small_leaves and (split <= 15 or is_best or uses_all))
        or (is_best and is_deep and 7.5 < leaf <= 15 and uses_all)
        or (is_best and 3.5 < depth <= 7.5 and uses_all and has_small_leaves)
    )


def _random_forest(forest: Any) -> bool:
    depth = float(forest.max_depth) if forest.max_depth else UNLIMITED
    trees, uses_all = forest.n_estimators, forest.max_features is None
    is_large = depth > 3.5 and trees > 35
    return bool(
        (is_large and (not uses_all or (forest.min_samples_split <= 15 and forest.bootstrap)))
        or (depth > 7.5 and 15 < trees <= 35 and forest.min_samples_leaf <= 15 and not forest.bootstrap)
    )


def _booster(booster: Any) -> bool | None:
    """The rule for a booster without its scikit-learn wrapper, by the configuration that it carries."""
    trained = json.loads(booster.save_config()).get("learner", {}).get("gradient_booster", {})
    settings = trained.get("tree_train_param") or trained.get("gbtree", {}).get("tree_train_param")
    if not settings:
        return None
    return _boosted(
        depth=float(settings["max_depth"]) or UNLIMITED,
        trees=int(booster.num_boosted_rounds()),
        weight=float(settings["min_child_weight"]),
    )


def _boosted(*, depth: float, trees: int, weight: float) -> bool:
    return depth > 3.5 and (
        (3.5 < trees <= 12.5 and weight <= 1.5) or (trees > 12.5 and weight <= 3) or (trees > 62.5 and 3 < weight <= 6)
    )

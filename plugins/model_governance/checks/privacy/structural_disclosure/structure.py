"""The estimator inside a model: what is it, how many numbers did training choose, and which leaf does a row reach?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model

HOLDS_ROWS = frozenset({
    "SVC", "NuSVC", "KNeighborsClassifier", "RadiusNeighborsClassifier", "GaussianProcessClassifier",
})  # fmt: skip
"""Estimators that keep training rows: the first and third by SACRO-ML, the others by their definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The last step of a model's pipeline.

    Attributes:
        kind: name of its class.
        estimator: the object.
        before: the steps before it, None where there are none.
        classes: number of classes that the model tells apart.
    """

    kind: str
    estimator: Any
    before: Any
    classes: int

    @property
    def holds_rows(self) -> bool:
        """Whether it keeps training rows themselves."""
        return self.kind in HOLDS_ROWS

    @property
    def is_single_tree(self) -> bool:
        """Whether its answers are those of the leaves of one tree."""
        return self.kind == "DecisionTreeClassifier"

    def leaves(self, frame: pd.DataFrame) -> np.ndarray:
        """The leaf of a single tree that each row reaches, shape (n,)."""
        rows = frame if self.before is None else self.before.transform(frame)
        if not hasattr(self.estimator, "feature_names_in_") and hasattr(rows, "to_numpy"):
            rows = rows.to_numpy()
        reached: np.ndarray = self.estimator.apply(rows)
        return reached


def structure_of(model: Model) -> Structure:
    """The estimator inside a model; of a pipeline its last step."""
    native, before = model.native, None
    steps = getattr(native, "steps", None)
    if steps:
        before = native[:-1] if len(steps) > 1 else None
        native = steps[-1][1]
    return Structure(kind=type(native).__name__, estimator=native, before=before, classes=len(model.classes))


def trained_parameters(structure: Structure) -> int | None:
    """Numbers that training chose; None for kinds of model that nobody defined it for.

    Those of trees, forests, AdaBoost, XGBoost, multilayer perceptrons and networks are counted as SACRO-ML counts them
    (get_model_param_count): 2 for a split (feature and threshold), classes - 1 for a leaf, and 1 for each tree of XGBoost.
    Those of linear models are their coefficients and intercepts, which SACRO-ML leaves at 0.
    """
    estimator = structure.estimator
    match structure.kind:
        case "DecisionTreeClassifier":
            return _tree(estimator)
        case "RandomForestClassifier" | "ExtraTreesClassifier":
            return sum(_tree(member) for member in estimator.estimators_)
        case "AdaBoostClassifier":
            members = estimator.estimators_
            is_trees = all(type(member).__name__ == "DecisionTreeClassifier" for member in members)
            return sum(_tree(member) for member in members) if is_trees else None
        case "MLPClassifier":
            return sum(int(part.size) for part in (*estimator.coefs_, *estimator.intercepts_))
        case "XGBClassifier":
            return _xgboost(estimator.get_booster(), classes=structure.classes)
        case "Booster" if hasattr(estimator, "num_boosted_rounds"):
            return _xgboost(estimator, classes=structure.classes)
    if callable(getattr(estimator, "parameters", None)):
        return sum(int(part.numel()) for part in estimator.parameters() if part.requires_grad)
    if hasattr(estimator, "coef_") and hasattr(estimator, "intercept_"):
        return _size(estimator.coef_) + _size(estimator.intercept_)
    return None


def _tree(tree: Any) -> int:
    nodes = int(tree.tree_.node_count)
    leaves = int((tree.tree_.children_left == tree.tree_.children_right).sum())
    return 2 * (nodes - leaves) + leaves * (int(tree.n_classes_) - 1)


def _xgboost(booster: Any, *, classes: int) -> int:
    nodes = booster.trees_to_dataframe()
    if nodes.empty:
        return 0
    trees, leaves = int(nodes["Tree"].max()) + 1, int((nodes["Feature"] == "Leaf").sum())
    return 2 * (len(nodes) - leaves) + (classes - 1) * leaves + trees


def _size(numbers: Any) -> int:
    import numpy as np

    return int(np.size(numbers))

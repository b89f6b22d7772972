"""Whether the trees of a loaded scikit-learn model stay inside themselves.

scikit-learn follows child and feature numbers of a fitted tree without bounds checks (its pull
request 34558, and the reason why skops does not trust these two types): a crafted file reads
foreign memory or never ends. Trees are grown parent first, so in a sound one each child comes
after its parent, inside the array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np


MAX_DEPTH = 2  # lists around a tree: rounds of boosting, and classes of a round


def check_trees(estimator: Any, *, uri: str) -> None:
    """Nothing, when every tree below the estimator is sound.

    Raises:
        UntrustedModel: a tree points outside its nodes, its features or its category table.
    """
    from sklearn.ensemble import BaseEnsemble

    for owner in _objects(estimator):
        problem = None
        if hasattr(owner, "tree_"):
            problem = _tree_problem(owner.tree_, getattr(owner, "n_features_in_", None))
        elif isinstance(owner, BaseEnsemble) and not hasattr(owner, "estimators_features_"):
            # Forests look at the width of their input once, not once per tree.
            widths = {getattr(member, "n_features_in_", None) for member in _flatten(getattr(owner, "estimators_", ()))}
            if widths - {getattr(owner, "n_features_in_", None)}:
                problem = "its trees take another number of features than itself"
        elif hasattr(owner, "_predictors"):
            problem = _histogram_problem(owner)
        if problem is not None:
            raise UntrustedModel(
                f"{uri}: a {type(owner).__name__} in it is crafted or damaged: {problem}. "
                "It was not used; take the model again from where it was trained"
            )


def _objects(root: Any) -> Iterator[Any]:
    """Every object with attributes below an estimator, each once."""
    import numpy as np

    visited: set[int] = set()
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in visited or isinstance(item, (str, bytes, int, float, type, type(None))):
            continue
        visited.add(id(item))
        if isinstance(item, dict):
            waiting.extend(item.values())
        if isinstance(item, (list, tuple, set, frozenset)):
            waiting.extend(item)
        elif isinstance(item, np.ndarray):
            waiting.extend(item.ravel().tolist() if item.dtype == object else ())
        elif hasattr(item, "__dict__"):
            waiting.extend(vars(item).values())
            yield item


def _flatten(members: Any, depth: int = 0) -> Iterator[Any]:
    """The items of lists in lists, at most MAX_DEPTH of them inside one another."""
    import numpy as np

    for item in members.ravel().tolist() if isinstance(members, np.ndarray) else members:
        if isinstance(item, (list, tuple)) and depth < MAX_DEPTH:
            yield from _flatten(item, depth + 1)
        else:
            yield item


def _tree_problem(tree: Any, width: int | None) -> str | None:
    if tree.n_features != width:
        return f"its tree takes {tree.n_features} features, the estimator {width}"
    if not 1 <= tree.node_count <= tree.capacity:
        return f"it claims {tree.node_count} nodes in room for {tree.capacity}"
    left, right = tree.children_left, tree.children_right
    inner = left != -1
    return _inner_problem(left[inner], right[inner], tree.feature[inner], inner=inner, width=tree.n_features)


def _histogram_problem(estimator: Any) -> str | None:
    import numpy as np

    parts, width = vars(estimator), estimator.n_features_in_
    categorical = np.asarray(parts["_bin_mapper"].is_categorical_)
    if len(categorical) != width or parts["_n_features"] != width:
        return f"its parts disagree on the number of features ({width}, {len(categorical)}, {parts['_n_features']})"
    for predictor in _flatten(parts["_predictors"]):
        nodes = predictor.nodes
        inner = nodes["is_leaf"] == 0
        used = nodes[inner]
        problem = _inner_problem(used["left"], used["right"], used["feature_idx"], inner=inner, width=width)
        if problem is not None:
            return problem
        by_category = used[used["is_categorical"] != 0]
        if not categorical[by_category["feature_idx"]].all():
            return "a node splits a feature by category that has none"
        if (by_category["bitset_idx"] >= len(predictor.raw_left_cat_bitsets)).any():
            return "a node points outside the category table"
    return None


def _inner_problem(
    left: np.ndarray, right: np.ndarray, feature: np.ndarray, *, inner: np.ndarray, width: int
) -> str | None:
    import numpy as np

    if len(inner) == 0:
        return "a tree has no nodes"
    parent = np.flatnonzero(inner)
    for child in (left, right):
        signed = child.astype(np.int64)  # those of the histogram trees are unsigned
        if ((signed <= parent) | (signed >= len(inner))).any():
            return "a node points outside the tree or back at its parents"
    if ((feature < 0) | (feature >= width)).any():
        return f"a node asks for a feature beyond the {width} there are"
    return None

"""The training parameters of an XGBoost model, as far as its file holds them.

`save_model` keeps trees and no training parameters. Its trees keep sums: the weight of a node is
-G / (H + lambda) (Chen and Guestrin, 2016, equation 5), a leaf holds eta times its weight, and the
gradient sums G of two children add up to that of their parent. From that eta and lambda follow. How
rows and columns were sampled leaves no trace; a policy says it under `model.training`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

# Share of the sums that eta and lambda may leave unexplained: rounding of 32-bit floats, nothing more.
UNEXPLAINED = 2e-3
MAX_TREES = 200
SMALLEST_LAMBDA, LARGEST_LAMBDA = 1e-3, 1e4


def recipe_of(booster: Any, training: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameters for `xgboost.train`; None where the learning rate can neither be found nor is it in `training`.

    What is neither in the trees nor in `training` is XGBoost's default.
    """
    document = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective = document["objective"]
    params: dict[str, Any] = {"objective": objective["name"], "tree_method": "hist"}
    for part in objective.values():
        params |= part if isinstance(part, dict) else {}
    facts = document["learner_model_param"]
    if int(facts.get("num_class", 0)):
        params["num_class"] = int(facts["num_class"])
    if facts.get("boost_from_average") == "0":
        params["base_score"] = float(facts["base_score"].strip("[]"))
    if document["gradient_booster"]["name"] == "gbtree":
        params |= _params_of_trees(document["gradient_booster"]["model"])
    params |= training
    return params if {"eta", "learning_rate"} & set(params) else None


def _params_of_trees(model: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    trees = model["trees"]
    parallel = int(model["gbtree_model_param"].get("num_parallel_tree", 1))
    smallest = min((cover for tree in trees for cover in tree["sum_hessian"]), default=1.0)
    params: dict[str, Any] = {
        "num_parallel_tree": parallel,
        "max_depth": max(map(_depth, trees), default=0) or 1,
        "min_child_weight": min(1.0, float(smallest)),
    }
    # A tree of vectors (multi_strategy: multi_output_tree) keeps other sums.
    scalar = [tree for tree in trees if tree["tree_param"].get("size_leaf_vector", "1") in ("0", "1")]
    families = np.array([family for tree in scalar[:MAX_TREES] for family in _families(tree)], dtype=np.float64)
    rates = _rates(families) if len(families) else None
    if rates is not None:
        # Training divides eta among the trees of one round.
        params |= {"eta": float(f"{rates[0] * parallel:.3g}"), "lambda": round(rates[1], 3)}
    return params


def _depth(tree: dict[str, Any]) -> int:
    """Levels below the root.

    Raises:
        ValueError: the nodes form no tree.
    """
    left, right = tree["left_children"], tree["right_children"]
    depth, level = -1, [0]
    while level:
        depth += 1
        if depth > len(left):
            raise ValueError("a tree of the model leads back to itself")
        level = [child for node in level for child in (left[node], right[node]) if child != -1]
    return depth


def _families(tree: dict[str, Any]) -> Iterator[tuple[float, float, float, float]]:
    """For each inner node a, b, c, d of a + lambda * b = (c + lambda * d) / eta.

    Left what the weights of inner nodes say about the gradient sums, right what leaf values say.
    """
    left, right = tree["left_children"], tree["right_children"]
    weights, covers, values = tree["base_weights"], tree["sum_hessian"], tree["split_conditions"]
    for node, child in enumerate(left):
        if child == -1:
            continue
        a, b, c, d = weights[node] * covers[node], weights[node], 0.0, 0.0
        for leaf in (child, right[node]):
            if left[leaf] == -1:
                c, d = c + values[leaf] * covers[leaf], d + values[leaf]
            else:
                a, b = a - weights[leaf] * covers[leaf], b - weights[leaf]
        yield a, b, c, d


def _rates(families: np.ndarray) -> tuple[float, float] | None:
    """The eta and lambda that explain the sums best; None where they do not explain them."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    a, b, c, d = families.T

    def fit(logarithm: float) -> tuple[float, float]:
        """The unexplained share of the sums at this lambda, and 1 / eta."""
        penalty = np.exp(logarithm) - SMALLEST_LAMBDA
        expected, given = a + penalty * b, c + penalty * d
        inverse = float(expected @ given / max(float(given @ given), 1e-300))
        return float(np.linalg.norm(expected - inverse * given) / max(float(np.linalg.norm(expected)), 1e-300)), inverse

    grid = np.linspace(np.log(SMALLEST_LAMBDA), np.log(LARGEST_LAMBDA), 80)
    best = int(np.argmin([fit(value)[0] for value in grid]))
    around = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)]))
    minimum = minimize_scalar(lambda value: fit(value)[0], bounds=around, method="bounded", options={"xatol": 1e-9})
    logarithm = min((float(minimum.x), float(grid[0])), key=lambda value: fit(value)[0])
    unexplained, inverse = fit(logarithm)
    if unexplained > UNEXPLAINED or inverse <= 0:
        return None
    return 1 / inverse, max(float(np.exp(logarithm)) - SMALLEST_LAMBDA, 0.0)

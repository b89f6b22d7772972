"""XGBoost's trees, read from its own JSON: thresholds and leaves are 32-bit numbers, "less than" goes left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model_governance.attacks.trees.ensemble import LEAF, NO_SET, NoExactAnswer, Tree, TreeEnsemble, join_trees

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.ensemble import Decision, Link

LOG_LINKS = ("count:", "reg:gamma", "reg:tweedie")
IDENTITIES = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "rank:")


def read_booster(booster: Any) -> TreeEnsemble | NoExactAnswer:
    """The trees that answer: those up to the best round, where training stopped early and recorded it."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective = learner["objective"]["name"]
    decision = _decision(objective)
    if decision is None:
        return NoExactAnswer(f"an XGBoost model with objective {objective} is not read")
    model, weights = _trees_of(learner["gradient_booster"])
    if model is None:
        return NoExactAnswer(f"an XGBoost {learner['gradient_booster']['name']} has no trees")
    count = len(model["trees"])
    best = booster.attr("best_iteration")
    if best is not None:
        count = model["iteration_indptr"][int(best) + 1]
    scores = max(int(learner["learner_model_param"]["num_class"]), 1)
    if int(learner["learner_model_param"].get("num_target", 1)) > 1:
        return NoExactAnswer("an XGBoost model with several targets is not read")
    trees = [
        _tree(model["trees"][number], score=model["tree_info"][number], scores=scores, weight=weights[number])
        for number in range(count)
    ]
    if not trees:
        return NoExactAnswer("the XGBoost model has no trees")
    return join_trees(
        trees, inputs=int(learner["learner_model_param"]["num_feature"]), base=_base(learner, objective, scores),
        decision=decision[0], link=decision[1], strict=True, single=True, single_sum=True,
    )  # fmt: skip


def _decision(objective: str) -> tuple[Decision, Link] | None:
    if objective in ("binary:logistic", "binary:logitraw"):
        return "margin", "identity"
    if objective.startswith("multi:"):
        return "argmax", "identity"
    if objective == "reg:logistic":
        return "value", "logit"
    if objective.startswith(LOG_LINKS):
        return "value", "log"
    return ("value", "identity") if objective.startswith(IDENTITIES) else None


def _trees_of(booster: dict[str, Any]) -> tuple[dict[str, Any] | None, list[float]]:
    """The trees and what each of them is multiplied by (dart)."""
    if booster["name"] == "dart":
        return booster["gbtree"]["model"], booster["weight_drop"]
    if booster["name"] == "gbtree":
        return booster["model"], [1.0] * len(booster["model"]["trees"])
    return None, []


def _base(learner: dict[str, Any], objective: str, scores: int) -> np.ndarray:
    """The intercept as a raw score. It is written as a number or, since XGBoost 3, as a list of them."""
    import numpy as np

    written = json.loads(learner["learner_model_param"]["base_score"])
    base = np.atleast_1d(np.asarray(written, dtype=np.float32))
    if objective in ("binary:logistic", "reg:logistic"):
        base = -np.log(np.float32(1) / base - np.float32(1))
    elif objective.startswith(LOG_LINKS):
        base = np.log(base)
    return np.broadcast_to(base, (scores,)).astype(float)


def _tree(stored: dict[str, Any], *, score: int, scores: int, weight: float) -> Tree:
    import numpy as np

    left = np.asarray(stored["left_children"])
    leaf = left == -1
    conditions = np.asarray(stored["split_conditions"], dtype=np.float32)
    values = np.zeros((len(left), scores))
    values[leaf, score] = (conditions[leaf] * np.float32(weight)).astype(float)
    member, sets = _sets(stored, nodes=len(left))
    return Tree(
        feature=np.where(leaf, LEAF, np.asarray(stored["split_indices"])),
        threshold=conditions.astype(float),
        left=left,
        right=np.asarray(stored["right_children"]),
        missing_left=np.asarray(stored["default_left"], dtype=bool),
        nan_is_zero=np.zeros(len(left), dtype=bool),
        values=values,
        member=member,
        sets=sets,
    )


def _sets(stored: dict[str, Any], *, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """The listed categories of a split go right, every other goes left."""
    import numpy as np

    member = np.full(nodes, NO_SET)
    codes = stored.get("categories", [])
    sets = np.ones((len(stored.get("categories_nodes", [])), max(codes, default=0) + 2), dtype=bool)
    segments = zip(stored["categories_nodes"], stored["categories_segments"], stored["categories_sizes"], strict=True)
    for row, (node, start, size) in enumerate(segments):
        member[node] = row
        sets[row, codes[start : start + size]] = False
    return member, sets

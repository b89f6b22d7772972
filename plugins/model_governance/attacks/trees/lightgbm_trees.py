"""LightGBM's trees, read from its own text: "at most" goes left, in 64 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.trees.ensemble import LEAF, NO_SET, NoExactAnswer, Tree, TreeEnsemble, join_trees

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.ensemble import Decision, Link

IDENTITIES = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg")
LOG_LINKS = ("poisson", "gamma", "tweedie")
CATEGORICAL, DEFAULT_LEFT = 1, 2  # bits of decision_type; two more say what counts as missing
NOTHING_MISSING, ZERO_MISSING = 0, 1
ZERO = 1.0000000180025095e-35  # rows are read sparse, and values this small are dropped
WORD = 32  # bits per number in which LightGBM stores a set of categories


def read_booster(booster: Any) -> TreeEnsemble | NoExactAnswer:
    """The trees that answer: those up to the best round, where training stopped early."""
    import numpy as np

    head, *parts = booster.model_to_string().split("\nTree=")
    header = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    objective = header.get("objective", "custom").split(" ")[0]
    decision = _decision(objective, header.get("objective", ""))
    if decision is None:
        return NoExactAnswer(f"a LightGBM model with objective {objective} is not read")
    if not parts:
        return NoExactAnswer("the LightGBM model has no trees")
    per_round = int(header["num_tree_per_iteration"])
    trees = []
    for number, part in enumerate(parts):
        stored = dict(line.split("=", 1) for line in part.split("\n\n")[0].splitlines() if "=" in line)
        tree = _tree(stored, score=number % per_round, scores=per_round)
        if isinstance(tree, NoExactAnswer):
            return tree
        trees.append(tree)
    return join_trees(
        trees, inputs=int(header["max_feature_idx"]) + 1, base=np.zeros(per_round), decision=decision[0],
        link=decision[1], divisor=len(parts) / per_round if "average_output" in head.splitlines() else 1.0,
        zero_up_to=ZERO,
    )  # fmt: skip


def _decision(objective: str, settings: str) -> tuple[Decision, Link] | None:
    if objective in ("binary", "cross_entropy"):
        return "margin", "identity"
    if objective in ("multiclass", "multiclassova"):
        return "argmax", "identity"
    if objective in LOG_LINKS:
        return "value", "log"
    return ("value", "identity") if objective in IDENTITIES and "sqrt" not in settings.split(" ") else None


def _numbers(stored: dict[str, str], name: str, kind: type = float) -> np.ndarray:
    import numpy as np

    return np.array(stored.get(name, "").split(), dtype=kind)


def _tree(stored: dict[str, str], *, score: int, scores: int) -> Tree | NoExactAnswer:
    """Splits come first, then leaves; a child below 0 is a leaf, counted from -1."""
    import numpy as np

    if stored.get("is_linear", "0") != "0":
        return NoExactAnswer("LightGBM's linear trees have no constant leaves")
    leaves = _numbers(stored, "leaf_value")
    kinds = _numbers(stored, "decision_type", int)
    missing = (kinds >> 2) & 3
    if (missing == ZERO_MISSING).any():
        return NoExactAnswer("the LightGBM model counts 0 as missing (zero_as_missing)")
    splits = len(kinds)
    padding = np.zeros(len(leaves), dtype=int)

    def children(name: str) -> np.ndarray:
        given = _numbers(stored, name, int)
        return np.concatenate([np.where(given < 0, splits - given - 1, given), padding]).astype(int)

    categorical = (kinds & CATEGORICAL) > 0
    thresholds = _numbers(stored, "threshold")
    member, sets = _sets(stored, categorical, thresholds)
    values = np.zeros((splits + len(leaves), scores))
    values[splits:, score] = leaves
    return Tree(
        feature=np.concatenate([_numbers(stored, "split_feature", int), padding + LEAF]),
        threshold=np.concatenate([thresholds, padding]),
        left=children("left_child"),
        right=children("right_child"),
        missing_left=np.concatenate([((kinds & DEFAULT_LEFT) > 0) & ~categorical, padding > 0]),
        nan_is_zero=np.concatenate([(missing == NOTHING_MISSING) & ~categorical, padding > 0]),
        values=values,
        member=np.concatenate([member, padding + NO_SET]),
        sets=sets,
    )


def _sets(stored: dict[str, str], categorical: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The listed categories of a split go left, every other goes right; its threshold is the number of its set."""
    import numpy as np

    bounds, words = _numbers(stored, "cat_boundaries", int), _numbers(stored, "cat_threshold", np.int64)
    sets = np.zeros((max(len(bounds) - 1, 0), WORD * int(np.diff(bounds).max(initial=0)) + 1), dtype=bool)
    for row in range(len(sets)):
        chosen = words[bounds[row] : bounds[row + 1]]
        bits = (chosen[:, None] >> np.arange(WORD)) & 1
        sets[row, : bits.size] = bits.ravel() > 0
    return np.where(categorical, thresholds, NO_SET).astype(int), sets

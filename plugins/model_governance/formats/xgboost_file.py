"""XGBoost's own model files, checked in linear time before its C++ reader sees them.

The reader trusts sizes and indices: a feature beyond those there are reads foreign memory, a child that leads back never ends.
The layout is that of the JSON schema in XGBoost's documentation ("Introduction to Model IO").
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from model_governance.formats.json_objects import keys_once
from model_governance.formats.ubjson import UnreadableUbjson, read_ubjson

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

ROOT = 2**31 - 1  # what stands as the parent of a root
LARGEST = 1 << 24  # features, classes and categories
MAX_GROWTH, ALWAYS_ALLOWED = 100, 64 << 20  # bytes of category sets over bytes of the file
NUMBER = re.compile(r"-?\d{1,10}")
SCORES = re.compile(r"\[?(-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?)(,-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?)*\]?")
PER_NODE = (
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left", "base_weights",
    "loss_changes", "sum_hessian", "split_type",
)  # fmt: skip
OPTIONAL = ("split_type", "loss_changes", "sum_hessian", "base_weights")
FLOATS = ("split_conditions", "base_weights", "loss_changes", "sum_hessian")


class UnreadableModel(ValueError):
    """Bytes that are neither JSON nor UBJSON, or hold no model."""


class InconsistentModel(ValueError):
    """A model file that contradicts itself: its C++ reader may crash, read foreign memory or never end."""


class UnsupportedModel(ValueError):
    """A sound model of a kind that has no loader here."""


def read_document(content: bytes) -> tuple[dict[str, Any], int]:
    """The document in a file and the number of bytes that follow it.

    Raises:
        UnreadableModel: it is no JSON and no UBJSON, a name occurs twice, or it is no object.
    """
    try:
        if content[:1] == b"{" and content[1:2] in (b"i", b"U", b"I", b"l", b"L"):
            document, end = read_ubjson(content)
        else:
            document, end = json.loads(content, object_pairs_hook=keys_once), len(content)
    except UnreadableUbjson as error:
        raise UnreadableModel(f"no readable UBJSON: {error}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableModel(f"no readable JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise UnreadableModel("holds no object")
    return document, len(content) - end


def check_document(document: dict[str, Any], *, size: int) -> None:
    """Nothing, when everything in the document points inside it.

    Args:
        document: from `read_document`.
        size: bytes of the file, which bound what it may unpack to.

    Raises:
        InconsistentModel: something does not.
        UnsupportedModel: a linear booster, or trees that answer several targets at once.
    """
    learner = _part(document, "learner")
    facts, booster = _part(learner, "learner_model_param"), _part(learner, "gradient_booster")
    features = _count(facts, "num_feature", low=1)
    groups = max(_count(facts, "num_class"), _count(facts, "num_target", default=1), 1)
    if not SCORES.fullmatch(str(facts.get("base_score", "0"))):
        raise InconsistentModel("its base_score is no number")
    for name in ("feature_names", "feature_types"):
        given = learner.get(name, [])
        if (
            not isinstance(given, list)
            or len(given) not in (0, features)
            or not all(isinstance(one, str) for one in given)
        ):
            raise InconsistentModel(f"{name} does not name its {features:,} features")
    _check_objective(learner)
    kind = booster.get("name")
    if kind == "gblinear":
        raise UnsupportedModel(
            "a linear booster (gblinear); train it with booster gbtree, or save a linear model with skops"
        )
    if kind not in ("gbtree", "dart"):
        raise InconsistentModel(f"a booster of no known kind: {str(kind)[:40]!r}")
    model = _part(_part(booster, "gbtree") if kind == "dart" else booster, "model")
    trees = _check_forest(model, groups=groups)
    if kind == "dart":
        _numbers(booster.get("weight_drop"), "weight_drop", length=len(trees))
    sets = sum(_check_tree(tree, number, features=features) for number, tree in enumerate(trees))
    _check_categories(model.get("cats"), features=features)
    if sets > MAX_GROWTH * size + ALWAYS_ALLOWED:
        raise InconsistentModel(f"its sets of categories would take {sets:,} bytes")


def _check_objective(learner: dict[str, Any]) -> None:
    objective = _part(learner, "objective")
    if not isinstance(objective.get("name"), str):
        raise InconsistentModel("its objective has no name")
    for part in (objective, *(part for part in objective.values() if isinstance(part, dict))):
        if any(not isinstance(value, (str, dict)) for value in part.values()):
            raise InconsistentModel("its objective has parameters that are no text")
    attributes = learner.get("attributes", {})
    if not isinstance(attributes, dict) or any(not isinstance(value, str) for value in attributes.values()):
        raise InconsistentModel("its attributes are no texts")


def _check_forest(model: dict[str, Any], *, groups: int) -> list[dict[str, Any]]:
    facts, trees = _part(model, "gbtree_model_param"), model.get("trees")
    if not isinstance(trees, list) or not all(isinstance(tree, dict) for tree in trees):
        raise InconsistentModel("it has no list of trees")
    if _count(facts, "num_trees") != len(trees):
        raise InconsistentModel(f"claims {facts['num_trees']} trees and holds {len(trees):,}")
    _count(facts, "num_parallel_tree", low=0, default=1)
    _whole(model.get("tree_info"), "tree_info", length=len(trees), low=0, high=groups - 1)
    if "iteration_indptr" in model:
        rounds = _whole(model["iteration_indptr"], "iteration_indptr", low=0, high=len(trees))
        if len(rounds) == 0 or rounds[0] != 0 or rounds[-1] != len(trees) or (rounds[1:] < rounds[:-1]).any():
            raise InconsistentModel("its rounds do not cover its trees")
    return trees


def _check_tree(tree: dict[str, Any], number: int, *, features: int) -> int:
    """The bytes that its sets of categories take."""
    facts = _part(tree, "tree_param")
    if type(tree.get("id", number)) is not int or tree.get("id", number) != number:
        raise InconsistentModel(f"tree {number}: it has another number")
    nodes, own = _count(facts, "num_nodes", low=1), _count(facts, "num_feature")
    if _count(facts, "size_leaf_vector", default=1) > 1:
        raise UnsupportedModel(
            "trees that answer several targets at once (multi_strategy: multi_output_tree); train it with "
            "one_output_per_tree, or one model per target"
        )
    if own > features:
        raise InconsistentModel(f"tree {number}: claims {own:,} features, the model {features:,}")
    _count(facts, "num_deleted")
    arrays: dict[str, np.ndarray] = {}
    for name in PER_NODE:
        if name in tree or name not in OPTIONAL:
            read: Callable[..., np.ndarray] = _numbers if name in FLOATS else _whole
            arrays[name] = read(tree.get(name), f"tree {number}: {name}", length=nodes)
    inner = _check_shape(arrays, number, nodes)
    used = arrays["split_indices"][inner]
    if len(used) and (used.min() < 0 or used.max() >= features):
        raise InconsistentModel(f"tree {number}: a node asks for feature {used.max():,} of {features:,}")
    return _check_sets(tree, arrays, number, inner=inner)


def _check_shape(arrays: dict[str, np.ndarray], number: int, nodes: int) -> np.ndarray:
    """The inner nodes, once every child has one parent, which it names, and no path leads back."""
    import numpy as np

    left, right, parents = arrays["left_children"], arrays["right_children"], arrays["parents"]
    if ((left == -1) != (right == -1)).any() or (left < -1).any() or (right < -1).any():
        raise InconsistentModel(f"tree {number}: a node has one child, or one before the first")
    inner = np.flatnonzero(left != -1)
    children, owners = np.concatenate([left[inner], right[inner]]), np.concatenate([inner, inner])
    if len(children) and (children.max() >= nodes or children.min() <= 0):
        raise InconsistentModel(f"tree {number}: a child lies outside of the tree, or is its root")
    if len(np.unique(children)) != len(children) or (parents[children] != owners).any():
        raise InconsistentModel(f"tree {number}: a node has two parents, or names another one")
    if parents[0] != ROOT:
        raise InconsistentModel(f"tree {number}: its root has a parent")
    others = np.setdiff1d(np.arange(1, nodes), children)
    named = parents[others]
    if ((named < 0) | (named >= others)).any():
        raise InconsistentModel(f"tree {number}: a node that was pruned names a parent that is none")
    # A child behind its parent cannot lead back; only pruned trees use places again.
    if (children < owners).any() and len(_reached(left, right)) != 1 + len(children):
        raise InconsistentModel(f"tree {number}: it leads back to itself")
    return inner


def _reached(left: np.ndarray, right: np.ndarray) -> list[int]:
    lefts, rights = left.tolist(), right.tolist()
    reached = [0]
    for node in reached:
        if lefts[node] != -1:
            reached += (lefts[node], rights[node])
    return reached


def _check_sets(tree: dict[str, Any], arrays: dict[str, np.ndarray], number: int, *, inner: np.ndarray) -> int:
    import numpy as np

    where = f"tree {number}: categories"
    values = _whole(tree.get("categories", []), where, low=0, high=LARGEST)
    nodes = _whole(tree.get("categories_nodes", []), where, low=0, high=len(arrays["parents"]) - 1)
    starts = _whole(tree.get("categories_segments", []), where, length=len(nodes), low=0, high=len(values))
    sizes = _whole(tree.get("categories_sizes", []), where, length=len(nodes), low=1, high=max(len(values), 1))
    kinds = arrays.get("split_type")
    by_category = np.zeros(0, dtype=int) if kinds is None else np.flatnonzero(kinds != 0)
    if kinds is not None and not np.isin(kinds, (0, 1)).all():
        raise InconsistentModel(f"tree {number}: a split of no known kind")
    if not np.array_equal(nodes, by_category) or not np.isin(nodes, inner).all():
        raise InconsistentModel(f"{where} do not belong to the nodes that split by category")
    if (starts + sizes > len(values)).any() or sizes.sum() != len(values):
        raise InconsistentModel(f"{where} lie outside of their list")
    return int(sum(values[start : start + size].max() // 8 + 8 for start, size in zip(starts, sizes, strict=True)))


def _check_categories(categories: Any, *, features: int) -> None:
    """The words of categorical columns, as XGBoost keeps them since 3.1."""
    if categories is None:
        return
    encoded = categories.get("enc") if isinstance(categories, dict) else None
    if not isinstance(encoded, list) or len(encoded) not in (0, features):
        raise InconsistentModel("its categories are those of other columns")
    sizes = [_size_of_words(part) for part in encoded]
    total = sum(sizes)
    ends = _whole(categories.get("feature_segments", []), "feature_segments", low=0, high=total)
    order = _whole(categories.get("sorted_idx", []), "sorted_idx", length=total, low=0, high=max(total - 1, 0))
    if len(encoded) and ends.tolist() != [sum(sizes[:count]) for count in range(len(sizes) + 1)]:
        raise InconsistentModel("its categories lie outside of their lists")
    for count, (start, size) in enumerate(zip(ends.tolist(), sizes, strict=False)):
        if sorted(order[start : start + size].tolist()) != list(range(size)):
            raise InconsistentModel(f"its categories of column {count} have no order")


def _size_of_words(part: Any) -> int:
    """How many categories one column has."""
    if not isinstance(part, dict):
        raise InconsistentModel("its categories are no object")
    if "offsets" not in part:
        return len(_numbers(part.get("values"), "values of categories"))
    letters = _whole(part.get("values"), "values of categories", low=-128, high=255)
    offsets = _whole(part["offsets"], "offsets of categories", low=0, high=len(letters))
    if len(offsets) == 0:
        if len(letters):
            raise InconsistentModel("its categories have no offsets")
        return 0
    if offsets[0] != 0 or offsets[-1] != len(letters) or (offsets[1:] < offsets[:-1]).any():
        raise InconsistentModel("its categories lie outside of their letters")
    return len(offsets) - 1


def _part(fields: dict[str, Any], name: str) -> dict[str, Any]:
    part = fields.get(name)
    if not isinstance(part, dict):
        raise InconsistentModel(f"it lacks {name}")
    return part


def _count(fields: dict[str, Any], name: str, *, low: int = 0, default: int | None = None) -> int:
    text = fields.get(name, None if default is None else str(default))
    if not isinstance(text, str) or not NUMBER.fullmatch(text) or not low <= int(text) <= LARGEST:
        raise InconsistentModel(f"its {name} is no count from {low} to {LARGEST:,}")
    return int(text)


def _whole(
    values: Any, name: str, *, length: int | None = None, low: int = -(2**31), high: int = 2**32 - 1
) -> np.ndarray:
    import numpy as np

    array = _array(values, name, length=length)
    if len(array) == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iub" or array.min() < low or array.max() > high:
        raise InconsistentModel(f"{name} holds something else than whole numbers from {low:,} to {high:,}")
    return array.astype(np.int64)


def _numbers(values: Any, name: str, *, length: int | None = None) -> np.ndarray:
    array = _array(values, name, length=length)
    if len(array) and array.dtype.kind not in "iuf":
        raise InconsistentModel(f"{name} holds something else than numbers")
    return array


def _array(values: Any, name: str, *, length: int | None) -> np.ndarray:
    import numpy as np

    if not isinstance(values, (list, np.ndarray)):
        raise InconsistentModel(f"it lacks {name}")
    if isinstance(values, list) and not {type(value) for value in values} <= {int, float, bool}:
        raise InconsistentModel(f"{name} holds something else than numbers")
    if length is not None and len(values) != length:
        raise InconsistentModel(f"{name} has {len(values):,} entries where {length:,} belong")
    try:
        array = np.asarray(values)
    except (OverflowError, ValueError) as error:
        raise InconsistentModel(f"{name} holds numbers beyond 64 bits") from error
    if array.ndim != 1 or array.dtype == object:
        raise InconsistentModel(f"{name} holds numbers beyond 64 bits")
    return array

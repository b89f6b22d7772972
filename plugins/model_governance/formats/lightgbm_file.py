"""LightGBM's text files, checked in linear time before its C++ reader sees them.

The reader trusts sizes and indices, and a number that it cannot parse ends the process (LightGBM issue 7366). The layout is that
of `GBDT::SaveModelToString` and `Tree::ToString`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LARGEST = 1 << 24  # leaves of a tree, features, classes
WHOLE = re.compile(rb"(?:-?\d{1,10}(?: |$))*")
UNSIGNED = re.compile(rb"\d{1,10}")
NUMBER = rb"-?(?:\d{1,20}(?:\.\d{1,25})?(?:[eE][+-]?\d{1,3})?|inf|nan)"
NUMBERS = re.compile(rb"(?:" + NUMBER + rb"(?: +|$))*")
RANGE = re.compile(rb"none|\[" + NUMBER + rb":" + NUMBER + rb"\]|-?\d{1,10}(?::-?\d{1,10})*")
PARAMETER = re.compile(rb"\[\w+: .*\]")
HEADER = ("num_class", "num_tree_per_iteration", "label_index", "max_feature_idx")
PER_INNER = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child", "internal_value",
             "internal_weight", "internal_count")  # fmt: skip
PER_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
OPTIONAL = ("split_gain", "internal_value", "internal_weight", "internal_count", "leaf_weight", "leaf_count")
WHOLES = ("split_feature", "decision_type", "left_child", "right_child", "internal_count", "leaf_count")
KNOWN = {*PER_INNER, *PER_LEAF, "num_leaves", "num_cat", "cat_boundaries", "cat_threshold", "is_linear", "leaf_const",
         "num_features", "leaf_features", "leaf_coeff", "shrinkage"}  # fmt: skip
LARGEST_DECISION = 15


class InconsistentText(ValueError):
    """A model file that contradicts itself: its C++ reader may end the process, read foreign memory or never end."""


def check_text(content: bytes) -> None:
    """Nothing, when every number in a LightGBM text parses and every index points inside its tree.

    Raises:
        InconsistentText: something does not.
    """
    if b"\0" in content or b"\r" in content:
        raise InconsistentText("a text with zero bytes or carriage returns in it")
    start, end = content.find(b"\nTree="), content.find(b"\nend of trees")
    if end < 0 or not content.startswith(b"tree\n"):
        raise InconsistentText("the text ends before its last tree, or does not begin as a model")
    start = end if start < 0 or start > end else start
    header = _fields(content[:start].split(b"\n")[1:], where="its head")
    features = _check_header(header)
    blocks = _blocks(content, header, start=start + 1, end=end + 1)
    per_round = int(header["num_tree_per_iteration"])
    if per_round < 1 or len(blocks) % per_round:
        raise InconsistentText(f"{len(blocks):,} trees are no whole rounds of {per_round:,}")
    for number, block in enumerate(blocks):
        lines = block.rstrip(b"\n").split(b"\n")
        if lines[0] != b"Tree=%d" % number:
            raise InconsistentText(f"tree {number}: it has another number")
        _check_tree(_fields(lines[1:], where=f"tree {number}", known=KNOWN), number, features=features)
    _check_parameters(content[end:])
    _check_words(content[end:])


def _fields(lines: list[bytes], *, where: str, known: set[str] | None = None) -> dict[str, bytes]:
    fields: dict[str, bytes] = {}
    for line in lines:
        name, equals, value = line.partition(b"=")
        key = name.decode("latin1")
        if key in fields or (known is not None and line and (not equals or key not in known)):
            raise InconsistentText(f"{where}: the line {key[:40]!r} occurs twice or belongs to no tree")
        if line:
            fields[key] = value
    return fields


def _check_header(header: dict[str, bytes]) -> int:
    """The number of features."""
    for name in HEADER:
        value = header.get(name, b"")
        if not UNSIGNED.fullmatch(value) or int(value) > LARGEST:
            raise InconsistentText(f"its {name} is no count up to {LARGEST:,}")
    if header.get("version") not in (b"v2", b"v3", b"v4"):
        raise InconsistentText("its version is none of v2, v3 and v4")
    if not 1 <= int(header["num_class"]) <= int(header["num_tree_per_iteration"]):
        raise InconsistentText("its numbers of classes and of trees per round disagree")
    features = int(header["max_feature_idx"]) + 1
    for name in ("feature_names", "feature_infos"):
        held = len(header.get(name, b"").split(b" "))
        if held != features:
            raise InconsistentText(f"{name} has {held:,} entries where {features:,} belong")
    if not all(RANGE.fullmatch(info) for info in header["feature_infos"].split(b" ")):
        raise InconsistentText("its feature_infos hold something else than ranges and categories")
    if "monotone_constraints" in header:
        _whole(header["monotone_constraints"], "monotone_constraints", length=features)
    return features


def _blocks(content: bytes, header: dict[str, bytes], *, start: int, end: int) -> list[bytes]:
    """The trees, where the file says that they lie: its reader follows these sizes without a look."""
    text = content[start:end]
    if "tree_sizes" not in header:
        return [b"Tree=" + block for block in text.split(b"Tree=")[1:]]
    sizes = _whole(header["tree_sizes"], "tree_sizes", low=1, high=2**31 - 1).tolist()
    blocks, place = [], 0
    for size in sizes:
        blocks.append(text[place : place + size])
        place += size
    if b"".join(blocks) != text or any(
        block.count(b"Tree=") != 1 or not block.startswith(b"Tree=") for block in blocks
    ):
        raise InconsistentText("its tree_sizes do not cover its trees")
    return blocks


def _check_tree(fields: dict[str, bytes], number: int, *, features: int) -> None:
    where = f"tree {number}: "
    leaves, sets = _count(fields, "num_leaves", where, low=1), _count(fields, "num_cat", where)
    inner = leaves - 1
    arrays: dict[str, np.ndarray] = {}
    for name in (*PER_INNER, *PER_LEAF):
        if name not in fields and name in OPTIONAL:
            continue
        length = inner if name in PER_INNER else leaves
        if leaves == 1 and not fields.get(name, b"").strip():
            continue
        if name in WHOLES:
            arrays[name] = _whole(fields.get(name), where + name, length=length)
        else:
            arrays[name] = _numbers(fields.get(name), where + name, length=length)
    if "shrinkage" in fields:
        _numbers(fields["shrinkage"], where + "shrinkage", length=1)
    if inner:
        _check_shape(arrays, where, leaves=leaves, features=features)
        _check_sets(fields, arrays, where, sets=sets)
    elif sets:
        raise InconsistentText(f"{where}sets of categories without a split")
    if fields.get("is_linear", b"0") not in (b"0", b"1"):
        raise InconsistentText(f"{where}is_linear is neither 0 nor 1")
    if fields.get("is_linear") == b"1":
        _check_linear(fields, where, leaves=leaves, features=features)


def _check_shape(arrays: dict[str, np.ndarray], where: str, *, leaves: int, features: int) -> None:
    import numpy as np

    left, right, used = arrays["left_child"], arrays["right_child"], arrays["split_feature"]
    children, owners = np.concatenate([left, right]), np.tile(np.arange(leaves - 1), 2)
    if not np.array_equal(np.sort(children), np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])):
        raise InconsistentText(f"{where}a child lies outside of the tree, or two nodes share it")
    below = children >= 0
    if (children[below] <= owners[below]).any():
        raise InconsistentText(f"{where}a node leads back to its parents")
    if used.min() < 0 or used.max() >= features:
        raise InconsistentText(f"{where}a node asks for feature {used.max():,} of {features:,}")
    kinds = arrays["decision_type"]
    if kinds.min() < 0 or kinds.max() > LARGEST_DECISION:
        raise InconsistentText(f"{where}a decision of no known kind")


def _check_sets(fields: dict[str, bytes], arrays: dict[str, np.ndarray], where: str, *, sets: int) -> None:
    by_category = arrays["threshold"][(arrays["decision_type"] & 1) == 1]
    if len(by_category) and not sets:
        raise InconsistentText(f"{where}splits by category without sets of categories")
    if not sets:
        return
    words = _whole(fields.get("cat_threshold"), where + "cat_threshold", low=0, high=2**32 - 1)
    ends = _whole(fields.get("cat_boundaries"), where + "cat_boundaries", length=sets + 1, low=0, high=len(words))
    if ends[0] != 0 or ends[-1] != len(words) or (ends[1:] < ends[:-1]).any():
        raise InconsistentText(f"{where}its sets of categories lie outside of their list")
    if ((by_category != by_category.round()) | (by_category < 0) | (by_category >= sets)).any():
        raise InconsistentText(f"{where}a node asks for a set of categories that is not there")


def _check_linear(fields: dict[str, bytes], where: str, *, leaves: int, features: int) -> None:
    counts = _whole(fields.get("num_features"), where + "num_features", length=leaves, low=0, high=features)
    used = _whole(fields.get("leaf_features", b""), where + "leaf_features", low=0, high=features - 1)
    coefficients = _numbers(fields.get("leaf_coeff", b""), where + "leaf_coeff")
    _numbers(fields.get("leaf_const"), where + "leaf_const", length=leaves)
    if not len(used) == len(coefficients) == counts.sum():
        raise InconsistentText(f"{where}its leaves have other numbers of coefficients than they say")


def _check_parameters(tail: bytes) -> None:
    """The parameters of training: the reader cuts each line at its colon without a look."""
    section = tail.partition(b"\nparameters:\n")[2]
    if not section:
        return
    # The reader looks for this line alone: with one byte more on it, it reads on into the memory behind the file.
    lines, ended, _ = section.partition(b"\nend of parameters\n")
    strange = [line for line in lines.split(b"\n") if line and not PARAMETER.fullmatch(line)]
    if strange or not ended:
        raise InconsistentText("its parameters are no lines of [name: value], or do not end")


def _check_words(tail: bytes) -> None:
    """The categories that the Python package keeps behind the trees."""
    last = tail.rpartition(b"\npandas_categorical:")[2].split(b"\n")[0]
    if b"\npandas_categorical:" not in tail or last == b"null":
        return
    try:
        words: Any = json.loads(last)
    except (ValueError, RecursionError) as error:
        raise InconsistentText("its pandas_categorical is no JSON") from error
    if not isinstance(words, list) or not all(isinstance(column, list) for column in words):
        raise InconsistentText("its pandas_categorical holds no lists of categories")


def _count(fields: dict[str, bytes], name: str, where: str, *, low: int = 0) -> int:
    value = fields.get(name, b"")
    if not UNSIGNED.fullmatch(value) or not low <= int(value) < LARGEST:
        raise InconsistentText(f"{where}its {name} is no count from {low} to {LARGEST:,}")
    return int(value)


def _whole(
    value: bytes | None, name: str, *, length: int | None = None, low: int = -(2**31), high: int = 2**31 - 1
) -> np.ndarray:
    import numpy as np

    stripped = _cut(value, name, WHOLE)
    array = np.array(stripped.split(), dtype=np.int64)
    if length is not None and len(array) != length:
        raise InconsistentText(f"{name} has {len(array):,} entries where {length:,} belong")
    if len(array) and (array.min() < low or array.max() > high):
        raise InconsistentText(f"{name} holds numbers beyond {low:,} to {high:,}")
    return array


def _numbers(value: bytes | None, name: str, *, length: int | None = None) -> np.ndarray:
    import numpy as np

    array = np.array(_cut(value, name, NUMBERS).split(), dtype=np.float64)
    if length is not None and len(array) != length:
        raise InconsistentText(f"{name} has {len(array):,} entries where {length:,} belong")
    return array


def _cut(value: bytes | None, name: str, pattern: re.Pattern[bytes]) -> bytes:
    stripped = b" ".join((value or b"").split())
    if value is None or not pattern.fullmatch(stripped):
        raise InconsistentText(f"{name} is missing or holds something else than numbers")
    return stripped

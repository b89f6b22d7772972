"""What a model's file says of its inputs, so that a drafted policy names the columns that the model knows.

Native tree files and ONNX files are read without their libraries. A skops file is loaded as a run loads it, through the
allow-list; joblib and pickle files stay closed, because nobody has opted in yet.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import library_words
from model_governance.errors import GovernanceError
from model_governance.formats.pickle_names import SKOPS_NAMES
from model_governance.formats.protobuf import read_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.contract.subject import Task

ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
MOST_NAMES = 100_000
GRAPH, GRAPH_INITIALIZER, GRAPH_INPUT, TENSOR_NAME, INPUT_NAME = 7, 5, 11, 8, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model's inputs and answers; empty where its file does not say.

    Attributes:
        names: the features in the model's order.
        count: how many features it takes, where it knows no names.
        coded: features that the model itself treats as categories.
        counted: features that it scales, so that they are numbers.
        classes: the labels that it answers.
        task: the task that follows from what it is; None where several do.
        answers_numbers: whether it is a regressor, which may forecast or rank too.
        obstacle: why nothing was read.
    """

    names: tuple[str, ...] = ()
    count: int | None = None
    coded: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    classes: tuple[Any, ...] = ()
    task: Task | None = None
    answers_numbers: bool = False
    obstacle: str = ""


def read_facts(content: bytes, form: str) -> ModelFacts:
    """The facts of a model's file.

    Args:
        content: the bytes of the file.
        form: its format, as `model.format` of a policy spells it.
    """
    readers = {"skops": _of_skops, "xgboost": _of_xgboost, "lightgbm": _of_lightgbm, "onnx": _of_onnx}
    if form not in readers:
        return ModelFacts(obstacle=f"a {form} file is not opened before allow_pickle says so")
    try:
        return readers[form](content)
    except GovernanceError as error:
        return ModelFacts(obstacle=str(error))
    except Exception as error:
        return ModelFacts(obstacle=f"cannot be read as a {form} model ({type(error).__name__}: {library_words(error)})")


def _of_skops(content: bytes) -> ModelFacts:
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - SKOPS_NAMES)
    if unknown:
        return ModelFacts(obstacle=f"it holds types that nobody has reviewed ({', '.join(unknown)})")
    return of_estimator(skops.io.loads(content, trusted=sorted(SKOPS_NAMES)))


def of_estimator(estimator: Any) -> ModelFacts:
    """The facts of a fitted scikit-learn estimator."""
    import numpy as np
    from sklearn.utils import get_tags

    names = tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))
    classes = getattr(estimator, "classes_", ())
    is_one_target = not (isinstance(classes, list) and any(isinstance(labels, np.ndarray) for labels in classes))
    known = tuple(np.asarray(classes).tolist()) if is_one_target else ()
    coded, counted = _roles_in_pipeline(estimator, names)
    kind = get_tags(estimator).estimator_type
    return ModelFacts(
        names=names, count=getattr(estimator, "n_features_in_", None), coded=coded, counted=counted - coded,
        classes=known, task=_task_of(kind, len(known)), answers_numbers=kind == "regressor",
    )  # fmt: skip


def _task_of(kind: str | None, classes: int) -> Task | None:
    """A regressor may forecast or rank as well, so only classifiers and rankers say what they are for."""
    if kind == "classifier":
        return "binary_classification" if classes == 2 else "multiclass_classification"
    return "ranking" if kind == "ranker" else None


def _roles_in_pipeline(estimator: Any, names: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Input columns that some encoder takes as categories, and those that reach the model as numbers."""
    steps = getattr(estimator, "steps", None)
    first = steps[0][1] if steps else estimator
    coded: set[str] = set()
    counted: set[str] = set()
    for _, transformer, chosen in getattr(first, "transformers_", ()):
        if transformer == "drop":
            continue
        (coded if _encodes(transformer) else counted).update(_columns(chosen, names))
    last = steps[-1][1] if steps else estimator
    flags = getattr(last, "is_categorical_", None)
    if first is last and flags is not None and len(flags) == len(names):
        coded.update(name for name, flag in zip(names, flags, strict=True) if flag)
    return frozenset(coded), frozenset(counted)


def _encodes(transformer: Any) -> bool:
    steps = [step for _, step in getattr(transformer, "steps", ())] or [transformer]
    return any(type(step).__name__ in ENCODERS for step in steps)


def _columns(chosen: Any, names: Sequence[str]) -> Iterator[str]:
    """Names of the columns that a ColumnTransformer cuts out: names, positions, a mask or a slice."""
    import numpy as np

    if isinstance(chosen, slice):
        yield from names[chosen] if not isinstance(chosen.start, str) else ()
        return
    values = [chosen] if isinstance(chosen, (str, int)) else np.asarray(chosen).tolist()
    if values and all(isinstance(value, bool) for value in values):
        yield from (name for name, taken in zip(names, values, strict=False) if taken)
        return
    for value in values:
        if isinstance(value, str):
            yield value
        elif -len(names) <= value < len(names):
            yield names[value]


def _of_lightgbm(content: bytes) -> ModelFacts:
    header = dict(line.split("=", 1) for line in content.decode().partition("\nTree=")[0].splitlines() if "=" in line)
    names = tuple(header.get("feature_names", "").split(" "))
    infos = header.get("feature_infos", "").split(" ")
    coded = {name for name, info in zip(names, infos, strict=False) if not info.startswith("[") and info != "none"}
    objective = header.get("objective", "custom").split(" ")[0]
    classes = int(header.get("num_class", 1))
    task = _task_of_objective(objective, classes)
    if names == tuple(f"Column_{number}" for number in range(len(names))):
        return ModelFacts(count=len(names), task=task, answers_numbers=task is None)
    return ModelFacts(names=names, coded=frozenset(coded), task=task, answers_numbers=task is None)


def _of_xgboost(content: bytes) -> ModelFacts:
    if content.lstrip()[:1] == b"{" and content[1:2] != b"L":
        learner = json.loads(content)["learner"]
        names, kinds = tuple(learner.get("feature_names", ())), tuple(learner.get("feature_types", ()))
        count = int(learner["learner_model_param"]["num_feature"])
        objective, classes = learner["objective"]["name"], int(learner["learner_model_param"].get("num_class", 0))
        task, is_regressor = _task_of_objective(objective, classes), objective.startswith(("reg:", "count:"))
    else:
        names, kinds = _ubjson_words(content, b"feature_names"), _ubjson_words(content, b"feature_types")
        count, task, is_regressor = None, None, b"reg:" in content
    coded = frozenset(name for name, kind in zip(names, kinds, strict=False) if kind == "c")
    return ModelFacts(
        names=names, count=None if names else count, coded=coded, task=task, answers_numbers=is_regressor
    )  # fmt: skip


def _ubjson_words(content: bytes, key: bytes) -> tuple[str, ...]:
    """A list of texts in a UBJSON file: `[#L` with their number, then `SL` with the length before each.

    Raises:
        ValueError: the file ends inside the list.
    """
    start = content.rfind(b"L" + struct.pack(">q", len(key)) + key + b"[#L")
    if start < 0:
        return ()
    position = start + 9 + len(key) + 3
    count, position = _length(content, position)
    words = []
    for _ in range(min(count, MOST_NAMES)):
        size, position = _length(content, position + 2)
        words.append(content[position : position + size].decode())
        position += size
    return tuple(words)


def _length(content: bytes, position: int) -> tuple[int, int]:
    if position + 8 > len(content):
        raise ValueError("the file ends inside a list of names")
    (size,) = struct.unpack_from(">q", content, position)
    if not 0 <= size <= len(content):
        raise ValueError(f"a list of names claims {size:,} entries")
    return size, position + 8


def _task_of_objective(objective: str, classes: int) -> Task | None:
    if objective.startswith(("rank:", "lambdarank", "rank_xendcg")):
        return "ranking"
    if objective.startswith(("binary", "cross_entropy")):
        return "binary_classification"
    if objective.startswith("multi"):
        return "multiclass_classification" if classes > 2 else "binary_classification"
    return None


def _of_onnx(content: bytes) -> ModelFacts:
    graph = next(value for number, value in read_fields(memoryview(content)) if number == GRAPH)
    parts = [
        (number, part) for number, part in read_fields(_bytes(graph)) if number in (GRAPH_INITIALIZER, GRAPH_INPUT)
    ]
    constants = {_text(part, TENSOR_NAME) for number, part in parts if number == GRAPH_INITIALIZER}
    inputs = [_text(part, INPUT_NAME) for number, part in parts if number == GRAPH_INPUT]
    names = tuple(name for name in inputs if name not in constants)
    # One input is the tensor of all features, and says no names.
    return ModelFacts(names=names if len(names) > 1 else ())


def _text(part: int | memoryview, field: int) -> str:
    return next((bytes(_bytes(value)).decode() for number, value in read_fields(_bytes(part)) if number == field), "")


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should")
    return value

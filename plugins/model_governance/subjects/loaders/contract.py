"""What every loader checks in the same words: the model fits the policy's columns and its task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.subject import Model
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns
    from model_governance.policy import ModelSpec

Trait = Literal["classifier", "regressor", "ranker", "unknown"]
TRAITS: dict[str, tuple[Trait, ...]] = {
    "binary_classification": ("classifier",),
    "multiclass_classification": ("classifier",),
    "regression": ("regressor", "unknown"),
    "ranking": ("ranker", "regressor", "unknown"),
    "forecasting": ("regressor", "unknown"),
}


class OtherColumns(SubjectError):
    """The model knows other features than the policy; `known` are its own, in its order.

    Cause: the features of the policy are not those that the model was trained on.
    Cure: write the features that the message names under `columns.features`, or name the model that fits.
    """

    def __init__(self, text: str, known: Sequence[str]) -> None:
        super().__init__(text)
        self.known = tuple(known)


def fit_columns(known: Sequence[str], columns: Columns, *, uri: str) -> list[str]:
    """The feature names in the order of the model, once they are the policy's features.

    Raises:
        SubjectError: the model knows other features; both differences are listed.
    """
    missing = [name for name in known if name not in columns.features]
    unknown = [name for name in columns.names if name not in known]
    if missing or unknown:
        parts = []
        if missing:
            parts.append(f"the model was trained on {', '.join(missing)}, which columns.features lacks")
        if unknown:
            parts.append(f"columns.features names {', '.join(unknown)}, which the model does not know")
        raise OtherColumns(f"{uri}: {'; '.join(parts)}; correct columns.features or deploy the model that fits", known)
    return list(known)


def fit_count(count: int, columns: Columns, *, uri: str) -> list[str]:
    """The policy's feature names, for a model that only knows how many columns it takes.

    Raises:
        SubjectError: it takes another number.
    """
    if count != len(columns.names):
        raise SubjectError(
            f"{uri}: the model takes {count} columns and columns.features names {len(columns.names)} "
            f"({', '.join(columns.names)}); correct columns.features or deploy the model that fits"
        )
    return list(columns.names)


def make_model(
    spec: ModelSpec,
    columns: Columns,
    *,
    native: Any,
    trait: Trait,
    call: Callable[[pd.DataFrame], Any],
    call_proba: Callable[[pd.DataFrame], Any] | None = None,
    call_logits: Callable[[pd.DataFrame], Any] | None = None,
    call_gradient: Callable[[pd.DataFrame, np.ndarray], Any] | None = None,
    train: Callable[[pd.DataFrame, pd.Series, int], Model] | None = None,
    classes: Sequence[Any] = (),
    written_by: str = "",
) -> Model:
    """The model behind its calls, once what it does is what the policy's task says.

    Raises:
        SubjectError: task, number of classes or positive label disagree.
    """
    if trait not in TRAITS[spec.task]:
        raise SubjectError(
            f"{spec.uri}: the policy says {spec.task} and the file holds a {trait}; correct `model.task` "
            "or deploy the model that was meant"
        )
    if trait == "classifier":
        _fit_classes(spec, columns, classes)
    return Model(
        name=spec.name,
        format=spec.format,
        sha256=spec.sha256,
        task=spec.task,
        native=native,
        call=call,
        call_proba=call_proba,
        classes=tuple(classes),
        call_logits=call_logits,
        call_gradient=call_gradient,
        train=train,
        written_by=written_by,
    )


def check_version(spec: ModelSpec, library: str, found: Collection[str], *, running: str) -> str:
    """The library and version that wrote a file, for the record; empty where the file names none.

    Args:
        spec: the model of a policy.
        library: its name.
        found: the versions that parts of the file name.
        running: the version that is installed here.

    Raises:
        SubjectError: another version than this one wrote it, and `model.accept_version` does not name that version.
    """
    shown = ", ".join(sorted(found))
    foreign = sorted(set(found) - {running, spec.accept_version})
    if foreign:
        raise SubjectError(
            f"{spec.uri}: was written by {library} {shown}, and {running} is installed here: it may answer differently. "
            f'Install {library} {foreign[0]}, save the model again with {running}, or set model.accept_version: "{foreign[0]}" '
            "after comparing its answers (model-governance model approve)"
        )
    return f"{library} {shown}" if shown else ""


def named_classes(spec: ModelSpec, count: int) -> list[Any]:
    """The labels of classes that a file only numbers: those of `model.classes`, or the numbers themselves.

    Raises:
        SubjectError: the policy names another number of classes.
    """
    if not spec.classes:
        return list(range(count))
    if len(set(spec.classes)) != len(spec.classes) or len(spec.classes) != count:
        shown = ", ".join(map(repr, spec.classes))
        raise SubjectError(
            f"{spec.uri}: model.classes names {shown}, and the file holds {count} classes, numbered from 0; name each "
            "once, that of class 0 first"
        )
    return list(spec.classes)


def at_positions(classes: Sequence[Any], positions: np.ndarray) -> np.ndarray:
    """The labels at these class numbers, shape (n,)."""
    import numpy as np

    return np.asarray(classes)[positions]


def positions_in(classes: Sequence[Any], labels: pd.Series) -> np.ndarray:
    """The class numbers of labels, shape (n,), as floats for a library that trains on numbers.

    Raises:
        ValueError: a label is no class.
    """
    numbers = labels.map({label: float(number) for number, label in enumerate(classes)})
    if numbers.isna().any():
        raise ValueError("the labels hold values that are no class of the model")
    return numbers.to_numpy(dtype=float)


def with_zero(scores: np.ndarray) -> np.ndarray:
    """A single score s as the columns (0, s), more than one as they are."""
    import numpy as np

    flat = scores.ravel() if scores.ndim == 1 or scores.shape[1] == 1 else None
    return scores if flat is None else np.column_stack([np.zeros(len(flat)), flat])


def derived(model: Model) -> Model:
    """The model under a digest that says it is a retrained copy, never the approved file."""
    return replace(model, sha256=f"derived:{model.sha256}")


def _fit_classes(spec: ModelSpec, columns: Columns, classes: Sequence[Any]) -> None:
    shown = ", ".join(repr(label) for label in classes)
    binary = spec.task == "binary_classification"
    if (len(classes) == 2) != binary or len(classes) < 2:
        fitting = {2: "binary_classification"}.get(len(classes), "multiclass_classification")
        hint = f"set `model.task: {fitting}`" if len(classes) >= 2 else "train it on data with more than one class"
        raise SubjectError(f"{spec.uri}: the policy says {spec.task} and the model knows the classes {shown}; {hint}")
    if binary and columns.positive is not None and columns.positive not in classes:
        raise SubjectError(
            f"{spec.uri}: columns.positive is {columns.positive!r} and the model knows the classes {shown}; "
            "name one of them"
        )

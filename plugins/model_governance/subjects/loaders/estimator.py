"""A fitted scikit-learn estimator, however it was stored, as a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders.contract import Trait, fit_columns, fit_count, make_model
from model_governance.subjects.loaders.tree_nodes import check_trees

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from model_governance.policy import ModelSpec
    from model_governance.subject import Columns, Model

    Feed = Callable[[pd.DataFrame], Any]


def wrap_estimator(estimator: Any, spec: ModelSpec, columns: Columns) -> Model:
    """The estimator behind `predict` and, where it has one, `predict_proba`.

    Raises:
        SubjectError: it is no fitted estimator, or does not fit the policy's columns or task.
        UntrustedModel: its trees point outside themselves.
    """
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(estimator, BaseEstimator) or not hasattr(estimator, "predict"):
        raise SubjectError(
            f"{spec.uri}: holds a {type(estimator).__name__}, not an estimator with predict; save the fitted estimator alone"
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise SubjectError(f"{spec.uri}: the {type(estimator).__name__} is not fitted; save it after fit") from error
    check_trees(estimator, uri=spec.uri)
    feed = _feed(estimator, columns, uri=spec.uri)
    has_proba = hasattr(estimator, "predict_proba")
    return make_model(
        spec,
        columns,
        native=estimator,
        trait=_trait(estimator, uri=spec.uri),
        call=lambda frame: estimator.predict(feed(frame)),
        call_proba=(lambda frame: estimator.predict_proba(feed(frame))) if has_proba else None,
        classes=_classes(estimator, uri=spec.uri),
    )


def _trait(estimator: Any, *, uri: str) -> Trait:
    from sklearn.utils import get_tags

    declared = get_tags(estimator).estimator_type
    traits: dict[str | None, Trait] = {
        "classifier": "classifier", "regressor": "regressor", "ranker": "ranker", None: "unknown"
    }  # fmt: skip
    if declared not in traits:
        raise SubjectError(
            f"{uri}: a {type(estimator).__name__} is a {declared}, for which there is no task; "
            "deploy a classifier, a regressor or a ranker"
        )
    return traits[declared]


def _classes(estimator: Any, *, uri: str) -> list[Any]:
    import numpy as np

    classes = getattr(estimator, "classes_", [])
    if isinstance(classes, list) and any(isinstance(one, np.ndarray) for one in classes):
        raise SubjectError(f"{uri}: the model answers {len(classes)} targets at once; save one model per target")
    return list(np.asarray(classes).tolist())


def _feed(estimator: Any, columns: Columns, *, uri: str) -> Feed:
    """How a frame is cut for this estimator; always a copy, in the order it was trained on."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        ordered = fit_columns([str(name) for name in names], columns, uri=uri)
        return lambda frame: frame[ordered]
    count = getattr(estimator, "n_features_in_", None)
    if count is None:
        return lambda frame: frame[list(columns.names)]
    ordered = fit_count(int(count), columns, uri=uri)
    return lambda frame: frame[ordered].to_numpy()

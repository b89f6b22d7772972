"""A fitted scikit-learn estimator, however it was stored, as a model."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders.category_types import learned_by_encoders, refuse_other_types
from model_governance.subjects.loaders.contract import Trait, check_version, derived, fit_columns, fit_count, make_model
from model_governance.subjects.loaders.sklearn_gradients import gradient_of
from model_governance.subjects.loaders.sklearn_recipe import can_be_retrained, in_columns, retrained
from model_governance.subjects.loaders.sklearn_scores import LOWEST_SCORE, scores_of
from model_governance.subjects.loaders.tree_nodes import check_trees

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import pandas as pd

    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

    Feed = Callable[[pd.DataFrame], Any]


def wrap_estimator(
    estimator: Any, spec: ModelSpec, columns: Columns, *, versions: Collection[str] = (),
    booster_versions: Collection[str] = (),
) -> Model:  # fmt: skip
    """The estimator behind `predict` and what else it has: probabilities, scores, gradients, its recipe.

    `versions` are those of scikit-learn, other than the running one, that saved its parts (`versions_noted`),
    `booster_versions` those of XGBoost that wrote its boosters.

    Raises:
        SubjectError: it is no fitted estimator, or does not fit the policy's columns or task.
        UntrustedModel: its trees point outside themselves.
    """
    import sklearn
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(estimator, BaseEstimator) or not hasattr(estimator, "predict"):
        raise SubjectError(
            f"{spec.uri}: holds a {type(estimator).__name__}, not an estimator with predict; save the fitted estimator by itself"
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise SubjectError(f"{spec.uri}: the {type(estimator).__name__} is not fitted; save it after fit") from error
    check_trees(estimator, uri=spec.uri)
    written_by = check_version(spec, "scikit-learn", versions or {sklearn.__version__}, running=sklearn.__version__)
    if booster_versions:
        import xgboost

        written_by += ", " + check_version(spec, "XGBoost", booster_versions, running=xgboost.__version__)
    trait, classes = _trait(estimator, uri=spec.uri), _classes(estimator, uri=spec.uri)
    ordered, feed = _feed(estimator, columns, uri=spec.uri)
    numeric = columns.of_kind("numeric", "integer")

    def behind(fitted: Any) -> Model:
        """The fitted estimator, or a copy trained later, behind the same calls with the same classes."""
        own = _classes(fitted, uri=spec.uri)
        proba = getattr(fitted, "predict_proba", None)
        scores = scores_of(fitted) if own == classes or proba is not None else None
        gradient = gradient_of(fitted, feed, ordered, numeric) if own == classes else None
        return make_model(
            spec, columns, native=fitted, trait=trait, classes=classes, written_by=written_by,
            call=lambda frame: fitted.predict(feed(frame)),
            call_proba=_fed(proba and in_columns(proba, own, classes, missing=0.0), feed),
            call_logits=_fed(scores and in_columns(scores, own, classes, missing=LOWEST_SCORE), feed),
            call_gradient=gradient,
            train=train if can_be_retrained(fitted) and trait != "ranker" else None,
        )  # fmt: skip

    def train(frame: pd.DataFrame, labels: pd.Series, seed: int) -> Model:
        return derived(behind(retrained(estimator, feed(frame), labels, seed=seed)))

    return behind(estimator)


@contextmanager
def versions_noted() -> Iterator[set[str]]:
    """The versions of scikit-learn, other than the running one, that saved the parts of what the block loads.

    scikit-learn only warns of them; here they are judged (`check_version`), so that its warnings are kept from the log.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    versions: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        yield versions
    for warning in caught:
        if isinstance(warning.message, InconsistentVersionWarning):
            versions.add(str(warning.message.original_sklearn_version))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _fed(call: Callable[[Any], Any] | None, feed: Feed) -> Callable[[pd.DataFrame], Any] | None:
    return None if call is None else lambda frame: call(feed(frame))


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
    if isinstance(classes, list) and any(isinstance(labels, np.ndarray) for labels in classes):
        raise SubjectError(f"{uri}: the model answers {len(classes)} targets at once; save one model per target")
    return list(np.asarray(classes).tolist())


def _feed(estimator: Any, columns: Columns, *, uri: str) -> tuple[list[str], Feed]:
    """The columns in the order it was trained on, and how a frame is cut to them; always a copy."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        ordered = fit_columns([str(name) for name in names], columns, uri=uri)
        learned = learned_by_encoders(estimator, ordered)

        def feed(frame: pd.DataFrame) -> pd.DataFrame:
            refuse_other_types(frame, learned)
            return frame[ordered]

        return ordered, feed
    count = getattr(estimator, "n_features_in_", None)
    if count is None:
        return list(columns.names), lambda frame: frame[list(columns.names)]
    ordered = fit_count(int(count), columns, uri=uri)
    return ordered, lambda frame: frame[ordered].to_numpy()

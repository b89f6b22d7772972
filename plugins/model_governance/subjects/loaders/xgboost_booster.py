"""XGBoost models in XGBoost's own formats (JSON and UBJSON), which hold trees and no code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.contract import Trait, fit_columns, fit_count, make_model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.policy import ModelSpec
    from model_governance.subject import Columns, Model

PROBABILITIES = ("binary:logistic", "multi:softprob")
# These answer margins or bare labels, from which no probabilities can be had.
WITHOUT_PROBABILITIES = ("binary:logitraw", "binary:hinge", "multi:softmax")
REGRESSIONS = ("reg:", "count:", "survival:")


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The booster in a file written by `save_model`. Classes are 0 to k-1: the format keeps no labels.

    Where training stopped early and the best round is recorded, only the rounds up to it answer, as
    in XGBoost's own estimators.

    Raises:
        SubjectError: xgboost is missing, the file is damaged, or the model does not fit the policy.
    """
    xgboost = import_library("xgboost", extra="xgboost", uri=spec.uri)
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    count = int(learner["learner_model_param"].get("num_class", 0))
    predict = _Predictor(xgboost, booster, columns, uri=spec.uri)
    if objective in PROBABILITIES:
        classes = list(range(max(count, 2)))
        return make_model(
            spec, columns, native=booster, trait="classifier", classes=classes,
            call=predict.labels, call_proba=predict.probabilities,
        )  # fmt: skip
    if objective in WITHOUT_PROBABILITIES:
        raise SubjectError(
            f"{spec.uri}: was trained with {objective}, which gives no probabilities; "
            f"train it with {' or '.join(PROBABILITIES)}"
        )
    return make_model(spec, columns, native=booster, trait=_trait(objective, uri=spec.uri), call=predict.raw)


def _trait(objective: str, *, uri: str) -> Trait:
    if objective.startswith("rank:"):
        return "ranker"
    if objective.startswith(REGRESSIONS):
        return "regressor"
    raise SubjectError(f"{uri}: was trained with {objective}, for which there is no task")


class _Predictor:
    """Frames in, numbers out: columns by name and order, categories as the model knows them."""

    def __init__(self, xgboost: Any, booster: Any, columns: Columns, *, uri: str) -> None:
        self._xgboost = xgboost
        self._booster = booster
        names = booster.feature_names
        if names is not None:
            self._names = fit_columns(names, columns, uri=uri)
        else:
            self._names = fit_count(booster.num_features(), columns, uri=uri)
        self._categories = _categories(booster)
        best = booster.attr("best_iteration")
        self._rounds = (0, int(best) + 1) if best is not None else (0, 0)

    def raw(self, frame: pd.DataFrame) -> np.ndarray:
        """What the booster answers: values, scores or probabilities."""
        if self._categories:
            matrix = self._xgboost.DMatrix(self._with_categories(frame), enable_categorical=True)
        else:
            matrix = self._xgboost.DMatrix(
                frame[self._names].astype(float).to_numpy(), enable_categorical=True,
                feature_names=self._booster.feature_names, feature_types=self._booster.feature_types,
            )  # fmt: skip
        return self._booster.predict(matrix, iteration_range=self._rounds)

    def _with_categories(self, frame: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        parts: dict[str, Any] = {}
        for name in self._names:
            known = self._categories.get(name)
            if known is None:
                parts[name] = frame[name].astype(float)
                continue
            # XGBoost 3.2 takes an unknown word for the next one in the alphabet, unless it comes after all of them.
            unknown = sorted(map(str, set(frame[name].dropna().unique()) - set(known)))
            if unknown:
                raise ValueError(
                    f"column {name} holds {', '.join(unknown)}; the model knows {', '.join(map(str, known))}"
                )
            parts[name] = frame[name].astype(pd.CategoricalDtype(known))
        return pd.DataFrame(parts, index=frame.index)

    def probabilities(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, k)."""
        import numpy as np

        answer = np.asarray(self.raw(frame), dtype=np.float64)
        return np.column_stack([1 - answer, answer]) if answer.ndim == 1 else answer

    def labels(self, frame: pd.DataFrame) -> np.ndarray:
        """Class numbers, shape (n,); 0.5 itself is class 0, as in XGBoost's estimators."""
        answer = self.raw(frame)
        return (answer > 0.5).astype(int) if answer.ndim == 1 else answer.argmax(axis=1)


def _categories(booster: Any) -> dict[str, list[Any]]:
    """The words of each categorical column, as XGBoost keeps them since 3.1.

    A model without them was trained on numbers that somebody else assigned, and is given numbers.
    """
    if not hasattr(booster, "get_categories") or booster.get_categories().empty():
        return {}
    stored = booster.get_categories(export_to_arrow=True).to_arrow()
    return {name: words.to_pylist() for name, words in stored if words is not None}

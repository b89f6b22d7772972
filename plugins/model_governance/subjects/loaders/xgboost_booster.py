"""XGBoost models in XGBoost's own formats (JSON and UBJSON), which hold trees and no code."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.category_types import refuse_other_types
from model_governance.subjects.loaders.contract import (
    Trait,
    at_positions,
    check_version,
    derived,
    fit_columns,
    fit_count,
    make_model,
    named_classes,
    positions_in,
    with_zero,
)
from model_governance.subjects.loaders.native_trees import check_xgboost
from model_governance.subjects.loaders.xgboost_recipe import recipe_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

PROBABILITIES = ("binary:logistic", "multi:softprob")
# These answer margins or bare labels, from which no probabilities can be had.
WITHOUT_PROBABILITIES = ("binary:logitraw", "binary:hinge", "multi:softmax")
REGRESSIONS = ("reg:", "count:", "survival:")


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The booster in a file written by `save_model`. The format keeps no labels: classes are those of the policy, or 0 to k-1.

    Where training stopped early and the best round is recorded, only the rounds up to it answer, as
    in XGBoost's own estimators.

    Raises:
        SubjectError: xgboost is missing, the file is damaged, or the model does not fit the policy.
    """
    xgboost = import_library("xgboost", extra="xgboost", uri=spec.uri)
    version = check_xgboost(content, uri=spec.uri)
    written_by = check_version(spec, "XGBoost", {version} - {""}, running=xgboost.__version__)
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    count = int(learner["learner_model_param"].get("num_class", 0))
    if objective in WITHOUT_PROBABILITIES:
        raise SubjectError(
            f"{spec.uri}: was trained with {objective}, which gives no probabilities; "
            f"train it with {' or '.join(PROBABILITIES)}"
        )
    classes = named_classes(spec, max(count, 2)) if objective in PROBABILITIES else []
    trait: Trait = "classifier" if classes else _trait(objective, uri=spec.uri)
    predict = _Predictor.key(xgboost, booster, columns, classes=classes, spec=spec)
    recipe = recipe_of(booster, spec.training) if trait != "ranker" else None

    def behind(predict: _Predictor) -> Model:
        """The booster, or a copy trained later, behind the calls of a model."""
        return make_model(
            spec, columns, native=predict.booster, trait=trait, classes=classes, written_by=written_by,
            call=predict.labels if classes else predict.raw,
            call_proba=predict.probabilities if classes else None,
            call_logits=predict.scores,
            train=train if recipe is not None else None,
        )  # fmt: skip

    def train(frame: pd.DataFrame, labels: pd.Series, seed: int) -> Model:
        rows = predict.matrix(frame, positions_in(classes, labels) if classes else labels.to_numpy(dtype=float))
        settings = {**(recipe or {}), "seed": seed, "nthread": 1, "device": "cpu", "verbosity": 0}
        copy = xgboost.train(settings, rows, predict.rounds[1] or booster.num_boosted_rounds())
        return derived(behind(replace(predict, booster=copy, rounds=(0, 0))))

    return behind(predict)


def _trait(objective: str, *, uri: str) -> Trait:
    if objective.startswith("rank:"):
        return "ranker"
    if objective.startswith(REGRESSIONS):
        return "regressor"
    raise SubjectError(f"{uri}: was trained with {objective}, for which there is no task")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Predictor:
    """Frames in, numbers out: columns by name and order, categories as the model knows them."""

    xgboost: Any
    booster: Any
    names: list[str]
    categories: dict[str, list[Any]]
    rounds: tuple[int, int]
    classes: list[Any]
    missing: float

    @classmethod
    def key(cls, xgboost: Any, booster: Any, columns: Columns, *, classes: list[Any], spec: ModelSpec) -> _Predictor:
        """The predictor of a booster, once its columns are the policy's."""
        known, best = booster.feature_names, booster.attr("best_iteration")
        return cls(
            xgboost=xgboost,
            booster=booster,
            names=fit_count(booster.num_features(), columns, uri=spec.uri)
            if known is None
            else fit_columns(known, columns, uri=spec.uri),
            categories=_categories(booster),
            rounds=(0, int(best) + 1) if best is not None else (0, 0),
            classes=classes,
            missing=float("nan") if spec.missing is None else spec.missing,
        )

    def raw(self, frame: pd.DataFrame) -> np.ndarray:
        """What the booster answers: values, scores or probabilities."""
        return self.booster.predict(self.matrix(frame), iteration_range=self.rounds)

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, k): margins of a classifier, (0, s) of a binary one; values of anything else, (n, 1)."""
        if not self.classes:
            return self.raw(frame).reshape(-1, 1)
        return with_zero(self.booster.predict(self.matrix(frame), iteration_range=self.rounds, output_margin=True))

    def matrix(self, frame: pd.DataFrame, labels: np.ndarray | None = None) -> Any:
        """The frame as the booster takes it, with labels where it is trained."""
        if self.categories:
            return self.xgboost.DMatrix(
                self._with_categories(frame), labels, enable_categorical=True, missing=self.missing, nthread=1
            )
        return self.xgboost.DMatrix(
            frame[self.names].astype(float).to_numpy(), labels, enable_categorical=True, missing=self.missing, nthread=1,
            feature_names=self.booster.feature_names, feature_types=self.booster.feature_types,
        )  # fmt: skip

    def _with_categories(self, frame: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        refuse_other_types(frame, self.categories)
        parts: dict[str, Any] = {}
        for name in self.names:
            known = self.categories.get(name)
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
        """Labels, shape (n,); 0.5 itself is class 0, as in XGBoost's estimators."""
        answer = self.raw(frame)
        return at_positions(self.classes, (answer > 0.5).astype(int) if answer.ndim == 1 else answer.argmax(axis=1))


def _categories(booster: Any) -> dict[str, list[Any]]:
    """The words of each categorical column, as XGBoost keeps them since 3.1.

    A model without them was trained on numbers that somebody else assigned, and is given numbers.
    """
    if not hasattr(booster, "get_categories") or booster.get_categories().empty():
        return {}
    stored = booster.get_categories(export_to_arrow=True).to_arrow()
    return {name: words.to_pylist() for name, words in stored if words is not None}

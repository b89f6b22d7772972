"""LightGBM models in LightGBM's text format, which holds trees and no code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.category_types import refuse_other_types
from model_governance.subjects.loaders.contract import (
    Trait,
    at_positions,
    derived,
    fit_columns,
    fit_count,
    make_model,
    named_classes,
    positions_in,
    with_zero,
)
from model_governance.subjects.loaders.lightgbm_recipe import recipe_of
from model_governance.subjects.loaders.native_trees import check_lightgbm

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

PROBABILITIES = ("binary", "cross_entropy", "multiclass", "multiclassova")
RANKINGS = ("lambdarank", "rank_xendcg")
REGRESSIONS = ("regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie")


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The booster in a file written by `save_model`. The format keeps no labels: classes are those of the policy, or 0 to k-1.

    Raises:
        SubjectError: lightgbm is missing, the file is damaged, or the model does not fit the policy.
    """
    lightgbm = import_library("lightgbm", extra="lightgbm", uri=spec.uri)
    if not content.startswith(b"tree\n"):
        raise SubjectError(f"{spec.uri}: is no LightGBM text model; save it with Booster.save_model")
    check_lightgbm(content, uri=spec.uri)
    text = content.decode()
    header = dict(line.split("=", 1) for line in text.partition("\nTree=")[0].splitlines() if "=" in line)
    objective = header.get("objective", "custom").split(" ")[0]
    booster = lightgbm.Booster(model_str=text)
    classes: list[Any] = []
    trait: Trait = "classifier"
    if objective in PROBABILITIES:
        classes = named_classes(spec, max(int(header.get("num_class", 1)), 2))
    else:
        trait = _trait(objective, uri=spec.uri)
    predict = _Predictor.key(booster, header, columns, classes=classes, uri=spec.uri)

    def behind(predict: _Predictor) -> Model:
        """The booster, or a copy trained later, behind the calls of a model."""
        return make_model(
            spec, columns, native=predict.booster, trait=trait, classes=classes,
            call=predict.labels if classes else predict.raw,
            call_proba=predict.probabilities if classes else None,
            call_logits=predict.scores,
            train=train if trait != "ranker" and recipe_of(booster, seed=0) else None,
        )  # fmt: skip

    def train(frame: pd.DataFrame, labels: pd.Series, seed: int) -> Model:
        rows = lightgbm.Dataset(
            predict.rows(frame), positions_in(classes, labels) if classes else labels.to_numpy(float)
        )
        copy = lightgbm.train(recipe_of(booster, seed=seed), rows, booster.current_iteration())
        return derived(behind(replace(predict, booster=copy)))

    return behind(predict)


def _trait(objective: str, *, uri: str) -> Trait:
    if objective in RANKINGS:
        return "ranker"
    if objective in REGRESSIONS:
        return "regressor"
    raise SubjectError(f"{uri}: was trained with objective {objective!r}, for which there is no task")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Predictor:
    """Frames in, numbers out. LightGBM takes wrong columns without a word, so names and order are settled here."""

    booster: Any
    names: list[str]
    categories: dict[str, list[Any]]
    classes: list[Any]

    @classmethod
    def key(cls, booster: Any, header: dict[str, str], columns: Columns, *, classes: list[Any], uri: str) -> _Predictor:
        """The predictor of a booster, once its columns are the policy's."""
        known = booster.feature_name()
        # LightGBM writes an underscore for each blank of a name.
        policy_names = {name.replace(" ", "_"): name for name in columns.names}
        if known == [f"Column_{number}" for number in range(len(known))] and "Column_0" not in columns.features:
            names = fit_count(len(known), columns, uri=uri)
        else:
            names = fit_columns([policy_names.get(name, name) for name in known], columns, uri=uri)
        categories = _categories(booster, header, names, uri=uri)
        return cls(booster=booster, names=names, categories=categories, classes=classes)

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame as the booster takes it. Unknown categories count as missing, those of another type are refused."""
        import pandas as pd

        refuse_other_types(frame, self.categories)

        parts = {
            name: frame[name].astype(pd.CategoricalDtype(self.categories[name]))
            if name in self.categories
            else frame[name].astype(float)
            for name in self.names
        }
        return pd.DataFrame(parts, index=frame.index)

    def raw(self, frame: pd.DataFrame) -> np.ndarray:
        """What the booster answers: values, scores or probabilities."""
        return self.booster.predict(self.rows(frame))

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, k): margins of a classifier, (0, s) of a binary one; values of anything else, (n, 1)."""
        answer = self.booster.predict(self.rows(frame), raw_score=bool(self.classes))
        return with_zero(answer) if self.classes else answer.reshape(-1, 1)

    def probabilities(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, k)."""
        import numpy as np

        answer = np.asarray(self.raw(frame), dtype=np.float64)
        return np.column_stack([1 - answer, answer]) if answer.ndim == 1 else answer

    def labels(self, frame: pd.DataFrame) -> np.ndarray:
        """Labels, shape (n,), ties to the first class, as in LightGBM's estimators."""
        return at_positions(self.classes, self.probabilities(frame).argmax(axis=1))


def _categories(booster: Any, header: dict[str, str], names: list[str], *, uri: str) -> dict[str, list[Any]]:
    """The categories that the model was trained on, by column. The format keeps them in the order of the columns."""
    stored = booster.pandas_categorical or []
    if not stored:
        return {}
    infos = header.get("feature_infos", "").split(" ")
    categorical = [
        name for name, info in zip(names, infos, strict=False) if not info.startswith("[") and info != "none"
    ]
    if len(categorical) != len(stored):
        raise SubjectError(
            f"{uri}: holds categories for {len(stored)} columns and uses {len(categorical)} of them; "
            "train it again with every categorical column given as words, and none of them constant"
        )
    return dict(zip(categorical, stored, strict=True))

"""LightGBM models in LightGBM's text format, which holds trees and no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.contract import Trait, fit_columns, fit_count, make_model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.policy import ModelSpec
    from model_governance.subject import Columns, Model

PROBABILITIES = ("binary", "cross_entropy", "multiclass", "multiclassova")
RANKINGS = ("lambdarank", "rank_xendcg")
REGRESSIONS = ("regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie")


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The booster in a file written by `save_model`. Classes are 0 to k-1: the format keeps no labels.

    Raises:
        SubjectError: lightgbm is missing, the file is damaged, or the model does not fit the policy.
    """
    lightgbm = import_library("lightgbm", extra="lightgbm", uri=spec.uri)
    text = content.decode()
    if not text.startswith("tree\n"):
        raise SubjectError(f"{spec.uri}: is no LightGBM text model; save it with Booster.save_model")
    header = dict(line.split("=", 1) for line in text.partition("\nTree=")[0].splitlines() if "=" in line)
    objective = header.get("objective", "custom").split(" ")[0]
    booster = lightgbm.Booster(model_str=text)
    predict = _Predictor(booster, header, columns, uri=spec.uri)
    if objective in PROBABILITIES:
        classes = list(range(max(int(header.get("num_class", 1)), 2)))
        return make_model(
            spec, columns, native=booster, trait="classifier", classes=classes,
            call=predict.labels, call_proba=predict.probabilities,
        )  # fmt: skip
    return make_model(spec, columns, native=booster, trait=_trait(objective, uri=spec.uri), call=predict.raw)


def _trait(objective: str, *, uri: str) -> Trait:
    if objective in RANKINGS:
        return "ranker"
    if objective in REGRESSIONS:
        return "regressor"
    raise SubjectError(f"{uri}: was trained with objective {objective!r}, for which there is no task")


class _Predictor:
    """Frames in, numbers out. LightGBM takes wrong columns without a word, so names and order are settled here."""

    def __init__(self, booster: Any, header: dict[str, str], columns: Columns, *, uri: str) -> None:
        self._booster = booster
        known = booster.feature_name()
        # LightGBM writes an underscore for each blank of a name.
        policy_names = {name.replace(" ", "_"): name for name in columns.names}
        if known == [f"Column_{number}" for number in range(len(known))] and "Column_0" not in columns.features:
            self._names = fit_count(len(known), columns, uri=uri)
        else:
            self._names = fit_columns([policy_names.get(name, name) for name in known], columns, uri=uri)
        self._categories = _categories(booster, header, self._names, uri=uri)

    def raw(self, frame: pd.DataFrame) -> np.ndarray:
        """What the booster answers: values, scores or probabilities. Unknown categories count as missing."""
        import pandas as pd

        parts = {
            name: frame[name].astype(pd.CategoricalDtype(self._categories[name]))
            if name in self._categories
            else frame[name].astype(float)
            for name in self._names
        }
        return self._booster.predict(pd.DataFrame(parts, index=frame.index))

    def probabilities(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, k)."""
        import numpy as np

        answer = np.asarray(self.raw(frame), dtype=np.float64)
        return np.column_stack([1 - answer, answer]) if answer.ndim == 1 else answer

    def labels(self, frame: pd.DataFrame) -> np.ndarray:
        """Class numbers, shape (n,), ties to the first class, as in LightGBM's estimators."""
        return self.probabilities(frame).argmax(axis=1)


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

"""A fitted model of any known library as trees with exact answers, checked against the library on made-up rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.trees import lightgbm_trees, sklearn_trees, xgboost_trees
from model_governance.attacks.trees.encoding import Encoding, Origin, plain_encoding, steps_encoding
from model_governance.attacks.trees.ensemble import LEAF, NO_SET, NoExactAnswer, TreeEnsemble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

    RawScores = Callable[[np.ndarray], np.ndarray]

PROBES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeModel:
    """Trees behind an encoding: raw rows in, raw scores out."""

    ensemble: TreeEnsemble
    encoding: Encoding

    def margin(self, frame: pd.DataFrame) -> np.ndarray:
        """Raw scores of raw rows, shape (n, scores), as `TreeEnsemble` says."""
        return self.ensemble.margin(self.encoding.encode(frame))

    def decide(self, frame: pd.DataFrame) -> np.ndarray:
        """Class numbers, or predictions of a regression, shape (n,)."""
        return self.ensemble.decide(self.margin(frame))


def read_ensemble(native: Any, columns: Sequence[str]) -> TreeModel | NoExactAnswer:
    """The trees of a fitted model, or why there is no exact answer.

    Read are XGBoost (Booster, XGBClassifier, XGBRegressor), LightGBM (Booster, LGBMClassifier, LGBMRegressor) and
    scikit-learn (decision trees, random forests, extra trees, gradient boosting, histogram gradient boosting), alone
    or at the end of a Pipeline whose steps work column by column. The result has answered made-up rows, thresholds
    among them, as the library does.

    Args:
        native: the fitted model.
        columns: raw columns in the order the model is given, for models that keep no names.
    """
    steps, last = _taken_apart(native)
    kind = _library(last)
    if kind is None:
        return NoExactAnswer(f"a {type(last).__name__} is not read as an ensemble of trees")
    read = {"xgboost": _read_xgboost, "lightgbm": _read_lightgbm, "sklearn": _read_sklearn}[kind]
    names = tuple(map(str, getattr(steps[0] if steps else last, "feature_names_in_", columns)))
    found = read(last, names)
    if isinstance(found, NoExactAnswer):
        return found
    ensemble, encoding, scores = found
    if steps:
        before = steps_encoding(steps, names)
        if isinstance(before, NoExactAnswer):
            return before
        if len(before.origins) != ensemble.inputs or not all(origin.ordered for origin in encoding.origins):
            return NoExactAnswer("the model at the end of the pipeline encodes its columns once more")
        encoding = before
    return _checked(TreeModel(ensemble=ensemble, encoding=encoding), scores)


def _taken_apart(native: Any) -> tuple[list[Any], Any]:
    import sys

    if "sklearn" in sys.modules:
        from sklearn.pipeline import Pipeline

        if isinstance(native, Pipeline):
            return [step for _, step in native.steps[:-1]], native.steps[-1][1]
    return [], native


def _library(native: Any) -> str | None:
    root = type(native).__module__.split(".")[0]
    return root if root in ("xgboost", "lightgbm", "sklearn") else None


def _read_xgboost(native: Any, columns: tuple[str, ...]) -> tuple[TreeEnsemble, Encoding, RawScores] | NoExactAnswer:
    import numpy as np
    import xgboost

    if not isinstance(native, xgboost.Booster):
        # Only NaN differs from itself.
        if native.missing == native.missing:
            return NoExactAnswer("the XGBoost estimator counts a number as missing")
        native = native.get_booster()
    ensemble = xgboost_trees.read_booster(native)
    if isinstance(ensemble, NoExactAnswer):
        return ensemble
    words: dict[str, list[Any]] = {}
    if hasattr(native, "get_categories") and not native.get_categories().empty():
        stored = native.get_categories(export_to_arrow=True).to_arrow()
        words = {name: known.to_pylist() for name, known in stored if known is not None}
    best = native.attr("best_iteration")
    rounds = (0, int(best) + 1) if best is not None else (0, 0)

    def scores(matrix: np.ndarray) -> np.ndarray:
        rows = xgboost.DMatrix(
            matrix, feature_names=native.feature_names, feature_types=native.feature_types, enable_categorical=True
        )
        return np.asarray(native.predict(rows, output_margin=True, iteration_range=rounds), dtype=float)

    return ensemble, plain_encoding(native.feature_names or columns, words), scores


def _read_lightgbm(native: Any, columns: tuple[str, ...]) -> tuple[TreeEnsemble, Encoding, RawScores] | NoExactAnswer:
    import numpy as np

    booster = getattr(native, "booster_", native)
    ensemble = lightgbm_trees.read_booster(booster)
    if isinstance(ensemble, NoExactAnswer):
        return ensemble
    known = booster.feature_name()
    blank_free = {name.replace(" ", "_"): name for name in columns}
    names = [blank_free.get(name, name) for name in known]
    nameless = known == [f"Column_{number}" for number in range(len(known))]
    if nameless and len(known) == len(columns):
        names = list(columns)
    words = booster.pandas_categorical or []
    infos = dict(
        line.split("=", 1) for line in booster.model_to_string().splitlines() if line.startswith("feature_infos")
    )
    categorical = [
        name for name, info in zip(names, infos["feature_infos"].split(" "), strict=True)
        if not info.startswith("[") and info != "none"
    ]  # fmt: skip
    if words and len(words) != len(categorical):
        return NoExactAnswer("the LightGBM model keeps categories of columns that it does not name")
    encoding = plain_encoding(names, dict(zip(categorical, words, strict=True)) if words else None)
    # LightGBM's own raw score of a forest is the sum, its answer stands on the mean.
    return ensemble, encoding, lambda matrix: np.asarray(booster.predict(matrix, raw_score=True)) / ensemble.divisor


def _read_sklearn(native: Any, columns: tuple[str, ...]) -> tuple[TreeEnsemble, Encoding, RawScores] | NoExactAnswer:
    ensemble = sklearn_trees.read_estimator(native)
    if isinstance(ensemble, NoExactAnswer):
        return ensemble
    numbered = getattr(native, "_preprocessor", None) is not None
    encoding = _histogram_encoding(native, columns) if numbered else plain_encoding(columns)
    return ensemble, encoding, lambda matrix: sklearn_trees.raw_scores(native, matrix)


def _histogram_encoding(native: Any, columns: tuple[str, ...]) -> Encoding:
    """Histogram gradient boosting numbers its categories itself and puts their columns first."""
    categorical = [name for name, flag in zip(columns, native.is_categorical_, strict=True) if flag]
    numbers = [name for name, flag in zip(columns, native.is_categorical_, strict=True) if not flag]
    origins = [Origin(column=name, ordered=False) for name in categorical]
    origins += [Origin(column=name, ordered=True) for name in numbers]

    def encode(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        rows = frame[list(columns)]
        ready = rows if hasattr(native, "feature_names_in_") else rows.to_numpy()
        return np.asarray(native._preprocess_X(ready, reset=False), dtype=float)  # noqa: SLF001 - no public way in

    return Encoding(columns=columns, origins=tuple(origins), encode=encode)


def _checked(model: TreeModel, scores: RawScores) -> TreeModel | NoExactAnswer:
    """The model, if it scores made-up rows as the library does."""
    import numpy as np

    matrix = _probes(model.ensemble)
    expected = np.asarray(scores(matrix), dtype=float).reshape(len(matrix), -1)
    found = model.ensemble.margin(matrix)
    if expected.shape != found.shape:
        return NoExactAnswer(f"the library gives {expected.shape[1]} scores a row where {found.shape[1]} were read")
    apart = float(np.abs(expected - found).max())
    if not apart <= 10 * model.ensemble.noise:
        return NoExactAnswer(
            f"the trees that were read do not score made-up rows as the library does ({apart:.2g} apart)"
        )
    return model


def _probes(ensemble: TreeEnsemble) -> np.ndarray:
    """Rows of thresholds, their neighbours and categories, shape (PROBES, inputs)."""
    import numpy as np

    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(PROBES, ensemble.inputs))
    for column in range(ensemble.inputs):
        here = ensemble.feature == column
        if not here.any() or not (ensemble.feature != LEAF).any():
            continue
        if (ensemble.member[here] != NO_SET).any():
            # Codes that no split lists may be unknown to the library, which then reads them as missing.
            sets = ensemble.sets[ensemble.member[here & (ensemble.member != NO_SET)]]
            listed = np.flatnonzero((sets != sets[:, -1:]).any(axis=0))
            matrix[:, column] = draw.integers(0, listed.max(initial=0) + 1, PROBES)
            continue
        known = np.unique(ensemble.threshold[here])
        kind = np.float32 if ensemble.single else np.float64
        near = np.concatenate(
            [known, np.nextafter(known.astype(kind), kind(np.inf)), np.nextafter(known.astype(kind), kind(-np.inf))]
        )
        matrix[:, column] = draw.choice(near[np.isfinite(near)], PROBES)
    return matrix

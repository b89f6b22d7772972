"""Every kind of model goes through robustness and privacy: the careless twin is found out, the healthy one passes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lightgbm
import pandas as pd
import pytest
import skops.io
import xgboost
from matplotlib.figure import Figure
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from inference_server import Served, metadata_digest, serving
from model_governance.contract.connections import PlainConnections
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model
from model_kinds import Twin, assert_found, privacy, robustness

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.contract.subject import Model

WORDS = ["region", "channel"]


def piped(last):
    prepare = make_column_transformer((OneHotEncoder(), WORDS), (StandardScaler(), ["income", "debt", "age"]))
    return make_pipeline(prepare, last)


def classifier(twin):
    """A forest that learns every row by heart, or a line."""
    last = RandomForestClassifier(12, random_state=0) if twin.careless else LogisticRegression(C=0.5)
    return piped(last).fit(*twin.train)


def by_skops(twin, folder, _):
    return twin.load(skops.io.dumps(classifier(twin)), "skops", folder)


def by_onnx(twin, folder, _):
    native = classifier(twin)
    features = twin.train[0]
    inputs = [
        (name, StringTensorType([None, 1]) if name in WORDS else FloatTensorType([None, 1]))
        for name in features.columns
    ]
    content = to_onnx(native, initial_types=inputs, options={id(native): {"zipmap": False}}).SerializeToString()
    return twin.load(content, "onnx", folder)


def by_regressor(twin, folder, _):
    last = RandomForestRegressor(12, bootstrap=False, max_features=0.5, random_state=0) if twin.careless else Ridge()
    return twin.load(skops.io.dumps(piped(last).fit(*twin.train)), "skops", folder)


def worded(features):
    return features.astype({name: pd.CategoricalDtype(sorted(features[name].unique())) for name in WORDS})


def by_xgboost(twin, folder, _):
    features, labels = twin.train
    careless = {"max_depth": 9, "eta": 0.5}
    settings = careless if twin.careless else {"max_depth": 2, "eta": 0.1, "lambda": 5}
    data = xgboost.DMatrix(worded(features), labels, enable_categorical=True, nthread=1)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, **settings}, data, 25)
    return twin.load(bytes(booster.save_raw("ubj")), "xgboost", folder)


def by_lightgbm(twin, folder, _):
    features, labels = twin.train
    careless = {"num_leaves": 60, "min_data_in_leaf": 2, "learning_rate": 0.4, "min_data_in_bin": 1}
    settings = careless if twin.careless else {"num_leaves": 4, "learning_rate": 0.1, "min_data_in_leaf": 30}
    fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
    booster = lightgbm.train({**settings, **fixed}, lightgbm.Dataset(worded(features), labels), 25)
    return twin.load(booster.model_to_string().encode(), "lightgbm", folder)


def by_endpoint(twin, _, stack):
    served = Served(classifier(twin), twin.train[0])
    uri = stack.enter_context(serving(served))
    made = {"name": "twin", "uri": uri, "sha256": metadata_digest(served.metadata), "format": "http", "classes": (0, 1)}
    spec = ModelSpec(**made, task=twin.task, endpoint={"batch_rows": 5000})
    return load_model(spec, twin.columns, folder=None, connections=PlainConnections())


@dataclass(frozen=True)
class Kind:
    """How a twin's model comes about, and which privacy attacks it allows."""

    make: Callable[..., Model]
    privacy: tuple[str, ...] = ("rmia", "loss")
    regression: bool = False


KINDS = {
    "scikit-learn pipeline": Kind(by_skops),
    "XGBoost": Kind(by_xgboost),
    "LightGBM": Kind(by_lightgbm),
    "regressor": Kind(by_regressor, regression=True),
    "ONNX": Kind(by_onnx, privacy=("quantile", "loss")),
    "HTTP endpoint": Kind(by_endpoint, privacy=("quantile", "loss")),
}


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Half of the time goes into drawing, which the contract of every check looks at already."""
    monkeypatch.setattr(Figure, "savefig", lambda _, sink, **__: sink.write(b"<svg/>"))


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    """The subject of each kind and twin, made once."""
    made = {}
    with ExitStack() as stack:

        def subject(name, *, careless):
            if (name, careless) not in made:
                kind = KINDS[name]
                twin = Twin(careless=careless, regression=kind.regression)
                made[name, careless] = twin.subject(kind.make(twin, tmp_path_factory.mktemp("model"), stack))
            return made[name, careless]

        yield subject


@pytest.mark.parametrize("name", KINDS)
def test_a_fragile_model_is_found(subjects, name):
    assert_found(robustness(subjects(name, careless=True)), key=("hopskipjump", "greedy"))


@pytest.mark.parametrize("name", KINDS)
def test_a_robust_model_passes(subjects, name):
    verdict = robustness(subjects(name, careless=False))
    assert verdict.outcome == "pass", verdict.sentence


@pytest.mark.parametrize("name", KINDS)
def test_a_model_that_knows_its_rows_by_heart_is_found(subjects, name):
    attacks = KINDS[name].privacy
    assert_found(privacy(subjects(name, careless=True), attacks=attacks), key=attacks)


@pytest.mark.parametrize("name", KINDS)
def test_a_model_that_generalises_passes(subjects, name):
    verdict = privacy(subjects(name, careless=False), attacks=KINDS[name].privacy)
    assert verdict.outcome == "pass", verdict.sentence

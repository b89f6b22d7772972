"""A model that another version of its library wrote is an error until the policy accepts that version."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from functools import partial

import joblib
import pytest
import sklearn
import skops.io
import xgboost
from sklearn.ensemble import AdaBoostClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import model_files
import tree_mutants
from model_governance.errors import SubjectError
from model_governance.evidence.record import _model
from model_governance.subjects import load_model

FRAME = tree_mutants.rows()
LABELS = (FRAME["a"] > 0).astype(int)
RUNNING = sklearn.__version__


@pytest.fixture
def load(tmp_path):
    return partial(model_files.load, tmp_path)


@pytest.fixture(scope="module")
def boosted():
    return make_pipeline(StandardScaler(), AdaBoostClassifier(n_estimators=3)).fit(FRAME, LABELS)


def older(content: bytes) -> bytes:
    """The file as scikit-learn 1.3.2 would have marked it."""
    assert content.count(RUNNING.encode()) > 0
    return content.replace(RUNNING.encode(), b"1.3.2")


def older_skops(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(sink, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            after.writestr(name, older(part) if name == "schema.json" else part)
    return sink.getvalue()


def through_joblib(model: object) -> bytes:
    sink = io.BytesIO()
    joblib.dump(model, sink)
    return sink.getvalue()


FILES = {
    "skops": (skops.io.dumps, older_skops, {}),
    "pickle": (pickle.dumps, older, {"allow_pickle": True}),
    "joblib": (through_joblib, older, {"allow_pickle": True}),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_model_of_another_version_is_an_error_that_names_both(load, boosted, kind):
    """M1: AdaBoost of 1.3.2 gave a log loss of .3869 instead of .4435, and a pass."""
    dump, age, keys = FILES[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            SubjectError, match=rf"written by scikit-learn 1\.3\.2.*{RUNNING}.*accept_version: \"1\.3\.2\""
        ):
            load(age(dump(boosted)), format=kind, **keys)
        accepted = load(age(dump(boosted)), format=kind, accept_version="1.3.2", **keys)
        with pytest.raises(SubjectError, match="written by"):
            load(age(dump(boosted)), format=kind, accept_version="1.3.1", **keys)
    assert accepted.written_by == "scikit-learn 1.3.2"


@pytest.mark.parametrize("kind", FILES)
def test_the_version_of_the_running_library_is_read_and_recorded(load, boosted, kind):
    """M1: the record of a check says which version wrote the model."""
    dump, _, keys = FILES[kind]
    assert load(dump(boosted), format=kind, **keys).written_by == f"scikit-learn {RUNNING}"


def test_one_part_of_another_version_is_enough(load, boosted):
    """M1: a pipeline put together of parts that two versions saved."""
    mixed = pickle.dumps(boosted).replace(RUNNING.encode(), b"1.3.2", 1)
    with pytest.raises(SubjectError, match="1\\.3\\.2"):
        load(mixed, format="pickle", allow_pickle=True)


@pytest.mark.parametrize("form", ["json", "ubj"])
def test_xgboost_files_say_their_version(load, form):
    """M1: XGBoost writes its version into every file."""
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2}, xgboost.DMatrix(FRAME, LABELS), 2)
    content = bytes(booster.save_raw(form))
    model = load(content, format="xgboost")
    assert model.written_by == f"XGBoost {xgboost.__version__}"
    document = json.loads(bytes(booster.save_raw("json")))
    document["version"] = [1, 7, 6]
    with pytest.raises(SubjectError, match=r"XGBoost 1\.7\.6"):
        load(json.dumps(document).encode(), format="xgboost")
    assert load(json.dumps(document).encode(), format="xgboost", accept_version="1.7.6").written_by == "XGBoost 1.7.6"


def test_the_record_holds_the_version(tmp_path, boosted):
    """M1: evidence says which library answered."""
    from model_governance.contract.connections import PlainConnections

    spec = model_files.spec(tmp_path, skops.io.dumps(boosted), format="skops")
    columns = model_files.columns("a", "b", "c")
    model = load_model(spec, columns, folder=tmp_path, connections=PlainConnections())
    recorded = _model(model)
    assert recorded is not None
    assert recorded["written_by"] == f"scikit-learn {RUNNING}"

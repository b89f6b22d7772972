"""Pipelines of imbalanced-learn and encoders of category_encoders load where installed, scan clean, and else name the package."""

from __future__ import annotations

import importlib
import pickle
import sys
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

import model_files
import tree_mutants
from model_governance.errors import SubjectError
from model_governance.formats.optional_names import OPTIONAL_NAMES, OPTIONAL_PACKAGES
from model_governance.formats.pickle_names import allowed_in_pickle, allowed_in_skops
from unit.checks.supply_chain.scanning import clean, scan

FRAME = tree_mutants.rows()
LABELS = (FRAME["a"] > 0.8).astype(int)
SEARCH_TREES = ("sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree")
KEYS = {"pickle": {"allow_pickle": True}, "skops": {"trusted": SEARCH_TREES}}
OF_OURS = """
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline as Original

class Pipeline(Original):
    pass

class HashingEncoder(BaseEstimator):
    def fit(self, rows, labels=None):
        return self

    def transform(self, rows):
        return rows
"""


@pytest.fixture
def load(tmp_path):
    return partial(model_files.load, tmp_path)


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Packages of these names with two classes under the paths that the real ones have, gone after the test."""
    before = {name for name in sys.modules if name.partition(".")[0] in OPTIONAL_PACKAGES}
    for root, part in (("imblearn", "pipeline"), ("category_encoders", "hashing")):
        folder = tmp_path / "site" / root
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / f"{part}.py").write_text(OF_OURS)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()
    yield monkeypatch
    for name in [name for name in sys.modules if name.partition(".")[0] in OPTIONAL_PACKAGES and name not in before]:
        del sys.modules[name]


def files():
    model = pipeline()
    return {"pickle": pickle.dumps(model), "skops": skops.io.dumps(model)}


def pipeline():
    kind = importlib.import_module("imblearn.pipeline").Pipeline
    encoder = importlib.import_module("category_encoders.hashing").HashingEncoder
    return kind([("encode", encoder()), ("model", LogisticRegression())]).fit(FRAME, LABELS)


needs_stand_ins = pytest.mark.skipif(
    any(find_spec(root) is not None for root in OPTIONAL_PACKAGES), reason="the real packages are installed"
)


@needs_stand_ins
@pytest.mark.parametrize("kind", ["pickle", "skops"])
def test_a_pipeline_loads_where_its_library_is_and_names_the_package_where_not(load, stand_ins, tmp_path, kind):
    content = files()[kind]
    assert clean(scan(content, kind))
    model = load(content, format=kind, **KEYS[kind])
    assert model.predict_proba(FRAME).shape == (len(FRAME), 2)
    stand_ins.undo()
    for name in [name for name in sys.modules if name.partition(".")[0] in OPTIONAL_PACKAGES]:
        del sys.modules[name]
    importlib.invalidate_caches()
    with pytest.raises(
        SubjectError, match=r"not installed: No module named '\w+.*pip install (imbalanced-learn|category_enc)"
    ):
        load(content, format=kind, **KEYS[kind])


def test_the_scan_knows_every_name_of_the_list():
    assert len(OPTIONAL_NAMES) > 40
    for module, name in OPTIONAL_NAMES:
        assert allowed_in_pickle(module, name)
        assert allowed_in_skops(module, name)
    assert not allowed_in_pickle("imblearn.base", "FunctionSampler")
    assert not allowed_in_pickle("imblearn.utils.testing", "all_estimators")


@pytest.mark.parametrize("root", OPTIONAL_PACKAGES)
def test_every_name_of_the_list_is_one_of_the_installed_library(root):
    pytest.importorskip(root)
    for module, name in OPTIONAL_NAMES:
        if module.partition(".")[0] == root:
            assert getattr(importlib.import_module(module), name).__module__ == module


@pytest.mark.parametrize("kind", ["pickle", "skops"])
def test_samplers_load_where_imbalanced_learn_is_installed(load, kind):
    imblearn = pytest.importorskip("imblearn")
    from imblearn.combine import SMOTEENN
    from imblearn.ensemble import BalancedRandomForestClassifier
    from imblearn.over_sampling import SMOTE
    from imblearn.under_sampling import RandomUnderSampler

    assert imblearn.__version__
    for sampler in (SMOTE(k_neighbors=2), RandomUnderSampler(), SMOTEENN(random_state=0)):
        model = imblearn.pipeline.Pipeline([("balance", sampler), ("model", LogisticRegression())]).fit(FRAME, LABELS)
        check(load, model, kind)
    check(load, BalancedRandomForestClassifier(n_estimators=3, random_state=0).fit(FRAME, LABELS), kind)


def check(load, model, kind: str) -> None:
    content = {"pickle": pickle.dumps, "skops": skops.io.dumps}[kind](model)
    assert clean(scan(content, kind))
    loaded = load(content, format=kind, **KEYS[kind])
    np.testing.assert_allclose(loaded.predict_proba(FRAME), model.predict_proba(FRAME), rtol=1e-12)


def test_encoders_without_tables_load_where_category_encoders_is_installed(load):
    encoders = pytest.importorskip("category_encoders")
    rows = FRAME.assign(a=pd.cut(FRAME["a"], 3, labels=["x", "y", "z"]).astype(str))
    model = Pipeline([("encode", encoders.HashingEncoder(cols=["a"], max_process=1)), ("model", LogisticRegression())])
    content = pickle.dumps(model.fit(rows, LABELS))
    assert clean(scan(content))
    given = model_files.columns("b", "c", "a")
    loaded = load(content, format="pickle", allow_pickle=True, given=given)
    np.testing.assert_allclose(loaded.predict_proba(rows), model.predict_proba(rows), rtol=1e-12)

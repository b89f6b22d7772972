"""Models as MLflow stores them: the named file is read, digested and given to its own loader; nothing else runs."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import sys
from pathlib import Path
from types import ModuleType

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn.linear_model import LogisticRegression

from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable, UntrustedModel
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model
from model_governance.subjects.models import read_model_file
from synthetic import rows

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN, TODAY = rows(200, seed=1), rows(50, seed=2)
LOGISTIC = LogisticRegression(max_iter=2000).fit(TRAIN[NUMBERS], TRAIN["label"])
BOOSTED = xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1).fit(TRAIN[NUMBERS], TRAIN["label"])
LIGHT = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=4, n_jobs=1, verbose=-1).fit(TRAIN[NUMBERS], TRAIN["label"])

# As mlflow 3.17 writes them, without the environment files that lie beside.
SKLEARN = """
flavors:
  python_function: {{env: {{conda: conda.yaml}}, loader_module: mlflow.sklearn, model_path: {file}, predict_fn: predict}}
  sklearn: {{code: null, pickled_model: {file}, serialization_format: {kind}, sklearn_version: 1.9.1}}
mlflow_version: 3.17.2
"""
NATIVE = """
flavors:
  python_function: {{data: {file}, loader_module: mlflow.{kind}}}
  {kind}: {{code: null, data: {file}, model_class: any}}
mlflow_version: 3.17.2
"""
KINDS = {
    "skops": (SKLEARN.format(file="model.skops", kind="skops"), "model.skops", skops.io.dumps(LOGISTIC), LOGISTIC),
    "xgboost": (
        NATIVE.format(file="model.ubj", kind="xgboost"), "model.ubj", bytes(BOOSTED.get_booster().save_raw("ubj")), BOOSTED
    ),
    "lightgbm": (
        NATIVE.format(file="model.lgb", kind="lightgbm"), "model.lgb", LIGHT.booster_.model_to_string().encode(), LIGHT
    ),
}  # fmt: skip


@pytest.fixture
def logged(tmp_path):
    def write(text, name, content):
        folder = tmp_path / "logged"
        folder.mkdir()
        (folder / "MLmodel").write_text(text)
        (folder / name).write_bytes(content)
        return folder

    return write


def spec_of(content, uri="mlflow:logged", **keys):
    made = {"name": "credit", "uri": uri, "sha256": hashlib.sha256(content).hexdigest(), "format": "mlflow"}
    return ModelSpec(**made, task="binary_classification", **keys)


def loaded(spec, tmp_path):
    return load_model(spec, NUMERIC, folder=tmp_path, connections=PlainConnections())


@pytest.mark.parametrize("kind", KINDS)
def test_each_flavour_goes_to_the_loader_of_its_file(logged, tmp_path, kind):
    text, name, content, native = KINDS[kind]
    folder = logged(text, name, content)
    for uri in ("mlflow:logged", f"mlflow://{folder}"):
        model = loaded(spec_of(content, uri), tmp_path)
        np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(TODAY[NUMBERS]), atol=1e-6)
        assert model.format == kind
        assert model.train is not None


def test_a_pickle_needs_the_same_opt_in_as_ever(logged, tmp_path):
    content = pickle.dumps(LOGISTIC)
    logged(SKLEARN.format(file="model.pkl", kind="cloudpickle"), "model.pkl", content)
    with pytest.raises(UntrustedModel, match="allow_pickle"):
        loaded(spec_of(content), tmp_path)
    model = loaded(spec_of(content, allow_pickle=True), tmp_path)
    np.testing.assert_array_equal(model.predict(TODAY), LOGISTIC.predict(TODAY[NUMBERS]))


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


def test_a_hostile_pickle_is_refused(logged, tmp_path):
    content = pickle.dumps(Evil())
    logged(SKLEARN.format(file="model.pkl", kind="cloudpickle"), "model.pkl", content)
    with pytest.raises(UntrustedModel, match="exec"):
        loaded(spec_of(content, allow_pickle=True), tmp_path)


def test_other_bytes_are_refused_before_anything_reads_them(logged, tmp_path, monkeypatch):
    text, name, content, _ = KINDS["skops"]
    logged(text, name, content)
    monkeypatch.setattr(skops.io, "get_untrusted_types", lambda **_: pytest.fail("parsed"))
    with pytest.raises(DigestMismatch, match=r"model\.skops"):
        loaded(spec_of(content + b"x"), tmp_path)


def test_the_file_in_question_is_the_native_one(logged, tmp_path):
    text, name, content, _ = KINDS["xgboost"]
    logged(text, name, content)
    file = read_model_file(spec_of(content), folder=tmp_path, connections=PlainConnections())
    assert (file.format, file.content, file.uri) == ("xgboost", content, "mlflow:logged")


@pytest.mark.parametrize("said", ["../planted.skops", "/etc/hostname", "link.skops"])
def test_a_file_outside_the_folder_is_refused(logged, tmp_path, said):
    content = KINDS["skops"][2]
    folder = logged(SKLEARN.format(file=said, kind="skops"), "model.skops", content)
    (tmp_path / "planted.skops").write_bytes(content)
    (folder / "link.skops").symlink_to(tmp_path / "planted.skops")
    with pytest.raises(UntrustedModel, match="outside the model's folder"):
        loaded(spec_of(content), tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("flavors: {spark: {}}", "saved as spark; of MLflow's flavours lightgbm, onnx"),
        ("flavors: [", "MLmodel cannot be read"),
        ("name: x", "MLmodel cannot be read"),
        ("flavors: {sklearn: {code: null}}", "does not say which file"),
        ("flavors: {sklearn: {pickled_model: model.bin}}", r"no file ending in \.skops, \.pkl"),
        ("flavors: {sklearn: {pickled_model: gone.skops}}", "no file ending in"),
    ],
)
def test_what_mlmodel_does_not_say_is_told(logged, tmp_path, text, told):
    logged(text, "model.bin", b"x")
    with pytest.raises(SubjectError, match=told):
        loaded(spec_of(b"x"), tmp_path)


def test_a_folder_without_mlmodel_is_told(tmp_path):
    with pytest.raises(SubjectError, match="is no model of MLflow"):
        loaded(spec_of(b"x"), tmp_path)


class RegistryError(Exception):
    def __init__(self, code):
        super().__init__("the registry's own words")
        self.error_code = code


@pytest.fixture
def registry(monkeypatch):
    """A stand-in for mlflow that fails when it is told to; a real registry is asked in test_mlflow_registry."""

    def answer(download):
        artifacts, exceptions = ModuleType("mlflow.artifacts"), ModuleType("mlflow.exceptions")
        artifacts.download_artifacts, exceptions.MlflowException = download, RegistryError
        for module in (ModuleType("mlflow"), artifacts, exceptions):
            monkeypatch.setitem(sys.modules, module.__name__, module)

    return answer


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("mlflow:models/credit/3", "models:/credit/3"),
        ("mlflow:models/credit@champion", "models:/credit@champion"),
        ("mlflow:runs/4d1a61cd/model", "runs:/4d1a61cd/model"),
    ],
)
def test_the_registry_is_asked_and_its_copy_does_not_stay(logged, tmp_path, registry, uri, asked):
    text, name, content, native = KINDS["xgboost"]
    folder, copies = logged(text, name, content), []

    def download(*, artifact_uri, dst_path):
        assert artifact_uri == asked
        copies.append(shutil.copytree(folder, f"{dst_path}/artifacts"))
        return copies[-1]

    registry(download)
    model = loaded(spec_of(content, uri), tmp_path / "elsewhere")
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS]))
    assert len(copies) == 1
    assert not Path(copies[0]).exists()


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RegistryError("RESOURCE_DOES_NOT_EXIST"), SubjectError),
        (RegistryError("INTERNAL_ERROR"), SubjectUnreachable),
        (ConnectionResetError("reset"), SubjectUnreachable),
    ],
)
def test_a_registry_that_fails_is_told_apart_from_one_that_knows_no_model(tmp_path, registry, error, raised):
    def download(**_):
        raise error

    registry(download)
    with pytest.raises(raised, match="mlflow:models/credit/3") as caught:
        loaded(spec_of(b"x", "mlflow:models/credit/3"), tmp_path)
    assert type(caught.value) is raised


def test_without_mlflow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.artifacts", None)
    with pytest.raises(SubjectError, match=r"airflow-model-governance\[mlflow\]"):
        loaded(spec_of(b"x", "mlflow:models/credit/3"), tmp_path)

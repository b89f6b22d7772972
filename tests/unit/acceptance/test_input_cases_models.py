"""Models whose files say less than the policy: labels, missing values, outputs, batches."""

from __future__ import annotations

import json
import sys
from functools import partial
from types import ModuleType

import lightgbm
import numpy as np
import onnx
import pytest
import xgboost
from onnx import TensorProto, helper
from pydantic import ValidationError
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

import model_files
import tree_mutants
from model_governance.errors import ModelMisbehaved, SubjectError
from model_governance.subjects.loaders.mlflow_folder import model_file

FRAME = tree_mutants.rows()
POSITIVE = (FRAME["a"] > 0).to_numpy()
THREE = np.digitize(FRAME["a"], [-0.5, 0.5])


@pytest.fixture
def load(tmp_path):
    return partial(model_files.load, tmp_path)


def native(kind: str, labels: np.ndarray, *, classes: int) -> bytes:
    """A native file of a classifier of numbered classes."""
    if kind == "xgboost":
        objective = (
            {"objective": "binary:logistic"} if classes == 2 else {"objective": "multi:softprob", "num_class": 3}
        )
        return bytes(xgboost.train(objective | {"max_depth": 3}, xgboost.DMatrix(FRAME, labels), 5).save_raw("json"))
    objective = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": 3}
    made = lightgbm.train(objective | {"verbosity": -1, "min_data_in_leaf": 5}, lightgbm.Dataset(FRAME, labels), 5)
    return made.model_to_string().encode()


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_the_policy_names_the_labels_of_a_native_file(load, kind):
    """M7: labels yes and no, classes: [no, yes]."""
    content = native(kind, POSITIVE.astype(int), classes=2)
    columns = model_files.columns("a", "b", "c", positive="yes")
    model = load(content, format=kind, classes=["no", "yes"], given=columns)
    assert model.classes == ("no", "yes")
    assert (model.predict(FRAME) == np.where(POSITIVE, "yes", "no")).mean() > 0.95
    assert model.position_of("yes") == 1
    numbered = load(content, format=kind)
    assert np.array_equal(numbered.predict_proba(FRAME), model.predict_proba(FRAME))
    assert np.array_equal(numbered.predict(FRAME) == 1, model.predict(FRAME) == "yes")


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_three_labels_are_named_and_copies_learn_them(load, kind):
    """M7: the labels of copies that attacks train are the same words."""
    content = native(kind, THREE, classes=3)
    words = np.array(["low", "middle", "high"])
    keys = {"training": {"eta": 0.3}} if kind == "xgboost" else {}
    model = load(content, format=kind, classes=words.tolist(), task="multiclass_classification", **keys)
    assert (model.predict(FRAME) == words[THREE]).mean() > 0.9
    labels = FRAME["a"].map(lambda value: words[int(np.digitize(value, [-0.5, 0.5]))])
    copy = model.fit(FRAME, labels, seed=1)
    assert copy.classes == model.classes
    assert (copy.predict(FRAME) == labels).mean() > 0.9


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("classes", [["no"], ["no", "yes", "maybe"], ["no", "no"]])
def test_another_number_of_labels_is_refused(load, kind, classes):
    """M7: the message says how many classes the file holds."""
    with pytest.raises(SubjectError, match="holds 2 classes, numbered from 0"):
        load(native(kind, POSITIVE.astype(int), classes=2), format=kind, classes=classes)


def test_xgboost_is_told_which_number_stands_for_missing(load):
    """M8: trained with missing=-999, probabilities off by .86 where the policy cannot say so."""
    rows = FRAME.copy()
    rows.loc[::3, "a"] = -999.0
    labels = np.where(rows["a"] == -999, 1, POSITIVE).astype(int)
    settings = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.5}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, labels, missing=-999), 10)
    expected = booster.predict(xgboost.DMatrix(rows, missing=-999))
    content = bytes(booster.save_raw("ubj"))
    told = load(content, format="xgboost", missing=-999).predict_proba(rows)[:, 1]
    assert np.abs(told - expected).max() < 1e-6
    untold = load(content, format="xgboost").predict_proba(rows)[:, 1]
    assert np.abs(untold - expected).max() > 0.5
    with pytest.raises(ValidationError, match="missing fits native XGBoost files"):
        load(content, format="lightgbm", missing=-999)


def classifier(labels: list) -> onnx.ModelProto:
    """A logistic regression as skl2onnx exports it, with labels and probabilities."""
    fitted = LogisticRegression().fit(FRAME.to_numpy(np.float32), np.array(labels)[POSITIVE.astype(int)])
    return to_onnx(fitted, FRAME.to_numpy(np.float32)[:1], options={"zipmap": False})


def with_classes(model: onnx.ModelProto, classes: list) -> bytes:
    """The file with the metadata entry `classes`."""
    helper.set_model_props(model, {"classes": json.dumps(classes)})
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("labels", "classes"), [([0, 1], [1, 0]), (["no", "yes"], ["yes", "no"]), (["no", "yes"], [0, 1]), ([0, 1], [0, 0])]
)
def test_onnx_metadata_that_contradict_the_classifier_are_refused(load, labels, classes):
    """M11: metadata classes that name other labels, or the same in another order."""
    with pytest.raises(SubjectError, match="metadata entry classes"):
        load(with_classes(classifier(labels), classes), format="onnx")
    model = load(with_classes(classifier(labels), labels), format="onnx")
    assert (model.predict(FRAME) == np.array(labels)[POSITIVE.astype(int)]).mean() > 0.9


def chosen(order: list[int]) -> onnx.ModelProto:
    """Probabilities of two classes and a label from their largest, looked up in `order`."""
    weights = np.array([[-3.0, 3.0], [0.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", ["rows", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["scores"], ["place"], axis=1, keepdims=0),
        helper.make_node("Gather", ["order", "place"], ["label"]),
    ]
    graph = helper.make_graph(
        nodes, "chosen", [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
         helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [3, 2], weights.ravel()),
         helper.make_tensor("order", TensorProto.INT64, [2], order)],
    )  # fmt: skip
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])


def test_onnx_labels_that_contradict_the_probabilities_are_refused(load):
    """M11: no node names the labels, and the metadata have them in another order than the label output."""
    right = load(with_classes(chosen([0, 1]), [0, 1]), format="onnx")
    assert (right.predict(FRAME) == POSITIVE).mean() > 0.95
    wrong = load(with_classes(chosen([0, 1]), [1, 0]), format="onnx")
    with pytest.raises(ModelMisbehaved, match="contradict one another on every row"):
        wrong.predict(FRAME)
    others = load(with_classes(chosen([0, 7]), [0, 1]), format="onnx")
    with pytest.raises(ModelMisbehaved, match="none of its classes"):
        others.predict(FRAME)


def normalised(*, training: bool) -> bytes:
    """Columns normalised by statistics of the batch (training) or of the file, and summed."""
    inputs = ["rows", "scale", "bias", "mean", "variance"]
    outputs = ["normal", "new_mean", "new_variance"] if training else ["normal"]
    nodes = [
        helper.make_node("BatchNormalization", inputs, outputs, training_mode=int(training)),
        helper.make_node("MatMul", ["normal", "weights"], ["score"]),
    ]
    ones, zeros = [1.0] * 3, [0.0] * 3
    graph = helper.make_graph(
        nodes, "normalised", [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor(name, TensorProto.FLOAT, [3], values) for name, values in
         {"scale": ones, "bias": zeros, "mean": zeros, "variance": ones}.items()]
        + [helper.make_tensor("weights", TensorProto.FLOAT, [3, 1], ones)],
    )  # fmt: skip
    made = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    return made.SerializeToString()


def test_answers_that_depend_on_the_batch_are_refused(load):
    """M14: a network exported in training mode, in ONNX; tests/neural has it in TorchScript."""
    assert load(normalised(training=False), format="onnx", task="regression").predict(FRAME).shape == (len(FRAME),)
    with pytest.raises(SubjectError, match="depend on the rows beside them"):
        load(normalised(training=True), format="onnx", task="regression")


def test_a_fixed_batch_is_refused_with_the_cure(load):
    """M11: a first dimension of 1 ended in the words of the library."""
    fitted = LogisticRegression().fit(FRAME.to_numpy(np.float32), POSITIVE)
    model = to_onnx(fitted, FRAME.to_numpy(np.float32)[:1])
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(SubjectError, match=r"fixed number of rows at once.*dynamic_axes"):
        load(model.SerializeToString(), format="onnx")


def test_an_unknown_stage_of_a_registry_is_not_found_once(tmp_path, monkeypatch):
    """M16: MLflow's client marks it as an internal error, which is no reason to try again."""

    class MlflowException(Exception):
        error_code = "INTERNAL_ERROR"

    def download(**_: object) -> None:
        raise MlflowException("No versions of model with name 'credit' and stage 'Nowhere' found")

    artifacts, exceptions = ModuleType("mlflow.artifacts"), ModuleType("mlflow.exceptions")
    artifacts.download_artifacts, exceptions.MlflowException = download, MlflowException
    for module in (ModuleType("mlflow"), artifacts, exceptions):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with (
        pytest.raises(SubjectError, match="no such model") as caught,
        model_file("mlflow:models/credit/Nowhere", folder=tmp_path),
    ):
        pass
    assert type(caught.value) is SubjectError
    assert not caught.value.infrastructure

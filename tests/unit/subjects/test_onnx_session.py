from __future__ import annotations

import json
import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from model_governance.contract.subject import Columns, Feature
from model_governance.errors import ModelMisbehaved, SubjectError, UntrustedModel
from model_governance.subjects.loaders.onnx_wire import read_facts
from synthetic import COLUMNS, pipeline, rows

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN, TODAY = rows(300, seed=1), rows(50, seed=2)
WIDE = [("X", FloatTensorType([None, 3]))]


def exported(model, *, inputs=WIDE, zipmap=True):
    classifies = hasattr(model, "classes_")
    options = {id(model): {"zipmap": zipmap}} if classifies else None
    return to_onnx(model, initial_types=inputs, options=options).SerializeToString()


def fitted(model, labels=None):
    return model.fit(TRAIN[NUMBERS].to_numpy(dtype=np.float32), TRAIN["label"] if labels is None else labels)


def dense(*, softmax=True, metadata=None, width=2, outputs=1):
    """What another toolkit exports: one matrix product, one output of numbers."""
    weights = np.linspace(-0.02, 0.03, 3 * width, dtype=np.float32).reshape(3, width)
    nodes = [helper.make_node("MatMul", ["X", "W"], ["raw"])]
    nodes.append(
        helper.make_node("Softmax" if softmax else "Identity", ["raw"], ["out0"], **({"axis": 1} if softmax else {}))
    )
    nodes += [helper.make_node("Identity", ["raw"], [f"out{number}"]) for number in range(1, outputs)]
    graph = helper.make_graph(
        nodes, "dense", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info(f"out{number}", TensorProto.FLOAT, [None, width]) for number in range(outputs)],
        [numpy_helper.from_array(weights, "W")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    return model


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("native", [LogisticRegression(max_iter=500), RandomForestClassifier(5, random_state=0)])
def test_a_classifier_answers_as_scikit_learn_does(load, native, zipmap):
    fitted(native)
    model = load(exported(native, zipmap=zipmap), columns=NUMERIC, format="onnx")
    features = TODAY[NUMBERS].to_numpy(dtype=np.float32)
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(features))
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(features), atol=1e-5)
    assert model.classes == (0, 1)


@pytest.mark.parametrize("zipmap", [True, False])
def test_labels_that_are_not_counted_from_zero_keep_their_names(load, zipmap):
    words = np.where(TRAIN["income"] > 70, "rich", np.where(TRAIN["income"] > 40, "fine", "poor"))
    columns = NUMERIC.model_copy(update={"positive": None})
    for labels, classes in (
        (words, ("fine", "poor", "rich")),
        (np.searchsorted(["g", "q"], words) * 5 + 2, (2, 7, 12)),
    ):
        native = fitted(RandomForestClassifier(5, random_state=0), labels)
        content = exported(native, zipmap=zipmap)
        model = load(content, columns=columns, format="onnx", task="multiclass_classification")
        assert model.classes == classes
        np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS].to_numpy(dtype=np.float32)))


def test_a_pipeline_with_one_input_per_column(load):
    native = pipeline(TRAIN)
    kinds = {"age": Int64TensorType, "region": StringTensorType, "channel": StringTensorType}
    inputs = [(name, kinds.get(name, FloatTensorType)([None, 1])) for name in COLUMNS.names]
    model = load(exported(native, inputs=inputs), format="onnx")
    features = TODAY[list(COLUMNS.names)]
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(features))
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(features), atol=1e-4)
    with pytest.raises(ModelMisbehaved, match="region have missing values"):
        model.predict(TODAY.assign(region=None))
    without = {name: feature for name, feature in COLUMNS.features.items() if name != "age"}
    with pytest.raises(SubjectError, match="trained on age"):
        load(exported(native, inputs=inputs), columns=COLUMNS.model_copy(update={"features": without}), format="onnx")


@pytest.mark.parametrize("task", ["regression", "ranking"])
def test_a_regressor_gives_one_value_per_row(load, task):
    native = fitted(GradientBoostingRegressor(n_estimators=5), TRAIN["income"])
    model = load(exported(native), columns=NUMERIC, format="onnx", task=task)
    np.testing.assert_allclose(model.predict(TODAY), native.predict(TODAY[NUMBERS].to_numpy()), rtol=1e-4)


def test_classes_may_stand_in_the_metadata(load):
    model = load(dense(metadata={"classes": "[1, 0]"}).SerializeToString(), columns=NUMERIC, format="onnx")
    assert model.classes == (1, 0)
    proba = model.predict_proba(TODAY)
    np.testing.assert_array_equal(model.predict(TODAY), np.array([1, 0])[proba.argmax(axis=1)])


def test_the_answer_does_not_depend_on_the_company_of_a_row(load):
    model = load(exported(fitted(LogisticRegression(max_iter=500))), columns=NUMERIC, format="onnx")
    whole = model.predict_proba(TODAY)
    np.testing.assert_array_equal(whole, model.predict_proba(TODAY))
    np.testing.assert_array_equal(whole[7:8], model.predict_proba(TODAY.iloc[7:8]))


def test_scores_are_not_taken_for_probabilities(load):
    content = dense(softmax=False, metadata={"classes": "[0, 1]"}).SerializeToString()
    model = load(content, columns=NUMERIC, format="onnx")
    with pytest.raises(ModelMisbehaved, match="softmax"):
        model.predict_proba(TODAY)


@pytest.mark.parametrize(
    ("content", "keys", "told"),
    [
        (dense(), {}, "says binary_classification and the file holds a regressor"),
        (dense(metadata={"classes": "no list"}), {}, "no JSON list"),
        (dense(metadata={"classes": '{"a": 1}'}), {}, "no JSON list"),
        (dense(metadata={"classes": "[0, 1, 2]"}), {}, "classes 0, 1, 2"),
        (dense(outputs=2), {"task": "regression"}, "out0: tensor.float., out1: tensor.float."),
        (dense(metadata={"classes": "[0, 1]"}), {"task": "regression"}, "holds a classifier"),
    ],
)
def test_what_does_not_fit_the_policy_says_so(load, content, keys, told):
    with pytest.raises(SubjectError, match=told):
        load(content.SerializeToString(), columns=NUMERIC, format="onnx", **keys)


def test_labels_without_a_list_of_classes_are_not_guessed(load):
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["X"], ["proba"], axes=[1], keepdims=1),
            helper.make_node("Cast", ["proba"], ["label"], to=TensorProto.INT64),
        ],
        "bare", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 3])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None, 1]),
            helper.make_tensor_value_info("proba", TensorProto.FLOAT, [None, 1]),
        ],
    )  # fmt: skip
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    with pytest.raises(SubjectError, match=r"ZipMap.*metadata entry classes"):
        load(content, columns=NUMERIC, format="onnx")


def test_another_number_of_columns_is_refused(load):
    content = exported(fitted(LogisticRegression(max_iter=500)))
    with pytest.raises(SubjectError, match=r"takes 3 columns and columns.features names 5"):
        load(content, format="onnx")


def test_tensors_in_other_files_are_not_covered_by_the_digest(load, tmp_path):
    model = dense(metadata={"classes": "[0, 1]"})
    onnx.save(
        model, tmp_path / "split.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )  # fmt: skip
    assert (tmp_path / "weights.bin").exists()
    with pytest.raises(UntrustedModel, match="other files"):
        load((tmp_path / "split.onnx").read_bytes(), columns=NUMERIC, format="onnx")


@pytest.mark.parametrize(
    "content", [b"junk", b"\x08", b"PK\x03\x04", exported(fitted(LogisticRegression(max_iter=500)))[:200]]
)
def test_a_damaged_file_is_a_subject_error(load, content):
    with pytest.raises(SubjectError, match=r"model\.bin"):
        load(content, columns=NUMERIC, format="onnx")


def test_a_missing_runtime_names_the_extra(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SubjectError, match=r"airflow-model-governance\[onnx\]"):
        load(dense().SerializeToString(), columns=NUMERIC, format="onnx")


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # twenty steps are enough here
@pytest.mark.parametrize("native", [LogisticRegression(max_iter=500), MLPClassifier((3,), max_iter=20, random_state=0)])
def test_the_facts_agree_with_the_onnx_package(native, zipmap):
    content = exported(fitted(native, TRAIN["label"] - 3), zipmap=zipmap)
    expected = [
        [one.decode() if isinstance(one, bytes) else one for one in helper.get_attribute_value(attribute)]
        for node in onnx.load_from_string(content).graph.node
        for attribute in node.attribute
        if attribute.name.startswith("classlabels_")
    ]
    found = [list(one) for one in read_facts(content).labels]
    assert json.dumps(found) == json.dumps([one for number, one in enumerate(expected) if one not in expected[:number]])
    assert not read_facts(content).external


def convolution(*sides):
    """A network on images of two classes, in the shape that a toolkit gave its input."""
    weights = np.linspace(-1, 1, 2 * 9, dtype=np.float32).reshape(2, 1, 3, 3)
    to_first = [helper.make_node("Transpose", ["X"], ["first"], perm=[0, 3, 1, 2])] if sides[-1] == 1 else []
    nodes = [
        *to_first,
        helper.make_node("Conv", ["first" if to_first else "X", "W"], ["raw"]),
        helper.make_node("GlobalAveragePool", ["raw"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["out"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "images", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, *sides])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 2])], [numpy_helper.from_array(weights, "W")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"classes": "[0, 1]"})
    return model.SerializeToString(), weights


def picture_columns(*shape):
    return Columns.model_validate({"image": {"column": "scan", "shape": shape, "range": [0, 1]}, "target": "label"})


@pytest.mark.parametrize(
    ("sides", "shape"), [((1, 4, 5), (1, 4, 5)), ((1, None, None), (4, 5)), ((4, 5, 1), (4, 5)), ((4, 5, 1), (1, 4, 5))]
)
def test_images_are_given_in_the_shape_of_the_input(load, sides, shape):
    content, weights = convolution(*sides)
    columns = picture_columns(*shape)
    model = load(content, columns=columns, format="onnx")
    pixels = np.random.default_rng(0).uniform(0, 1, (7, 20)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pixels.reshape(7, 4, 5), (3, 3), axis=(1, 2))
    scores = np.einsum("nijab,kab->nk", windows, weights[:, 0]) / 6
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        model.predict_proba(pd.DataFrame(pixels, columns=list(columns.names))), expected, atol=1e-5
    )


def test_an_input_for_other_images_is_refused(load):
    content, _ = convolution(1, 4, 5)
    with pytest.raises(SubjectError, match=r"takes input X of shape .* and columns.image.shape is \[5, 4\]"):
        load(content, columns=picture_columns(5, 4), format="onnx")

"""ONNX models, run by ONNX Runtime on the CPU with one thread, so that sums always have one order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError, UntrustedModel
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.batches import check_batches
from model_governance.subjects.loaders.contract import Trait, fit_columns, fit_count, make_model
from model_governance.subjects.loaders.onnx_wire import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.contract.images import Image
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

    Feed = Callable[[pd.DataFrame], dict[str, Any]]

NUMPY_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}
FLOATS = ("tensor(float)", "tensor(double)")
PROBES = (0.0, 1.0, -1.0, 0.25, -0.5)
ENOUGH = 10  # rows on which labels and probabilities may not all disagree
LABELS = ("tensor(int64)", "tensor(int32)", "tensor(string)")


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The model in an ONNX file: one tensor of all features in policy order (or of images, with `columns.image`), or one input per column.

    The classes of a classifier are read from the model (class labels of its nodes, or the metadata
    entry `classes`, a JSON list). Probabilities are a tensor, or the list of dicts that ZipMap makes.

    Raises:
        SubjectError: onnxruntime is missing, the file is no ONNX model, its inputs or outputs do not
            fit the policy, or its classes cannot be known.
        UntrustedModel: the file reads other files, which the digest does not cover.
    """
    runtime = import_library("onnxruntime", extra="onnx", uri=spec.uri)
    facts = read_facts(content)
    if facts.external:
        raise UntrustedModel(
            f"{spec.uri}: reads tensors from other files, which the sha256 does not cover; "
            "save the model in one file (onnx.save with save_as_external_data=False)"
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(content, sess_options=options, providers=["CPUExecutionProvider"])
    feed = _feed(session.get_inputs(), columns, uri=spec.uri)
    labels, scores = _outputs(session.get_outputs(), spec)
    classes = _classes(session, facts.labels, uri=spec.uri)
    trait: Trait = "classifier" if classes or labels is not None else "regressor"
    _check_label_type(session.get_outputs(), labels, classes, uri=spec.uri)
    if trait == "regressor":
        call = _values(session, feed, scores)
        _probe(call, session.get_inputs(), columns, uri=spec.uri)
        return make_model(spec, columns, native=session, trait=trait, call=call)
    if not classes:
        raise SubjectError(
            f"{spec.uri}: the file does not say which classes its probabilities belong to; export it with "
            'class labels (ZipMap), or add the metadata entry classes, for example classes = "[0, 1]"'
        )
    proba = _probabilities(session, feed, scores, classes=classes) if scores is not None else None
    call = _labels(session, feed, (labels, scores), classes) if labels is not None else _most_likely(proba, classes)
    if scores is not None:
        _probe(
            lambda frame: _matrix(session.run([scores], feed(frame))[0], classes),
            session.get_inputs(),
            columns,
            uri=spec.uri,
        )
    return make_model(spec, columns, native=session, trait=trait, call=call, call_proba=proba, classes=classes)


def _feed(inputs: list[Any], columns: Columns, *, uri: str) -> Feed:
    fixed = [f"{tensor.name} {tensor.shape}" for tensor in inputs if tensor.shape and isinstance(tensor.shape[0], int)]
    if fixed:
        raise SubjectError(
            f"{uri}: takes a fixed number of rows at once ({', '.join(fixed)}); export it with an open first dimension, "
            'for example torch.onnx.export(..., dynamic_axes={"input": {0: "rows"}}), or initial_types with [None, n]'
        )
    unknown = sorted({tensor.type for tensor in inputs} - set(NUMPY_TYPES))
    if unknown:
        raise SubjectError(f"{uri}: takes inputs of type {', '.join(unknown)}; export it with {', '.join(NUMPY_TYPES)}")
    if len(inputs) == 1 and not (len(columns.names) == 1 and inputs[0].name in columns.features):
        only = inputs[0]
        if columns.image is not None and len(only.shape) > 2:
            return _feed_images(only, columns, columns.image, uri=uri)
        width = only.shape[1] if len(only.shape) == 2 else None
        if width is None:
            raise SubjectError(f"{uri}: takes input {only.name} of shape {only.shape}; export it for (rows, features)")
        names = fit_count(width, columns, uri=uri) if isinstance(width, int) else list(columns.names)
        return lambda frame: {only.name: _convert(frame[names], only.type)}
    fit_columns([tensor.name for tensor in inputs], columns, uri=uri)
    return lambda frame: {tensor.name: _convert(frame[[tensor.name]], tensor.type) for tensor in inputs}


def _feed_images(only: Any, columns: Columns, image: Image, *, uri: str) -> Feed:
    """Rows as images in the first of the image's shapes that fits the input; sides that the file leaves open fit any."""
    names, sides = list(columns.names), only.shape[1:]
    for shape in image.input_shapes:
        if len(shape) == len(sides) and all(
            not isinstance(side, int) or side == own for side, own in zip(sides, shape, strict=True)
        ):
            return lambda frame: {only.name: _convert(frame[names], only.type).reshape(-1, *shape)}
    raise SubjectError(
        f"{uri}: takes input {only.name} of shape {only.shape}, and columns.image.shape is {list(image.shape)}; correct it"
    )


def _convert(frame: pd.DataFrame, tensor: str) -> np.ndarray:
    """Shape (n, columns). Missing values exist in float tensors only; elsewhere they raise."""
    dtype = NUMPY_TYPES[tensor]
    if tensor not in FLOATS and frame.isna().to_numpy().any():
        holes = ", ".join(str(name) for name in frame.columns[frame.isna().any()])
        raise ValueError(f"column(s) {holes} have missing values, which {tensor} cannot hold; fill them upstream")
    if tensor == "tensor(string)":
        return frame.astype(str).to_numpy(dtype=object)
    return frame.to_numpy(dtype=dtype)


def _outputs(outputs: list[Any], spec: ModelSpec) -> tuple[str | None, str | None]:
    """Names of the label output and of the output with scores or probabilities."""
    labels = [tensor.name for tensor in outputs if tensor.type in LABELS]
    scores = [tensor.name for tensor in outputs if tensor.type in FLOATS or tensor.type.startswith("seq(map(")]
    if len(labels) > 1 or len(scores) > 1 or not (labels or scores):
        listed = ", ".join(f"{tensor.name}: {tensor.type}" for tensor in outputs)
        raise SubjectError(
            f"{spec.uri}: gives the outputs {listed}; export it with one output of labels and one of probabilities, "
            "or with one output of values"
        )
    return (labels[0] if labels else None), (scores[0] if scores else None)


def _classes(session: Any, labels: tuple[tuple[int | str, ...], ...], *, uri: str) -> list[Any]:
    declared = session.get_modelmeta().custom_metadata_map.get("classes")
    if declared is not None:
        try:
            classes = json.loads(declared)
        except ValueError as error:
            raise SubjectError(f"{uri}: its metadata entry classes is no JSON list: {declared!r}") from error
        if not isinstance(classes, list) or len(set(map(repr, classes))) != len(classes):
            raise SubjectError(f"{uri}: its metadata entry classes is no JSON list of different labels: {declared!r}")
        if len(labels) == 1 and list(labels[0]) != classes:
            raise SubjectError(
                f"{uri}: its metadata entry classes says {classes} and its classifier answers {list(labels[0])}; take the "
                "entry away or correct it where the file is exported"
            )
        return classes
    # Several different label lists belong to the parts of an ensemble: none of them is the answer.
    return list(labels[0]) if len(labels) == 1 else []


def _check_label_type(outputs: list[Any], name: str | None, classes: list[Any], *, uri: str) -> None:
    """Nothing, when the output of labels can hold the classes."""
    if name is None or not classes:
        return
    texts = next(tensor.type for tensor in outputs if tensor.name == name) == "tensor(string)"
    if any(isinstance(label, str) != texts for label in classes):
        raise SubjectError(
            f"{uri}: its classes are {classes} and its output {name} answers {'texts' if texts else 'whole numbers'}; correct "
            "the metadata entry classes where the file is exported"
        )


def _probe(answers: Callable[[pd.DataFrame], np.ndarray], inputs: list[Any], columns: Columns, *, uri: str) -> None:
    """Ask generated rows together and alone, where all inputs are numbers."""
    import pandas as pd

    if all(tensor.type in FLOATS for tensor in inputs):
        rows = pd.DataFrame(dict.fromkeys(columns.names, PROBES), dtype=float)
        check_batches(answers, rows, uri=uri)


def _labels(
    session: Any, feed: Feed, outputs: tuple[str, str | None], classes: list[Any]
) -> Callable[[pd.DataFrame], np.ndarray]:
    """Labels that are classes; where there are probabilities too, they do not contradict them on every row."""
    import numpy as np

    name, scores = outputs
    shown = np.asarray(classes)

    def call(frame: pd.DataFrame) -> np.ndarray:
        labels, *answers = session.run([name, scores] if scores is not None else [name], feed(frame))
        labels = np.asarray(labels).reshape(len(frame))
        if not set(labels.tolist()) <= set(classes):
            raise ValueError(f"output {name} answers labels that are none of its classes {classes}")
        matrix = _matrix(answers[0], classes) if answers else None
        if matrix is not None and matrix.shape[1:] == (len(classes),) and len(frame) >= ENOUGH:
            likely = matrix.argmax(axis=1)
            if len(np.unique(likely)) > 1 and not (shown[likely] == labels).any():
                raise ValueError(
                    f"output {name} and the probabilities contradict one another on every row: classes {classes} are in "
                    "another order than the probabilities"
                )
        return labels

    return call


def _matrix(answer: Any, classes: list[Any]) -> np.ndarray:
    """Probabilities as (n, k), whether they are a tensor or the dicts of ZipMap."""
    import numpy as np

    if isinstance(answer, list):
        answer = [[row[label] for label in classes] for row in answer]
    matrix = np.asarray(answer, dtype=np.float64)
    if len(classes) == 2 and (matrix.ndim == 1 or matrix.shape[1:] == (1,)):
        matrix = np.column_stack([1 - matrix.ravel(), matrix.ravel()])
    return matrix


def _values(session: Any, feed: Feed, output: str | None) -> Callable[[pd.DataFrame], np.ndarray]:
    def call(frame: pd.DataFrame) -> np.ndarray:
        (values,) = session.run([output], feed(frame))
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    return call


def _probabilities(
    session: Any, feed: Feed, output: str, *, classes: list[Any]
) -> Callable[[pd.DataFrame], np.ndarray]:
    import numpy as np

    def call_proba(frame: pd.DataFrame) -> np.ndarray:
        (answer,) = session.run([output], feed(frame))
        matrix = _matrix(answer, classes)
        if ((matrix < -1e-6) | (matrix > 1 + 1e-6)).any() or (np.abs(matrix.sum(axis=1) - 1) > 1e-3).any():
            raise ValueError(f"output {output} holds scores, not probabilities that sum to 1; export it with softmax")
        return matrix

    return call_proba


def _most_likely(
    proba: Callable[[pd.DataFrame], np.ndarray] | None, classes: list[Any]
) -> Callable[[pd.DataFrame], np.ndarray]:
    import numpy as np

    if proba is None:
        raise ValueError("the model has neither labels nor probabilities")
    return lambda frame: np.asarray(classes)[proba(frame).argmax(axis=1)]

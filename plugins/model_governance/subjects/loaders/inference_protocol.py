"""The Open Inference Protocol, version 2, in JSON: metadata, requests and responses of an endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders.contract import fit_columns, fit_count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

    Feed = Callable[[pd.DataFrame], list[dict[str, Any]]]

FLOATS = {"FP32": "float32", "FP64": "float64"}
WHOLE = {
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(FLOATS, (int, float)), "BYTES": (str,), "BOOL": (bool,)
}  # fmt: skip
LABELS = (*WHOLE, "BYTES", "BOOL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input or output, as the metadata describe it."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What an endpoint takes and answers, and the version that does."""

    version: str | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @classmethod
    def read(cls, metadata: bytes, *, uri: str) -> Signature:
        """From pinned metadata (`pinned`).

        Raises:
            SubjectError: they describe no inputs and outputs.
        """
        fields = json.loads(metadata)
        try:
            sides = [tuple(_described(tensor) for tensor in fields[side]) for side in ("inputs", "outputs")]
        except (KeyError, TypeError, ValueError) as error:
            raise SubjectError(f"{uri}: its metadata describe no inputs and outputs: {error!r}") from error
        if not all(sides):
            raise SubjectError(
                f"{uri}: its metadata list no inputs or no outputs; state them where the model is served"
            )
        return cls(version=fields["version"], inputs=sides[0], outputs=sides[1])

    def feed(self, columns: Columns, *, uri: str) -> Feed:
        """How a frame becomes the inputs of a request: one tensor of all features in policy order, or one per column.

        Raises:
            SubjectError: the inputs are not the policy's columns, or of a type that JSON does not carry.
        """
        unknown = sorted({tensor.datatype for tensor in self.inputs} - {*FLOATS, *LABELS})
        if unknown:
            raise SubjectError(f"{uri}: takes inputs of type {', '.join(unknown)}; serve it with FP32, INT64 or BYTES")
        only = self.inputs[0]
        if len(self.inputs) > 1 or only.name in columns.features:
            fit_columns([tensor.name for tensor in self.inputs], columns, uri=uri)
            return lambda frame: [
                _tensor(tensor, frame[[tensor.name]], [len(frame), 1] if len(tensor.shape) == 2 else [len(frame)])
                for tensor in self.inputs
            ]
        if len(only.shape) != 2:
            raise SubjectError(f"{uri}: takes input {only.name} of shape {list(only.shape)}; serve (rows, features)")
        names = fit_count(only.shape[1], columns, uri=uri) if only.shape[1] > 0 else list(columns.names)
        return lambda frame: [_tensor(only, frame[names], [len(frame), len(names)])]

    def sides(self, *, uri: str) -> tuple[Tensor | None, Tensor | None]:
        """The output of labels and the output of scores; one of them may be missing.

        Raises:
            SubjectError: there are several of one sort.
        """
        labels = [tensor for tensor in self.outputs if tensor.datatype in LABELS]
        scores = [tensor for tensor in self.outputs if tensor.datatype in FLOATS]
        if len(labels) > 1 or len(scores) > 1 or not (labels or scores):
            shown = ", ".join(f"{tensor.name}: {tensor.datatype}" for tensor in self.outputs)
            raise SubjectError(
                f"{uri}: answers {shown}; serve one output of labels and one of probabilities, or one of values"
            )
        return (labels[0] if labels else None), (scores[0] if scores else None)


def _described(tensor: Mapping[str, Any]) -> Tensor:
    name, datatype, shape = tensor["name"], tensor["datatype"], tensor["shape"]
    if not isinstance(name, str) or not isinstance(datatype, str) or not all(type(size) is int for size in shape):
        raise TypeError("a tensor whose name, datatype or shape has another JSON type")
    return Tensor(name=name, datatype=datatype, shape=tuple(shape))


def pinned(metadata: Mapping[str, Any], *, version: str | None, uri: str) -> dict[str, Any]:
    """The metadata without the list of versions that happen to be served, and with the one that answers.

    Raises:
        SubjectError: several versions are served and the uri names none.
    """
    versions = [str(version) for version in metadata.get("versions") or []]
    if version is None and len(versions) > 1:
        raise SubjectError(f"{uri}: serves the versions {', '.join(versions)}; name one: {uri}/versions/{versions[-1]}")
    rest = {name: value for name, value in metadata.items() if name != "versions"}
    return {**rest, "version": version or (versions[0] if versions else None)}


def read_output(answer: Any, output: Tensor, rows: int) -> np.ndarray:
    """The values of one output, (rows,) or (rows, k); labels of any type or float64.

    Raises:
        ValueError: it is missing, or of another shape.
    """
    import numpy as np

    served = next((tensor for tensor in answer.get("outputs", []) if tensor.get("name") == output.name), None)
    if served is None:
        raise ValueError(f"the answer lacks the output {output.name}")
    sizes, data = served.get("shape"), served.get("data")
    if not isinstance(sizes, list) or not all(type(size) is int for size in sizes) or not isinstance(data, list):
        raise ValueError(f"output {output.name} has no shape of whole numbers, or no list of data")
    shape = tuple(sizes)
    _check_types(data, output)
    values = np.asarray(data, dtype=np.float64 if output.datatype in FLOATS else None)
    if shape[:1] != (rows,) or len(shape) > 2 or values.size != int(np.prod(shape)):
        raise ValueError(f"output {output.name} has shape {list(shape)} and {values.size} values for {rows} rows")
    return values.reshape(shape)


def _check_types(data: list[Any], output: Tensor) -> None:
    """Nothing, when every value of an output is of the JSON type of its datatype.

    Raises:
        ValueError: one is not; numpy would take a text or a boolean for a number.
    """
    wanted = JSON_TYPES.get(output.datatype, (int,))
    waiting: list[list[Any]] = [data]
    while waiting:
        items = waiting.pop()
        kinds = {type(item) for item in items}
        if kinds <= {*wanted}:
            continue
        strange = sorted(kind.__name__ for kind in kinds - {*wanted, list})
        if strange:
            raise ValueError(
                f"output {output.name} of type {output.datatype} holds JSON values of type {', '.join(strange)}"
            )
        if not kinds <= {list}:
            raise ValueError(f"output {output.name} mixes values and lists of values")
        waiting.extend(items)


def _tensor(tensor: Tensor, frame: pd.DataFrame, shape: list[int]) -> dict[str, Any]:
    """The columns as one tensor. JSON has no way to write a missing number."""
    if frame.isna().to_numpy().any():
        holes = ", ".join(str(name) for name in frame.columns[frame.isna().any()])
        raise ValueError(f"column(s) {holes} have missing values, which the protocol cannot carry; fill them upstream")
    if tensor.datatype == "BYTES":
        data = frame.astype(str).to_numpy(dtype=object).ravel().tolist()
    elif tensor.datatype == "BOOL":
        data = frame.astype(bool).to_numpy().ravel().tolist()
    else:
        data = frame.to_numpy(dtype=(FLOATS | WHOLE)[tensor.datatype]).ravel().tolist()
    return {"name": tensor.name, "shape": shape, "datatype": tensor.datatype, "data": data}

"""TorchScript models: one archive with weights and program, run on the CPU with one thread.

There is no `train`: the archive holds no loss, no optimiser and no schedule, so a copy that was
trained from it would be another model.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.batches import check_batches
from model_governance.subjects.loaders.contract import Trait, fit_columns, make_model
from model_governance.subjects.loaders.torch_archive import check_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.contract.images import Image
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

CLASSES = "classes.json"
LEAST = 1e-7  # of a probability, before its logarithm is taken in 32-bit floats
ROWS_AT_ONCE = 1024
PROBES = (0.0, 1.0, -1.0, 30.0, -30.0)
TEXT_KINDS = ("text", "datetime")


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The model in an archive written by `torch.jit.save`.

    It takes one float32 tensor (rows, features) in policy order, with `columns.image` (rows, *shape) of the image or flat
    rows, whichever it answers, or one tensor (rows,) per column where its arguments are named like the columns (categories
    as int64 codes, all others float32). It
    answers (rows, classes), for two classes also (rows, 1) or (rows,): logits, or probabilities where the
    policy says `output: probabilities`; or values (rows,). The classes are in the policy, or in the archive
    as the extra file classes.json.

    Raises:
        SubjectError: torch is missing, it is no TorchScript archive, or it does not fit the policy.
        UntrustedModel: the archive is crafted, or its program leaves torch.
    """
    torch = import_library("torch", extra="torch", uri=spec.uri)
    check_archive(content, uri=spec.uri)
    extra = {CLASSES: ""}
    module = torch.jit.load(BytesIO(content), map_location="cpu", _extra_files=extra).eval()
    for weights in module.parameters():
        weights.requires_grad_(requires_grad=False)
    classes = _classes(extra[CLASSES], spec)
    trait: Trait = "classifier" if "classification" in spec.task else "unknown"
    network = _Network(
        torch=torch, module=module, names=_names(module, columns, uri=spec.uri), columns=columns, classes=classes,
        answers=spec.output or "logits",
    )  # fmt: skip
    if columns.image is not None and network.names is None:
        network = _taking_images(network, columns.image, uri=spec.uri)
    _probe(network, spec)
    is_classifier = trait == "classifier"
    return make_model(
        spec, columns, native=module, trait=trait, classes=classes,
        call=network.labels if is_classifier else network.values,
        call_proba=network.probabilities if is_classifier else None,
        call_logits=network.logits,
        call_gradient=network.gradient,
    )  # fmt: skip


def _classes(stored: bytes | str, spec: ModelSpec) -> list[Any]:
    if "classification" not in spec.task:
        return []
    declared: Any = None
    if stored:
        try:
            declared = json.loads(stored)
        except ValueError as error:
            raise SubjectError(f"{spec.uri}: its extra file {CLASSES} is no JSON list") from error
        if not isinstance(declared, list):
            raise SubjectError(f"{spec.uri}: its extra file {CLASSES} is no JSON list")
    if declared and spec.classes and declared != list(spec.classes):
        raise SubjectError(
            f"{spec.uri}: model.classes is {list(spec.classes)} and the archive says {declared}; correct model.classes"
        )
    classes = list(spec.classes) or declared
    if not classes:
        raise SubjectError(
            f"{spec.uri}: the archive does not say which classes its outputs belong to; set model.classes, or save it "
            f"with _extra_files={{'{CLASSES}': '[0, 1]'}}"
        )
    return list(classes)


def _names(module: Any, columns: Columns, *, uri: str) -> list[str] | None:
    """Argument names where each column has its own, None where one tensor takes them all."""
    arguments = module.forward.schema.arguments[1:]
    text = columns.of_kind(*TEXT_KINDS)
    if text:
        raise SubjectError(
            f"{uri}: column(s) {', '.join(text)} are no numbers, which TorchScript needs; encode upstream"
        )
    other = [argument.name for argument in arguments if str(argument.type) != "Tensor"]
    if other:
        raise SubjectError(f"{uri}: takes argument(s) {', '.join(other)} that are no tensors; script it with tensors")
    if len(arguments) == 1 and arguments[0].name not in columns.features:
        return None
    return fit_columns([argument.name for argument in arguments], columns, uri=uri)


def _taking_images(network: _Network, image: Image, *, uri: str) -> _Network:
    """The network in the first of the image's shapes that the program answers.

    Raises:
        SubjectError: it answers none of them.
    """
    rows, refusals = _probe_rows(network.columns), []
    for shape in image.input_shapes:
        shaped = replace(network, shape=shape)
        try:
            shaped.outputs(rows)
        except (RuntimeError, ValueError, network.torch.jit.Error) as error:
            refusals.append(f"(rows, {', '.join(map(str, shape))}): {str(error).strip().splitlines()[-1]}")
        else:
            return shaped
    raise SubjectError(
        f"{uri}: takes no images of columns.image.shape {list(image.shape)}; tried {'; '.join(refusals)}; correct the shape, or "
        "script the model for it"
    )


def _probe_rows(columns: Columns) -> pd.DataFrame:
    """Generated rows that differ from one another."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame(np.repeat(np.array(PROBES)[:, None], len(columns.names), axis=1), columns=list(columns.names))


def _probe(network: _Network, spec: ModelSpec) -> None:
    """Check on generated rows that the outputs have the right width and kind and repeat."""
    import numpy as np

    rows = _probe_rows(network.columns)
    first, second = network.outputs(rows), network.outputs(rows)
    if not np.array_equal(first, second, equal_nan=True):
        raise SubjectError(
            f"{spec.uri}: answers the same rows differently when asked twice; script it without randomness"
        )
    check_batches(network.outputs, rows, uri=spec.uri)
    width, expected = first.shape[1], len(network.classes) or 1
    if width != expected and (width, expected) != (1, 2):
        raise SubjectError(
            f"{spec.uri}: answers {width} columns for {expected} class(es); correct model.classes or model.task"
        )
    if spec.output is None and network.classes and _look_like_probabilities(first):
        raise SubjectError(
            f"{spec.uri}: its answers look like probabilities, not logits; set model.output to probabilities or logits"
        )


def _look_like_probabilities(answers: np.ndarray) -> bool:
    import numpy as np

    inside = bool(((answers >= 0) & (answers <= 1)).all())
    return inside and (answers.shape[1] == 1 or bool(np.allclose(answers.sum(axis=1), 1, atol=1e-4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """The module with DataFrames as inputs and float64 arrays as outputs; `shape` is that of one image, None for flat rows."""

    torch: Any
    module: Any
    names: list[str] | None
    columns: Columns
    classes: list[Any]
    answers: str
    shape: tuple[int, ...] | None = None

    def outputs(self, frame: pd.DataFrame) -> np.ndarray:
        """The outputs of the module, shape (n, k), float64."""
        with self.torch.no_grad(), self._single_thread():
            return self._in_pieces(frame, lambda part, _: self._call_module(self._tensors(part)))

    def logits(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, classes), one column for values."""
        with self.torch.no_grad(), self._single_thread():
            return self._in_pieces(frame, lambda part, _: self._scores(self._call_module(self._tensors(part))))

    def gradient(self, frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        """Gradient of sum(weights * logits) by autograd, (n, numeric and integer features)."""
        numbers = frozenset(self.columns.of_kind("numeric", "integer"))
        moving = [place for place, name in enumerate(self.columns.names) if name in numbers]

        def gradients(part: pd.DataFrame, rows: slice) -> Any:
            inputs = self._tensors(part)
            for tensor in inputs:
                tensor.requires_grad_(tensor.is_floating_point())
            scores = self._scores(self._call_module(inputs))
            leaves = [tensor for tensor in inputs if tensor.requires_grad]
            derivatives = self.torch.autograd.grad((scores * self.torch.from_numpy(weights[rows])).sum(), leaves)
            if self.names is None:
                return derivatives[0].reshape(len(part), -1)[:, moving]
            by_name = dict(zip((name for name, tensor in zip(self.names, inputs, strict=True) if tensor.requires_grad),
                               derivatives, strict=True))  # fmt: skip
            return self.torch.stack([by_name[self.columns.names[place]] for place in moving], dim=1)

        with self.torch.enable_grad(), self._single_thread():
            return self._in_pieces(frame, gradients)

    def probabilities(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n, classes)."""
        import numpy as np
        from scipy.special import softmax

        if self.answers == "logits":
            return np.asarray(softmax(self.logits(frame), axis=1))
        shares = self.outputs(frame)
        return np.column_stack([1 - shares, shares]) if shares.shape[1] == 1 else shares

    def labels(self, frame: pd.DataFrame) -> np.ndarray:
        """The class with the largest logit, ties to the first, shape (n,)."""
        import numpy as np

        return np.asarray(self.classes)[self.logits(frame).argmax(axis=1)]

    def values(self, frame: pd.DataFrame) -> np.ndarray:
        """Shape (n,)."""
        return self.outputs(frame)[:, 0]

    def _tensors(self, frame: pd.DataFrame) -> list[Any]:
        if self.names is None:
            values = frame[list(self.columns.names)].to_numpy(dtype="float32", copy=True)
            return [self.torch.from_numpy(values if self.shape is None else values.reshape(-1, *self.shape))]
        kinds = {name: "int64" if self.columns.features[name].kind == "category" else "float32" for name in self.names}
        return [self.torch.from_numpy(frame[name].to_numpy(dtype=kinds[name], copy=True)) for name in self.names]

    def _call_module(self, inputs: list[Any]) -> Any:
        answer = self.module(*inputs)
        if not self.torch.is_tensor(answer) or answer.dim() > 2 or answer.shape[:1] != inputs[0].shape[:1]:
            shown = tuple(answer.shape) if self.torch.is_tensor(answer) else type(answer).__name__
            raise ValueError(f"the program answers {shown}, expected one tensor of {inputs[0].shape[0]} rows")
        return answer.double().reshape(len(answer), -1)

    def _scores(self, answer: Any) -> Any:
        """Answers as logits, a single score s as (0, s)."""
        single = answer.shape[1] == 1 and len(self.classes) == 2
        if self.answers == "probabilities" and self.classes:
            answer = answer.clamp(LEAST, 1 - LEAST)
            answer = answer.logit() if single else answer.log()
        return self.torch.cat([self.torch.zeros_like(answer), answer], dim=1) if single else answer

    def _in_pieces(self, frame: pd.DataFrame, answer: Any) -> np.ndarray:
        """Outputs batch by batch: the memory of a network's layers grows with the rows."""
        import numpy as np

        pieces = [slice(start, start + ROWS_AT_ONCE) for start in range(0, max(len(frame), 1), ROWS_AT_ONCE)]
        return np.concatenate([answer(frame.iloc[rows], rows).detach().numpy() for rows in pieces]).astype(np.float64)

    @contextmanager
    def _single_thread(self) -> Iterator[None]:
        """Run with one thread and without the optimiser that rewrites the program after the first calls: sums keep their order."""
        threads = self.torch.get_num_threads()
        self.torch.set_num_threads(1)
        try:
            with self.torch.jit.optimized_execution(should_optimize=False):
                yield
        finally:
            self.torch.set_num_threads(threads)

"""A model behind an inference endpoint (KServe, Triton, MLServer, Seldon): only its outputs are known.

It has no gradients and no `train`: the protocol carries rows and outputs only. The digest of a policy
pins the metadata that the endpoint states. That the endpoint serves the same bytes in every run cannot
be proven from outside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from model_governance.contract.result import canonical_json
from model_governance.errors import ModelMisbehaved, SubjectError
from model_governance.subjects.loaders.contract import make_model, with_zero
from model_governance.subjects.loaders.inference_client import InferenceClient
from model_governance.subjects.loaders.inference_protocol import Signature, pinned, read_output

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec
    from model_governance.subjects.loaders.inference_protocol import Feed, Tensor

    Call = Callable[[pd.DataFrame], np.ndarray]

# Of answers that are random in one of 200, so many rows asked twice show a difference but for once in 20,000 checks.
ASKED_TWICE, FEWEST_TWICE = 1_000, 32
TWICE_SHARE = 0.005  # of the rows that a check may ask
# Servers with graphics cards add up in changing order; anything above is another answer.
RELATIVE, ABSOLUTE = 1e-5, 1e-7


def read_metadata(spec: ModelSpec, connections: Connections) -> bytes:
    """What the endpoint says of itself, with the version that answers, as canonical JSON: the text that is digested.

    Raises:
        SubjectError: it is no endpoint, knows no such model, or serves several versions.
        SubjectUnreachable: it does not answer.
    """
    client = InferenceClient(spec, connections)
    metadata = pinned(client.metadata(), version=client.version, uri=client.uri)
    try:
        return canonical_json(metadata)
    except ValueError as error:
        raise SubjectError(
            f"{client.uri}: its metadata hold NaN or infinities; correct them where it is served"
        ) from error


def connect(metadata: bytes, spec: ModelSpec, columns: Columns, *, connections: Connections) -> Model:
    """The model behind the endpoint with these metadata; the first rows that it is asked are asked twice.

    A classifier answers labels, scores or both; its classes stand in the policy. Scores are probabilities
    unless the policy says `output: logits`.

    Raises:
        SubjectError: inputs or outputs do not fit the policy, or the classes are not known.
    """
    signature = Signature.read(metadata, uri=spec.uri)
    labels, scores = signature.sides(uri=spec.uri)
    served = _Served(
        client=InferenceClient(spec, connections), version=signature.version,
        feed=signature.feed(columns, uri=spec.uri), batch=spec.endpoint.batch_rows,
        twice=min(ASKED_TWICE, max(FEWEST_TWICE, int(TWICE_SHARE * spec.endpoint.max_rows))),
    )  # fmt: skip
    return replace(_model(spec, columns, served, labels, scores, signature), rows_left=lambda: served.client.rows_left)


def _model(
    spec: ModelSpec,
    columns: Columns,
    served: _Served,
    labels: Tensor | None,
    scores: Tensor | None,
    signature: Signature,
) -> Model:
    """The calls of the model by what its endpoint answers."""
    if "classification" not in spec.task:
        return make_model(
            spec, columns, native=served.client, trait="unknown", call=_values(served, scores or signature.outputs[0])
        )
    if not spec.classes:
        raise SubjectError(f"{spec.uri}: an endpoint does not say which classes it knows; set model.classes")
    classes = list(spec.classes)
    proba = logits = None
    if scores is not None:
        read_scores = _scores(served, scores)
        logits = (lambda frame: with_zero(read_scores(frame))) if spec.output == "logits" else None
        proba = _softmax(logits) if logits else _probabilities(read_scores, scores.name, classes=len(classes))
    return make_model(
        spec, columns, native=served.client, trait="classifier", classes=classes,
        call=_labels(served, labels, classes) if labels is not None else _most_likely(cast("Call", proba), classes),
        call_proba=proba, call_logits=logits,
    )  # fmt: skip


class _Served:
    """Frames in, one output out, batch by batch."""

    def __init__(self, *, client: InferenceClient, version: str | None, feed: Feed, batch: int, twice: int) -> None:
        self.client = client
        self._version, self._feed, self._batch, self._twice = version, feed, batch, twice
        self._repeated: dict[str, int] = {}

    def ask(self, frame: pd.DataFrame, output: Tensor) -> np.ndarray:
        """Raises ModelMisbehaved where the same rows get other answers."""
        import numpy as np

        if not len(frame):
            raise ValueError("there are no rows to ask")
        answers = self._batches(frame, output)
        repeated = self._repeated.get(output.name, 0)
        if repeated < self._twice:
            again = frame.head(self._twice - repeated)
            self._agree(answers[: len(again)], self._batches(again, output))
            self._repeated[output.name] = repeated + len(again)
        return np.asarray(answers)

    def _batches(self, frame: pd.DataFrame, output: Tensor) -> np.ndarray:
        import numpy as np

        parts = []
        for start in range(0, len(frame), self._batch):
            rows = frame.iloc[start : start + self._batch]
            answer = self.client.infer(self._feed(rows), [output.name], rows=len(rows), version=self._version)
            parts.append(read_output(answer, output, len(rows)))
        return np.concatenate(parts)

    def _agree(self, first: np.ndarray, second: np.ndarray) -> None:
        import numpy as np

        if first.dtype.kind == "f":
            same = np.isclose(first, second, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
        else:
            same = np.asarray(first == second)
        if not same.all():
            raise ModelMisbehaved(
                f"{self.client.uri}: answered {int((~same).reshape(len(first), -1).any(axis=1).sum())} of {len(first)} "
                "rows differently when asked twice; serve one version of it, without randomness"
            )


def _values(served: _Served, output: Tensor) -> Call:
    def call(frame: pd.DataFrame) -> np.ndarray:
        answer = served.ask(frame, output)
        return answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer

    return call


def _labels(served: _Served, output: Tensor, classes: list[Any]) -> Call:
    values = _values(served, output)

    def call(frame: pd.DataFrame) -> np.ndarray:
        answer = values(frame)
        strange = sorted(set(answer.ravel().tolist()) - set(classes), key=repr)
        if strange:
            shown = ", ".join(map(repr, strange[:5]))
            raise ValueError(f"output {output.name} answers {shown}, which model.classes lacks")
        return answer

    return call


def _scores(served: _Served, output: Tensor) -> Call:
    """Shape (n, k), or (n, 1) where two classes share one score."""
    return lambda frame: served.ask(frame, output).reshape(len(frame), -1)


def _probabilities(scores: Call, name: str, *, classes: int) -> Call:
    import numpy as np

    def call_proba(frame: pd.DataFrame) -> np.ndarray:
        shares = scores(frame)
        if classes == 2 and shares.shape[1] == 1:
            shares = np.column_stack([1 - shares, shares])
        if ((shares < -1e-6) | (shares > 1 + 1e-6)).any() or (np.abs(shares.sum(axis=1) - 1) > 1e-3).any():
            raise ValueError(f"output {name} holds scores, not probabilities that sum to 1; set model.output: logits")
        return shares

    return call_proba


def _softmax(logits: Call) -> Call:
    from scipy.special import softmax

    return lambda frame: softmax(logits(frame), axis=1)


def _most_likely(proba: Call, classes: list[Any]) -> Call:
    import numpy as np

    return lambda frame: np.asarray(classes)[proba(frame).argmax(axis=1)]

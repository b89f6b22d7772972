"""Endpoints: the timeout holds for the whole request, and an answer has the JSON types that its metadata promise."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import inference_server
import model_files
import tree_mutants
from model_governance.contract.connections import PlainConnections
from model_governance.errors import ModelMisbehaved, SubjectUnreachable
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model, read_model_file

FRAME = tree_mutants.rows().head(8)
COLUMNS = model_files.columns("a", "b", "c")


@contextlib.contextmanager
def dribbling(first: bytes, piece: bytes):
    """A server that sends `first`, then `piece` every 50 ms until the client goes."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(first)
                    while not ended.wait(0.05):
                        connection.sendall(piece)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v2/models/credit"
    finally:
        ended.set()
        server.close()


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nx-slow: ", b"x"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=", b"y"),
    ],
    ids=["header bytes", "interim answers", "headers", "chunks", "body bytes", "chunk extension"],
)
def test_a_request_ends_at_its_timeout_whatever_the_server_sends(tmp_path, first, piece):
    """M12: a byte every .5 s kept a request of 1 s alive for 35 s."""
    with dribbling(first, piece) as address:
        spec = ModelSpec.model_validate({
            "name": "credit", "uri": address, "format": "http", "sha256": "0" * 64, "task": "regression",
            "endpoint": {"timeout_seconds": 0.4, "retries": 0},
        })  # fmt: skip
        started = time.monotonic()
        with pytest.raises(SubjectUnreachable, match=r"no whole answer in 0\.4 s"):
            read_model_file(spec, folder=tmp_path, connections=PlainConnections())
        assert time.monotonic() - started < 1.5


def connected(folder, model, faults, *, outputs, task="regression", **keys):
    served = inference_server.Served(model, FRAME, outputs=outputs)
    served.faults = list(faults)
    context = inference_server.serving(served)
    address = context.__enter__()
    spec = ModelSpec.model_validate({
        "name": "credit", "uri": address, "format": "http", "task": task,
        "sha256": inference_server.metadata_digest(served.metadata), "endpoint": {"retries": 0}, **keys,
    })  # fmt: skip
    return load_model(spec, COLUMNS, folder=folder, connections=PlainConnections()), context


def with_data(change):
    def changed(answer):
        answer["outputs"][0]["data"] = change(answer["outputs"][0]["data"])

    return inference_server.changed(changed)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda data: [str(value) for value in data], "str"),
        (lambda data: [value > 0 for value in data], "bool"),
        (lambda data: [*data[:-1], True], "bool"),
        (lambda data: [*data[:-1], "0.5"], "str"),
        (lambda data: [*data[:-1], None], "NoneType"),
        (lambda data: [*data[:-1], {"value": 0.5}], "dict"),
        (lambda data: [[str(value)] for value in data], "str"),
    ],
)
def test_numbers_must_be_json_numbers(tmp_path, change, kind):
    """M13: FP64 outputs as strings or booleans were taken."""
    model = LinearRegression().fit(FRAME, FRAME["a"])
    loaded, context = connected(tmp_path, model, [with_data(change)] * 2, outputs=("predict",))
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.push(context)
        with pytest.raises(ModelMisbehaved, match=f"holds JSON values of type {kind}"):
            loaded.predict(FRAME)


def test_labels_must_be_of_the_promised_json_type(tmp_path):
    """M13: INT64 labels as texts, booleans or broken numbers."""
    model = LogisticRegression().fit(FRAME, [0, 1] * 4)
    for change in (lambda data: [str(one) for one in data], lambda data: [bool(one) for one in data],
                   lambda data: [float(one) for one in data]):  # fmt: skip
        loaded, context = connected(
            tmp_path, model, [with_data(change)] * 2, outputs=("predict",), task="binary_classification", classes=[0, 1]
        )
        with contextlib.closing(contextlib.ExitStack()) as stack:
            stack.push(context)
            with pytest.raises(ModelMisbehaved, match="of type INT64 holds JSON values"):
                loaded.predict(FRAME)


def test_honest_answers_pass_also_as_nested_lists(tmp_path):
    """M13: the protocol allows rows as lists of their own, and whole numbers among numbers."""
    model = LinearRegression().fit(FRAME, FRAME["a"])
    expected = np.round(model.predict(FRAME))
    loaded, context = connected(
        tmp_path, model, [with_data(lambda data: [[round(value)] for value in data])] * 2, outputs=("predict",)
    )
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.push(context)
        assert np.array_equal(loaded.predict(FRAME), expected)


@pytest.mark.parametrize("status", [400, 413])
def test_a_server_that_takes_fewer_rows_is_met_with_a_hint(tmp_path, status):
    """A request that is too large: which key to lower."""
    model = LinearRegression().fit(FRAME, FRAME["a"])
    loaded, context = connected(tmp_path, model, [inference_server.status(status)], outputs=("predict",))
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.push(context)
        with pytest.raises(ModelMisbehaved, match=r"lower endpoint\.batch_rows \(now 256\)"):
            loaded.predict(FRAME)

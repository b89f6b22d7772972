"""A real HTTP server that speaks the Open Inference Protocol v2 over a fitted scikit-learn model."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd

from model_governance.contract.result import canonical_json

KINDS = {"i": "INT64", "u": "INT64", "f": "FP64", "O": "BYTES", "U": "BYTES", "b": "BOOL"}


def metadata_digest(metadata):
    """What a policy pins of an endpoint that serves one version."""
    said = {name: value for name, value in metadata.items() if name != "versions"}
    return hashlib.sha256(canonical_json({**said, "version": metadata["versions"][0]})).hexdigest()


class Served:
    """One model under one name; `faults` are taken one per request, `seen` are the requests."""

    def __init__(self, model, sample, *, name="credit", version="3", outputs=("predict", "predict_proba"), token=None):
        self.model, self.name, self.version, self.token = model, name, version, token
        self.kinds = {column: KINDS[sample[column].dtype.kind] for column in sample.columns}
        self.outputs = outputs
        self.faults = []
        self.seen = []
        self.metadata = {
            "name": name,
            "versions": [version],
            "platform": "sklearn",
            "inputs": [{"name": one, "datatype": kind, "shape": [-1, 1]} for one, kind in self.kinds.items()],
            "outputs": [self._described(one, sample) for one in outputs],
        }

    def _described(self, output, sample):
        named = hasattr(self.model, "feature_names_in_")
        answer = np.asarray(getattr(self.model, output)(sample if named else sample.to_numpy()))
        return {"name": output, "datatype": KINDS[answer.dtype.kind], "shape": [-1, *answer.shape[1:]]}

    def infer(self, request):
        columns = {one["name"]: one["data"] for one in request["inputs"]}
        if list(columns) == ["rows"]:
            (one,) = request["inputs"]
            frame = np.asarray(one["data"], dtype=float).reshape(one["shape"])
        else:
            frame = pd.DataFrame(columns)[list(self.kinds)]
        answers = []
        for wanted in request["outputs"]:
            values = np.asarray(getattr(self.model, wanted["name"])(frame))
            answers.append(
                {"name": wanted["name"], "shape": list(values.shape), "datatype": KINDS[values.dtype.kind],
                 "data": values.ravel().tolist()}
            )  # fmt: skip
        return {"model_name": self.name, "model_version": self.version, "outputs": answers}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(None)

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _answer(self, request):
        served = self.server.served
        served.seen.append((self.path, self.headers.get("authorization"), request))
        status, body, headers = 200, b"", {}
        if served.token and self.headers.get("authorization") != f"Bearer {served.token}":
            status = 401
        elif self.path.split("/infer")[0].split("/versions")[0] != f"/v2/models/{served.name}":
            status = 404
        else:
            body = json.dumps(served.metadata if request is None else served.infer(request)).encode()
        if status == 200 and request is not None and served.faults:
            status, body, headers = served.faults.pop(0)(status, body)
        length = headers.pop("content-length", len(body))
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": length, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length != len(body)

    def log_message(self, *_):
        pass


def status(code, **headers):
    return lambda _, __: (code, b'{"error": "row 4711 is strange"}', headers)


def changed(change):
    """The answer with `change(answer)` done to it."""

    def fault(code, body):
        answer = json.loads(body)
        change(answer)
        return code, json.dumps(answer).encode(), {}

    return fault


def slow(seconds):
    def fault(code, body):
        time.sleep(seconds)
        return code, body, {}

    return fault


def truncated(code, body):
    """A body that is shorter than announced."""
    return code, body[: len(body) // 2], {"content-length": len(body)}


def broken(code, body):
    """A body that ends in the middle and is announced so."""
    return code, body[: len(body) // 2], {}


@contextmanager
def serving(served):
    """The address of the model while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.served = served
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v2/models/{served.name}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

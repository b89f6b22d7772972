"""A model file that ends its reader ends a process of its own: the check is an error, and the run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import xgboost
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

import project
import synthetic
import tree_mutants
from model_governance.contract.connections import CacheSettings, PlainConnections
from model_governance.contract.subject import ModelFile
from model_governance.errors import UntrustedModel
from model_governance.subjects.loaders import trial

FRAME = tree_mutants.rows().to_numpy(np.float32)


def file_of(content: bytes, kind: str) -> ModelFile:
    return ModelFile(uri=f"model.{kind}", format=kind, sha256=hashlib.sha256(content).hexdigest(), content=content)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(trial, "_survived", set())


def endless() -> bytes:
    """A loop of 2^40 rounds in ONNX."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["still"]), helper.make_node("Identity", ["value"], ["same"])], "body",
        [helper.make_tensor_value_info("round", TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("value", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, []),
         helper.make_tensor_value_info("same", TensorProto.FLOAT, None)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Loop", ["rounds", "yes", "rows"], ["score"], body=body)], "endless",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, None)],
        [helper.make_tensor("rounds", TensorProto.INT64, [], [2**40]),
         helper.make_tensor("yes", TensorProto.BOOL, [], [True])],
    )  # fmt: skip
    made = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    return made.SerializeToString()


def test_a_model_that_never_answers_is_given_up():
    """Hostile files: an endless loop inside a model file."""
    with pytest.raises(UntrustedModel, match="was not read within"):
        trial.try_reading(file_of(endless(), "onnx"), features=3, connections=PlainConnections(), seconds=3)


def test_a_file_that_kills_its_reader_ends_in_a_sentence(monkeypatch, tmp_path):
    """M5: the death of the reader is told with the signal; here of a reader that the test has made to die."""
    child = tmp_path / "child.py"
    child.write_text("import os, signal, sys\nsys.stdin.buffer.read()\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(trial, "CHILD", child)
    with pytest.raises(UntrustedModel, match=r"model\.onnx: ends the process that reads it \(SIGSEGV\)"):
        trial.try_reading(file_of(b"x", "onnx"), features=3, connections=PlainConnections())


def test_a_real_crash_of_a_library_is_survived():
    """M5: a tree file that the check refuses anyway, given to XGBoost's reader without it."""
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(FRAME, FRAME[:, 0]), 1)
    document = json.loads(bytes(booster.save_raw("json")))
    document["learner"]["gradient_booster"]["model"]["trees"][0]["split_indices"][0] = 500_000_000
    content = json.dumps(document).encode()
    with pytest.raises(UntrustedModel, match="ends the process"):
        trial.try_reading(file_of(content, "xgboost"), features=3, connections=PlainConnections())


def test_honest_files_survive_once_per_worker(monkeypatch, tmp_path):
    """A file that was survived is not tried again, by this process or by others with the same cache."""
    content = to_onnx(LogisticRegression().fit(FRAME, FRAME[:, 0] > 0), FRAME[:1]).SerializeToString()
    connections = PlainConnections()
    connections.cache = CacheSettings(folder=tmp_path, max_bytes=1 << 20)
    trial.try_reading(file_of(content, "onnx"), features=3, connections=connections)
    monkeypatch.setattr(trial, "_run", lambda *_, **__: pytest.fail("tried again"))
    trial.try_reading(file_of(content, "onnx"), features=3, connections=connections)
    trial._survived.clear()
    trial.try_reading(file_of(content, "onnx"), features=3, connections=connections)
    trial.try_reading(file_of(b"not tried", "skops"), features=3, connections=connections)


def test_the_run_goes_on_after_such_a_check(tmp_path, monkeypatch):
    """The check is an error; the other checks of the run and its record stand."""
    child = tmp_path / "child.py"
    child.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGABRT)\n")
    monkeypatch.setattr(trial, "CHILD", child)
    small = project.small_project(tmp_path)
    columns = synthetic.COLUMNS.of_kind("numeric")
    frame = synthetic.rows(seed=1)
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(frame[list(columns)], frame["label"]), 2)
    small.write_model(bytes(booster.save_raw("json")), "model.json", format="xgboost")
    features = {name: small.raw["columns"]["features"][name] for name in columns}
    small.change(columns=small.raw["columns"] | {"features": features})
    done = small.run()
    assert done.outcomes == {"validation": "pass", "quality": "error"}
    assert "SIGABRT" in done.verdict.sentence


def test_the_child_limits_itself():
    """No core file, and an end of its processor time."""
    script = (
        "import runpy, sys, resource\n"
        "child = runpy.run_path(sys.argv[1])\n"
        "child['limit'](4096, 1)\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])\n"
        "sys.stdout.flush()\n"
        "while True: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(trial.CHILD)], capture_output=True, text=True, check=False, timeout=30,
        env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout == "0\n"
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)

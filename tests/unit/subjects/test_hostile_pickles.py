"""Every known way to hide code in a pickle, each shown to be live before it is shown to be harmless here."""

from __future__ import annotations

import copyreg
import ctypes
import gzip
import importlib
import json
import logging.config
import os
import pickle
import runpy
import shutil
import subprocess
import sys
import timeit
import urllib.request
import zipfile
from io import BytesIO

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from model_governance.errors import SubjectError, UntrustedModel

# Their libraries are not here, or running them says nothing by a file.
NEVER_LIVE = ("ctypes_library", "function_transformer", "torch_zip")


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.made = (function, arguments)

    def __reduce__(self):
        return self.made


class Stateful:
    """Pickles as a call followed by a state."""

    def __init__(self, function, arguments, state):
        self.made = (function, arguments, state)

    def __reduce__(self):
        return self.made


def through_joblib(content, *, compress=0):
    sink = BytesIO()
    joblib.dump(content, sink, compress=compress)
    return sink.getvalue()


def array_of(one):
    made = np.empty(1, dtype=object)
    made[0] = one
    return made


def numpy_file(content):
    sink = BytesIO()
    np.save(sink, content, allow_pickle=True)
    return sink.getvalue()


def torch_file(content):
    sink = BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return sink.getvalue()


def corpus(folder):
    """File content by kind; running one leaves a file `<kind>` in the folder (or takes `rmtree` away)."""
    mark = {name: str(folder / name) for name in KINDS}
    open_mark = {name: f"open({path!r}, 'w').close()" for name, path in mark.items()}
    (folder / "script.py").write_text(open_mark["run_path"])
    (folder / "payload_module.py").write_text(open_mark["import_module"])
    (folder / "source").write_text("x")
    (folder / "rmtree").mkdir()
    (folder / "nested.npy").write_bytes(numpy_file(array_of(Call(open, mark["numpy_load"], "w"))))
    (folder / "nested.joblib").write_bytes(through_joblib(Call(open, mark["joblib_load"], "w")))
    (folder / "log.ini").write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=\n[logger_root]\nhandlers=h\n"
        f"[handler_h]\nclass=StreamHandler\nargs=(open({mark['logging_config']!r}, 'w'),)\n"
    )
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    calls = {
        "os_system": Call(os.system, f"touch {mark['os_system']}"),
        "check_call": Call(subprocess.check_call, ["touch", mark["check_call"]]),
        "eval": Call(eval, open_mark["eval"]),
        "exec": Call(exec, open_mark["exec"]),
        "run_path": Call(runpy.run_path, str(folder / "script.py")),
        "pandas_eval": Call(pd.eval, f"make({mark['pandas_eval']!r})", "pandas", "python", {"make": os.mkdir}),
        "numpy_load": Call(np.load, str(folder / "nested.npy"), None, True),
        "joblib_load": Call(joblib.load, str(folder / "nested.joblib")),
        "timeit": Call(timeit.timeit, open_mark["timeit"], "pass", timeit.default_timer, 1),
        "ctypes_library": Call(ctypes.CDLL, "libc.so.6"),
        "import_module": Call(importlib.import_module, "payload_module"),
        "logging_config": Call(logging.config.fileConfig, str(folder / "log.ini")),
        "rmtree": Call(shutil.rmtree, mark["rmtree"]),
        "open": Call(open, mark["open"], "w"),
        "urlopen": Call(urllib.request.urlretrieve, (folder / "source").as_uri(), mark["urlopen"]),
    }
    made = {name: pickle.dumps(call) for name, call in calls.items()}
    beside = {name: {"model": model, "note": Call(open, mark[name], "w")} for name in ("beside", "beside_compressed")}
    return (
        made
        | {
            "function_transformer": pickle.dumps(make_pipeline(FunctionTransformer(os.system), model)),
            "beside": through_joblib(beside["beside"]),
            "beside_compressed": through_joblib(beside["beside_compressed"], compress=("gzip", 3)),
            "object_array": through_joblib({"a": array_of(Call(open, mark["object_array"], "w"))}),
            "object_array_compressed": through_joblib(
                {"a": array_of(Call(open, mark["object_array_compressed"], "w"))}, compress=3
            ),
            "lambda": cloudpickle.dumps(Call(lambda path: open(path, "w").close(), mark["lambda"])),  # noqa: PTH123
            "broken_tail": pickle.dumps([Call(open, mark["broken_tail"], "w")])[:-1] + b"\xff\xff",
            "torch_zip": torch_file(pickle.dumps(Call(os.system, f"touch {mark['torch_zip']}"))),
            "numpy_file": numpy_file(array_of(Call(open, mark["numpy_file"], "w"))),
        }
    )


KINDS = (
    "os_system", "check_call", "eval", "exec", "run_path", "pandas_eval", "numpy_load", "joblib_load", "timeit",
    "ctypes_library", "import_module", "logging_config", "rmtree", "open", "urlopen", "function_transformer",
    "beside", "beside_compressed", "object_array", "object_array_compressed", "lambda", "broken_tail", "torch_zip",
    "numpy_file",
)  # fmt: skip


def fired(folder, name):
    return (folder / name).exists() != (name == "rmtree")


def test_the_corpus_is_live_where_nobody_guards(tmp_path):
    names = {}
    for name, content in corpus(tmp_path).items():
        names[name] = str(tmp_path / f"{name}.file")
        (tmp_path / f"{name}.file").write_bytes(content)
    script = (
        "import joblib, json, numpy as np, pandas as pd, sys\n"
        "for name, path in json.loads(sys.argv[1]).items():\n"
        "    try: np.load(path, allow_pickle=True) if name == 'numpy_file' else joblib.load(path)\n"
        "    except Exception: pass\n"
    )
    subprocess.run([sys.executable, "-c", script, json.dumps(names)], cwd=tmp_path, check=True, timeout=60)
    assert {name for name in names if not fired(tmp_path, name)} == set(NEVER_LIVE)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", ["joblib", "pickle"])
def test_no_payload_runs_and_none_is_loaded(load, tmp_path, name, kind):
    content = corpus(tmp_path)[name]
    expected = SubjectError if name in ("torch_zip", "numpy_file") else UntrustedModel
    with pytest.raises(expected, match=r"model\.bin") as caught:
        load(content, format=kind, allow_pickle=True)
    assert type(caught.value) is expected
    assert name in NEVER_LIVE or not fired(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "refused"),
    [("os_system", "posix.system"), ("numpy_load", "numpy.load"), ("lambda", "cloudpickle"), ("open", "io.open")],
)
def test_the_refused_name_is_told(load, tmp_path, name, refused):
    with pytest.raises(UntrustedModel, match=refused):
        load(corpus(tmp_path)[name], format="pickle", allow_pickle=True)


LOSS = "sklearn._loss.loss", "HalfSquaredError"
PLANTS = {
    # Python objects over foreign memory: numpy hands out an array of pointers that the file chose.
    "array over bytes": lambda: pickle.dumps(Call(np.ndarray, (1,), "O", b"12345678")),
    "array over bytes, without a call": lambda: pickle.dumps(
        Call(copyreg.__newobj_ex__, np.ndarray, ((1,),), {"dtype": "O", "buffer": b"12345678"}), 4
    ),
    "dtype that hides its pointers": lambda: pickle.dumps(
        Stateful(np.dtype, ("O", False, True), (3, "|", None, None, None, -1, -1, 0))
    ),
    "dtype with a hidden object field": lambda: pickle.dumps(
        Stateful(np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0))
    ),
    "dtype with a field beyond its end": lambda: pickle.dumps(
        Stateful(np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("f8"), 4096)}, 8, 1, 0))
    ),
    "dtype of another size": lambda: pickle.dumps(
        Stateful(np.dtype, ("V8", False, True), (3, "|", None, None, None, 1 << 40, 1, 0))
    ),
    "dtype from a dict": lambda: pickle.dumps(Call(np.dtype, {"names": ["a"], "formats": ["O"]})),
    "state of a class": lambda: b"\x80\x02c%b\n%b\n(N}X\x05\x00\x00\x00mark!K\x01stb." % tuple(map(str.encode, LOSS)),
    "opcode INST": lambda: b"(X\x04\x00\x00\x00echoios\nsystem\n.",
    "opcode OBJ": lambda: b"(cbuiltins\nset\no.",
    "append to what is no list": lambda: b"\x80\x02c%b\n%b\n)\x81K\x01a." % tuple(map(str.encode, LOSS)),
    "item of what is no dict": lambda: b"\x80\x02c%b\n%b\n)\x81K\x01K\x02s." % tuple(map(str.encode, LOSS)),
    "estimator called": lambda: pickle.dumps(Call(LogisticRegression, "l1")),
    "function of scikit-learn": lambda: b"csklearn.utils._testing\nset_random_state\n.",
    "module in a name": lambda: b"\x80\x04\x8c\x10sklearn.pipeline\x8c\x12os.system.__call__\x93.",
    "re-exported module": lambda: b"csklearn.utils._show_versions\nplatform\n.",
    "test code": lambda: b"csklearn.conftest\npytest\n.",
    "partial of anything": lambda: b"cfunctools\npartial\n(cbuiltins\nset\ntR.",
    "booster from a path": lambda: b"cxgboost.core\nBooster\n(NNX\x0b\x00\x00\x00/etc/passwdtR.",
    "reconstructor with a state": lambda: b"ccopyreg\n_reconstructor\n(cbuiltins\nset\ncbuiltins\nlist\n(ltR.",
    "random generator through another callable": lambda: (
        b"cnumpy.random._pickle\n__randomstate_ctor\n(}csklearn.linear_model._base\nLinearRegression\ntR."
    ),
    "arguments that are no tuple": lambda: b"\x80\x02cxgboost.core\nBooster\n]\x81.",
    "string type that holds pointers": lambda: pickle.dumps(Call(np.dtype, "T")),
    "plain class made with arguments": lambda: b"\x80\x02cxgboost.core\nBooster\nK\x01\x85\x81.",
    "registered extension": lambda: b"\x80\x02\x82\x01.",
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_no_opcode_reaches_beyond_plain_objects(load, name):
    with pytest.raises((UntrustedModel, SubjectError)) as caught:
        load(PLANTS[name](), format="pickle", allow_pickle=True)
    if name != "registered extension":
        assert type(caught.value) is UntrustedModel, str(caught.value)
    from sklearn._loss.loss import HalfSquaredError

    assert not hasattr(HalfSquaredError, "mark!")


def test_an_array_stored_by_joblib_cannot_lie_about_its_dtype(load):
    from joblib.numpy_pickle import NumpyArrayWrapper

    state = {"shape": (2,), "dtype": LogisticRegression(), "order": "C", "subclass": np.ndarray}
    wrapper = NumpyArrayWrapper.__new__(NumpyArrayWrapper)
    wrapper.__dict__.update(state)
    with pytest.raises(UntrustedModel, match="dtype and a shape"):
        load(pickle.dumps(wrapper), format="joblib", allow_pickle=True)
    wrapper.__dict__["read"] = LogisticRegression
    with pytest.raises(UntrustedModel, match="dtype and a shape"):
        load(pickle.dumps(wrapper), format="joblib", allow_pickle=True)


@pytest.mark.parametrize("damage", [lambda one: one[: len(one) // 2], lambda one: one[:-1], lambda one: b"\x80" + one])
@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_a_damaged_file_is_a_subject_error(load, damage, compress):
    content = through_joblib(LogisticRegression().fit(np.eye(5), [0, 1, 0, 1, 0]), compress=compress)
    with pytest.raises(SubjectError) as caught:
        load(damage(content), format="joblib", allow_pickle=True)
    assert "model.bin" in str(caught.value)


@pytest.mark.parametrize("kind", ["joblib", "pickle"])
def test_without_the_opt_in_nothing_is_read(stored, tmp_path, kind):
    from model_governance.contract.connections import PlainConnections
    from model_governance.subjects import load_model
    from synthetic import COLUMNS

    spec = stored(b"anything", check=False, format=kind, allow_pickle=False, connection=None)
    with pytest.raises(UntrustedModel, match="allow_pickle"):
        load_model(spec, COLUMNS, folder=tmp_path, connections=PlainConnections())


def test_a_file_that_holds_no_estimator_is_refused(load):
    with pytest.raises(SubjectError, match="holds a dict"):
        load(pickle.dumps({"model": LogisticRegression()}), format="pickle", allow_pickle=True)
    with pytest.raises(SubjectError, match="not fitted"):
        load(gzip.compress(pickle.dumps(LogisticRegression()), mtime=0), format="pickle", allow_pickle=True)

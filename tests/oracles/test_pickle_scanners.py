"""Two scanners of pickles as oracles: what fickling or picklescan call dangerous, the loader refuses and the scan reports.

fickling decompiles a pickle and judges its calls (Trail of Bits); picklescan judges the names by a list of forbidden ones.
Neither is asked whether a model is harmless: fickling 0.1.12 calls an honest GradientBoostingClassifier malicious.
"""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest
from fickling.analysis import Severity, UnsafeImportsML, check_safety
from fickling.fickle import Pickled
from picklescan import scanner
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_governance.checks.supply_chain.artifact_scan.dangerous_names import standing
from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
from model_governance.checks.supply_chain.artifact_scan.scan import scan_file
from model_governance.contract.subject import ModelFile
from model_governance.errors import UntrustedModel
from model_governance.subjects.loaders.restricted_pickle import RestrictedUnpickler
from unit.subjects.test_hostile_pickles import PLANTS, corpus

CALLS = (
    ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"),
    ("builtins", "exec"), ("builtins", "__import__"), ("builtins", "getattr"), ("builtins", "compile"), ("sys", "exit"),
    ("runpy", "run_path"), ("importlib", "import_module"), ("pty", "spawn"), ("shutil", "rmtree"), ("socket", "socket"),
    ("webbrowser", "open"), ("operator", "attrgetter"), ("operator", "methodcaller"), ("timeit", "timeit"),
    ("code", "interact"), ("pdb", "run"), ("bdb", "Bdb"), ("asyncio", "run"), ("ctypes", "CDLL"), ("pickle", "loads"),
    ("pip", "main"), ("pydoc", "pipepager"), ("httplib", "HTTPSConnection"), ("requests.api", "get"),
    ("torch.hub", "load"), ("numpy.f2py.crackfortran", "getlincoef"), ("profile", "run"), ("doctest", "debug_script"),
)  # fmt: skip


def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


# One call in every way that an opcode offers; in protocol 0 and 1 the names are those of Python 2 where they differ.
SHAPES = {
    "reduce": lambda module, name: b"\x80\x03" + f"c{module}\n{name}\n".encode() + text("x") + b"\x85R.",
    "stack global": lambda module, name: b"\x80\x04" + text(module) + text(name) + b"\x93" + text("x") + b"\x85R.",
    "memo": lambda module, name: (
        b"\x80\x04" + text(name) + b"q\x010" + text(module) + b"h\x01\x93" + text("x") + b"\x85R."
    ),
    "inst": lambda module, name: b"(" + text("x") + f"i{module}\n{name}\n.".encode(),
    "obj": lambda module, name: f"(c{module}\n{name}\n".encode() + text("x") + b"o.",
    "newobj": lambda module, name: b"\x80\x02" + f"c{module}\n{name}\n".encode() + text("x") + b"\x85\x81.",
    "inside a list": lambda module, name: (
        b"\x80\x03]" + text("weights") + b"a" + f"c{module}\n{name}\n".encode() + text("x") + b"\x85Ra."
    ),
    "behind a pickle": lambda module, name: (
        pickle.dumps({"weights": [1.5]}) + b"\x80\x03" + f"c{module}\n{name}\n".encode() + text("x") + b"\x85R."
    ),
}


def fickling_says_dangerous(content: bytes) -> bool:
    try:
        return check_safety(Pickled.load(io.BytesIO(content))).severity >= Severity.LIKELY_OVERTLY_MALICIOUS
    except Exception:  # it refuses streams that it cannot decompile in as many ways as there are bugs in them
        return False


def picklescan_says_dangerous(content: bytes) -> bool:
    try:
        return scanner.scan_pickle_bytes(io.BytesIO(content), "model.pkl").issues_count > 0
    except ValueError:  # it follows no stack, so that names from elsewhere than the opcodes before end it
        return False


def loader_refuses(content: bytes) -> bool:
    try:
        RestrictedUnpickler(io.BytesIO(content)).load()
    except UntrustedModel:
        return True
    return False


def findings(content: bytes) -> set[str]:
    file = ModelFile(uri="model.pkl", format="pickle", sha256="0" * 64, content=content)
    return {finding.severity for finding in scan_file(file, ScanParams()).findings}


@pytest.mark.parametrize("shape", SHAPES)
def test_crafted_calls_are_refused_wherever_an_oracle_calls_them_dangerous(shape):
    judged = {"fickling": 0, "picklescan": 0}
    for module, name in CALLS:
        content = SHAPES[shape](module, name)
        fickling, picklescan = fickling_says_dangerous(content), picklescan_says_dangerous(content)
        judged["fickling"] += fickling
        judged["picklescan"] += picklescan
        assert "dangerous" in findings(content), (module, name)
        if (fickling or picklescan) and shape != "behind a pickle":
            assert loader_refuses(content), (module, name)
    # An oracle that says nothing proves nothing.
    assert judged["picklescan"] >= 25
    assert judged["fickling"] >= 5 or shape == "behind a pickle"


def test_the_corpus_of_live_payloads_is_refused_wherever_an_oracle_calls_it_dangerous(tmp_path):
    contents = corpus(tmp_path) | {name: plant() for name, plant in PLANTS.items()}
    dangerous = {name for name, content in contents.items() if picklescan_says_dangerous(content)}
    dangerous |= {name for name, content in contents.items() if fickling_says_dangerous(content)}
    assert len(dangerous) >= 15
    for name in dangerous:
        assert findings(contents[name]), name
        assert name in ("torch_zip", "numpy_file") or loader_refuses(contents[name]), name


def test_no_name_on_a_list_of_forbidden_ones_is_known_here():
    forbidden = {
        (module, name)
        for module, names in scanner._unsafe_globals.items()
        for name in ({"anything"} if names == "*" else {names} if isinstance(names, str) else names)
    }
    forbidden |= {(module, "anything") for module in UnsafeImportsML.UNSAFE_MODULES}
    forbidden |= {(module, name) for module, names in UnsafeImportsML.UNSAFE_IMPORTS.items() for name in names}
    known = {pair for pair in forbidden if standing(*pair) == "known"}
    # The loader lets scikit-learn's check_array be wrapped, and refuses to wrap anything else.
    assert known == {("functools", "partial")}
    wrapped = b"\x80\x03cfunctools\npartial\ncos\nsystem\n\x85R."
    assert loader_refuses(wrapped)
    assert "dangerous" in findings(wrapped)
    assert len(forbidden) > 100


def test_honest_models_are_dangerous_to_neither_picklescan_nor_ours():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3))
    y = (x[:, 0] > 0).astype(int)
    for model in (
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(2, max_depth=2),
        GradientBoostingClassifier(n_estimators=2),
    ):
        content = pickle.dumps(model.fit(x, y))
        assert not picklescan_says_dangerous(content)
        assert not loader_refuses(content)
        assert findings(content) == set()

"""Model files made to be read differently by scan and loader: none is called clean, none is loaded, and nothing runs."""

from __future__ import annotations

import io
import pickle
import struct
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import yaml
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.linear_model import LogisticRegression

import model_files
from model_governance.authoring.column_roles import Asked
from model_governance.authoring.suggest import suggest_policy
from model_governance.errors import UntrustedModel
from model_governance.subjects.loaders.restricted_pickle import RestrictedUnpickler
from model_governance.subjects.loaders.sklearn_joblib import _plain
from unit.checks.supply_chain.scanning import clean, rules, scan, value, zipped

ROOT = Path(__file__).resolve().parents[3]
ROWS = np.arange(8.0).reshape(4, 2)


def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def writing(path) -> bytes:
    """Opcodes that would make a folder: GLOBAL, its argument, REDUCE."""
    return b"cposix\nmkdir\n" + text(str(path)) + b"\x85R0"


def wrapper_of(values: np.ndarray, *, reduced: bool = False) -> bytes:
    """What joblib writes before the bytes of an array, without STOP; `reduced` makes it as protocols 0 and 1 do."""
    made = NumpyArrayWrapper(np.ndarray, values.shape, "C", values.dtype, numpy_array_alignment_bytes=None)
    state = pickle.dumps(made.__dict__, 2)[2:-1]
    head = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n"
    if reduced:
        return b"ccopyreg\n_reconstructor\n(" + head + b"cbuiltins\nobject\nNtR" + state + b"b"
    return head + b")\x81" + state + b"b"


def frame_over_an_array(path) -> bytes:
    """A reader without frames takes the payload for the array; joblib takes the array from behind the frame."""
    inside = wrapper_of(np.zeros(200, dtype="u1")) + writing(path).ljust(199, b"N") + b"."
    return b"\x80\x04\x95" + struct.pack("<Q", len(inside)) + inside + bytes(200)


def wrapper_by_the_reconstructor(path) -> bytes:
    """A reader that knows only NEWOBJ goes on in the array's bytes, joblib behind them."""
    values = np.frombuffer(b"N.".ljust(8, b"\0"), dtype="u1")
    return b"\x80\x02" + wrapper_of(values, reduced=True) + values.tobytes() + writing(path) + b"."


def wrapper_by_another_call(path) -> bytes:
    """copyreg.__newobj__ makes it as well."""
    values = np.frombuffer(b"N.".ljust(8, b"\0"), dtype="u1")
    state = wrapper_of(values).partition(b")\x81")[2]
    return (
        b"\x80\x02ccopyreg\n__newobj__\ncjoblib.numpy_pickle\nNumpyArrayWrapper\n\x85R"
        + state
        + values.tobytes()
        + writing(path)
        + b"."
    )


def array_from_another_file(path) -> bytes:
    """joblib before 0.10 kept arrays in files beside, which it unpickles."""
    state = text("filename") + text(str(path)) + text("subclass") + b"cnumpy\nndarray\n"
    return b"\x80\x02cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81}(" + state + b"ub."


def array_inside_an_array_of_objects(path) -> bytes:
    """joblib reads an array of objects by an unpickler that knows no arrays of joblib."""
    inner = b"\x80\x02" + wrapper_of(np.zeros(60, dtype="u1")) + writing(path).ljust(59, b"N") + b"."
    return b"\x80\x02" + wrapper_of(np.empty(1, dtype=object)) + inner + b"."


TWO_READINGS = (
    frame_over_an_array, wrapper_by_the_reconstructor, wrapper_by_another_call, array_from_another_file,
    array_inside_an_array_of_objects,
)  # fmt: skip


def refused(content: bytes) -> bool:
    try:
        RestrictedUnpickler(io.BytesIO(content)).load()
    except UntrustedModel:
        return True
    return False


@pytest.mark.parametrize("made", TWO_READINGS, ids=lambda made: made.__name__)
def test_a_joblib_file_with_two_readings_is_dangerous_and_not_loaded(tmp_path, made):
    """M2: a frame over an array, wrappers that read other files, wrappers made in another way."""
    content = made(tmp_path / "marker")
    result = scan(content, "joblib")
    assert value(result, "dangerous_findings") > 0
    assert refused(content)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("made", TWO_READINGS[:3], ids=lambda made: made.__name__)
def test_those_files_are_live_in_joblib(tmp_path, made):
    """M2: joblib itself makes the folder, so that the cases prove something."""
    (tmp_path / "file").write_bytes(made(tmp_path / "marker"))
    joblib.load(tmp_path / "file")
    assert (tmp_path / "marker").is_dir()


@pytest.mark.parametrize("protocol", range(6))
def test_honest_joblib_files_of_every_protocol_are_clean_and_load(protocol):
    """M2: protocols 0 and 1 make the wrapper by copyreg._reconstructor."""
    model = LogisticRegression().fit(ROWS, [0, 1, 0, 1])
    sink = io.BytesIO()
    joblib.dump({"model": model, "names": np.array(["a", "b"], dtype=object)}, sink, protocol=protocol)
    assert clean(scan(sink.getvalue(), "joblib"))
    loaded = RestrictedUnpickler(io.BytesIO(sink.getvalue())).load()
    assert (loaded["model"].coef_ == model.coef_).all()


RUNS_COMMANDS = (
    "uuid._get_command_stdout", "psutil.Popen", "six.exec_", "yaml.unsafe_load", "xml.sax.saxutils.os.system",
    "numexpr.evaluate", "sympy.sympify", "pdb.run", "docutils.core.publish_file", "setuptools._vendor.x.run",
    "mlflow.pyfunc.load_model", "lightgbm.basic.Booster", "sklearn.utils.validation.check_array",
)  # fmt: skip


@pytest.mark.parametrize("dotted", RUNS_COMMANDS)
@pytest.mark.parametrize("opcode", ["reduce", "newobj", "inst", "obj"])
def test_a_call_that_no_list_knows_is_dangerous_whatever_its_name(dotted, opcode):
    """M3: no list of forbidden names is complete, so every call outside the list of allowed ones counts."""
    parts = dotted.split(".")
    split = 3 if "os" in parts else len(parts) - 1
    module, name = ".".join(parts[:split]), ".".join(parts[split:])
    named = text(module) + text(name) + b"\x93"
    content = {
        "reduce": b"\x80\x04" + named + text("true") + b"\x85R.",
        "newobj": b"\x80\x04" + named + text("true") + b"\x85\x81.",
        "inst": b"(" + text("true") + f"i{module}\n{name}\n.".encode(),
        "obj": b"\x80\x04(" + named + text("true") + b"o.",
    }[opcode]
    assert value(scan(content), "dangerous_findings") > 0
    assert refused(content)


def test_a_type_alone_is_suspicious_and_a_declared_one_may_be_called():
    """M3: the owner who has read the code says so under trusted."""
    alone = b"\x80\x02cmy_company.features\nCleaner\n)\x81}b."
    called = b"\x80\x02cmy_company.features\nmake\n" + text("x") + b"\x85R."
    assert value(scan(alone), "dangerous_findings") == 0
    assert value(scan(alone), "suspicious_findings") == 1
    assert value(scan(called), "dangerous_findings") == 1
    assert clean(scan(called, trusted=["my_company.*"]))


def wrong_checksum(content: bytes) -> bytes:
    broken = bytearray(content)
    for start, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        broken[broken.rfind(start) + offset] ^= 1
    return bytes(broken)


def encrypted_flag(content: bytes) -> bytes:
    broken = bytearray(content)
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        broken[broken.rfind(start) + offset] |= 1
    return bytes(broken)


@pytest.mark.parametrize("damage", [wrong_checksum, encrypted_flag], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("stored", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_could_not_be_read_is_unscanned_and_looked_into_all_the_same(damage, stored):
    """M4: torch asks for no checksum, so that the payload behind a wrong one is live."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", stored) as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("data.pkl", b"\x80\x02cposix\nsystem\n" + text("true") + b"\x85R.")
    result = scan(damage(sink.getvalue()), "skops")
    assert value(result, "unscanned_parts") == 1
    assert "dangerous name" in rules(result, "dangerous")
    harmless = damage(zipped(("schema.json", "{}")))
    assert value(scan(harmless, "skops"), "unscanned_parts") == 1


@pytest.mark.parametrize("magic", [b"GGUF" + bytes(5), b"MZ\x90", b"}", b"{i", b"(", b"\x08\x07\x12"])
def test_a_pickle_behind_a_foreign_magic_number_is_read_as_its_loader_would(magic):
    """M4: pickle asks for no magic number: what other formats begin with are instructions to it."""
    content = magic + b"0cposix\nsystem\n" + text("true") + b"\x85R."
    result = scan(content, "pickle")
    assert value(result, "dangerous_findings") > 0


def test_every_policy_that_is_offered_bounds_what_was_not_scanned(tmp_path):
    """M4: the policy that `policy init` writes, and those in the repository."""
    frame = pd.DataFrame({"a": [1.0, 2.0] * 30, "b": [3.0, 4.0, 5.0] * 20, "y": [0, 1] * 30})
    frame.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(LogisticRegression().fit(frame[["a", "b"]], frame["y"])))
    drafted = suggest_policy(
        model=str(tmp_path / "model.pkl"), reference=str(tmp_path / "reference.csv"),
        task="binary_classification", name="m", folder=tmp_path, asked=Asked(target="y"),
    )  # fmt: skip
    stored = ("include/policies/acs_employment.yaml", "include/demo/audit.yaml")
    texts = [drafted, *((ROOT / name).read_text() for name in stored)]
    for policy in map(yaml.safe_load, texts):
        (scanned,) = [check for name, check in policy["checks"].items() if "artifact_scan" in (name, check.get("kind"))]
        bounds = {threshold["metric"]: threshold for threshold in scanned["thresholds"]}
        assert bounds["unscanned_parts"]["equal_to"] == 0
        assert bounds["unscanned_parts"].get("severity", "error") == "error"


DOUBLED = b"2\x86"  # DUP, TUPLE2: a pair of what lies on the stack, twice
BOMBS = {
    "hash of a doubled tuple": b"\x80\x04}N" + DOUBLED * 26 + b"Ns.",
    "member of a set": b"\x80\x04\x8f(N" + DOUBLED * 26 + b"\x90.",
    "set of a range": b"\x80\x03cbuiltins\nset\ncbuiltins\nrange\nJ\x00\x2d\x31\x01\x85R\x85R.",
    "list of a set of a range": b"\x80\x03]cbuiltins\nfrozenset\ncbuiltins\nrange\nJ\x00\x2d\x31\x01\x85R\x85Ra.",
    "bytes of a size": b"\x80\x03cbuiltins\nbytes\nJ\x00\x00\x00\x7f\x85R.",
    "bytearray of a range": b"\x80\x03cbuiltins\nbytearray\ncbuiltins\nrange\nJ\x00\x2d\x31\x01\x85R\x85R.",
    "array of a size": (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\x00\x00\x00\x7f\x85C\x01O\x87R."
    ),
    "keys of one hash": b"\x80\x04}(" + b"".join(
        b"\x8a\x10" + (k * (2**61 - 1) + (2**61 - 1) * 2**20).to_bytes(16, "little") + b"N" for k in range(300)
    ) + b"u.",
    "one list, many sets": b"\x80\x04](" + b"K\x01" * 20_000 + b"eq\x00" + (
        b"cbuiltins\nset\nh\x00\x85R0" * 6_000
    ) + b".",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_few_bytes_that_would_keep_a_loader_busy_are_cut(name):
    """M9: the hash bomb of 62 bytes, sets of ranges, sizes that the file chooses."""
    content = BOMBS[name]
    started = time.process_time()
    tracemalloc.start()
    assert refused(content)
    assert value(scan(content), "dangerous_findings") > 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - started < 4
    assert peak < 64 << 20


def test_a_file_that_unpacks_without_end_is_not_unpacked():
    """M9: a compressed bomb."""
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(bytes(1 << 20)) for _ in range(128)) + packer.flush()
    with pytest.raises(UntrustedModel, match="unpacks to more than"):
        _plain(content)


def test_a_skops_archive_that_unpacks_without_end_is_not_unpacked(tmp_path):
    """M9: a bomb among the members of an archive."""
    content = zipped(("schema.json", "{}"), ("weights", bytes(80 << 20)))
    with pytest.raises(UntrustedModel, match="unpacks to more than"):
        model_files.load(tmp_path, content, format="skops")
    assert "bomb" in rules(scan(content, "skops"), "dangerous")


def test_members_of_honest_models_are_no_bombs():
    """M9: sets, keys, ranges and masks as models hold them."""
    honest = {
        "set": {"a", "b"},
        "frozen": frozenset({1, 2}),
        ("a", ("b", 1)): range(5),
        2**63: bytearray(b"x"),
        "n": b"\xff",
    }
    for protocol in range(6):
        content = pickle.dumps(honest, protocol)
        assert RestrictedUnpickler(io.BytesIO(content)).load() == honest
        assert value(scan(content), "dangerous_findings") == 0

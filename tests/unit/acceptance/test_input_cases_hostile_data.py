"""Damaged, crafted and oversized data files end in a sentence (case D15 and its kind)."""

from __future__ import annotations

import gzip
import json
import random
import resource
import subprocess
import sys
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation
from model_governance.errors import CheckError, EvidenceError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import arrow_child, arrow_files, limits, load_dataset

TABLE = pa.table(
    {
        "number": pa.array([1.5, None, 2.5, 4.0]),
        "text": ["a", "bb", None, "dddd"],
        "code": pa.array(["x", "y", "x", None]).dictionary_encode(),
        "list": [[1], [], None, [2, 3]],
    }
)


def arrow_bytes(table: pa.Table = TABLE, *, stream: bool = False, compression: str | None = None) -> bytes:
    sink = BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.fixture
def load(tmp_path):
    def load_content(content: bytes, *, name: str):
        (tmp_path / name).write_bytes(content)
        return load_dataset("current", DatasetSpec(uri=name), folder=tmp_path, connections=PlainConnections())

    return load_content


def with_offset_beyond_the_buffer() -> bytes:
    """An Arrow stream whose text column has an offset that points a gigabyte behind its buffer."""
    sound = arrow_bytes(stream=True)
    offsets = np.array([0, 1, 3, 3, 7], dtype="int32")
    assert sound.count(offsets.tobytes()) == 1
    offsets[-1] = 1 << 30
    return sound.replace(np.array([0, 1, 3, 3, 7], dtype="int32").tobytes(), offsets.tobytes())


@pytest.mark.parametrize("name", ["rows.arrow", "rows.feather", "rows.ipc"])
def test_an_offset_beyond_its_buffer_is_an_error_of_the_file(load, name):
    """D15: the interpreter lives, and no memory of the process is shown."""
    with pytest.raises(SubjectError, match=rf"{name}: cannot be read as arrow: .*damaged or crafted") as caught:
        load(with_offset_beyond_the_buffer(), name=name)
    assert not caught.value.infrastructure


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_a_sound_file_keeps_its_rows_and_types(load, stream, compression):
    """D15."""
    dataset = load(arrow_bytes(stream=stream, compression=compression), name="rows.arrow")
    assert dataset.source.schema.equals(TABLE.schema, check_metadata=False)
    assert open_relation(dataset).value_counts(["text", "code"])["code"] == {"x": 2, "y": 1}


def child(path, target, **keys) -> subprocess.CompletedProcess:
    allowed = {"memory": 1 << 31, "cpu_seconds": 20, "written": 1 << 28, "unpacked": 1 << 28, "columns": 100} | keys
    command = [
        sys.executable,
        "-m",
        "model_governance.subjects.arrow_child",
        str(path),
        str(target),
        json.dumps(allowed),
    ]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=arrow_files._environment()
    )


@pytest.mark.parametrize(
    ("signal_name", "told"),
    [("SIGSEGV", "ended by SIGSEGV"), ("SIGABRT", "ended by SIGABRT"), ("SIGKILL", "ended by SIGKILL"), ("SIGXCPU", "CPU seconds")],
)  # fmt: skip
def test_a_reader_that_dies_is_an_error_of_the_check_and_not_of_the_run(load, monkeypatch, signal_name, told):
    """D15: whatever ends the child, the parent tells it."""
    real = subprocess.run

    def run(command, **keys):
        script = f"import os, signal; os.kill(os.getpid(), signal.{signal_name})"
        return real([sys.executable, "-c", script], **keys)

    monkeypatch.setattr(arrow_files.subprocess, "run", run)
    with pytest.raises(SubjectError, match=told):
        load(arrow_bytes(), name="rows.arrow")


def test_a_reader_that_hangs_is_stopped(load, monkeypatch):
    """D15."""

    def run(command, **keys):
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(arrow_files.subprocess, "run", run)
    with pytest.raises(SubjectError, match="its reader was stopped after"):
        load(arrow_bytes(), name="rows.arrow")


def test_the_child_has_no_secret_of_the_worker(monkeypatch):
    """D15: what the reader could be made to tell is not there."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    assert "secret" not in str(arrow_files._environment())


@pytest.mark.parametrize(
    ("keys", "told"),
    [({"unpacked": 10}, "compressed bomb"), ({"columns": 3}, "has 4 columns, and at most 3 are read")],
)
def test_the_child_keeps_its_limits(tmp_path, keys, told):
    """D15."""
    (tmp_path / "rows.arrow").write_bytes(arrow_bytes())
    done = child(tmp_path / "rows.arrow", tmp_path / "out.parquet", **keys)
    assert told in json.loads(done.stdout)["error"]


def test_a_file_that_wants_more_memory_than_its_size_allows_is_told(tmp_path):
    """D15: limits of the system hold in the child, whose libraries then fail in words or end it."""
    table = pa.table({"x": np.zeros(40_000_000)})
    (tmp_path / "rows.arrow").write_bytes(arrow_bytes(table, compression="zstd"))
    done = child(tmp_path / "rows.arrow", tmp_path / "out.parquet", memory=150 << 20, unpacked=1 << 40)
    assert done.returncode != 0 or "error" in json.loads(done.stdout)


def test_limits_are_those_of_the_system(monkeypatch):
    """D15: a limit that an administrator set lower stays."""
    told = {}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (100, 100))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: told.update({kind: pair}))
    arrow_child._limit({"memory": 1 << 30, "cpu_seconds": 5, "written": 50})
    assert told[resource.RLIMIT_DATA] == (100, 100)
    assert told[resource.RLIMIT_CPU] == (5, 100)
    assert told[resource.RLIMIT_CORE] == (0, 100)


MUTANTS = 120


def test_mutants_of_arrow_files_are_read_or_refused(tmp_path):
    """D15: of 890 mutants 43 ended the interpreter. Read in one child each as in a run, without the parent's work."""
    draw = random.Random(11)
    originals = [arrow_bytes(), arrow_bytes(stream=True), arrow_bytes(compression="zstd")]
    ends = set()
    # Many files in one process until it dies: starting Python takes longer than reading.
    paths = []
    for number in range(MUTANTS):
        content = bytearray(draw.choice(originals))
        for _ in range(draw.choice([1, 1, 2, 8])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        paths.append(tmp_path / f"{number}.arrow")
        paths[-1].write_bytes(content)
    pending = [str(path) for path in paths]
    while pending:
        done = subprocess.run(
            [sys.executable, "-c", MANY, *pending], capture_output=True, text=True, timeout=120, check=False,
            env=arrow_files._environment(),
        )  # fmt: skip
        finished = done.stdout.split()
        ends |= set(finished)
        if len(finished) == len(pending):
            break
        assert done.returncode < 0, done.stderr[-2000:]
        ends.add("died")
        pending = pending[len(finished) + 1 :]
    assert {"read", "refused"} <= ends


MANY = """
import sys
from model_governance.subjects.arrow_child import _copy
for path in sys.argv[1:]:
    try:
        _copy(path, path + ".parquet", {"unpacked": 1 << 28, "columns": 100})
        print("read", flush=True)
    except Exception:
        print("refused", flush=True)
"""


def test_a_gzip_bomb_is_told_before_anything_is_read(load, monkeypatch):
    """D15: a megabyte that unpacks to a gigabyte."""
    monkeypatch.setattr(limits, "SMALL", 1 << 20)
    bomb = b"x\n" + b"0\n" * (4 << 20)
    with pytest.raises(
        SubjectError, match=r"unpacks to more than .* MiB from .* bytes, which is taken for a compressed bomb"
    ):
        load(gzip.compress(bomb, mtime=0), name="rows.csv.gz")
    monkeypatch.undo()
    assert load(gzip.compress(b"x\n" + b"0\n" * 1000, mtime=0), name="rows.csv.gz").rows == 1000


def test_limits_grow_with_the_file():
    """D15: real tables unpack twenty-fold."""
    assert limits.most_unpacked(1 << 10) == limits.SMALL
    assert limits.most_unpacked(1 << 26) == 100 << 26
    assert limits.most_unpacked(1 << 40) == limits.MAX_UNPACKED


def test_a_million_columns_are_told_before_a_library_takes_them_in(load):
    """D15: the header of CSV and the footer of Parquet say how many there are."""
    header = ",".join(f"c{number}" for number in range(1_000_000)).encode()
    with pytest.raises(SubjectError, match="has 1,000,000 columns, and at most 20,000 are read"):
        load(header + b"\n" + b",".join([b"1"] * 1_000_000) + b"\n", name="rows.csv")


@pytest.mark.parametrize("columns", [1, 14, 15, 300])
def test_the_footer_of_parquet_tells_its_columns(tmp_path, columns):
    """D15: short and long lists of Thrift."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({f"c{number}": [1] for number in range(columns)}), path)
    assert limits._parquet_columns(path) == columns
    path.write_bytes(b"PAR1" + b"\xff" * 40)
    assert limits._parquet_columns(path) == 0


def test_parquet_of_too_many_columns_is_refused(load, monkeypatch):
    """D15."""
    monkeypatch.setattr(limits, "MAX_COLUMNS", 3)
    sink = BytesIO()
    pq.write_table(TABLE.append_column("more", TABLE["text"]).drop_columns(["list"]), sink)
    with pytest.raises(SubjectError, match="has 4 columns, and at most 3 are read"):
        load(sink.getvalue(), name="rows.parquet")


def lying(content: bytes, draw: random.Random) -> bytes:
    """A Parquet file whose footer says other things than its pages hold."""
    length = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - length
    changed = bytearray(content)
    for _ in range(draw.choice([1, 2, 4])):
        changed[draw.randrange(start, len(content) - 8)] = draw.randrange(256)
    return bytes(changed)


def test_footers_that_lie_end_in_a_sentence(load):
    """D15: whatever the metadata of a Parquet file promise, reading it gives rows or an error of ours."""
    draw = random.Random(7)
    sink = BytesIO()
    pq.write_table(TABLE.drop_columns(["list"]), sink)
    outcomes, lengths = set(), [0]
    for _ in range(150):
        try:
            dataset = load(lying(sink.getvalue(), draw), name="rows.parquet")
            relation = open_relation(dataset)
            for name in relation.names:
                relation.missing([name])
                relation.value_counts([name])
            outcomes.add("read")
        except (SubjectError, CheckError) as error:
            outcomes.add("refused")
            lengths.append(len(str(error)))
    assert max(lengths) < 2000
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"expectations": ' + b"[" * 200_000])
def test_json_of_any_depth_ends_in_a_sentence(content):
    """D15 and its kind: profiles, suites and stored documents."""
    from model_governance.checks.data.data_validation.expectations import read_suite
    from model_governance.contract.documents import read_document, schema_of
    from model_governance.contract.subject import ParamFile
    from model_governance.engine.stored_profiles import read_profile

    with pytest.raises(CheckError, match="is not JSON"):
        read_suite(ParamFile(name="suite", uri="suite.json", sha256="0" * 64, content=content))
    with pytest.raises(EvidenceError, match="no JSON"):
        read_document(content, origin="x.json", schema="x/v1")
    with pytest.raises(EvidenceError, match="no JSON"):
        read_profile(content, origin="profile.json")
    assert schema_of(content) == ""

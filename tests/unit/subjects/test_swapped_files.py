"""A file that is replaced while it is read is refused, whatever its format, so that its digest describes its rows."""

from __future__ import annotations

import gzip
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import datasets, load_dataset

APPROVED = pd.DataFrame({"amount": [1.0, 2.0, 3.0]})
OTHER = pd.DataFrame({"amount": [7.0, 8.0, 9.0]})


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def arrow_file(frame: pd.DataFrame) -> bytes:
    sink = BytesIO()
    frame.to_feather(sink)
    return sink.getvalue()


def arrow_stream(frame: pd.DataFrame) -> bytes:
    sink = BytesIO()
    table = pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


FORMATS = [
    ("rows.csv", csv),
    ("rows.csv.gz", lambda frame: gzip.compress(csv(frame), mtime=0)),
    ("rows.feather", arrow_file),
    ("rows.ipc", arrow_stream),
]


@pytest.fixture(params=["in memory", "spooled"])
def storage(request, monkeypatch):
    """Small files stay in memory, larger ones are written to a temporary Parquet file; either way."""
    if request.param == "spooled":
        monkeypatch.setattr(datasets, "MAX_IN_MEMORY", 0)
    return request.param


@pytest.fixture
def swap(monkeypatch, tmp_path):
    """Replaces the file before or after its bytes are parsed, as a writer that renames a new file over it does."""

    def install(name, content, *, before):
        kind = datasets._format(DatasetSpec(uri=name), name)
        opener = datasets.OPENERS[kind]

        def replace():
            (tmp_path / "new").write_bytes(content)
            (tmp_path / "new").replace(tmp_path / name)

        def swapping(stored, role, *more):
            if before:
                replace()
            rows = opener(stored, role, *more)
            if not before:
                replace()
            return rows

        monkeypatch.setitem(datasets.OPENERS, kind, swapping)

    return install


@pytest.mark.parametrize("before", [True, False], ids=["before its bytes are parsed", "after its bytes are parsed"])
@pytest.mark.parametrize(("name", "write"), FORMATS, ids=[name for name, _ in FORMATS])
def test_a_file_that_is_replaced_while_it_is_read_is_refused(tmp_path, swap, storage, name, write, before):
    (tmp_path / name).write_bytes(write(APPROVED))
    swap(name, write(OTHER), before=before)
    with pytest.raises(SubjectError, match="was written while it was read"):
        load_dataset("current", DatasetSpec(uri=name), folder=tmp_path, connections=PlainConnections())


@pytest.mark.parametrize(("name", "write"), FORMATS, ids=[name for name, _ in FORMATS])
def test_an_unchanged_file_is_read(tmp_path, storage, name, write):
    (tmp_path / name).write_bytes(write(APPROVED))
    dataset = load_dataset("current", DatasetSpec(uri=name), folder=tmp_path, connections=PlainConnections())
    pd.testing.assert_frame_equal(dataset.frame, APPROVED)

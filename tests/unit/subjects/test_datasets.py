from __future__ import annotations

import gzip
import hashlib
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

FRAME = pd.DataFrame(
    {
        "amount": [0.1 + 0.2, None, 1e-300, -5.0],
        "count": [1, 2, 3, 4],
        "word": ["müde", None, "a,b", 'quote "'],
        "yes": [True, False, True, True],
    }
)


def parquet():
    sink = BytesIO()
    FRAME.to_parquet(sink)
    return sink.getvalue()


def arrow_file():
    sink = BytesIO()
    FRAME.to_feather(sink)
    return sink.getvalue()


def arrow_stream():
    sink = BytesIO()
    table = pa.Table.from_pandas(FRAME)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def csv():
    return FRAME.to_csv(index=False).encode()


@pytest.fixture
def load(tmp_path):
    def load_content(content, *, name, **keys):
        (tmp_path / name).write_bytes(content)
        spec = DatasetSpec(uri=name, **keys)
        return load_dataset("current", spec, folder=tmp_path, connections=PlainConnections())

    return load_content


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.parquet", parquet),
        ("rows.pq", parquet),
        ("ROWS.PARQUET", parquet),
        ("rows.csv", csv),
        ("rows.csv.gz", lambda: gzip.compress(csv(), mtime=0)),
        ("rows.feather", arrow_file),
        ("rows.arrow", arrow_file),
        ("rows.ipc", arrow_stream),
    ],
)
def test_every_format_gives_the_rows_back_with_the_digest_of_the_file(load, name, write):
    content = write()
    dataset = load(content, name=name)
    pd.testing.assert_frame_equal(dataset.frame, FRAME, check_exact=True)
    assert (dataset.role, dataset.uri, dataset.rows) == ("current", name, 4)
    assert dataset.sha256 == hashlib.sha256(content).hexdigest()


def test_the_policy_may_name_the_format_that_the_ending_does_not(load):
    assert load(csv(), name="part-0001", format="csv").rows == 4


def test_a_named_index_of_pandas_is_a_column_again(load):
    sink = BytesIO()
    FRAME.set_index("count").to_parquet(sink)
    assert set(load(sink.getvalue(), name="rows.parquet").frame.columns) == set(FRAME.columns)


def test_column_names_are_text(load):
    sink = BytesIO()
    table = pa.Table.from_pandas(pd.DataFrame({7: [1]}))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert list(load(sink.getvalue(), name="rows.arrow").frame.columns) == ["7"]


def test_a_pinned_dataset_must_not_change(load):
    pinned = hashlib.sha256(csv()).hexdigest()
    assert load(csv(), name="rows.csv", sha256=pinned).sha256 == pinned
    with pytest.raises(DigestMismatch, match=r"rows\.csv"):
        load(csv() + b"1,2,x,True\n", name="rows.csv", sha256=pinned)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.xlsx", b"PK", "one of .parquet, .pq, .csv"),
        ("rows.parquet", b"not parquet at all", "cannot be read as parquet"),
        ("rows.parquet", parquet()[:200], "cannot be read as parquet"),
        ("rows.arrow", b"nothing like arrow", "cannot be read as arrow"),
        ("rows.feather", arrow_file()[:100], "cannot be read as arrow"),
        ("rows.feather", b"FEA1....", "version 2"),
        ("rows.csv", b"\xff\xfe\x00", "cannot be read as csv"),
        ("rows.csv.gz", gzip.compress(csv(), mtime=0)[:20], "cannot be read as csv"),
        ("rows.csv", b"a,b\n", "has no rows"),
        ("rows.csv", b"\n", "cannot be read as csv"),
        ("rows.csv", b"a,b,a\n1,2,3\n", "names a more than once"),
        ("rows.csv", b"a,b\n1,2,3\n4,5,6\n", "line 2 holds 3 cells"),
        ("rows.csv", b"a,b\n1,2\n4,5,6\n", "line 3 holds 3 cells"),
        ("rows.parquet", b"", "0 bytes"),
    ],
    ids=[
        "unknown ending",
        "parquet of words",
        "parquet cut short",
        "arrow of words",
        "arrow cut short",
        "feather version 1",
        "csv that is not text",
        "gzip cut short",
        "csv with a header only",
        "csv with an empty line only",
        "csv names a column twice",
        "csv with a value too many in every row",
        "csv with a value too many in one row",
        "parquet of nothing",
    ],
)
def test_bad_files_say_where_and_why(load, name, content, told):
    with pytest.raises(SubjectError, match=told) as caught:
        load(content, name=name)
    assert str(caught.value).startswith(name)


def test_a_parquet_file_without_rows_is_refused(load):
    sink = BytesIO()
    FRAME.head(0).to_parquet(sink)
    with pytest.raises(SubjectError, match="never a pass"):
        load(sink.getvalue(), name="rows.parquet")


def test_a_column_name_twice_is_refused(load):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    sink = BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(SubjectError, match=r"column\(s\) a .* more than once"):
        load(sink.getvalue(), name="rows.arrow")

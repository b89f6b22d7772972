"""Rows of a file that are read when somebody asks, and never other rows than those digested."""

from __future__ import annotations

import gc
import gzip
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine_cases import NUMBERS, in_parquet, samples
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Dataset, Feature, Subject
from model_governance.engine import files, local, memory, open_relation, ordered, ordered_distances, runs
from model_governance.engine.paired_pass import read_pair
from model_governance.errors import SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import datasets, load_dataset


@pytest.fixture
def load(tmp_path):
    def load_file(name, **keys):
        return load_dataset("current", DatasetSpec(uri=name, **keys), folder=tmp_path, connections=PlainConnections())

    return load_file


@pytest.fixture
def reads(monkeypatch):
    """The columns of every read of a Parquet file as a frame."""
    asked = []
    read = pq.ParquetFile.read

    def note(self, columns=None, **keys):
        asked.append(columns)
        return read(self, columns=columns, **keys)

    monkeypatch.setattr(pq.ParquetFile, "read", note)
    return asked


def test_loading_reads_no_frame_and_a_check_reads_its_columns(tmp_path, load, reads):
    pq.write_table(samples(500, seed=1), tmp_path / "rows.parquet")
    dataset = load("rows.parquet")
    assert (dataset.rows, dataset.names) == (500, tuple(samples(1, seed=1).column_names))
    subject = Subject(
        name="m",
        task="regression",
        columns=Columns(features={"normal": Feature(kind="numeric")}),
        datasets={"current": dataset},
    )
    assert reads == []
    assert list(subject.features("current").columns) == ["normal"]
    assert reads == [["normal"]]
    assert dataset.frame is dataset.frame
    assert reads == [["normal"], list(dataset.names)]
    subject.frame("current")["normal"] = 0
    assert dataset.frame["normal"].any()
    with pytest.raises(SubjectError, match="lacks column"):
        subject.frame("current", columns=["absent"])


def test_a_file_that_is_written_while_it_is_read_is_refused(tmp_path):
    dataset = in_parquet(tmp_path, samples(500, seed=1))
    relation = open_relation(dataset)
    assert relation.rows == 500
    path = tmp_path / "reference.parquet"
    pq.write_table(samples(500, seed=2), path)
    os.utime(path, ns=(1, 1))
    for read in (
        lambda: relation.summaries(["normal"]),
        lambda: dataset.frame,
        lambda: relation.quantiles([0.5], ["normal"]),
    ):
        with pytest.raises(SubjectError, match="was written while it was read"):
            read()
    path.unlink()
    with pytest.raises(SubjectError, match="was written while it was read"):
        relation.missing(["normal"])


def test_a_broken_page_is_reported_when_it_is_read(tmp_path, load):
    path = tmp_path / "rows.parquet"
    pq.write_table(samples(5000, seed=1), path, row_group_size=1000, compression="zstd")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    relation = open_relation(load("rows.parquet"))
    with pytest.raises(SubjectError, match=r"rows.parquet: dataset 'current' cannot be read as parquet"):
        relation.summaries(NUMBERS)


@pytest.mark.parametrize("index", ["row", None])
def test_an_index_of_pandas_is_a_column_where_it_has_a_name(tmp_path, load, index):
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=pd.Index([7, 8, 9], name=index))
    frame.to_parquet(tmp_path / "rows.parquet")
    dataset = load("rows.parquet")
    assert dataset.names == tuple(dataset.frame.columns) == (("row", "a") if index else ("a",))
    assert list(dataset.read(["a"]).columns) == ["a"]
    if index:
        assert open_relation(load("rows.parquet")).value_counts(["row"]) == {"row": {"7": 1, "8": 1, "9": 1}}


def test_an_index_that_is_only_described_is_a_column_too(tmp_path, load):
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=pd.RangeIndex(5, 8, name="row"))
    frame.to_parquet(tmp_path / "rows.parquet")
    dataset = load("rows.parquet")
    assert dataset.names == ("row", "a")
    assert open_relation(dataset).summaries(["row"])["row"].maximum == 7


def test_folders_called_like_partitions_add_no_column(tmp_path, load):
    (tmp_path / "day=2026-01-01").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "day=2026-01-01" / "rows.parquet")
    dataset = load("day=2026-01-01/rows.parquet")
    assert dataset.names == tuple(dataset.frame.columns) == ("a",)


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.arrow", "rows.ipc"])
def test_large_text_and_arrow_files_are_stored_as_parquet_while_they_are_needed(tmp_path, load, monkeypatch, name):
    table = samples(3000, seed=1).drop_columns(["wild"])
    if name.endswith(".arrow"):
        with pa.ipc.new_file(tmp_path / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=500)
    elif name.endswith(".ipc"):
        with pa.ipc.new_stream(tmp_path / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=500)
    else:
        content = table.to_pandas().to_csv(index=False).encode()
        (tmp_path / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    small = load(name)
    assert (small.source is None) == ("csv" in name), "Arrow is read in a child, which always writes a file"
    monkeypatch.setattr(datasets, "MAX_IN_MEMORY", 100)
    large = load(name)
    spilled = large.source.file.path
    assert spilled.is_file()
    assert spilled.parent != tmp_path
    assert (large.rows, large.names, large.sha256) == (small.rows, small.names, small.sha256)
    # pandas reads a missing text as NaN from CSV and as None from Parquet.
    pd.testing.assert_frame_equal(large.frame.fillna({"colour": "none"}), small.frame.fillna({"colour": "none"}))
    one, other = open_relation(large), open_relation(small)
    assert one.value_counts(["colour"]) == other.value_counts(["colour"])
    assert ordered_distances(one, other, ["normal", "gaps"])["gaps"].ks == 0
    del large, one
    gc.collect()
    assert not spilled.parent.exists()


def test_an_s3_object_is_streamed_into_a_folder_that_goes_with_it(tmp_path):
    class Body:
        def __init__(self, path):
            self.opened, self.sizes = path.open("rb"), []

        def read(self, size):
            self.sizes.append(size)
            return self.opened.read(size)

    class Client:
        def get_object(self, **_):
            return {"Body": body}

    class Reached(PlainConnections):
        def s3(self, name):
            return Client()

    path = tmp_path / "rows.parquet"
    pq.write_table(samples(500, seed=1), path)
    body = Body(path)
    dataset = load_dataset("current", DatasetSpec(uri="s3://b/rows.parquet"), folder=tmp_path, connections=Reached())
    body.opened.close()
    local_copy = dataset.source.file.path
    assert dataset.sha256 == in_parquet(tmp_path, samples(500, seed=1), name="rows").sha256
    assert max(body.sizes) <= 1 << 20
    assert open_relation(dataset).summaries(["normal"])["normal"].finite == 500
    del dataset
    gc.collect()
    assert not local_copy.parent.exists()


def test_columns_are_read_one_by_one_with_a_handful_of_readers(tmp_path, monkeypatch):
    import pyarrow.parquet

    opened = []
    original = pyarrow.parquet.ParquetFile.__init__
    monkeypatch.setattr(
        pyarrow.parquet.ParquetFile, "__init__", lambda self, *given, **rest: opened.append(1) or original(self, *given, **rest)
    )  # fmt: skip
    monkeypatch.setattr(local, "threads", lambda: 1)
    draw = np.random.default_rng(1)
    names = [f"n{place}" for place in range(60)]
    table = pa.table({name: draw.normal(size=50) for name in names} | {"word": ["a", "b"] * 25})
    one, other = (open_relation(in_parquet(tmp_path, table, role=role, name=role)) for role in ("reference", "current"))
    read_pair(one, other, names)
    one.labels(["word"])
    one.missing(["word", *names])
    one.integers(names)
    # Opening parses the description of every column: a reader for each would cost the square of their number.
    assert len(opened) <= 8


def test_a_wide_sample_arrives_in_pieces_that_are_the_sample(tmp_path, monkeypatch):
    table = samples(3000, seed=1)
    names = list(table.column_names)
    monkeypatch.setattr(local, "MAX_CELLS", 100)
    monkeypatch.setattr(files, "CELLS_PER_PIECE", 200 * len(names))
    monkeypatch.setattr(memory, "CELLS_PER_PIECE", 200 * len(names))
    dataset = in_parquet(tmp_path, table, role="current", group=1000)
    for relation in (
        open_relation(dataset),
        open_relation(Dataset(role="current", uri="x", sha256="0", frame=dataset.frame)),
    ):
        whole = relation.sample(700, seed=2, names=names)
        pieces = list(relation.sample_frames(700, seed=2, names=names))
        assert max(map(len, pieces)) <= 200
        pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole, check_dtype=False)


def test_a_dataset_has_rows_from_one_place():
    with pytest.raises(TypeError, match="exactly one of frame and source"):
        Dataset(role="current", uri="x", sha256="0")


def statistics(relation, other):
    edges = {name: np.linspace(-1, 2, 9) for name in NUMBERS}
    return repr(
        (
            relation.summaries(NUMBERS),
            {name: one.tolist() for name, one in relation.counts(edges).items()},
            relation.value_counts(["colour", "ties"]),
            relation.missing(relation.names),
            {name: one.tobytes() for name, one in relation.quantiles([0, 0.1, 0.5, 1], NUMBERS).items()},
            ordered_distances(relation, other, NUMBERS),
            relation.sample(50, seed=3, names=list(relation.names)).to_csv(),
        )
    )


def test_threads_and_row_groups_change_no_byte(tmp_path, monkeypatch):
    tables = samples(30_000, seed=1), samples(20_001, seed=2, shift=0.1)
    found = set()
    for threads in (1, 2):
        monkeypatch.setenv("POLARS_MAX_THREADS", str(threads))
        monkeypatch.setattr(local, "threads", lambda threads=threads: threads)
        for group in (30_000, 777):
            one, other = (
                open_relation(in_parquet(tmp_path, table, role=role, group=group, name=f"{role}{group}"))
                for role, table in zip(("reference", "current"), tables, strict=True)
            )
            found.add(statistics(one, other))
    assert len(found) == 1


def test_four_times_the_rows_take_no_more_memory(tmp_path, monkeypatch):
    import tracemalloc

    for name, value in (("RUN", 1 << 14), ("SEGMENT", 1 << 12)):
        monkeypatch.setattr(runs, name, value)
    monkeypatch.setattr(ordered, "BLOCK", 1 << 12)
    monkeypatch.setattr(files, "ROWS_PER_PIECE", 1 << 13)
    monkeypatch.setattr(local, "threads", lambda: 1)
    peaks = []
    for rows in (50_000, 200_000):
        table = pa.table({"x": np.random.default_rng(rows).normal(size=rows)})
        one, other = (
            open_relation(in_parquet(tmp_path, table, role=role, group=10_000)) for role in ("reference", "current")
        )
        tracemalloc.start()
        one.summaries(["x"])
        one.counts({"x": np.linspace(-2, 2, 9)})
        ordered_distances(one, other, ["x"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The whole column would be 1.6 MB; what stays in memory are marks, one in two thousand values.
    assert peaks[1] < 1.15 * peaks[0]

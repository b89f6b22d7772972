"""Datasets as companies keep them: folders of files, globs, Hive partitions, compressed CSV (case D19)."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from datetime import UTC, datetime

import boto3
import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto import mock_aws

from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.policy.templates import environment
from model_governance.subjects import load_dataset
from model_governance.subjects.file_sets import matches
from model_governance.subjects.templates import _render, run_variables


def rows(count: int, *, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": draw.normal(size=count).round(6),
            "count": draw.integers(0, 9, count),
            "word": draw.choice(["red", "green"], count),
        }
    )


PARTS = {"a.parquet": rows(70, seed=1), "b.parquet": rows(5, seed=2), "deeper/c.parquet": rows(30, seed=3)}
WHOLE = pd.concat(PARTS.values(), ignore_index=True)


@pytest.fixture
def write(tmp_path):
    def write_frame(name: str, frame: pd.DataFrame) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            frame.to_parquet(path, index=False)
        elif name.endswith(".gz"):
            path.write_bytes(gzip.compress(frame.to_csv(index=False).encode(), mtime=0))
        elif name.endswith(".csv"):
            path.write_text(frame.to_csv(index=False))
        else:
            frame.to_feather(path)

    return write_frame


@pytest.fixture
def load(tmp_path):
    def load_uri(uri: str, *, role: str = "current", **keys):
        return load_dataset(role, DatasetSpec(uri=uri, **keys), folder=tmp_path, connections=PlainConnections())

    return load_uri


def answers(dataset) -> dict:
    """What the engine says of the columns of `rows`."""
    relation = open_relation(dataset)
    return {
        "rows": relation.rows,
        "summaries": relation.summaries(["amount", "count"]),
        "labels": relation.value_counts(["word"]),
        "integers": relation.integers(["amount", "count"]),
        "frames": pd.concat(relation.frames(["amount", "count", "word"], rows=50)).to_csv(),
        "pieces": [len(frame) for frame in relation.frames(["count"], rows=50)],
        "sample": relation.sample(20, seed=3, names=["amount", "word"]).to_csv(),
        "read": dataset.read(["amount", "count", "word"]).to_csv(),
    }


@pytest.mark.parametrize("uri", ["data", "data/", "data/**/*.parquet", "data/**"])
def test_a_folder_of_parquet_files_answers_as_one_file_of_the_same_rows(load, write, uri):
    """D19."""
    for name, frame in PARTS.items():
        write(f"data/{name}", frame)
    write("one.parquet", WHOLE)
    (folder := load(uri)).frame  # noqa: B018 - reading everything is one of the ways
    assert answers(folder) == answers(load("one.parquet"))
    assert folder.origin == {"files": 3}


@pytest.mark.parametrize(("kind", "format_"), [("csv.gz", None), ("csv", None), ("feather", None)])
def test_globs_of_other_formats_answer_as_one_parquet_file(load, write, kind, format_):
    """D19."""
    for number, frame in enumerate(PARTS.values()):
        write(f"data/{number}.{kind}", frame)
    write("data/other.txt.csv.bak", WHOLE)
    write("one.parquet", WHOLE)
    expected = answers(load("one.parquet"))
    assert answers(load(f"data/*.{kind}", format=format_)) == expected


def test_the_types_of_csv_files_are_decided_over_all_of_them(load, write):
    """D19: a file with only whole numbers makes no column of integers beside one with fractions."""
    write("data/1.csv", pd.DataFrame({"x": [1, 2], "code": ["7", "8"]}))
    write("data/2.csv", pd.DataFrame({"x": [0.5, 2], "code": ["a", "8"]}))
    frame = load("data/*.csv").frame
    assert frame["x"].tolist() == [1.0, 2.0, 0.5, 2.0]
    assert list(map(str, frame["code"])) == ["7", "8", "a", "8"]


def test_the_digest_is_that_of_the_manifest_and_follows_every_file(load, write, tmp_path):
    """D19."""
    for name, frame in PARTS.items():
        write(f"data/{name}", frame)
    first = load("data")
    manifest = json.loads(first.manifest)
    assert hashlib.sha256(first.manifest).hexdigest() == first.sha256
    assert [entry["name"] for entry in manifest] == list(PARTS)
    assert manifest[0]["sha256"] == hashlib.sha256((tmp_path / "data/a.parquet").read_bytes()).hexdigest()
    assert load("data", sha256=first.sha256).rows == len(WHOLE)
    write("data/d.parquet", rows(1, seed=4))
    with pytest.raises(DigestMismatch, match="these 4 files are not the approved ones"):
        load("data", sha256=first.sha256)


def test_a_file_that_changes_while_it_is_read_is_noticed(load, write):
    """D19."""
    for name, frame in PARTS.items():
        write(f"data/{name}", frame)
    dataset = load("data")
    write("data/b.parquet", rows(5, seed=9))
    with pytest.raises(SubjectError, match="written while it was read"):
        dataset.read(["amount"])


def interval(start: str, end: str | None = None) -> str:
    """The default `interval` of a policy, rendered for a run."""
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    last = first if end is None else datetime.fromisoformat(end).replace(tzinfo=UTC)
    template = DatasetSpec(uri="data", partition="day").interval
    return _render(environment(), template, run_variables(first, data_interval=(first, last)))


DAYS = {f"day=2026-11-{day}": rows(10 + day, seed=day) for day in (27, 28, 29)}


@pytest.mark.parametrize(
    ("run", "days"),
    [
        (("2026-11-28", "2026-11-29"), [28]),
        (("2026-11-27T12:00", "2026-11-29T00:00:01"), [27, 28, 29]),
        (("2026-11-28T05:00",), [28]),
        (("2026-11-28", "2027-01-01"), [28, 29]),
    ],
)
def test_only_partitions_of_the_run_are_read(load, write, run, days):
    """D19: with and without a length of the data interval."""
    for folder, frame in DAYS.items():
        write(f"data/{folder}/region=EU/part-0.parquet", frame)
    write("data/_SUCCESS", rows(1, seed=1))
    dataset = load("data", partition="day", interval=interval(*run))
    assert dataset.rows == sum(10 + day for day in days)
    assert open_relation(dataset).value_counts(["day", "region"]) == {
        "day": {f"2026-11-{day}": 10 + day for day in days},
        "region": {"EU": dataset.rows},
    }


def test_a_run_whose_partition_is_not_there_says_which_are(load, write):
    """D19: an empty interval is no pass."""
    for folder, frame in DAYS.items():
        write(f"data/{folder}/part-0.parquet", frame)
    with pytest.raises(
        SubjectError, match=r"no partition lies within 2026-12-01.*found day=2026-11-27, day=2026-11-28"
    ):
        load("data", partition="day", interval=interval("2026-12-01", "2026-12-02"))


@pytest.mark.parametrize(
    ("folders", "keys", "run", "read"),
    [
        (["year=2026/month=01/day=02", "year=2026/month=1/day=3"], ("year", "month", "day"), ("2026-01-03",), [1]),
        (["d=2026010200", "d=2026010213"], "d", ("2026-01-02T13:00", "2026-01-02T14:00"), [1]),
        (["m=2026-01", "m=2026-02"], "m", ("2026-02-28", "2026-03-01"), [1]),
        (["y=2025", "y=2026"], "y", ("2025-12-31", "2026-01-01"), [0]),
        (["t=2026-01-02 13%3A00%3A00", "t=2026-01-02 14%3A00%3A00"], "t", ("2026-01-02T14:00",), [1]),
    ],
)
def test_periods_are_spelled_in_the_ways_of_hive(load, write, folders, keys, run, read):
    """D19."""
    for number, folder in enumerate(folders):
        write(f"data/{folder}/p.parquet", rows(1 + number, seed=number))
    assert load("data", partition=keys, interval=interval(*run)).rows == sum(1 + number for number in read)


def test_values_of_folders_keep_what_they_say(load, write):
    """D19: a leading zero stays, whole numbers are integers, null is missing, escaped signs are read."""
    for number, folder in enumerate(["zip=01/n=7/who=a%2Fb", "zip=02/n=10/who=__HIVE_DEFAULT_PARTITION__"]):
        write(f"data/{folder}/p.parquet", rows(1 + number, seed=number))
    relation = open_relation(load("data"))
    assert relation.value_counts(["zip", "n", "who"]) == {
        "zip": {"01": 1, "02": 2}, "n": {"10": 2, "7": 1}, "who": {"a/b": 1},
    }  # fmt: skip
    assert relation.integers(["n"]) == {"n"}
    assert relation.missing(["who"]) == {"who": 2}


def test_validation_in_sql_sees_the_folders_too(load, write):
    """D19: Great Expectations on DuckDB reads the same columns, types and rows."""
    from model_governance.checks.data.data_validation.view import open_view

    for number, folder in enumerate(["zip=01/n=7/who=a%2Fb", "zip=02/n=10/who=__HIVE_DEFAULT_PARTITION__"]):
        write(f"data/{folder}/p.parquet", rows(1 + number, seed=number))
    with open_view(load("data"), used={"n", "zip"}) as view:
        frame = view.frame(["amount", "zip", "n", "who"])
        assert {name: column.missing for name, column in view.columns.items()} == {
            "amount": 0, "count": 0, "word": 0, "zip": 0, "n": 0, "who": 2,
        }  # fmt: skip
    assert sorted(frame["zip"]) == ["01", "02", "02"]
    assert frame["n"].dtype == "int64"
    assert set(frame["who"].dropna()) == {"a/b"}


def test_one_file_below_a_folder_called_key_value_has_no_column_of_it(load, write):
    """D19: SQL must see the columns that all others see."""
    from model_governance.checks.data.data_validation.view import open_view

    write("run=5/one.parquet", WHOLE)
    with open_view(load("run=5/one.parquet"), used=set()) as view:
        assert list(view.columns) == ["amount", "count", "word"]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (pa.table({"x": pa.array(["1"])}), "holds column 'x' as string, other files as int64"),
        (pa.table({"y": pa.array([1])}), "lacks column.s. x and holds column.s. y besides"),
        (pa.table({"x": pa.array([0.5])}), None),
        (pa.table({"x": pa.array([None], pa.null())}), None),
        (pa.table({"x": pa.array([3], pa.int8())}), None),
        (pa.table({"x": pa.array([True])}), "holds column 'x' as bool"),
    ],
)
def test_files_that_do_not_fit_together_are_told_and_none_is_rounded(load, tmp_path, second, told):
    """D19: an integer beyond 2^53 meets a file of floats."""
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"x": pa.array([2**53 - 1])}), tmp_path / "data/1.parquet")
    pq.write_table(second, tmp_path / "data/2.parquet")
    if told is not None:
        with pytest.raises(SubjectError, match=told):
            load("data")
        return
    summary = open_relation(load("data")).summaries(["x"])["x"]
    assert (summary.maximum, summary.finite) == (2**53 - 1, 2 - second["x"].null_count)
    pq.write_table(pa.table({"x": pa.array([2**53 + 1])}), tmp_path / "data/1.parquet")
    if second["x"].type == pa.float64():
        with pytest.raises(SubjectError, match="no exact form as double"):
            load("data").read(["x"])


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a.parquet", "b.csv"], "files of one format"),
        (["a.parquet", "README"], r"README \(unknown\)"),
        (["_SUCCESS"], "no file matches"),
        (["a.parquet", "_delta_log/000.json"], "set format: delta"),
        (["data/a.parquet", "metadata/v1.metadata.json"], "set format: iceberg"),
        (["a.parquet", "_temporary/0/x.parquet"], "still being written"),
        (["k=1/a.parquet", "b.parquet"], "other partition keys"),
    ],
)
def test_folders_that_are_no_dataset_say_why(load, write, tmp_path, names, told):
    """D19."""
    for name in names:
        if name.endswith((".parquet", ".csv")):
            write(f"data/{name}", rows(2, seed=1))
            continue
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text("{}")
    (tmp_path / "data").mkdir(exist_ok=True)
    with pytest.raises(SubjectError, match=told):
        load("data")


def test_csv_files_of_other_headers_are_refused(load, write):
    """D19: columns in another order would change places."""
    write("data/1.csv", pd.DataFrame({"a": [1], "b": [2]}))
    write("data/2.csv", pd.DataFrame({"b": [1], "a": [2]}))
    with pytest.raises(SubjectError, match=r"the header of 2\.csv is another one"):
        load("data")


class Lake(PlainConnections):
    """One S3 client under every name."""

    def __init__(self, client):
        self._client = client

    def s3(self, name):
        return self._client


@pytest.fixture
def s3_client():
    with mock_aws():
        made = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        made.create_bucket(Bucket="lake")
        yield made


def test_a_prefix_of_s3_is_read_like_a_folder(s3_client, tmp_path, write):
    """D19."""
    for folder, frame in DAYS.items():
        write(f"local/{folder}/p.parquet", frame)
        s3_client.put_object(
            Bucket="lake", Key=f"scores/{folder}/p.parquet", Body=(tmp_path / f"local/{folder}/p.parquet").read_bytes()
        )
    s3_client.put_object(Bucket="lake", Key="scores/", Body=b"")
    connections = Lake(s3_client)
    keys = {"partition": "day", "interval": interval("2026-11-28", "2026-11-30"), "connection": "aws"}
    remote = load_dataset(
        "current", DatasetSpec(uri="s3://lake/scores/", **keys), folder=tmp_path, connections=connections
    )
    local = DatasetSpec(uri="local", **{**keys, "connection": None})
    assert remote.sha256 == load_dataset("current", local, folder=tmp_path, connections=connections).sha256
    assert (
        remote.read(["amount", "day"]).to_csv()
        == load_dataset("current", local, folder=tmp_path, connections=connections).read(["amount", "day"]).to_csv()
    )
    with pytest.raises(SubjectError, match="no file matches"):
        load_dataset(
            "current", DatasetSpec(uri="s3://lake/absent/", connection="aws"), folder=tmp_path, connections=connections
        )


class Bucket(MemoryFileSystem):
    """A store in memory under the scheme of Google's."""

    protocol = ("gs",)
    store: dict = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("gs:/"))


def test_object_stores_are_read_through_fsspec(load, write, tmp_path, monkeypatch):
    """D19: gs:// and abfs:// where their package is installed."""
    monkeypatch.setattr(fsspec, "filesystem", lambda _: Bucket())
    write("one.parquet", WHOLE)
    bucket = Bucket()
    bucket.pipe("/lake/one.parquet", (tmp_path / "one.parquet").read_bytes())
    bucket.pipe("/lake/day=2026-11-28/two.parquet", (tmp_path / "one.parquet").read_bytes())
    assert load("gs://lake/one.parquet").sha256 == load("one.parquet").sha256
    assert load("gs://lake/day=*/*.parquet").rows == len(WHOLE)
    with pytest.raises(SubjectError, match="nothing is stored there"):
        load("gs://lake/absent.parquet")
    with pytest.raises(SubjectError, match="leave `connection` out"):
        load("gs://lake/one.parquet", connection="google")


@pytest.mark.parametrize("scheme", ["gs", "abfs"])
def test_a_store_whose_package_is_missing_is_told_with_the_extra(load, monkeypatch, scheme):
    """D19."""
    monkeypatch.setattr(fsspec, "filesystem", lambda _: (_ for _ in ()).throw(ImportError("no such package")))
    with pytest.raises(
        SubjectError, match=r"which is not installed; pip install 'airflow-model-governance\[(gcs|azure)\]'"
    ):
        load(f"{scheme}://bucket/rows.parquet")


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("**", ["a", "a/b", "a/b/c"], []),
        ("*.parquet", ["a.parquet"], ["b/a.parquet", "a.csv"]),
        ("**/*.parquet", ["a.parquet", "b/c/a.parquet"], ["b/a.csv"]),
        ("day=*/part-?.csv", ["day=1/part-0.csv"], ["day=1/part-10.csv", "day=1/x/part-0.csv"]),
        ("a/**/z", ["a/z", "a/b/c/z"], ["z", "a/b"]),
    ],
)
def test_globs_mean_what_shells_mean(pattern, fits, fails):
    """D19."""
    steps = pattern.split("/")
    assert [name for name in [*fits, *fails] if matches(name.split("/"), steps)] == fits


def test_a_partition_without_a_uri_of_files_is_refused():
    """D19."""
    with pytest.raises(ValueError, match="partition fits files"):
        DatasetSpec(query="select 1", uri="sqlite:///x.db", partition="day")
    with pytest.raises(ValueError, match="interval needs partition"):
        DatasetSpec(uri="data", interval="a/b")


@pytest.mark.parametrize(("kind", "package"), [("delta", "deltalake"), ("iceberg", "pyiceberg")])
def test_a_table_format_whose_package_is_missing_is_told_with_the_extra(load, monkeypatch, kind, package):
    """D19."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SubjectError, match=rf"needs the package {package}.*airflow-model-governance\[{kind}\]"):
        load("data", format=kind)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"uri": "x.parquet", "version": 3}, "version and timestamp fit tables of format delta or iceberg"),
        ({"uri": "x", "format": "delta", "version": 3, "timestamp": "2026-01-01"}, "names both"),
        ({"uri": "duckdb:///x", "table": "t", "format": "delta"}, "neither query nor table"),
        ({"uri": "x", "format": "iceberg", "partition": "day"}, "hides its partitions"),
    ],
)
def test_versions_are_those_of_table_formats(keys, told):
    """D19."""
    with pytest.raises(ValueError, match=told):
        DatasetSpec(**keys)

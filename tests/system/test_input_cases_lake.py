"""Delta Lake and Iceberg tables at a version or moment, which the evidence names (case D19, must-show 3)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

import forms
import synthetic
from drift_cases import numbers_only
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Subject
from model_governance.engine import open_relation
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.evidence.record import _datasets, file_manifests
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from model_governance.subjects.presence import missing_data

deltalake = pytest.importorskip("deltalake")
pytest.importorskip("pyiceberg")
pytestmark = pytest.mark.system

ROWS = pa.table(
    {
        "x": pa.array([1.5, 2.5, None, 4.0]),
        "day": pa.array([datetime(2026, 11, day).date() for day in (27, 28, 28, 29)]),
        "w": ["a/b", "c d", None, "e=f"],
        "n": [1, 2, 3, 4],
    }
)


@pytest.fixture
def load(tmp_path):
    def load_uri(uri: str = "rows", *, role: str = "current", connections=None, **keys):
        spec = DatasetSpec(**({"uri": uri, "format": "delta"} | keys))
        return load_dataset(role, spec, folder=tmp_path, connections=connections or PlainConnections())

    return load_uri


@pytest.fixture
def delta(tmp_path):
    """Version 0: four rows; version 1: one more, with a new column; version 2: without the rows of one day."""
    place = str(tmp_path / "rows")
    deltalake.write_deltalake(place, ROWS, partition_by=["day", "w"])
    more = ROWS.slice(0, 1).append_column("added", pa.array([7]))
    deltalake.write_deltalake(place, more, mode="append", schema_mode="merge")
    deltalake.DeltaTable(place).delete("day = '2026-11-28'")
    return place


def test_the_newest_version_is_read_without_removed_rows_and_with_added_columns(load, delta):
    """D19."""
    dataset = load()
    assert sorted(dataset.frame["n"]) == [1, 1, 4]
    relation = open_relation(dataset)
    assert relation.value_counts(["w"])["w"] == {"a/b": 2, "e=f": 1}
    assert relation.missing(["added"]) == {"added": 2}
    assert dataset.source.schema.field("day").type == pa.date32()


@pytest.mark.parametrize(("version", "rows", "columns"), [(0, 4, 4), (1, 5, 5), (2, 3, 5)])
def test_a_version_is_read_as_it_was_and_stands_in_the_evidence(load, delta, version, rows, columns):
    """D19: the record names version, time of commit and files; the manifest is stored with the digest of the dataset."""
    dataset = load(version=version)
    assert (dataset.rows, len(dataset.names)) == (rows, columns)
    subject = Subject(name="x", task="regression", columns=synthetic.COLUMNS, datasets={"current": dataset}, model=None)
    (entry,) = _datasets(subject)
    assert entry["version"] == version
    assert datetime.fromisoformat(entry["committed"]) <= datetime.now(UTC)
    (manifest,) = file_manifests(subject)
    assert hashlib.sha256(manifest.content).hexdigest() == dataset.sha256 == entry["sha256"]
    assert len(json.loads(manifest.content)) == entry["files"]


def test_a_moment_is_that_of_the_last_commit_before_it(load, delta):
    """D19."""
    commits = {one["version"]: one["timestamp"] for one in deltalake.DeltaTable(delta).history()}
    at = datetime.fromtimestamp(commits[1] / 1000, UTC)
    assert load(timestamp=at.isoformat()).origin["version"] == 1
    assert load(timestamp=(at + timedelta(days=1)).isoformat()).origin["version"] == 2
    with pytest.raises(SubjectError, match="had no version at"):
        load(timestamp="2020-01-01")
    with pytest.raises(SubjectError, match="no moment of ISO 8601"):
        load(timestamp="yesterday")


def test_partitions_are_pruned_and_pinned_files_must_not_change(load, delta):
    """D19."""
    keys = {"version": 0, "partition": "day", "interval": "2026-11-28/2026-11-29"}
    pruned = load(**keys)
    assert sorted(pruned.frame["n"]) == [2, 3]
    assert load(**keys, sha256=pruned.sha256).rows == 2
    with pytest.raises(DigestMismatch, match="version 2 has other files"):
        load(sha256=pruned.sha256)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"uri": "absent"}, "there is no Delta Lake table"),
        ({"version": 99}, "cannot be opened at version 99"),
    ],
)
def test_what_is_not_there_is_told(load, delta, keys, told):
    """D19."""
    with pytest.raises(SubjectError, match=told) as caught:
        load(**keys)
    assert not caught.value.infrastructure


@pytest.mark.parametrize(
    "path", ["../../outside.parquet", "%2e%2e/outside.parquet", "/etc/passwd", "file:///etc/passwd"]
)
def test_a_table_reaches_no_file_outside_its_folder(load, delta, tmp_path, path):
    """D19: a log is as hostile as any file."""
    log = tmp_path / "rows/_delta_log/00000000000000000002.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    add = {
        "path": path,
        "partitionValues": {"day": "2026-11-27", "w": "a"},
        "size": 1,
        "modificationTime": 1,
        "dataChange": True,
    }
    log.write_text("\n".join(json.dumps(line) for line in [*lines, {"add": add}]))
    with pytest.raises(SubjectError, match="outside its folder"):
        load()


def test_features_that_change_how_files_are_read_are_refused(load, tmp_path):
    """D19: with deletion vectors, removed rows stand in the files."""
    place = str(tmp_path / "rows")
    deltalake.write_deltalake(place, ROWS, configuration={"delta.enableDeletionVectors": "true"})
    with pytest.raises(SubjectError, match="uses deletionVectors"):
        load()


class Lake(PlainConnections):
    """One S3 client under every name."""

    def __init__(self, client):
        self._client = client

    def s3(self, name):
        return self._client


def test_a_table_in_s3_is_read_through_our_own_connection(load, delta, tmp_path):
    """D19: the same rows, digest and version as in a folder."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="lake")
        for path in (tmp_path / "rows").rglob("*"):
            if path.is_file():
                client.put_object(Bucket="lake", Key=f"t/{path.relative_to(tmp_path)}", Body=path.read_bytes())
        remote = load("s3://lake/t/rows", connections=Lake(client), connection="aws")
        local = load()
        assert (remote.sha256, remote.origin) == (local.sha256, local.origin)
        assert remote.frame.equals(local.frame)


@pytest.fixture
def iceberg(tmp_path):
    """Two snapshots of an Iceberg table in a folder, the second with a column renamed and rows deleted."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/lake")
    catalog.create_namespace("risk")
    table = catalog.create_table("risk.rows", schema=ROWS.schema)
    table.append(ROWS)
    first = table.current_snapshot()
    table.append(ROWS.slice(0, 1))
    with table.update_schema() as update:
        update.rename_column("n", "number")
    table.delete("w = 'c d'")
    yield catalog.load_table("risk.rows"), first
    catalog.close()


def test_iceberg_snapshots_are_read_with_deletes_and_renamed_columns(load, iceberg):
    """D19."""
    table, first = iceberg
    newest = load("lake/risk/rows", format="iceberg")
    assert sorted(newest.frame["number"]) == [1, 1, 3, 4]
    assert newest.origin["version"] == table.current_snapshot().snapshot_id
    earlier = load("lake/risk/rows", format="iceberg", version=first.snapshot_id)
    assert earlier.rows == 4
    assert earlier.origin["table_uuid"] == str(table.metadata.table_uuid)
    at = datetime.fromtimestamp(first.timestamp_ms / 1000, UTC).isoformat()
    by_time = load("lake/risk/rows", format="iceberg", timestamp=at)
    assert (by_time.sha256, by_time.origin) == (earlier.sha256, earlier.origin)
    by_file = load(table.metadata_location, format="iceberg", sha256=newest.sha256)
    assert by_file.sha256 == newest.sha256
    with pytest.raises(DigestMismatch, match="has other files than those pinned"):
        load("lake/risk/rows", format="iceberg", sha256=earlier.sha256)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"uri": "."}, "there is no Iceberg table"),
        ({"uri": "absent.metadata.json"}, "there is no Iceberg table|cannot be read"),
        ({"version": 7}, "has no snapshot 7; found"),
        ({"timestamp": "2020-01-01"}, "has no snapshot at 2020"),
        ({"uri": "iceberg://risk"}, "names no table"),
        ({"connection": "aws"}, "leave `connection` out"),
    ],
)
def test_what_iceberg_does_not_hold_is_told(load, iceberg, keys, told):
    """D19."""
    with pytest.raises(SubjectError, match=told):
        load(**({"uri": "lake/risk/rows", "format": "iceberg"} | keys))


def test_a_catalog_of_pyiceberg_names_the_table(load, iceberg, tmp_path, monkeypatch):
    """D19."""
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", f"sqlite:///{tmp_path}/catalog.db")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
    import pyiceberg.catalog
    from pyiceberg.utils.config import Config

    monkeypatch.setattr(pyiceberg.catalog, "_ENV_CONFIG", Config())
    table, _ = iceberg
    from pyiceberg.catalog.sql import SqlCatalog

    named = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/lake")
    named.create_namespace("risk")
    named.register_table("risk.same", table.metadata_location)
    named.close()
    assert load("iceberg://lake/risk.same", format="iceberg").rows == 4


@pytest.mark.parametrize("kind", ["delta", "iceberg"])
def test_the_form_of_the_rows_is_in_no_metric(load, tmp_path, kind):
    """D22 and must-show 3."""
    from pyiceberg.catalog.sql import SqlCatalog

    roles = ("reference", "current")
    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/lake")
    catalog.create_namespace("risk")
    datasets = {"parquet": {}, kind: {}}
    for role in roles:
        made = forms.table(role)
        pq.write_table(made, tmp_path / f"{role}.parquet")
        datasets["parquet"][role] = load(f"{role}.parquet", role=role, format="parquet")
        if kind == "delta":
            deltalake.write_deltalake(str(tmp_path / role), made)
            datasets[kind][role] = load(role, role=role)
        else:
            catalog.create_table(f"risk.{role}", schema=made.schema).append(made)
            datasets[kind][role] = load(f"lake/risk/{role}", role=role, format="iceberg")
    catalog.close()
    model = forms.filling_model()
    found = []
    for form in datasets.values():
        subject = Subject(
            name="forms", task="binary_classification", columns=synthetic.COLUMNS, datasets=form, model=model
        )
        with numbers_only():
            for name, params in (("data_drift", {"joint": False}), ("model_quality", {})):
                check = find(name)
                result = check.measure(subject, check.params.model_validate(params), 5)
                found.append([(one.name, one.key, one.value, one.low, one.high, one.n) for one in result.metrics])
    assert found[:2] == found[2:]


def test_a_table_of_a_lake_is_there_with_the_version_or_partition_that_is_asked_for(tmp_path):
    def asked(**spec):
        return missing_data(
            DatasetSpec(uri="rows", format="delta", **spec), folder=tmp_path, connections=PlainConnections()
        )

    day = {"partition": "day", "interval": "2026-03-02/2026-03-03"}
    assert "there is no Delta Lake table" in asked()
    first = pa.table({"n": [1], "day": ["2026-03-01"]})
    deltalake.write_deltalake(str(tmp_path / "rows"), first, partition_by=["day"])
    assert asked() == ""
    assert "at version 1" in asked(version=1)
    assert "no partition lies within 2026-03-02" in asked(**day)
    deltalake.write_deltalake(str(tmp_path / "rows"), pa.table({"n": [2], "day": ["2026-03-02"]}), mode="append")
    assert asked(version=1) == ""
    assert asked(**day) == ""

"""Whether the files of a dataset are there, in a folder and in a bucket."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import boto3
import duckdb
import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects.presence import missing_data

DAY = {"partition": "day", "interval": "2026-03-02/2026-03-03"}


def asked(folder, **spec):
    return missing_data(DatasetSpec(**spec), folder=folder, connections=PlainConnections())


def test_a_file_is_there_or_not(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"rows")

    assert asked(tmp_path, uri="rows.parquet") == ""
    assert asked(tmp_path, uri="row.parquet") == "row.parquet: no such file"


def test_a_partition_is_there_or_not(tmp_path):
    for day in ("2026-03-01", "2026-03-02"):
        (tmp_path / f"rows/day={day}").mkdir(parents=True)
    (tmp_path / "rows/day=2026-03-01/part-0.parquet").write_bytes(b"rows")

    assert "no partition lies within 2026-03-02" in asked(tmp_path, uri="rows/", **DAY)
    (tmp_path / "rows/day=2026-03-02/part-0.parquet").write_bytes(b"rows")
    assert asked(tmp_path, uri="rows/", **DAY) == ""
    assert "no file matches" in asked(tmp_path, uri="rows/*.csv")


def test_an_object_is_there_only_under_its_whole_name(monkeypatch, tmp_path):
    from moto import mock_aws

    for name, value in (
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="rows")
        client.put_object(Bucket="rows", Key="day.parquet.partial", Body=b"rows")
        assert asked(tmp_path, uri="s3://rows/day.parquet") == "s3://rows/day.parquet: no such object"
        client.put_object(Bucket="rows", Key="day.parquet", Body=b"rows")
        assert asked(tmp_path, uri="s3://rows/day.parquet") == ""


def test_a_query_is_not_asked(tmp_path):
    assert asked(tmp_path, query="select 1", connection="warehouse") == ""


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_table_of_a_database_is_there_when_it_holds_a_row(tmp_path, kind):
    uri = f"{kind}:///rows.db"
    assert "no" in asked(tmp_path, uri=uri, table="night")
    connect = sqlite3.connect if kind == "sqlite" else duckdb.connect
    with closing(connect(str(tmp_path / "rows.db"))) as database:
        database.execute("create table other (n integer)")
        database.commit()
    assert "there is no table night" in asked(tmp_path, uri=uri, table="night")
    with closing(connect(str(tmp_path / "rows.db"))) as database:
        database.execute("create table night (n integer)")
        database.commit()
    assert "the table holds no row" in asked(tmp_path, uri=uri, table="night")
    with closing(connect(str(tmp_path / "rows.db"))) as database:
        database.execute("insert into night values (1)")
        database.commit()
    assert asked(tmp_path, uri=uri, table="night") == ""


def test_a_snapshot_of_an_iceberg_table_is_asked_for_without_its_rows(monkeypatch, tmp_path):
    from model_governance.subjects import iceberg_tables

    monkeypatch.setattr(iceberg_tables, "_require_package", lambda uri: None)
    monkeypatch.setattr(iceberg_tables, "_spooled", lambda *_: pytest.fail("rows were read"))
    monkeypatch.setattr(iceberg_tables, "_snapshot", lambda spec, table: table)
    monkeypatch.setattr(iceberg_tables, "_table", lambda uri, folder: "table")
    assert asked(tmp_path, uri="iceberg://lake/rows.night", format="iceberg") == ""

    def absent(uri, folder):
        raise FileNotFoundError("metadata/v1.metadata.json")

    monkeypatch.setattr(iceberg_tables, "_table", absent)
    assert "there is no Iceberg table" in asked(tmp_path, uri="rows", format="iceberg")


def test_a_place_that_does_not_answer_is_no_missing_file(monkeypatch, tmp_path):
    from model_governance.errors import SubjectUnreachable
    from model_governance.subjects import presence

    def away(*_, **__):
        raise SubjectUnreachable("s3://rows: does not answer")

    monkeypatch.setattr(presence, "list_names", away)
    with pytest.raises(SubjectError, match="does not answer"):
        asked(tmp_path, uri="s3://rows/day.parquet")

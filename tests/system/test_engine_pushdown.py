"""The same expressions on PostgreSQL, a Spark cluster of two workers and DuckDB give the numbers of the embedded engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine_cases import NUMBERS, in_memory, samples
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation, ordered_distances, require_same_families
from model_governance.errors import CheckError, DigestMismatch, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from system.databases import postgres
from system.spark_cluster import has_java, spark_cluster

pytestmark = [
    pytest.mark.system,
    # Spark's Python leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

CATEGORIES = ("colour", "ties", "flag")
TYPES = {"double": "double precision", "int64": "bigint", "string": "text", "bool": "boolean"}
EDGES = {name: np.array([-1.0, 0.0, 0.5, 3.0, 1.7e9]) for name in NUMBERS}
PROBABILITIES = (0, 0.1, 0.5, 0.9, 1)
SIDES = {"reference": (20_000, 0.0), "current": (15_000, 0.1)}


def rows(role):
    count, shift = SIDES[role]
    table = samples(count, seed=count, shift=shift)
    flags = np.random.default_rng(count).random(count)
    table = table.append_column("flag", pa.array(flags < 0.3, mask=flags > 0.9))
    nans = np.where(flags < 0.02, np.nan, table["normal"].to_numpy())
    return table.set_column(table.schema.get_field_index("normal"), "normal", pa.array(nans))


@pytest.fixture(scope="module")
def tables():
    return {role: rows(role) for role in SIDES}


@pytest.fixture(scope="module")
def postgres_uri(tables):
    with postgres() as uri:
        import psycopg  # only in the environment of the system tests

        with psycopg.connect(uri) as connection:
            for role, table in tables.items():
                columns = ", ".join(f'"{one.name}" {TYPES[str(one.type)]}' for one in table.schema)
                connection.execute(f"create table {role} ({columns})")
                with connection.cursor().copy(f"copy {role} from stdin") as copy:
                    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                        copy.write_row(row)
        yield uri


@pytest.fixture(scope="module")
def cluster():
    if not has_java():
        pytest.skip("Spark needs Java")
    with spark_cluster() as running:
        yield running


@pytest.fixture(scope="module")
def spark_files(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")
    for role, table in tables.items():
        pq.write_table(table, folder / f"{role}.parquet", row_group_size=4000)
    return folder


@pytest.fixture(scope="module")
def spark_uri(cluster, spark_files):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield cluster.uri, spark_files
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()


@pytest.fixture(scope="module", params=["postgresql", "spark"])
def pushed(request):
    """Both sides behind the database, opened through nothing but a uri and a table."""
    if request.param == "postgresql":
        uri, names = request.getfixturevalue("postgres_uri"), {role: role for role in SIDES}
    else:
        uri, folder = request.getfixturevalue("spark_uri")
        names = {role: str(folder / f"{role}.parquet") for role in SIDES}
    specs = {role: DatasetSpec(uri=uri, table=names[role]) for role in SIDES}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("model_governance.engine.table_copies.MAX_CELLS", 0)  # rows stay where they are
        return {
            role: load_dataset(role, spec, folder=None, connections=PlainConnections()) for role, spec in specs.items()
        }


@pytest.fixture(scope="module")
def theirs(pushed):
    return {role: open_relation(one) for role, one in pushed.items()}


@pytest.fixture(scope="module")
def ours(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded")
    found = {}
    for role, table in tables.items():
        pq.write_table(table, folder / f"{role}.parquet")
        spec = DatasetSpec(uri=f"{role}.parquet")
        found[role] = open_relation(load_dataset(role, spec, folder=folder, connections=PlainConnections()))
    return found


def test_a_command_compares_two_tables_of_a_cluster_as_it_compares_their_files(cluster, tables, tmp_path):
    # The first test: the session of this process, which the others open, takes all cores of the cluster.
    files = [str(tmp_path / f"{role}.parquet") for role in SIDES]
    for file, role in zip(files, SIDES, strict=True):
        pq.write_table(tables[role].select(["normal", "ties", "colour"]), file, row_group_size=4000)
    here, there = _compared(files), _compared([f"{cluster.uri}#{file}" for file in files])
    assert there["rows"] == here["rows"]
    assert [one["name"] for one in there["columns"]] == ["normal", "ties", "colour"]
    for theirs, ours in zip(there["columns"], here["columns"], strict=True):
        distances = theirs.pop("wasserstein"), ours.pop("wasserstein")
        assert theirs == ours
        assert (
            distances == (None, None)
            if theirs["family"] == "categories"
            else distances[0] == pytest.approx(distances[1], rel=1e-12)
        )
    assert cluster.executors() == [1, 1]


def _compared(uris):
    command = [sys.executable, "-m", "model_governance", "compare", "--json", *uris]
    settings = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=settings)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("role", SIDES)
def test_counts_and_order_statistics_are_the_same_to_the_last_bit(theirs, ours, role):
    database, embedded = theirs[role], ours[role]
    assert (database.rows, database.names) == (embedded.rows, embedded.names)
    for name, one in embedded.summaries(NUMBERS).items():
        other = database.summaries([name])[name]
        for key in ("rows", "missing", "nan", "infinite", "finite", "minimum", "maximum", "distinct"):
            assert getattr(other, key) == getattr(one, key), (name, key)
        assert other.mean == pytest.approx(one.mean, rel=1e-12)
        assert other.std == pytest.approx(one.std, rel=1e-12)
    assert {name: one.tolist() for name, one in database.counts(EDGES).items()} == {
        name: one.tolist() for name, one in embedded.counts(EDGES).items()
    }
    assert database.value_counts(CATEGORIES) == embedded.value_counts(CATEGORIES)
    assert database.families(CATEGORIES) == embedded.families(CATEGORIES)
    assert database.missing(embedded.names) == embedded.missing(embedded.names)
    for name in NUMBERS:
        np.testing.assert_array_equal(
            database.quantiles(PROBABILITIES, [name])[name], embedded.quantiles(PROBABILITIES, [name])[name]
        )


def test_distances_are_the_same(theirs, ours):
    database = ordered_distances(theirs["reference"], theirs["current"], NUMBERS)
    embedded = ordered_distances(ours["reference"], ours["current"], NUMBERS)
    for name in NUMBERS:
        assert (database[name].n, database[name].m) == (embedded[name].n, embedded[name].m)
        assert (database[name].ks, database[name].place) == (embedded[name].ks, embedded[name].place)
        assert database[name].wasserstein == pytest.approx(embedded[name].wasserstein, rel=1e-12)


def test_a_table_is_compared_with_a_file(theirs, ours):
    mixed = ordered_distances(ours["reference"], theirs["current"], ["normal", "gaps"])
    assert mixed == ordered_distances(ours["reference"], ours["current"], ["normal", "gaps"])


def test_a_sample_is_seeded_and_pieces_add_up(theirs):
    relation = theirs["current"]
    sample = relation.sample(500, seed=7, names=["ties", "gaps", "colour"])
    assert len(sample) == 500
    assert relation.sample(500, seed=7, names=["ties", "gaps", "colour"]).equals(sample)
    assert sum(len(one) for one in relation.frames(["ties"], rows=4000)) == relation.rows


def test_the_fingerprint_tells_one_table_from_another(pushed):
    assert re.fullmatch("[0-9a-f]{64}", pushed["current"].sha256)
    assert pushed["current"].sha256 != pushed["reference"].sha256


def test_a_number_that_is_text_there_is_refused(theirs, ours):
    with pytest.raises(CheckError, match="declared a number"):
        theirs["current"].summaries(["colour"])
    text = samples(100, seed=1).drop_columns(["ties"]).append_column("ties", pa.array(["a"] * 100))
    with pytest.raises(CheckError, match="holds numbers in the reference and text in current"):
        require_same_families(theirs["reference"], open_relation(in_memory(text, role="current")), ["ties"])


def test_postgres_pins_its_fingerprint_and_names_what_is_missing(postgres_uri):
    spec = DatasetSpec(uri=postgres_uri, table="current")
    found = load_dataset("current", spec, folder=None, connections=PlainConnections())
    assert found.uri == f"{postgres_uri}/current"
    pinned = spec.model_copy(update={"sha256": found.sha256})
    assert load_dataset("current", pinned, folder=None, connections=PlainConnections()).sha256 == found.sha256
    with pytest.raises(DigestMismatch, match="other contents"):
        load_dataset(
            "current", pinned.model_copy(update={"table": "reference"}), folder=None, connections=PlainConnections()
        )
    with pytest.raises(SubjectError, match="no table absent"):
        load_dataset(
            "current", spec.model_copy(update={"table": "absent"}), folder=None, connections=PlainConnections()
        )


def test_a_second_address_of_spark_is_refused(spark_uri):
    uri, folder = spark_uri
    spec = DatasetSpec(uri=uri, table=str(folder / "current.parquet"))
    load_dataset("current", spec, folder=None, connections=PlainConnections())
    with pytest.raises(SubjectError, match=f"is connected to Spark at {uri}, and a process has one session"):
        load_dataset(
            "reference",
            spec.model_copy(update={"uri": "spark://local[2]"}),
            folder=None,
            connections=PlainConnections(),
        )

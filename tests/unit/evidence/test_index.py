"""The history index: it grows with every link, heals itself, and what is forged in it is found."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from model_governance.cli import main
from model_governance.evidence.chain import append, link_key, read_link
from model_governance.evidence.index import block_key, cover, index_link, newest_generation, read_history
from model_governance.evidence.index_rows import rows_of, schema, table_of
from model_governance.evidence.series import series_of
from model_governance.evidence.statement import document_statement
from model_governance.evidence.verification import verify_model
from model_governance.store.local import LocalStore
from project import DAY, small_project


@pytest.fixture
def store(tmp_path):
    return LocalStore(str(tmp_path / "archive"))


def grow(store, count, *, start=1, indexed=True):
    """Append links about documents, which need no run."""
    for number in range(start, start + count):
        content = b'{"number": %d}' % number
        address = {"key": f"v1/documents/{number}.json", "sha256": hashlib.sha256(content).hexdigest()}
        store.put_once(address["key"], content, media_type="application/json")
        link = append(
            store, "loans", about=address, signer=None,
            make=lambda place, n=number, a=address: [document_statement("retraining_request", {"number": n}, place, address=a)],
        )  # fmt: skip
        if indexed:
            index_link(store, link)


def differences(store, model="loans"):
    return [problem for problem in verify_model(store, model).problems if problem.code == "index.differs"]


def sequences(history):
    return history.table["sequence"].to_pylist()


def path_of(store, first, size, generation=1, model="loans"):
    return store.root / block_key(model, generation, first, size)


def overwrite(path, content):
    path.chmod(0o644)
    path.write_bytes(content)


def test_a_head_is_covered_by_the_largest_blocks():
    assert list(cover(0)) == []
    assert list(cover(12)) == [(1, 10), (11, 1), (12, 1)]
    assert [size for _, size in cover(2111)] == [1000, 1000, 100, 10, 1]
    assert sum(size for _, size in cover(98_765)) == 98_765


def test_blocks_close_as_the_chain_grows_and_a_reader_takes_the_largest(store):
    grow(store, 112)
    assert path_of(store, 1, 100).exists()
    assert path_of(store, 101, 10).exists()
    for number in range(1, 111):
        path_of(store, number, 1).unlink()
    history = read_history(store, "loans")
    assert sequences(history) == list(range(1, 113))
    assert history.notes == ()
    assert differences(store) == []


def test_a_link_that_the_index_lacks_is_read_from_the_chain(store):
    grow(store, 12)
    grow(store, 2, start=13, indexed=False)
    history = read_history(store, "loans")
    assert sequences(history) == list(range(1, 15))
    assert history.notes == ("2 links were read from the chain: the index lacks them",)
    assert differences(store) == []


def test_a_block_heals_what_is_missing_below_it(store):
    grow(store, 9)
    path_of(store, 4, 1).unlink()
    overwrite(path_of(store, 5, 1), b"no parquet")
    grow(store, 1, start=10)
    assert sequences(read_history(store, "loans")) == list(range(1, 11))
    assert differences(store) == []


def test_a_damaged_index_is_made_anew_and_said_so(store):
    grow(store, 12)
    overwrite(path_of(store, 1, 10), path_of(store, 1, 10).read_bytes()[:-20])
    (problem,) = differences(store)
    assert problem.severity == "error"
    assert problem.where.endswith("links=10/0000000001.parquet")
    history = read_history(store, "loans")
    assert sequences(history) == list(range(1, 13))
    assert "the index is damaged" in history.notes[0]
    assert history.notes[-1] == "the index was made anew from 12 links, as generation 2"
    assert newest_generation(store, "loans") == 2
    assert read_history(store, "loans").notes == ()
    assert differences(store) == []
    grow(store, 8, start=13)
    assert path_of(store, 11, 10, generation=2).exists()
    assert sequences(read_history(store, "loans")) == list(range(1, 21))


def test_a_block_of_other_links_is_damaged(store):
    grow(store, 12)
    overwrite(path_of(store, 12, 1), path_of(store, 11, 1).read_bytes())
    assert "expected the links 12 to 12" in read_history(store, "loans").notes[0]


def test_an_archive_without_index_gets_one(store):
    grow(store, 102, indexed=False)
    history = read_history(store, "loans")
    assert sequences(history) == list(range(1, 103))
    assert history.notes[0] == "the index lacks more than 100 links"
    assert read_history(store, "loans").notes == ()


def test_a_store_that_cannot_be_written_is_read_all_the_same(store, monkeypatch):
    from model_governance.errors import StoreError

    def refuse(*_, **__):
        raise StoreError("read only")

    grow(store, 3)
    monkeypatch.setattr(store, "put_once", refuse)
    history = read_history(store, "loans", rebuild=True)
    assert sequences(history) == [1, 2, 3]
    assert "cannot be stored: read only" in history.notes[-1]


def test_a_missing_and_a_damaged_link_are_rows_of_their_own(store):
    grow(store, 12)
    (store.root / link_key("loans", 3)).unlink()
    overwrite(store.root / link_key("loans", 5), b"{}")
    history = read_history(store, "loans", rebuild=True)
    kinds = dict(zip(sequences(history), history.table["kind"].to_pylist(), strict=True))
    assert [number for number, kind in kinds.items() if kind == "unreadable"] == [3, 5]
    assert differences(store) == []


def test_a_forged_row_is_found(tmp_path):
    project = small_project(tmp_path)
    project.run()
    store = project.store
    path = path_of(store, 1, 1, model="synthetic")
    rows = pq.read_table(path, partitioning=None).to_pylist()
    forged = [row | ({"value": 0.99, "finding_outcome": "pass"} if row["metric"] == "accuracy" else {}) for row in rows]
    table = table_of(forged)
    pq.write_table(table, tmp_path / "forged.parquet")
    overwrite(path, (tmp_path / "forged.parquet").read_bytes())
    (problem,) = differences(store, "synthetic")
    assert "states something else than the links 1 to 1" in problem.sentence


def test_a_run_is_a_row_per_finding(tmp_path):
    project = small_project(tmp_path)
    project.run()
    link = read_link(project.store, link_key("synthetic", 1))
    rows = rows_of(link)
    assert [(row["check"], row["metric"], row["finding_outcome"]) for row in rows] == [
        ("validation", "critical_failures", "pass"),
        ("quality", "accuracy", "pass"),
    ]
    assert rows[1]["bound"] == 0.6
    assert rows[1]["low"] < rows[1]["value"] < rows[1]["high"]
    assert set(rows[1]) == set(schema().names)
    assert read_history(project.store, "synthetic").table.to_pylist() == rows


def test_the_command_shows_outcomes_and_metrics_from_the_oldest_run_to_the_newest(tmp_path, capsys):
    project = small_project(tmp_path)
    project.run()
    (tmp_path / "current.parquet").rename(tmp_path / "away.parquet")
    project.run(DAY + timedelta(days=1), "night-2")
    (tmp_path / "away.parquet").rename(tmp_path / "current.parquet")
    project.run(DAY - timedelta(days=1), "earlier")
    words = ["history", "synthetic", "--store", str(tmp_path / "archive")]
    assert main([*words, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["sequences"] == [3, 1, 2]
    run = record["series"][0]
    assert run["outcomes"] == ["pass", "pass", "error"]
    (accuracy,) = [series for series in record["series"] if series["metric"] == "accuracy"]
    assert accuracy["values"][2] is None
    assert accuracy["values"][0] == accuracy["values"][1]

    assert main([*words, "--check", "quality", "--metric", "accuracy"]) == 0
    shown = capsys.readouterr().out
    assert "▂▂█" in shown
    assert "accuracy" in shown
    assert "critical_failures" not in shown


def test_a_model_without_link_is_told(tmp_path, capsys):
    assert main(["history", "loans", "--store", str(tmp_path)]) == 2
    assert "found no link of it" in capsys.readouterr().err


def test_series_of_an_index_without_runs_are_empty():
    assert series_of(schema().empty_table())["runs"] == 0

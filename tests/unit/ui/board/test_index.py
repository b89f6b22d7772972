"""The board's index: made from archives, refreshed by what is newer, and the same however it was made."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from board_cases import board_over
from model_governance.errors import StoreUnreachable
from model_governance.evidence.index import indexed_models, read_newer
from model_governance.policy.names import dag_id_of
from model_governance.store.local import LocalStore
from model_governance.ui.board.index import BoardIndex
from model_governance.ui.board.reading import _due_at
from project import DAY, small_project


def contents(index):
    with sqlite3.connect(index.path) as database:
        return {
            table: database.execute(f"select * from {table} order by 1, 2").fetchall() for table in ("model", "run")
        }


def links(store):
    return sorted((store.root / "v1/chain").rglob("*.jsonl"))


class Counting:
    """Counts what is asked of a store."""

    def __init__(self, store):
        self.store, self.uri, self.asked = store, store.uri, []

    def __getattr__(self, name):
        def asked(*arguments):
            self.asked.append((name, *arguments))
            return getattr(self.store, name)(*arguments)

        return asked if name in ("get", "keys") else getattr(self.store, name)


def test_a_model_has_the_outcome_owner_and_reasons_of_its_newest_run(board, model):
    assert (model["model"], model["dag_id"], model["owner"]) == (
        "synthetic",
        "governance_synthetic",
        "risk@example.com",
    )
    assert (model["outcome"], model["strip"], model["runs"]) == ("pass", "1521", 4)
    assert json.loads(model["reasons"]) == []
    assert [run["outcome"] for run in board.index.runs(model["id"])] == ["pass", "fail", "waived", "pass"]
    (accepted,) = board.index.documents(model)
    assert (accepted["kind"], accepted["by"]) == ("acceptance", "Ada")


def test_an_index_grown_link_by_link_equals_one_made_at_once(store, board, tmp_path):
    at_once = contents(board.index)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for path in links(store)[1:]:
        shutil.move(path, hidden / path.name)
    grown = BoardIndex(tmp_path / "grown.sqlite", home=dag_id_of)
    folder = links(store)[0].parent
    for name in [None, *sorted(path.name for path in hidden.iterdir())]:
        if name is not None:
            shutil.move(hidden / name, folder / name)
        grown.refresh([lambda: store])
    assert contents(grown) == at_once


def test_a_refresh_without_news_asks_for_one_link_and_reads_none(store, board):
    counting = Counting(store)
    assert board.index.refresh([lambda: counting]) == 0
    assert [each[0] for each in counting.asked] == ["keys", "get"]
    assert "0000000006" in counting.asked[1][1]


def test_only_the_newer_rows_are_read(store):
    newer = read_newer(store, "synthetic", known=3)
    assert set(newer.table["sequence"].to_pylist()) == {4, 5}
    assert read_newer(store, "synthetic", known=5).table.num_rows == 0
    assert set(read_newer(store, "synthetic", known=0).table["sequence"].to_pylist()) == {1, 2, 3, 4, 5}


def test_a_listing_names_the_models_of_the_index(store):
    assert indexed_models(store) == ["synthetic"]


def test_a_rebuilt_index_equals_the_one_before(store, board):
    before = contents(board.index)
    board.index.refresh([lambda: store], rebuild=True)
    assert [row[1:] for row in contents(board.index)["model"]] == [row[1:] for row in before["model"]]
    assert len(contents(board.index)["run"]) == len(before["run"])


def test_an_archive_that_does_not_answer_keeps_its_rows_and_says_so(board):
    def silent():
        raise StoreUnreachable("no route")

    board.index.refresh([silent])
    assert len(board.index.models()) == 1


def test_an_archive_that_stops_answering_in_between_says_so(store, board):
    class Silent(Counting):
        def __getattr__(self, name):
            def asked(*_):
                raise StoreUnreachable("no route")

            return asked

    board.index.refresh([lambda: Silent(store)])
    (state,) = board.index.archives()
    assert state.problem == "no route"
    assert len(board.index.models()) == 1
    assert "does not answer" in board.problems()[0]


def test_an_archive_that_is_served_no_more_is_forgotten(board):
    board.index.refresh([])
    assert board.index.models() == []
    assert board.index.archives() == []


def test_two_archives_are_read_beside_each_other(store, tmp_path):
    shutil.copytree(store.root, tmp_path / "second")
    board = board_over(tmp_path, store, LocalStore(str(tmp_path / "second")))
    assert len({model["archive"] for model in board.index.models()}) == 2


def test_a_damaged_newest_link_shows_as_such(store, tmp_path):
    path = links(store)[-1]
    path.chmod(0o644)
    path.write_bytes(b"nonsense\n")
    shutil.rmtree(store.root / "v1/index")
    (model,) = board_over(tmp_path, store).index.models()
    assert model["damaged"] == 1
    assert model["outcome"] == "waived"  # of the newest run that can be read


def test_a_database_of_another_version_is_made_anew(board, store):
    with sqlite3.connect(board.index.path) as database:
        database.execute("pragma user_version = 99")
    assert board.index.models() == []
    board.index.refresh([lambda: store])
    assert len(board.index.models()) == 1


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    """Two runs of one moment, the second one with other numbers, and one of another DAG."""
    project = small_project(tmp_path_factory.mktemp("repeated"))
    project.run(DAY, "night-1")
    project.change(description="changed").run(DAY, "night-1")
    project.run(DAY + timedelta(days=1), "night-2")
    return project


def test_the_last_try_of_a_moment_counts(repeated, tmp_path):
    board = board_over(tmp_path, repeated.store)
    (model,) = board.index.models()
    assert model["runs"] == 2
    assert [run["latest"] for run in board.index.runs(model["id"], latest_only=False)] == [0, 1, 1]
    assert len(board.index.runs_with_id("night-1", dag_id="governance_synthetic")) == 1


def test_a_run_is_found_by_its_name_under_its_own_dag_only(board, model):
    name = model["manifest"]
    assert board.index.run_named(name, dag_id="governance_synthetic")[1]["run_id"] == "night-4"
    assert board.index.run_named(name, dag_id="other") is None
    assert board.index.runs_with_id("night-4", dag_id="other") == []


def test_a_schedule_makes_a_model_overdue(board, model):
    """The policy runs at 2:00 and its tasks may take 120 minutes."""
    assert model["cron"] == "0 2 * * *"
    assert model["due_at"] == model["moment"] + 4 * 3600


def test_a_run_is_due_at_the_hour_of_its_time_zone():
    evening = datetime(2026, 3, 1, 20, tzinfo=UTC).timestamp()
    facts = {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "grace": 120}
    assert _due_at(facts, evening) == datetime(2026, 3, 2, 3, tzinfo=UTC).timestamp()  # 02:00 in Berlin, and two hours

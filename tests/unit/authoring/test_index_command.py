"""`model-governance index`: one command makes the history index anew, one the database of the board."""

from __future__ import annotations

import shutil

import pytest

from model_governance.cli import main
from model_governance.evidence.index import newest_generation
from model_governance.policy.names import dag_id_of
from model_governance.store.local import LocalStore
from model_governance.ui.board.index import BoardIndex
from project import small_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("indexed"))
    project.run()
    return project


@pytest.fixture
def archive(project, tmp_path):
    return LocalStore(str(shutil.copytree(project.folder / "archive", tmp_path / "archive")))


def test_the_history_index_of_every_model_is_made_anew(archive, capsys):
    assert main(["index", "rebuild", str(archive.root)]) == 0
    assert "synthetic: the index was made anew from 1 links, as generation 2" in capsys.readouterr().out
    assert newest_generation(archive, "synthetic") == 2


def test_the_board_database_is_made_from_archives(archive, tmp_path, capsys):
    database = tmp_path / "board.sqlite"
    assert main(["index", "board", str(archive.root), "--database", str(database)]) == 0
    assert "1 model in" in capsys.readouterr().out
    (model,) = BoardIndex(database, home=dag_id_of).models()
    assert (model["model"], model["dag_id"]) == ("synthetic", "governance_synthetic")


def test_a_folder_without_archive_is_refused(tmp_path, capsys):
    assert main(["index", "rebuild", str(tmp_path)]) == 2
    assert "found no chain" in capsys.readouterr().err

"""One signed archive of five links for all tests of the board; a test that alters it takes a copy."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from board_cases import app_for, board_over
from model_governance.store.local import LocalStore
from signed_archive import signed_archive

DAG = "governance_synthetic"


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    return signed_archive(tmp_path_factory.mktemp("original"))


@pytest.fixture
def store(original, tmp_path):
    return LocalStore(str(original.copied(tmp_path).folder))


@pytest.fixture
def board(store, tmp_path):
    return board_over(tmp_path, store)


@pytest.fixture
def client(board):
    return TestClient(app_for(board, DAG), raise_server_exceptions=False)


@pytest.fixture
def model(board):
    (only,) = board.index.models()
    return only

"""Must-show 3: the portfolio of 500 models with a year of runs answers in less than 300 ms of the api-server's processor.

`include/bench/board.py` measures 500 and 5,000 models whose archives it generates; here the rows of ten models stand for 500.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from board_cases import app_for, board_over
from model_governance.store.local import LocalStore

BENCH = Path(__file__).resolve().parents[4] / "include" / "bench" / "board.py"
MODELS, COPIES, RUNS, ASKED = 10, 50, 365, 9


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("bench_of_the_board", BENCH)
    bench = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = bench  # its dataclasses look themselves up there
    spec.loader.exec_module(bench)
    folder = tmp_path_factory.mktemp("year")
    store = LocalStore(str(folder / "archive"))
    bench.generate(store, models=MODELS, runs=RUNS, newest=datetime.now(UTC).replace(microsecond=0))
    board = board_over(folder, store)
    bench.copied(board.index, COPIES)
    return TestClient(app_for(board, *(model["dag_id"] for model in board.index.models())))


@pytest.mark.parametrize("address", ["/", "/?passes=1&page=3", "/?q=credit", "/api/v1/models", "/coverage"])
def test_a_list_of_500_models_takes_less_than_300_milliseconds(client, address):
    assert client.get("/api/v1/models").json()["total"] == MODELS * COPIES
    taken = []
    for _ in range(ASKED):
        began = time.process_time()
        assert client.get(address).status_code == 200
        taken.append(time.process_time() - began)
    assert statistics.median(taken) < 0.3

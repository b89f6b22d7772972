"""The detection bench on tiny runs: the threshold is what unchanged runs reach, and a planted change exceeds it."""

from __future__ import annotations

import math
import sys
from functools import partial
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "include" / "bench"
sys.path.insert(0, str(BENCH))

import detection_page as pages  # noqa: E402
import detection_runs as runs  # noqa: E402
import detection_worlds as worlds  # noqa: E402
from detection_methods import METHODS  # noqa: E402

SEED = 7
SIZES = worlds.Sizes(reference=2_000, rows=400, warm_up=1, null=3, repetitions=4, longest=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "model.json"
    worlds.fit_model(path, seed=SEED)
    return path


def world(model, *, change=""):
    return runs._Answered(worlds.World(worlds.KINDS[0], seed=(SEED, 1), change=change), model)


class MeanIncome:
    def statistics(self, frames):
        return [float(frame["income"].mean()) for frame in frames]

    def fork(self):
        return self


def test_the_threshold_is_of_its_order_among_the_unchanged_runs_after_the_warm_up(model):
    threshold, unchanged = runs.calibrated(MeanIncome(), world(model), sizes=SIZES)
    assert len(unchanged) == SIZES.null
    assert threshold == sorted(unchanged)[-SIZES.order]


@pytest.mark.parametrize(("threshold", "expected"), [(-math.inf, 1), (math.inf, None)], ids=["at_once", "missed"])
def test_the_delay_is_the_number_of_the_first_run_beyond_the_threshold(model, threshold, expected):
    assert runs.delay(MeanIncome(), world(model), threshold=threshold, sizes=SIZES) == expected


@pytest.mark.parametrize("change", worlds.CHANGES)
def test_every_change_keeps_the_columns_and_changes_values(model, change):
    before, after = (world(model, change=own).frame(2_000) for own in ("", change))
    assert list(before.columns) == list(after.columns)
    assert len(after) == 2_000
    assert not before.drop(columns="entity").equals(after.drop(columns="entity"))


def test_the_same_seed_gives_the_same_rows(model):
    assert world(model).frame(200).equals(world(model).frame(200))


def test_the_product_is_more_alarmed_by_a_change_than_by_none(model):
    setting = runs.Setting(
        reference=worlds.answered(worlds.reference_of(worlds.KINDS[0], SIZES.reference, seed=SEED), model),
        numbers=worlds.NUMBERS, categories=worlds.CATEGORIES, probability=partial(worlds.score, path=model), rows=400,
    )  # fmt: skip
    method = METHODS["ours"].make(setting, seed=SEED)
    calm = method.fork().statistics([world(model).frame(400)])
    alarmed = method.fork().statistics([world(model, change="concept").frame(400)])
    assert alarmed[0] > calm[0]


def test_the_page_counts_where_ours_is_first(tmp_path):
    delays = {"ours": [1, 1, 1], "river ADWIN": [2, None, 2]}
    found = {
        name: {
            worlds.KINDS[0]: {"threshold": 1.0, "null": [0.0], "cpu": 1.0, "delays": dict.fromkeys(worlds.CHANGES, own)}
        }
        for name, own in delays.items()
    }
    assert pages.standing(found) == (len(worlds.CHANGES), [])
    assert "| mean | **1** (0%) | 2 (33%) |" in pages.changes_table(found)

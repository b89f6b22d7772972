"""Rows of drawn runs: none on both sides, the scatter of independent samples, and the model asked once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.authoring.calibration.answers import KnownAnswers
from model_governance.authoring.calibration.windows import draw_places, plan_windows
from model_governance.contract.repetition import is_repeated, once, repeated
from model_governance.report import figures


def test_no_row_stands_on_both_sides_nor_in_two_runs_of_a_split():
    plan = plan_windows(reference_rows=1001, rows=120, compares=True)
    assert (plan.half, plan.rows, plan.runs) == (501, 120, 4)
    sides = [draw_places(plan, split=3, run=run, seed=1) for run in range(plan.runs)]
    rows = np.concatenate([sides[0][0], *(current for _, current in sides)])
    assert len(np.unique(rows)) == len(rows) == 501 + 4 * 120
    assert all((reference == sides[0][0]).all() for reference, _ in sides)


def test_splits_differ_and_a_seed_repeats_them():
    plan = plan_windows(reference_rows=200, rows=50, compares=True)
    first, other = (set(draw_places(plan, split=split, run=0, seed=1)[0]) for split in (0, 1))
    assert first != other
    assert (draw_places(plan, split=1, run=1, seed=1)[1] == draw_places(plan, split=1, run=1, seed=1)[1]).all()


def test_a_run_larger_than_the_half_is_cut_to_it_and_says_so():
    plan = plan_windows(reference_rows=1000, rows=800, compares=True)
    assert (plan.rows, plan.runs, plan.dependence) == (500, 1, 1.0)
    assert "usual run of 800 rows is larger" in plan.sentence


def test_pairs_of_runs_come_from_one_split():
    plan = plan_windows(reference_rows=1000, rows=400, compares=True, paired=True)
    assert (plan.rows, plan.runs) == (250, 2)


@pytest.mark.parametrize("compares", [True, False], ids=["beside a reference", "alone"])
def test_drawn_runs_scatter_as_independent_samples_do(compares):
    values = np.random.default_rng(4).normal(0, 1, 1000)
    plan = plan_windows(reference_rows=1000, rows=400, compares=compares)
    numbers = []
    for split in range(1500):
        reference, current = (values[places] for places in draw_places(plan, split=split, run=0, seed=2))
        numbers.append(current.mean() - (reference.mean() if compares else 0.0))
    expected = 1 / 400 + (1 / 500 if compares else 1 / 1000)
    assert np.var(numbers) / values.var() == pytest.approx(expected, rel=0.12)


def frame(count: int, *, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"x": draw.normal(size=count), "c": draw.choice(["a", "b", None], count)})


class Counting:
    """A model that counts the rows it is asked for."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        self.rows += len(rows)
        return rows["x"].to_numpy() + rows["c"].isna().to_numpy()


def test_answers_for_known_rows_are_looked_up():
    model, rows = Counting(), frame(300, seed=1)
    known = KnownAnswers(model, rows)
    for seed in range(5):
        drawn = rows.iloc[np.random.default_rng(seed).integers(0, 300, 80)].reset_index(drop=True)
        assert (known(drawn) == Counting()(drawn)).all()
    assert model.rows == 300


def test_a_changed_row_is_given_to_the_model():
    model, rows = Counting(), frame(50, seed=1)
    known = KnownAnswers(model, rows)
    changed = rows.assign(x=rows["x"] + 1e-9)
    assert (known(changed) == Counting()(changed)).all()
    assert (known(rows[["x"]].assign(c=[["list"]] * 50)) == rows["x"].to_numpy()).all()


def test_a_repeated_measurement_fits_once_and_draws_nothing():
    fitted = []
    with repeated():
        assert is_repeated()
        assert [once("fit", key, lambda: fitted.append(1) or len(fitted)) for key in (1, 1, 2)] == [1, 1, 2]
        for _ in range(2):
            drawing, (axes,) = figures.canvas()
            axes.plot([0, 1], [1, 2])
            assert len(axes.lines) == 1
            assert figures.to_svg(drawing, name="f.svg", title="f").content == b""
    assert not is_repeated()
    assert figures.to_svg(figures.canvas()[0], name="f.svg", title="f").content
    assert once("fit", 2, lambda: "anew") == "anew"

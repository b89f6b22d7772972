"""Smallest changes against Veritas (Devos, Meert and Davis, ICML 2021), another exact search over tree ensembles.

Veritas knows numbers in the maximum norm and no rows that are impossible, so it is asked there: just below the smallest
change that we claim it must find no flip, just above it must find one.
"""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest
import veritas
import xgboost
from sklearn.ensemble import RandomForestClassifier

from model_governance.attacks.trees import FeatureMoves, minimal_change, partition_cells, read_ensemble

COLUMNS = ["a", "b", "c", "d"]
ROWS = 8
MARGIN = 1e-4
"""In the unit of the features: thresholds of xgboost are 32-bit numbers, and Veritas moves by the next one."""
SECONDS = 600.0


def rows() -> tuple[pd.DataFrame, np.ndarray]:
    """Four numbers between 0 and 1 that 32 bits hold exactly, and noisy labels."""
    draw = np.random.default_rng(11)
    frame = pd.DataFrame(draw.uniform(0, 1, (500, 4)).astype(np.float32).astype(np.float64), columns=COLUMNS)
    labels = frame["a"] + frame["b"] * frame["c"] - frame["d"] + draw.normal(0, 0.2, len(frame)) > 0.25
    return frame, labels.astype(int).to_numpy()


MODELS = {
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=12, max_depth=4, n_jobs=1, random_state=0),
    "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=12, num_leaves=8, verbose=-1, n_jobs=1, random_state=0),
    "forest": lambda: RandomForestClassifier(7, max_depth=5, random_state=0),
}


def flips_within(search: veritas.VeritasRobustnessSearch, distance: float) -> bool:
    """Whether Veritas finds another prediction within the distance; its search ends with a proof either way."""
    difference, examples = search.get_max_output_difference(distance, SECONDS)
    assert (difference > 0) == bool(examples), "Veritas ran out of time"
    return bool(examples)


@pytest.mark.parametrize("name", MODELS)
def test_veritas_flips_no_row_below_our_smallest_change_and_every_row_above(name):
    frame, labels = rows()
    native = MODELS[name]().fit(frame, labels)
    trees = veritas.get_addtree(native, silent=True)
    moves = [FeatureMoves(name=column, kind="number") for column in COLUMNS]
    cells = partition_cells(read_ensemble(native, tuple(COLUMNS)), moves, frame.head(ROWS))
    predicted = native.predict(frame.head(ROWS))
    assert 0 < predicted.mean() < 1
    for number in range(ROWS):
        change = minimal_change(cells, number, objective="linf")
        assert change.exact
        sides = (trees, None) if predicted[number] == 1 else (None, trees)
        search = veritas.VeritasRobustnessSearch(frame.iloc[number].to_numpy(), 1.0, *sides, silent=True)
        assert not flips_within(search, change.distance - MARGIN)
        assert flips_within(search, change.distance + MARGIN)

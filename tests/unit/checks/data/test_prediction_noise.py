"""Answers of a model that vary from run to run: `prediction_drift` learns that from the profiles of earlier runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from model_governance.checks.data.data_drift.predictions import Predictions, compare_predictions
from model_governance.checks.data.data_drift.windows import PreviousProfiles
from model_governance.engine.profiles import Profile
from model_governance.engine.stored_profiles import read_profile
from model_governance.errors import EvidenceError

ROWS, DAY = 1_000, 0.15


def of_day(draw, shift=0.0):
    """Scores of one run, moved by the day that it is."""
    return expit(draw.normal(draw.normal(shift, DAY), 1, ROWS))


def answers(reference, current, **changes):
    given = Predictions(
        name="prediction", family="numbers", reference=reference, current=current, positive=1, threshold=0.5, model="m1"
    )
    return replace(given, **changes)


def reference_of(draw):
    return expit(draw.normal(0, np.hypot(1, DAY), 10_000))


def stored(drift, *, model="m1"):
    profile = Profile(columns={}, predictions=drift.stored, model=model, rows=ROWS)
    return read_profile(profile.to_bytes(), origin="profile.json")


@pytest.fixture(scope="module")
def earlier():
    """The profiles of 40 runs of one model, the newest first, and the reference."""
    draw = np.random.default_rng(31)
    reference = reference_of(draw)
    found = [stored(compare_predictions(answers(reference, of_day(draw)))) for _ in range(40)]
    return reference, [(f"2026-01-{run:02}", profile) for run, profile in enumerate(found)]


def p_values(reference, profiles, *, shift=0.0, runs=30, **changes):
    draw, previous = np.random.default_rng(32), PreviousProfiles(profiles=tuple(profiles), notes=())
    return [
        compare_predictions(answers(reference, of_day(draw, shift), **changes), previous).drift.psi.limits.p_above(0.0)
        for _ in range(runs)
    ]


def test_days_that_differ_are_no_drift_of_the_model_once_earlier_runs_taught_it(earlier):
    reference, profiles = earlier
    assert np.mean(np.array(p_values(reference, [])) < 0.001) > 0.2, "one in a thousand is stated"
    assert min(p_values(reference, profiles)) > 0.001


def test_a_drift_far_beyond_the_days_is_seen_all_the_same(earlier):
    reference, profiles = earlier
    assert max(p_values(reference, profiles, shift=2.5, runs=5)) < 1e-6


def test_runs_of_another_model_teach_nothing_about_this_one(earlier):
    reference, profiles = earlier
    assert p_values(reference, profiles, model="m2", runs=5) == p_values(reference, [], runs=5)


def test_a_profile_without_predictions_teaches_nothing_about_them(earlier):
    reference, profiles = earlier
    older = [(moment, replace(profile, predictions=None)) for moment, profile in profiles]
    assert p_values(reference, older, runs=5) == p_values(reference, [], runs=5)


def test_predictions_of_more_rows_than_the_run_has_are_refused(earlier):
    profile = replace(earlier[1][0][1], rows=ROWS - 1)
    with pytest.raises(EvidenceError, match=r"expected predictions of at most 999 rows, found 1000"):
        read_profile(profile.to_bytes(), origin="profile.json")


def test_the_stored_predictions_hold_no_value_of_few_rows():
    draw = np.random.default_rng(33)
    reference, current = reference_of(draw), of_day(draw)
    current[0] = 0.999999
    column = stored(compare_predictions(answers(reference, current))).predictions
    assert column.rows == ROWS
    assert column.maximum != current[0]

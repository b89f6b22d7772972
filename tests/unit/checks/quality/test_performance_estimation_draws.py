"""How an estimate without labels varies because other rows could have been drawn."""

from __future__ import annotations

import numpy as np
import pytest

from model_governance.checks.quality.performance_estimation.uncertainty import MOST_ROWS, variances_of_draws


@pytest.mark.parametrize("rows", [400, 2 * MOST_ROWS])
def test_the_variance_of_a_mean_is_that_of_its_rows(rows):
    values = np.random.default_rng(1).normal(size=rows)
    found = variances_of_draws(lambda chosen: {"mean": float(values[chosen].mean())}, rows)
    assert found["mean"] == pytest.approx(values.var() / rows, rel=0.6)


def test_the_same_rows_give_the_same_variance_and_an_undefined_estimate_is_left_out():
    values = np.random.default_rng(2).normal(size=100)

    def estimates(chosen):
        return {"mean": float(values[chosen].mean())} | ({"rare": 1.0} if 0 in chosen else {})

    first, again = variances_of_draws(estimates, 100), variances_of_draws(estimates, 100)
    assert first == again
    assert first["mean"] > 0

"""Which metrics know how their error changes with their value."""

from __future__ import annotations

import pytest

from model_governance.checks.quality.model_quality.error_growth import growth_of, with_error_growth
from model_governance.contract.result import Estimate
from model_governance.stats.limits import ExactShare, GrowingError, Stretched


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("mae", "log"),
        ("slice_mae", "log"),
        ("log_loss", "log"),
        ("brier_score", "log"),
        ("r2", "complement"),
        ("f1", "arcsine"),
        ("slice_roc_auc", "probit"),
        ("average_precision", "logit"),
        ("bias", None),
        ("calibration_error", None),
        ("accuracy_gain", None),
        ("worst_slice_gap", None),
    ],
)
def test_the_scale_follows_from_what_the_metric_is(name, scale):
    assert growth_of(name) == scale


def test_an_interval_becomes_limits_that_are_as_far():
    found = with_error_growth(Estimate(name="mae", value=1.0, n=50, interval=(0.8, 1.3)))
    assert found.limits == GrowingError(value=1.0, low95=0.8, high95=1.3, grows="log")
    assert found.limits.interval() == pytest.approx((0.8, 1.3))


def test_limits_that_were_widened_keep_their_width_and_what_runs_share():
    wide = Stretched(value=1.0, low95=0.5, high95=2.0, shared=0.2)
    found = with_error_growth(Estimate(name="rmse", value=1.0, n=50, limits=wide)).limits
    assert (found.low95, found.high95, found.shared, found.grows) == (0.5, 2.0, 0.2, "log")


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(name="accuracy", value=0.5, n=50, limits=ExactShare(successes=25.0, n=50.0)),
        Estimate(name="f1", value=0.5, n=50, limits=Stretched(value=0.5, low95=0.4, high95=0.6, scale="logit")),
        Estimate(name="bias", value=0.1, n=50, interval=(0.0, 0.2)),
        Estimate(name="mae", value=1.0, n=50),
        Estimate(name="mae", value=None, n=0, reason="no rows"),
    ],
    ids=["own_limits", "own_scale", "no_scale", "no_interval", "absent"],
)
def test_others_stay_as_they_are(estimate):
    assert with_error_growth(estimate) is estimate

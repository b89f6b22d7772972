"""A challenger beside the champion: what the interval of the gain says under a margin."""

from __future__ import annotations

import pytest

from model_governance.checks import find
from model_governance.contract.result import CheckResult, make_metric
from model_governance.policy import PromotionSpec
from model_governance.verdict.non_inferiority import compare_models

QUALITY = find("model_quality")
MARGINS = PromotionSpec(margins={"quality": {"accuracy": 0.02}})


def result(*metrics):
    made = tuple(
        make_metric(
            QUALITY.metrics, name, value, n=1000, interval=None if width is None else (value - width, value + width)
        )
        for name, value, width in metrics
    )
    return CheckResult(kind="model_quality", seed=1, metrics=made)


def compared(challenger, champion, promotion=MARGINS):
    return compare_models(promotion, {"quality": challenger}, {"quality": champion})


@pytest.mark.parametrize(
    ("value", "width", "outcome"),
    [
        (0.80, 0.005, "pass"),
        (0.79, 0.005, "pass"),
        (0.75, 0.005, "fail"),
        (0.80, 0.05, "uncertain"),
        (0.9, None, "pass"),
    ],
)
def test_the_whole_interval_of_the_gain_must_stay_within_the_margin(value, width, outcome):
    (found,) = compared(result(("accuracy", value, width)), result(("accuracy", 0.80, 0.005)))
    assert found.outcome == outcome
    assert found.gain == pytest.approx(value - 0.80)


def test_a_paired_gain_replaces_the_two_separate_intervals():
    both = result(("accuracy", 0.80, 0.05), ("accuracy_gain", 0.01, 0.01))
    (found,) = compared(both, result(("accuracy", 0.79, 0.05)))
    assert (found.outcome, found.is_paired, found.gain) == ("pass", True, 0.01)
    assert found.low == pytest.approx(0.0, abs=1e-3)
    assert "paired" in found.sentence


def test_less_of_what_is_better_low_is_a_gain():
    promotion = PromotionSpec(margins={"quality": {"log_loss": 0.02}})
    better, worse = result(("log_loss", 0.3, 0.01)), result(("log_loss", 0.5, 0.01))
    assert [each.outcome for each in compared(better, worse, promotion)] == ["pass"]
    assert compared(better, worse, promotion)[0].is_superior
    assert [each.outcome for each in compared(worse, better, promotion)] == ["fail"]


def test_two_numbers_without_an_interval_show_nothing():
    (found,) = compared(result(("accuracy", 0.9, None)), result(("accuracy", 0.8, None)))
    assert (found.outcome, found.low) == ("uncertain", None)


@pytest.mark.parametrize(
    ("challenger", "champion", "outcome"),
    [(None, ("accuracy", 0.8, 0.01), "error"), (("accuracy", 0.8, 0.01), None, "uncertain")],
)
def test_what_was_not_measured_is_never_a_pass(challenger, champion, outcome):
    (found,) = compared(*(None if each is None else result(each) for each in (challenger, champion)))
    assert found.outcome == outcome
    assert "was not measured" in found.sentence


def test_an_absent_number_is_not_a_pass():
    absent = make_metric(QUALITY.metrics, "accuracy", None, n=0, reason="no labels", absence="uncertain")
    (found,) = compared(CheckResult(kind="model_quality", seed=1, metrics=(absent,)), result(("accuracy", 0.8, 0.01)))
    assert (found.outcome, "no labels" in found.sentence) == ("uncertain", True)


def test_a_margin_without_a_key_holds_for_every_key():
    promotion = PromotionSpec(margins={"quality": {"class_recall": 0.02}})
    keyed = [make_metric(QUALITY.metrics, "class_recall", 0.8, n=99, key=key, interval=(0.79, 0.81)) for key in "ab"]
    worse = [keyed[0], make_metric(QUALITY.metrics, "class_recall", 0.6, n=99, key="b", interval=(0.59, 0.61))]
    made = [CheckResult(kind="model_quality", seed=1, metrics=tuple(metrics)) for metrics in (worse, keyed)]
    assert [each.outcome for each in compared(*made, promotion)] == ["pass", "fail"]
    one = PromotionSpec(margins={"quality": {"class_recall[a]": 0.02}})
    assert [each.key for each in compared(*made, one)] == ["a"]


def test_comparisons_have_one_order_whatever_that_of_the_policy():
    """A stored object has no order of keys: verification must find the same list."""
    metrics = result(("accuracy", 0.8, 0.01), ("log_loss", 0.3, 0.01))
    margins = {"accuracy": 0.1, "log_loss": 0.1}
    for order in (margins, dict(reversed(margins.items()))):
        found = compared(metrics, metrics, PromotionSpec(margins={"quality": order}))
        assert [each.metric for each in found] == ["accuracy", "log_loss"]

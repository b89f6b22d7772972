"""What one finding says of its level, its limit and its noise, and how the keys of a threshold share them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model_governance.contract.result import CheckResult, Metric
from model_governance.policy import AlarmSpec
from model_governance.stats.limits import ExactShare
from model_governance.verdict import Baseline, baselines_of, budget_of
from model_governance.verdict.requirement import Allowed
from verdict_cases import metric, policy_of, share, verdict

BELOW = {"metric": "share", "less_than": 0.1}
ONE_IN_TWENTY = AlarmSpec(false_fails_per_year=4, confidence=0.95, runs_per_year=5)  # .05 a run, .04 for the run alone
LEVEL = 0.04
ROWS = 1000


def adjusted_by(adjust: str) -> AlarmSpec:
    return ONE_IN_TWENTY.model_copy(update={"adjust": adjust})


@pytest.mark.parametrize(
    ("adjust", "part"), [("bonferroni", 1 / 5), ("benjamini_hochberg", 2 / 5)], ids=["bonferroni", "two rejected"]
)
def test_the_limit_of_a_key_is_at_the_level_that_agrees_with_its_adjusted_p_value(adjust, part):
    keys = [
        share(200, ROWS, key="a"),
        share(180, ROWS, key="b"),
        share(100, ROWS, key="c"),
        share(20, ROWS, key="d"),
        share(10, ROWS, key="e"),
    ]
    found = verdict(keys, BELOW, alarms=adjusted_by(adjust)).findings
    assert [finding.outcome for finding in found] == ["fail", "fail", "uncertain", "pass", "pass"]
    assert [finding.level for finding in found] == pytest.approx([LEVEL] * 5)
    assert found[0].limit == pytest.approx(keys[0].limits.low(LEVEL * part))


def test_one_key_has_the_whole_level():
    (found,) = verdict([share(200, ROWS)], BELOW, alarms=adjusted_by("benjamini_hochberg")).findings
    assert found.limit == pytest.approx(share(200, ROWS).limits.low(LEVEL))


def test_evidence_at_exactly_the_level_is_enough():
    rules = policy_of({"metric": "psi", "less_than": 0.1})
    level = budget_of(rules).level_for(rules.checks["drift"].thresholds[0])
    assert verdict([metric(0.3, p_value=level)], {"metric": "psi", "less_than": 0.1}).outcome == "fail"
    assert verdict([metric(0.3, p_value=level * 1.001)], {"metric": "psi", "less_than": 0.1}).outcome == "uncertain"


def test_a_change_without_intervals_is_judged_as_it_is_whatever_the_p_value_says():
    demand = {"metric": "psi", "min_absolute_change": -0.1, "against": "approved"}
    base = {"approved": {"psi": Baseline(value=0.1)}}
    assert verdict([metric(0.3, p_value=0.9)], demand, baselines=base).outcome == "fail"


def test_a_change_from_something_to_nothing_counts_from_nothing():
    demand = {"metric": "share", "min_absolute_change": 0.0, "against": "approved"}
    (found,) = verdict(
        [share(0, ROWS)], demand, baselines={"approved": baselines_of(result(share(200, ROWS)))}
    ).findings
    assert found.outcome == "pass"
    assert "is 0 " in found.sentence


def test_a_change_to_nothing_without_intervals_counts_from_nothing():
    demand = {"metric": "psi", "min_absolute_change": 0.0, "against": "approved"}
    assert verdict([metric(0.0)], demand, baselines={"approved": {"psi": Baseline(value=0.2)}}).outcome == "pass"


def test_a_baseline_keeps_its_limits():
    assert baselines_of(result(share(200, ROWS)))["share"].limits == ExactShare(successes=200.0, n=1000.0)


def result(*metrics: Metric) -> CheckResult:
    return CheckResult(kind="data_drift", seed=1, metrics=metrics)


def absent(key: str, absence: str) -> Metric:
    return Metric(
        name="share", value=None, n=0, key=key, meaning="m", better="lower", reason=f"nothing of {key}", absence=absence
    )


def test_a_threshold_whose_keys_were_all_skipped_judged_nothing_and_says_so():
    found = verdict([absent("a", "skipped"), absent("b", "skipped")], BELOW).findings
    assert [finding.outcome for finding in found] == ["uncertain", "skipped"]
    assert found[0].sentence.endswith("nothing of a; no key was left to judge: uncertain")
    assert "left to judge" not in found[1].sentence


def test_one_key_that_was_judged_is_enough():
    found = verdict([absent("a", "skipped"), share(20, ROWS, key="b")], BELOW).findings
    assert [finding.outcome for finding in found] == ["skipped", "pass"]


def test_a_key_that_has_no_row_is_uncertain_only_where_an_earlier_run_judged_it():
    gone = absent("north", "no_rows")
    (unknown,) = verdict([gone], BELOW).findings
    assert unknown.outcome == "error"
    assert unknown.sentence.endswith("no earlier run had any: check the spelling of the key")
    (known,) = verdict([gone], BELOW, earlier=[verdict([share(20, ROWS, key="north")], BELOW)]).findings
    assert known.outcome == "uncertain"
    assert known.sentence.endswith("nothing of north; an earlier run had some")


@pytest.mark.parametrize(
    "earlier", [share(20, ROWS, key="south"), replace(share(20, ROWS, key="north"), name="ratio"), absent("north", "no_rows")],
    ids=["another key", "another metric", "an error"],
)  # fmt: skip
def test_what_says_nothing_of_the_key_does_not_make_it_known(earlier):
    judged = verdict([earlier], {"metric": earlier.name, "less_than": 0.1})
    (found,) = verdict([absent("north", "no_rows")], BELOW, earlier=[judged]).findings
    assert found.outcome == "error"


def noisy_runs(key: str | None = None) -> list:
    """Forty runs whose shares vary half as much again as their rows explain."""
    error = np.sqrt(0.2 * 0.8 / 1000)
    pattern = np.array([1.0, -1.0, -1.0, 1.0] * 10) * error * 1.5
    found: list = []
    for shift in pattern:
        found.insert(0, verdict([share(round(ROWS * (0.2 + shift)), ROWS, key=key)], BELOW | {"less_than": 0.3}))
    return found


def test_noise_between_runs_widens_the_interval_and_stands_in_sentence_and_finding():
    (found,) = verdict([share(200, ROWS)], BELOW | {"less_than": 0.3}, earlier=noisy_runs()).findings
    assert 2 < found.noise < 5
    assert found.low < share(200, ROWS).low
    assert found.high > share(200, ROWS).high
    assert f"variance of 30 earlier runs x {found.noise:.1f}" in found.sentence


def test_without_noise_the_interval_is_that_of_the_metric():
    given = replace(share(200, ROWS), low=0.15, high=0.27)
    (found,) = verdict([given], BELOW).findings
    assert (found.low, found.high, found.noise) == (0.15, 0.27, 1.0)
    assert "earlier runs x" not in found.sentence


def test_the_interval_beside_a_change_is_that_of_the_number_without_noise():
    demand = {"metric": "share", "min_absolute_change": -0.1, "against": "approved"}
    base = {"approved": baselines_of(result(share(190, ROWS)))}
    (found,) = verdict([share(200, ROWS)], demand, baselines=base, earlier=noisy_runs()).findings
    assert found.noise > 1
    assert (found.low, found.high) == (share(200, ROWS).low, share(200, ROWS).high)


def test_more_keys_ask_for_more_noise():
    """Few runs teach the variance; the lower the level of a key, the more Student's t adds for that."""
    runs = noisy_runs(key="a")
    alone = verdict([share(200, ROWS, key="a")], BELOW | {"less_than": 0.3}, earlier=runs).findings[0]
    among = [share(200, ROWS, key="a"), *(share(200, ROWS, key=f"b{number}") for number in range(9))]
    assert verdict(among, BELOW | {"less_than": 0.3}, earlier=runs).findings[0].noise > alone.noise


def test_a_bound_that_no_share_can_exceed_has_nothing_to_detect():
    (found,) = verdict([share(900, ROWS)], BELOW | {"less_than": 1.0}).findings
    assert (found.outcome, found.detectable) == ("pass", None)


@pytest.mark.parametrize(
    ("low", "high", "value", "holds"),
    [
        (-np.inf, 1000.0, 1000.0 + 5e-7, True),
        (-np.inf, 1000.0, 1000.0 + 5e-6, False),
        (-1000.0, np.inf, -1000.0 - 5e-7, True),
        (-1000.0, np.inf, -1000.0 - 5e-6, False),
        (-np.inf, 0.001, 0.001 + 9e-10, True),
        (-np.inf, 0.001, 0.001 + 1.1e-9, False),
        (-np.inf, 0.001, 0.001 + 1e-9 * (1 + 1e-6), False),
    ],
)
def test_a_closed_end_forgives_a_rounding_error_in_proportion_to_its_size(low, high, value, holds):
    assert Allowed(low=low, high=high).holds(value) is holds

"""A demand that can be missed on two sides lets each of them have half of its level."""

from __future__ import annotations

import pytest

from model_governance.policy import AlarmSpec
from verdict_cases import metric, verdict

LEVEL_OF_3_PERCENT = AlarmSpec(false_fails_per_year=5, confidence=0.95, runs_per_year=8)
# 0.8 of 0.0375 is for one run. The 95% interval leaves 2.5% on each side, which no limit undercuts; at 1.5% its lower
# end is 0.1946, at 1.25% 0.1928.
SEEN = metric(0.25, low=0.2, high=0.3)


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ({"between": (0.0, 0.1940)}, "fail"),
        ({"between": (0.0, 0.1950)}, "uncertain"),
        ({"between": (0.3060, 1.0)}, "fail"),
        ({"between": (0.3050, 1.0)}, "uncertain"),
        ({"equal_to": 0.1940}, "fail"),
        ({"equal_to": 0.1950}, "uncertain"),
        ({"less_than": 0.1995}, "fail"),
        ({"leq_to": 0.1995}, "fail"),
        ({"greater_than": 0.3005}, "fail"),
        ({"geq_to": 0.3005}, "fail"),
    ],
)
def test_each_side_of_a_demand_takes_its_share_of_the_level(condition, outcome):
    assert verdict([SEEN], {"metric": "psi", **condition}, alarms=LEVEL_OF_3_PERCENT).outcome == outcome


def test_the_keys_of_a_threshold_share_its_level_too():
    condition = {"metric": "psi", "less_than": 0.1950}
    keyed = [metric(0.25, low=0.2, high=0.3, key="a"), metric(0.1, low=0.09, high=0.11, key="b")]
    assert verdict(keyed, condition, alarms=LEVEL_OF_3_PERCENT).outcome == "uncertain"
    assert verdict(keyed[:1], condition, alarms=LEVEL_OF_3_PERCENT).outcome == "fail"
    only_one_key = verdict(keyed, condition | {"key": "a"}, alarms=LEVEL_OF_3_PERCENT)
    assert only_one_key.outcome == "fail", "a threshold on one key judges that key alone"

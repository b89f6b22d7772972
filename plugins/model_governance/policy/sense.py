"""Whether a threshold makes sense: it can fail, it can pass, and what it asks for is the better direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model_governance.policy.levels import deciding_thresholds, level_of, stopping_severities
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check, Floor
    from model_governance.contract.result import MetricSpec
    from model_governance.policy.model import Policy, Threshold
    from model_governance.policy.position import Path

UPWARDS, DOWNWARDS = ("greater_than", "geq_to"), ("less_than", "leq_to")
CONDITIONS = (*UPWARDS, *DOWNWARDS, "equal_to", "between", "min_absolute_change")


def threshold_problems(threshold: Mapping[str, Any], spec: MetricSpec) -> Iterator[tuple[str, str]]:
    """Why no value, or every value, of the metric meets a threshold as the YAML spells it: the key and a sentence."""
    condition = next((name for name in CONDITIONS if threshold.get(name) is not None), None)
    if condition is None:
        return
    if (condition in UPWARDS and spec.better == "lower") or (condition in DOWNWARDS and spec.better == "higher"):
        opposite = "leq_to" if condition in UPWARDS else "geq_to"
        text = (
            f"{spec.name} is better the {spec.better}, and this asks for more of the worse: it would fail the good runs "
            f"and pass the bad ones; write {opposite}, or `between` for a band"
        )
        yield condition, text
        return
    allowed = _allowed(condition, threshold[condition], threshold.get("tolerance") or 0)
    if allowed is None:
        return
    low, high = _ends(spec, condition)
    least, most, open_ends = allowed
    span = f"{spec.name} lies {_described(low, high)}" if condition != "min_absolute_change" else _changes(spec, high)
    if most < low or least > high or (open_ends and (most == low or least == high)):
        yield condition, f"{span}, so no value meets this: every run would fail; correct the number"
    elif (least < low or (least == low and not open_ends)) and (most > high or (most == high and not open_ends)):
        yield condition, f"{span}, so every value meets this: no run could fail; correct the number"


def _allowed(condition: str, bound: Any, tolerance: Any) -> tuple[float, float, bool] | None:
    """Smallest and largest allowed value, tolerance included, and whether the ends are excluded; None for no numbers."""
    numbers = bound if condition == "between" else [bound]
    if not isinstance(numbers, (list, tuple)) or not all(_is_number(value) for value in (*numbers, tolerance)):
        return None
    if len(numbers) != (2 if condition == "between" else 1):
        return None
    first, last = float(numbers[0]), float(numbers[-1])
    low, high = first - tolerance * abs(first), last + tolerance * abs(last)
    if condition in UPWARDS or condition == "min_absolute_change":
        return low, math.inf, condition == "greater_than"
    if condition in DOWNWARDS:
        return -math.inf, high, condition == "less_than"
    return low, high, False


def _ends(spec: MetricSpec, condition: str) -> tuple[float, float]:
    """The range of the metric, or of its changes."""
    low = -math.inf if spec.range[0] is None else spec.range[0]
    high = math.inf if spec.range[1] is None else spec.range[1]
    return (low - high, high - low) if condition == "min_absolute_change" else (low, high)


def _described(low: float, high: float) -> str:
    if math.isinf(high):
        return f"at {low:g} or above"
    return f"at {high:g} or below" if math.isinf(low) else f"between {low:g} and {high:g}"


def _changes(spec: MetricSpec, width: float) -> str:
    return f"a change of {spec.name} is at most {width:g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def unreachable(policy: Policy, catalogue: Mapping[str, Check]) -> Iterator[tuple[Path, str]]:
    """Thresholds that could never fail, because the alarm budget leaves them less than their metric can prove.

    Those of a severity that stops no run are not meant to fail.
    """
    for name, spec in policy.checks.items():
        check = catalogue[spec.kind]
        floors = {floor.metric: floor for floor in check.floors(check.params.model_validate(spec.params))}
        for position, threshold in enumerate(spec.thresholds):
            floor = floors.get(threshold.metric)
            stops = threshold.severity in stopping_severities(policy)
            if floor is not None and stops and not threshold.is_change:
                level = level_of(policy, threshold)
                text = _too_high(floor, threshold, level=level, deciding=deciding_thresholds(policy))
                if text:
                    yield ("checks", name, "thresholds", position), text


def _too_high(floor: Floor, threshold: Threshold, *, level: float, deciding: int) -> str:
    """Why the threshold cannot fail, and what would let it; empty where it can."""
    budget = f"the alarm budget leaves level {level:.2g} to each of {deciding} thresholds"
    instead = "or take thresholds out, give this one severity warn, or accept more false fails (alarms)"
    if floor.p_value is not None and floor.p_value > level:
        needed = math.ceil(1 / level)
        return (
            f"{floor.metric} cannot have a p-value below {floor.p_value:.2g}, and {budget}: it could never fail; raise "
            f"{floor.param} to {needed:,} or more, {instead}"
        )
    if floor.rows is not None and not _share_can_fail(threshold, floor.rows, level):
        enough = next((rows for rows in _more(floor.rows) if _share_can_fail(threshold, rows, level)), None)
        remedy = f"raise {floor.param} to {enough:,} or more, " if enough else ""
        return (
            f"{floor.metric} is a share of {floor.rows:,} rows at most, and {budget}: even if it were as bad as can be, it "
            f"would not surely be beyond the bound; {remedy}{instead}"
        )
    return ""


def _more(rows: int) -> Iterator[int]:
    """Larger numbers of rows, by a tenth each, up to a thousand times as many."""
    more = float(rows)
    while more < 1000 * rows:
        more = max(more + 1, more * 1.1)
        yield math.ceil(more)


def _share_can_fail(threshold: Threshold, rows: int, level: float) -> bool:
    """Whether the limit of the worst share there can be lies beyond the bound."""
    bound = threshold.bound
    low, high = bound if isinstance(bound, tuple) else (bound, bound)
    every, none = ExactShare(successes=float(rows), n=float(rows)), ExactShare(successes=0.0, n=float(rows))
    if threshold.condition in DOWNWARDS:
        return every.low(level) > high
    if threshold.condition in UPWARDS:
        return none.high(level) < low
    return every.low(level / 2) > high or none.high(level / 2) < low

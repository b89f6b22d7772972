"""Whether a threshold makes sense: it can fail, it can pass, and what it asks for is the better direction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_governance.policy.levels import deciding_thresholds, level_of, stopping_severities
from model_governance.stats.limits import TAIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check, Floor, Params
    from model_governance.contract.result import MetricSpec
    from model_governance.contract.subject import Task
    from model_governance.policy.model import Policy, Threshold
    from model_governance.policy.position import Path
    from model_governance.stats.limits import Limits

UPWARDS, DOWNWARDS = ("greater_than", "geq_to"), ("less_than", "leq_to")
CONDITIONS = (*UPWARDS, *DOWNWARDS, "equal_to", "between", "min_absolute_change")
MOST_TIMES = 1024
"""Up to how many times as large a param is searched for the number that suffices."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """A threshold, the level that the alarm budget leaves to each of `deciding` thresholds, and the model's task.

    `stops` says whether it may stop a run: only then it must be able to prove what it asks at that level.
    """

    threshold: Threshold
    level: float
    deciding: int
    stops: bool
    task: Task


def unreachable(policy: Policy, catalogue: Mapping[str, Check]) -> Iterator[tuple[Path, str]]:
    """Thresholds that no run could fail under the params of their check and the alarm budget, whatever the data."""
    deciding, stopping = deciding_thresholds(policy), stopping_severities(policy)
    for name, spec in policy.checks.items():
        check = catalogue[spec.kind]
        params = check.params.model_validate(spec.params)
        for position, threshold in enumerate(spec.thresholds):
            demand = _Demand(
                threshold=threshold, level=level_of(policy, threshold), deciding=deciding,
                stops=threshold.severity in stopping, task=policy.model.task,
            )  # fmt: skip
            text = _never_fails(demand, check, params, spec.params)
            if text:
                yield ("checks", name, "thresholds", position), text


def _never_fails(demand: _Demand, check: Check, params: Params, raw: Mapping[str, Any]) -> str:
    """Why no run could fail the threshold, and what would let one; empty where one can. `params` are read from `raw`."""
    for floor in _floors(demand.threshold, check, params):
        obstacle = _obstacle(floor, demand)
        if obstacle is not None:
            reason, instead = obstacle
            enough = _enough(floor, demand, check, raw)
            remedy = f"raise {floor.param} to {enough:,} or more, or " if enough is not None else ""
            return f"{reason}; {remedy}{instead}"
    return ""


def _floors(threshold: Threshold, check: Check, params: Params) -> tuple[Floor, ...]:
    """The floors of the threshold's metric and key."""
    return tuple(
        floor
        for floor in check.floors(params)
        if floor.metric == threshold.metric and (threshold.key or "").endswith(floor.key_end)
    )


def _obstacle(floor: Floor, demand: _Demand) -> tuple[str, str] | None:
    """Why the floor lets no run fail the threshold, and what to do instead of raising its param."""
    return _by_rows(floor, demand.threshold) or _by_value(floor, demand.threshold) or _by_level(floor, demand)


def _by_rows(floor: Floor, threshold: Threshold) -> tuple[str, str] | None:
    """Too few rows to be judged at all."""
    if floor.rows is None or floor.rows >= max(floor.needs, threshold.minimum_rows):
        return None
    reason = f"{floor.metric} is measured on {floor.rows:,} rows at most ({floor.param}), and "
    if floor.rows < threshold.minimum_rows:
        found = f"minimum_rows is {threshold.minimum_rows:,}: every run would be uncertain"
        return reason + found, "lower minimum_rows"
    return f"{reason}needs {floor.needs:,}: every run would be uncertain", "take this threshold out"


def _by_value(floor: Floor, threshold: Threshold) -> tuple[str, str] | None:
    """No value beyond the bound."""
    allowed = _allowed(threshold.condition, threshold.bound, threshold.tolerance)
    if floor.most is None or threshold.is_change or allowed is None:
        return None
    least, most, open_ends = allowed
    if math.isfinite(least) or floor.most > most or (open_ends and floor.most == most):
        return None
    return (
        f"{floor.metric} is {floor.most:.3g} at most ({floor.param}), so every value meets this: no run could fail",
        f"set a number below {floor.most:.3g}" if floor.most > 0 else "take this threshold out",
    )


def _by_level(floor: Floor, demand: _Demand) -> tuple[str, str] | None:
    """Less evidence than the alarm budget asks."""
    if not demand.stops or demand.threshold.is_change:
        return None
    budget = f"the alarm budget leaves level {demand.level:.2g} to each of {demand.deciding} thresholds"
    instead = "take thresholds out, give this one severity warn, or accept more false fails (alarms)"
    if floor.p_value is not None and floor.p_value > demand.level:
        reason = f"{floor.metric} cannot have a p-value below {floor.p_value:.2g}, and {budget}: it could never fail"
        return reason, instead
    if floor.extremes is None or (floor.tasks is not None and demand.task not in floor.tasks):
        return None
    if _beyond(floor.extremes, demand):
        return None
    share = "a share" if floor.extremes[0].low(TAIL) >= 0 else "a difference of shares"
    rows = f"{floor.rows:,} rows at most" if floor.rows is not None else f"as many rows as {floor.param} allows"
    reason = (
        f"{floor.metric} is {share} of {rows}, and {budget}: even if it were as bad as can be, it "
        "would not surely be beyond the bound"
    )
    return reason, instead


def _beyond(extremes: tuple[Limits, Limits], demand: _Demand) -> bool:
    """Whether the limit of the smallest or of the largest value lies beyond the bound; two ends share the level.

    The 95% interval must lie beyond it too, however large the level is.
    """
    allowed = _allowed(demand.threshold.condition, demand.threshold.bound, demand.threshold.tolerance)
    if allowed is None:
        return True
    low, high, _ = allowed
    tail = min(TAIL, demand.level / (math.isfinite(low) + math.isfinite(high)))
    return extremes[1].low(tail) > high or extremes[0].high(tail) < low


def _enough(floor: Floor, demand: _Demand, check: Check, raw: Mapping[str, Any]) -> int | None:
    """The smallest number of the floor's param that lets a run fail; None where a thousand times as much does not."""
    params = check.params.model_validate(raw)

    def obstructed(number: int) -> bool:
        floors = _floors(demand.threshold, check, params.model_copy(update={floor.param: number}))
        return any(_obstacle(one, demand) is not None for one in floors if one.param == floor.param)

    few = enough = getattr(params, floor.param)
    most = MOST_TIMES * few
    while obstructed(enough):
        few, enough = enough, 2 * enough
        if enough > most:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (middle, enough) if obstructed(middle) else (few, middle)
    # A param may have to be even.
    return next((number for number in (enough, enough + 1) if _takes(check, {**raw, floor.param: number})), None)


def _takes(check: Check, raw: Mapping[str, Any]) -> bool:
    """Whether the params are those of the check."""
    try:
        check.params.model_validate(raw)
    except ValidationError:
        return False
    return True

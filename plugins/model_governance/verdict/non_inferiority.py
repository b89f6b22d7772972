"""Is the challenger no worse than the champion? One comparison per metric with a margin, judged by its 95% interval.

A challenger is non-inferior in a metric where the whole interval of its gain lies above minus the margin, inferior where the
whole interval lies below it, and otherwise there is too little data to say: uncertain. All comparisons must hold, each at its full
level: the intersection-union test (Berger, 1982) needs no correction for their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import label_of
from model_governance.contract.text import interval, quantity
from model_governance.policy.promotion_agreement import metric_and_key
from model_governance.stats.limits import TAIL
from model_governance.verdict.judgement import baselines_of
from model_governance.verdict.requirement import Allowed, change_of, limits_of
from model_governance.verdict.words import change_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.result import CheckResult, Metric
    from model_governance.policy import PromotionSpec
    from model_governance.verdict.finding import Outcome

PAIRED = "_gain"
"""Ending of a metric that compares both models on each row; above 0 the model is better than the champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of the challenger beside that of the champion.

    Attributes:
        check: name of the check in the policy.
        metric, key: what is compared.
        challenger, champion: the values; None where one was not measured.
        gain: how much better the challenger is, in the better direction of the metric; below 0 it is worse.
        low, high: 95% interval of the gain.
        margin: largest loss that is allowed.
        is_paired: whether the interval comes from differences of the same rows; else from the intervals of both models, as if
            these were independent, which is wider.
        outcome: `pass`, `fail`, `uncertain`, or `error` where something was not measured.
        sentence: what is shown.
    """

    check: str
    metric: str
    key: str | None
    challenger: float | None
    champion: float | None
    gain: float | None
    low: float | None
    high: float | None
    margin: float
    is_paired: bool
    outcome: Outcome
    sentence: str

    @property
    def is_superior(self) -> bool:
        """Whether the challenger is better beyond chance."""
        return self.low is not None and self.low > 0

    def record(self) -> dict[str, Any]:
        """The comparison as JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


def compare_models(
    promotion: PromotionSpec, challenger: Mapping[str, CheckResult | None], champion: Mapping[str, CheckResult | None]
) -> tuple[Comparison, ...]:
    """Every metric with a margin, of the challenger beside the champion, sorted by check and metric.

    Args:
        promotion: the margins.
        challenger: result of each check by name; None where it could not measure.
        champion: the same of the champion, on the same rows.
    """
    return tuple(
        comparison
        for check, margins in sorted(promotion.margins.items())
        for label, margin in sorted(margins.items())
        for comparison in _compared(check, label, margin, challenger.get(check), champion.get(check))
    )


def _compared(
    check: str, label: str, margin: float, challenger: CheckResult | None, champion: CheckResult | None
) -> Iterator[Comparison]:
    name, key = metric_and_key(label)
    metrics = [
        metric for metric in (challenger.metrics if challenger else ())
        if metric.name == name and (key is None or metric.key == key)
    ]  # fmt: skip
    baselines = baselines_of(champion) if champion else {}
    if not metrics:
        yield _absent(check, name, key, margin, who="the challenger", outcome="error")
    for metric in metrics:
        base, paired = baselines.get(metric.label), _paired(challenger, metric)
        if metric.value is None:
            outcome: Outcome = "error" if metric.absence == "error" else "uncertain"
            yield _absent(check, name, metric.key, margin, who="the challenger", outcome=outcome, why=metric.reason)
        elif base is None:
            yield _absent(check, name, metric.key, margin, who="the champion", outcome="uncertain")
        elif paired is not None and paired.value is not None:
            limits = limits_of(paired)
            reach = (limits.low(TAIL), limits.high(TAIL)) if limits else _exact(paired)
            yield _judged(check, metric, base.value, margin, gain=float(paired.value), reach=reach, is_paired=True)
        else:
            change, sign = change_of(metric, base), 1.0 if metric.better == "higher" else -1.0
            gain = sign * (float(metric.value) - base.value)
            ends = None if change is None else sorted((sign * change.low(TAIL), sign * change.high(TAIL)))
            reach = None if ends is None else (ends[0], ends[1])
            yield _judged(check, metric, base.value, margin, gain=gain, reach=reach, is_paired=False)


def _paired(result: CheckResult | None, metric: Metric) -> Metric | None:
    """The metric of the same check that compares both models row by row, where there is one."""
    found = (each for each in (result.metrics if result else ()) if each.name == f"{metric.name}{PAIRED}")
    return next((each for each in found if each.key == metric.key), None)


def _exact(paired: Metric) -> tuple[float, float] | None:
    """The gain itself where no row tells the models apart; None where a gain has no interval."""
    return (0.0, 0.0) if paired.value == 0 else None


def _judged(
    check: str, metric: Metric, champion: float, margin: float, *, gain: float, reach: tuple[float, float] | None,
    is_paired: bool,
) -> Comparison:  # fmt: skip
    label = label_of(metric.name, metric.key)
    value = float(metric.value or 0)
    values = f"{quantity(value, metric.unit, beside=[champion])}, the champion has {quantity(champion, metric.unit, beside=[value])}"
    outcome, words = _outcome(reach, margin)
    facts = (
        "no interval"
        if reach is None
        else f"95% interval {interval(*reach, metric.unit)}{', paired' if is_paired else ''}"
    )
    size = f"{'-' if gain < 0 else ''}{change_text(gain, metric.unit)}"
    text = f"{check}: {label} is {values}: gain {size} ({facts}), at most {change_text(margin, metric.unit)} worse: {words}"
    low, high = reach if reach is not None else (None, None)
    return Comparison(
        check=check, metric=metric.name, key=metric.key, challenger=float(metric.value or 0), champion=champion, gain=gain,
        low=low, high=high, margin=margin, is_paired=is_paired, outcome=outcome, sentence=text,
    )  # fmt: skip


def _outcome(reach: tuple[float, float] | None, margin: float) -> tuple[Outcome, str]:
    """The outcome of a gain under a margin, and what it says."""
    if reach is None:
        return "uncertain", "uncertain, without an interval nothing is shown"
    allowed = Allowed(low=-margin)
    if allowed.holds(reach[0]):
        return "pass", "no worse"
    return ("uncertain", "uncertain, too few rows to say") if allowed.holds(reach[1]) else ("fail", "worse")


def _absent(
    check: str, metric: str, key: str | None, margin: float, *, who: str, outcome: Outcome, why: str = ""
) -> Comparison:
    text = f"{check}: {label_of(metric, key)} of {who} was not measured{f' ({why})' if why else ''}: {outcome}"
    return Comparison(
        check=check, metric=metric, key=key, challenger=None, champion=None, gain=None, low=None, high=None, margin=margin,
        is_paired=False, outcome=outcome, sentence=text,
    )  # fmt: skip

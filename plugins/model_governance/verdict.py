"""The only place where numbers meet thresholds: judge a result, combine the verdicts of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from model_governance.check import CheckResult, Metric, Value
    from model_governance.policy import Policy, Threshold, Waiver

Outcome = Literal["pass", "warn", "fail", "error", "uncertain", "skipped", "waived"]

# From best to worst. A skipped finding hides nothing behind it; a waived one is never called a pass.
RANK: tuple[Outcome, ...] = ("skipped", "pass", "waived", "warn", "uncertain", "fail", "error")
WORDS = {
    "equal_to": "equal to",
    "greater_than": "greater than",
    "less_than": "less than",
    "geq_to": "at least",
    "leq_to": "at most",
    "between": "between",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a policy turns outcomes into a stop: its `fail_on` and `on_uncertain`."""

    fail_on: Literal["error", "warn", "never"] = "error"
    on_uncertain: Literal["warn", "fail", "pass"] = "warn"

    def stops(self, outcome: Outcome, severity: str) -> bool:
        """Whether one finding must stop the run; `error` (could not measure) always does."""
        if outcome == "error":
            return True
        weight = {"fail": 2, "warn": 1}.get(outcome, 0)
        if outcome == "uncertain":
            weight = min({"fail": 2, "warn": 1, "pass": 0}[self.on_uncertain], 2 if severity == "error" else 1)
        return weight >= {"error": 2, "warn": 1, "never": 3}[self.fail_on]


def rules_of(policy: Policy) -> Rules:
    """The rules that a policy sets."""
    return Rules(fail_on=policy.fail_on, on_uncertain=policy.on_uncertain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One threshold judged. `sentence` is what log, exception, notification, page and archive show.

    A finding without metric says that the check as a whole was skipped or could not measure.
    """

    check: str
    outcome: Outcome
    sentence: str
    severity: str = "error"
    metric: str | None = None
    of: str | None = None
    value: Value | None = None
    low: Value | None = None
    high: Value | None = None
    n: int | None = None
    demand: str | None = None
    bound: float | tuple[float, float] | None = None
    tolerance: float = 0.0
    against: str | None = None
    baseline: float | None = None
    waiver: str | None = None

    @property
    def label(self) -> str:
        """`psi_max`, `drift_score[AGEP]`, or the check's name."""
        if self.metric is None:
            return self.check
        return f"{self.metric}[{self.of}]" if self.of is not None else self.metric

    @property
    def demanded(self) -> str:
        """`< 0.2` in words: "less than 0.2"."""
        return _demanded(self.demand, self.bound, self.against) if self.demand and self.bound is not None else ""

    def record(self) -> dict[str, Any]:
        """The finding as JSON types."""
        record = {name: getattr(self, name) for name in self.__slots__}
        if isinstance(self.bound, tuple):
            record["bound"] = list(self.bound)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The findings of a check or a run, the worst outcome, and whether the run must stop."""

    name: str
    findings: tuple[Finding, ...]
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError(f"{self.name}: a verdict without findings would pass by default")

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of all findings."""
        return max((one.outcome for one in self.findings), key=RANK.index)

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """The findings that must stop the run."""
        return tuple(one for one in self.findings if self.rules.stops(one.outcome, one.severity))

    @property
    def stops(self) -> bool:
        """Whether the run must stop."""
        return bool(self.stopping)

    @property
    def sentence(self) -> str:
        """The outcome and its reasons, worst first."""
        telling = [one for one in self.findings if one.outcome not in ("pass", "skipped")] or list(self.findings)
        telling.sort(key=lambda one: -RANK.index(one.outcome))
        return f"{self.name}: {self.outcome.upper()}\n" + "\n".join(f"  - {one.sentence}" for one in telling)

    def record(self) -> dict[str, Any]:
        """The verdict as JSON types."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "stops": self.stops,
            "fail_on": self.rules.fail_on,
            "on_uncertain": self.rules.on_uncertain,
            "findings": [one.record() for one in self.findings],
        }


def read_verdict(record: Mapping[str, Any]) -> Verdict:
    """The verdict that `Verdict.record` wrote."""
    findings = []
    for one in record["findings"]:
        bound = one["bound"]
        findings.append(Finding(**{**one, "bound": tuple(bound) if isinstance(bound, list) else bound}))
    rules = Rules(fail_on=record["fail_on"], on_uncertain=record["on_uncertain"])
    return Verdict(name=record["name"], findings=tuple(findings), rules=rules)


def judge(
    name: str, result: CheckResult, policy: Policy, *, today: date, baselines: Mapping[str, Mapping[str, float]] = {}
) -> Verdict:
    """The verdict of one check of a policy on its result.

    `today` decides which waivers are alive; `baselines` serve thresholds on change.
    """
    rules = rules_of(policy)
    if result.status == "not_applicable":
        text = f"{name}: skipped, not applicable: {result.reason}"
        return Verdict(name=name, findings=(Finding(check=name, outcome="skipped", sentence=text),), rules=rules)
    findings: list[Finding] = []
    for threshold in policy.checks[name].thresholds:
        metrics = [
            one for one in result.metrics
            if one.name == threshold.metric and (threshold.of is None or one.of == threshold.of)
        ]  # fmt: skip
        if not metrics:
            findings.append(_unmeasured(name, threshold))
        findings.extend(_judge_one(name, metric, threshold, baselines.get(threshold.against)) for metric in metrics)
    waived = (_waive(one, policy.waivers, today) for one in findings)
    return Verdict(name=name, findings=tuple(waived), rules=rules)


def unmeasured(name: str, problem: str, *, rules: Rules) -> Verdict:
    """The verdict of a check that could not measure: always an error."""
    finding = Finding(check=name, outcome="error", sentence=f"{name}: could not measure: {problem}")
    return Verdict(name=name, findings=(finding,), rules=rules)


def combine(name: str, verdicts: Sequence[Verdict], *, rules: Rules) -> Verdict:
    """The verdict of a run; a run in which nothing was measured is an error."""
    findings = [one for verdict in verdicts for one in verdict.findings]
    if all(one.outcome == "skipped" for one in findings):
        sentence = f"{name}: nothing was measured in this run; an empty run is never a pass"
        findings.append(Finding(check=name, outcome="error", sentence=sentence))
    return Verdict(name=name, findings=tuple(findings), rules=rules)


def _unmeasured(name: str, threshold: Threshold) -> Finding:
    label = f"{threshold.metric}[{threshold.of}]" if threshold.of is not None else threshold.metric
    text = f"{name}: {label} was not measured, so its threshold cannot be judged"
    return Finding(
        check=name, outcome="error", sentence=text, severity=threshold.severity, metric=threshold.metric,
        of=threshold.of, demand=threshold.demand, bound=threshold.bound,
    )  # fmt: skip


def _judge_one(name: str, metric: Metric, threshold: Threshold, baseline: Mapping[str, float] | None) -> Finding:
    outcome, reason, base = _outcome(metric, threshold, baseline)
    demand = _demanded(threshold.demand, threshold.bound, threshold.against if threshold.is_change else None)
    seen = "absent" if metric.value is None else number(metric.value)
    facts = [metric.detail] if metric.detail else []
    if metric.low is not None and metric.high is not None:
        facts.append(f"95% interval {number(metric.low)} to {number(metric.high)}")
    facts.append(f"n = {metric.n:,}")
    text = f"{name}: {metric.label} is {seen} ({'; '.join(facts)}), must be {demand}"
    if base is not None:
        text += f" (baseline {number(base)})"
    text += f": {outcome}" + (f", {reason}" if reason else "")
    return Finding(
        check=name, outcome=outcome, sentence=text, severity=threshold.severity, metric=metric.name, of=metric.of,
        value=metric.value, low=metric.low, high=metric.high, n=metric.n, demand=threshold.demand,
        bound=threshold.bound, tolerance=threshold.tolerance,
        against=threshold.against if threshold.is_change else None, baseline=base,
    )  # fmt: skip


def _outcome(
    metric: Metric, threshold: Threshold, baseline: Mapping[str, float] | None
) -> tuple[Outcome, str, float | None]:
    """Outcome, reason (empty when the numbers say it all) and the baseline value used."""
    if metric.value is None:
        return "error", metric.reason, None
    base = (baseline or {}).get(metric.label) if threshold.is_change else None
    if threshold.is_change and (obstacle := _obstacle(threshold, base)):
        return *obstacle, base
    if metric.n < threshold.minimum_rows:
        return "uncertain", f"fewer than {threshold.minimum_rows:,} rows", base
    answers = _answers(metric, threshold, base)
    if threshold.severity == "info":
        return "pass", "" if answers == {True} else "for information only", base
    if answers == {True, False}:
        return "uncertain", "the interval lies on both sides", base
    if answers == {True}:
        return "pass", "", base
    return ("fail" if threshold.severity == "error" else "warn"), "", base


def _obstacle(threshold: Threshold, base: float | None) -> tuple[Outcome, str] | None:
    """Why a change cannot be judged: nothing to compare with, or no share of it."""
    if base is None and threshold.against == "last_accepted":
        return "skipped", "no accepted run to compare with yet"
    if base is None:
        return "error", "the champion was not measured"
    if threshold.demand == "min_relative_change" and base == 0:
        return "error", "a relative change against a baseline of 0 has no meaning"
    return None


def _answers(metric: Metric, threshold: Threshold, base: float | None) -> set[bool]:
    """Whether the demand holds, at every point that the interval leaves open."""
    holds = _demand(metric, threshold, base)
    if metric.value is None or metric.low is None or metric.high is None:
        return {holds(float(metric.value or 0))}
    # A band or a single value can lie inside an interval whose two ends both miss it.
    inner = threshold.bound if isinstance(threshold.bound, tuple) else (threshold.bound,)
    inside = [one for one in inner if base is None and metric.low < one < metric.high]
    return {holds(point) for point in (metric.low, metric.high, *inside)}


def _demand(metric: Metric, threshold: Threshold, base: float | None) -> Callable[[float], bool]:
    """The demand as a predicate on one number; tolerance is a share of the bound."""
    if isinstance(threshold.bound, tuple):
        low, high = threshold.bound
        low, high = low - threshold.tolerance * abs(low), high + threshold.tolerance * abs(high)
        return lambda seen: low <= seen <= high
    bound = threshold.bound
    slack = threshold.tolerance * abs(bound)
    if base is not None:
        sign = 1.0 if metric.better == "higher" else -1.0
        unit = abs(base) if threshold.demand == "min_relative_change" else 1.0
        return lambda seen: sign * (seen - base) / unit >= bound - slack
    return {
        "equal_to": lambda seen: abs(seen - bound) <= slack,
        "greater_than": lambda seen: seen > bound - slack,
        "geq_to": lambda seen: seen >= bound - slack,
        "less_than": lambda seen: seen < bound + slack,
        "leq_to": lambda seen: seen <= bound + slack,
    }[threshold.demand]


def _waive(finding: Finding, waivers: Iterable[Waiver], today: date) -> Finding:
    if finding.outcome not in ("fail", "warn", "uncertain"):
        return finding
    for one in waivers:
        fits = one.check == finding.check and one.metric == finding.metric and one.of in (None, finding.of)
        if fits and today <= one.expires:
            note = f"waived until {one.expires} by {one.approver} ({one.ticket}): {one.reason}"
            changed = {"outcome": "waived", "sentence": f"{finding.sentence}; {note}", "waiver": one.ticket}
            return Finding(**{**{name: getattr(finding, name) for name in finding.__slots__}, **changed})
    return finding


def _demanded(demand: str, bound: float | tuple[float, float], against: str | None) -> str:
    if isinstance(bound, tuple):
        return f"between {number(bound[0])} and {number(bound[1])}"
    if against is not None:
        other = "the champion" if against == "champion" else "the last accepted run"
        relative = demand == "min_relative_change"
        size = f"{number(100 * abs(bound))}%" if relative else number(abs(bound))
        if bound == 0:
            return f"no worse than {other}"
        return f"at least {size} better than {other}" if bound > 0 else f"at most {size} worse than {other}"
    return f"{WORDS[demand]} {number(bound)}"


def number(value: float, *, digits: int = 4) -> str:
    """A number as people write it: that many significant digits, thousands separated."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"

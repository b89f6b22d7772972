"""What judging gives: findings, the verdict over them, and the rules by which it stops a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.result import label_of
from model_governance.contract.text import interval, quantity
from model_governance.stats.limits import AT_95
from model_governance.verdict.words import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model_governance.contract.result import Value
    from model_governance.policy import Policy

Outcome = Literal["pass", "warn", "fail", "error", "uncertain", "skipped", "waived"]

# From best to worst. A skipped finding hides nothing behind it; a waived one is never called a pass.
RANK: tuple[Outcome, ...] = ("skipped", "pass", "waived", "warn", "uncertain", "fail", "error")

LEARNT_FROM = ("pass", "uncertain", "waived")
"""Outcomes of a metric that teach the noise between runs."""


HARMLESS = frozenset({"skipped", "pass", "waived"})
"""Outcomes that never stop a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailPolicy:
    """How a policy turns outcomes into a stop: its `fail_on` and `on_uncertain`."""

    fail_on: Literal["error", "warn", "never"] = "error"
    on_uncertain: Literal["warn", "fail", "pass"] = "warn"

    def stops(self, outcome: Outcome, severity: str) -> bool:
        """Whether one finding must stop the run; `error` (could not measure) always does."""
        if outcome == "error":
            return True
        if outcome in HARMLESS:
            return False
        if outcome == "warn" and severity == "info":  # damage of earlier runs: shown, and never a stop
            return False
        weight = {"fail": 2, "warn": 1}.get(outcome, 0)
        if outcome == "uncertain":
            weight = min({"fail": 2, "warn": 1, "pass": 0}[self.on_uncertain], 2 if severity == "error" else 1)
        return weight >= {"error": 2, "warn": 1, "never": 3}[self.fail_on]


def worst_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst outcome of at least one."""
    return max(outcomes, key=RANK.index)


def fail_policy_of(policy: Policy) -> FailPolicy:
    """The rules that a policy sets."""
    return FailPolicy(fail_on=policy.fail_on, on_uncertain=policy.on_uncertain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One threshold judged. `sentence` is what log, exception, notification, page and archive show.

    `p_value` is that of "the threshold holds", adjusted over the keys of the threshold, and `level` what the alarm
    budget leaves it; `limit` is the confidence limit that must lie beyond the bound to fail, and `detectable` the
    smallest true value that fails in one run with probability 0.95. `noise` is the factor on the variance of the
    metric that earlier runs taught. `log_evidence` is what accumulated over the runs with the same `basis`, the digest
    of what the metric was compared with: the logarithm of one product of e-values per shift (stats/accumulation.py).
    `unit` is that of the metric, `title` what readers call it with its key.
    `violated` says that the threshold was violated with certainty in this run, whether or not `confirm` asks for more.
    A finding without metric says that the check as a whole was skipped or could not measure, or that stored objects of
    earlier runs are damaged (`is_damage`).
    """

    check: str
    outcome: Outcome
    sentence: str
    severity: str = "error"
    metric: str | None = None
    key: str | None = None
    value: Value | None = None
    low: Value | None = None
    high: Value | None = None
    n: int | None = None
    condition: str | None = None
    bound: float | tuple[float, float] | None = None
    tolerance: float = 0.0
    against: str | None = None
    baseline: float | None = None
    waiver: str | None = None
    p_value: float | None = None
    level: float | None = None
    limit: float | None = None
    detectable: float | None = None
    noise: float = 1.0
    log_evidence: tuple[float, ...] | None = None
    basis: str = ""
    violated: bool = False
    unit: str = ""
    title: str = ""

    @property
    def label(self) -> str:
        """`psi[AGEP]`, `drift_share`, or the check's name."""
        if self.metric is None:
            return self.check
        return label_of(self.metric, self.key)

    @property
    def plain_name(self) -> str:
        """What readers call the metric, or its label where nobody has said."""
        return self.title or self.label

    @property
    def is_damage(self) -> bool:
        """Whether it says that stored objects of earlier runs were left out; the metrics of this run are others."""
        return self.metric is None and self.outcome == "warn" and self.severity == "info"

    @property
    def requirement(self) -> str:
        """`< 0.2` in words: "less than 0.2"."""
        if not self.condition or self.bound is None:
            return ""
        return describe(self.condition, self.bound, self.against, self.unit)

    @property
    def seen(self) -> str:
        """The value as readers get it, told from the bound; empty where there is none."""
        return "" if self.value is None else quantity(self.value, self.unit, beside=self.ends)

    @property
    def spread(self) -> str:
        """The 95% interval as readers get it; empty where there is none."""
        return interval(self.low, self.high, self.unit, beside=self.ends)

    @property
    def ends(self) -> tuple[float, ...]:
        """The numbers of the bound of a threshold on the value itself."""
        if self.bound is None or self.against is not None:
            return ()
        return self.bound if isinstance(self.bound, tuple) else (self.bound,)

    def record(self) -> dict[str, Any]:
        """The finding as JSON types."""
        record = {name: getattr(self, name) for name in self.__slots__}
        for name in ("bound", "log_evidence"):
            if isinstance(record[name], tuple):
                record[name] = list(record[name])
        return record


def damage_finding(check: str, sentence: str) -> Finding:
    """A warning that never stops a run: what earlier runs left is damaged, and was left out."""
    return Finding(check=check, outcome="warn", severity="info", sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The findings of a check or a run, the worst outcome, and whether the run must stop."""

    name: str
    findings: tuple[Finding, ...]
    fail_policy: FailPolicy = field(default_factory=FailPolicy)

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError(f"{self.name}: a verdict without findings would pass by default")

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of all findings."""
        return worst_of(finding.outcome for finding in self.findings)

    @cached_property
    def samples(self) -> Mapping[tuple[str, str | None], tuple[float, float]]:
        """Value and variance of each metric, for the noise between runs: as many later runs read them as learn from it."""
        return samples_of(self.findings)

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """The findings that must stop the run."""
        return tuple(finding for finding in self.findings if self.fail_policy.stops(finding.outcome, finding.severity))

    @property
    def stops(self) -> bool:
        """Whether the run must stop."""
        return bool(self.stopping)

    @property
    def sentence(self) -> str:
        """The outcome and its reasons, worst first."""
        telling = [finding for finding in self.findings if finding.outcome not in ("pass", "skipped")] or list(
            self.findings
        )
        telling.sort(key=lambda finding: -RANK.index(finding.outcome))
        return f"{self.name}: {self.outcome.upper()}\n" + "\n".join(f"  - {finding.sentence}" for finding in telling)

    def record(self) -> dict[str, Any]:
        """The verdict as JSON types."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "stops": self.stops,
            "fail_on": self.fail_policy.fail_on,
            "on_uncertain": self.fail_policy.on_uncertain,
            "findings": [finding.record() for finding in self.findings],
        }


def samples_of(findings: Sequence[Finding]) -> dict[tuple[str, str | None], tuple[float, float]]:
    """Value and sampling variance of each metric of a verdict, by name and key: what noise is learnt from.

    A metric for which the run was red is left out: an incident is no noise. So is one without an interval.
    """
    first: dict[tuple[str, str | None], Finding] = {}
    red = set()
    for finding in findings:
        if finding.metric is None:
            continue
        name = finding.metric, finding.key
        first.setdefault(name, finding)
        if finding.outcome not in LEARNT_FROM:
            red.add(name)
    samples = {}
    for name, finding in first.items():
        if name in red or finding.value is None or finding.low is None or finding.high is None:
            continue
        # The interval in a finding holds the noise of then, unless its threshold is on a change.
        widened = finding.noise if finding.baseline is None else 1.0
        variance = ((float(finding.high) - float(finding.low)) / (2 * AT_95)) ** 2 / widened
        samples[name] = float(finding.value), variance
    return samples

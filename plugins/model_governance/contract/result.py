"""What a check returns: metrics, tables and artifacts. A result holds no pass or fail."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.text import estimate
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_governance.contract.model import Task
    from model_governance.stats.limits import Limits

Better = Literal["lower", "higher", "neither"]
Absence = Literal["error", "uncertain", "skipped", "no_rows"]
Value = float | int
Range = tuple[float | None, float | None]

SHARE: Range = (0.0, 1.0)
SHARE_CHANGE: Range = (-1.0, 1.0)
NOT_NEGATIVE: Range = (0.0, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric that a check may return: the only names that a threshold may use.

    Attributes:
        name: lower case with underscores; unique within a check.
        meaning: one sentence for readers, with the range of the value where it is not obvious.
        better: which direction is better.
        unit: unit of the value; empty for a pure number.
        per: what the metric is repeated over ("column", "class", "expectation"); a threshold may select one by its
            `key`, and otherwise applies to each of them.
        range: smallest and largest value that the truth can have; None where there is no end. A threshold that no
            value, or every value, meets is a mistake of the policy.
        tasks: the tasks of models that have it; None for every task of the check.
        title: what readers call it, where that is not its name with spaces.
    """

    name: str
    meaning: str
    better: Better
    unit: str = ""
    per: str | None = None
    range: Range = (None, None)
    tasks: tuple[Task, ...] | None = None
    title: str = ""

    @property
    def plain_name(self) -> str:
        """What readers call it: `true positive rate`."""
        return self.title or self.name.replace("_", " ")


def describe_range(range_of_values: Range) -> str:
    """The range for readers; empty where neither end is known.

    >>> describe_range((0.0, 1.0)), describe_range((0.0, None)), describe_range((None, 1.0))
    ('0 to 1', '0 or more', '1 or less')
    """
    low, high = range_of_values
    if low is None:
        return "" if high is None else f"{high:g} or less"
    return f"{low:g} or more" if high is None else f"{low:g} to {high:g}"


def label_of(name: str, key: str | None) -> str:
    """The name of a metric with its key.

    >>> label_of("psi", "AGEP"), label_of("accuracy", None)
    ('psi[AGEP]', 'accuracy')
    """
    return name if key is None else f"{name}[{key}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number with its 95% interval, sample size and meaning; absent with a reason, never NaN.

    Attributes:
        name: as in its MetricSpec.
        value: finite, or None with a `reason`.
        n: number of rows (or other units) behind the value.
        meaning: as in its MetricSpec.
        better: as in its MetricSpec.
        low: lower limit of the 95% interval; None where there is none.
        high: upper limit of the 95% interval; None where there is none.
        unit: as in its MetricSpec.
        key: the column, class or expectation that a repeated metric belongs to.
        detail: a few words that explain the value ("largest at AGEP").
        reason: why the value is absent.
        absence: what an absent value means for a threshold: `error` where it should have been measured, `uncertain`
            where there are too few rows, `skipped` where the question does not arise (a class that no row has),
            `no_rows` where a group that only a threshold names has no row: uncertain if an earlier run had some, else an
            error, because the name may be misspelt.
        p_value: evidence that anything changed at all, unadjusted, 0 to 1. It decides beside the bound only where
            there is no interval.
        limits: confidence limits at any level; without them those of the 95% interval are stretched.
        title: what readers call the metric; empty where nobody has said.
        key_title: the key in words; empty where it is its own.

    Raises:
        CheckError: a number is not finite, a limit is missing or exceeds the other, or a value is absent without reason.
    """

    name: str
    value: Value | None
    n: int
    meaning: str
    better: Better
    low: Value | None = None
    high: Value | None = None
    unit: str = ""
    key: str | None = None
    detail: str = ""
    reason: str = ""
    absence: Absence = "error"
    p_value: float | None = None
    limits: Limits | None = None
    title: str = ""
    key_title: str = ""

    def __post_init__(self) -> None:
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise CheckError(f"metric {self.label}: p_value is {self.p_value}; it lies between 0 and 1")
        for label in ("value", "low", "high"):
            number = getattr(self, label)
            if number is not None and not math.isfinite(number):
                raise CheckError(
                    f"metric {self.label}: {label} is {number}; a metric is finite, or absent with a reason"
                )
        if self.value is None and not self.reason:
            raise CheckError(f"metric {self.label} is absent without a reason")
        if (self.low is None) != (self.high is None):
            raise CheckError(f"metric {self.label} has half an interval")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise CheckError(f"metric {self.label}: interval {self.low} to {self.high} is upside down")

    @property
    def label(self) -> str:
        """The name for readers: `drift_score[AGEP]`."""
        return label_of(self.name, self.key)

    @property
    def plain_name(self) -> str:
        """What readers call it, with its key: `true positive rate, women`; empty where nobody has said."""
        return ", ".join(filter(None, (self.title, self.key_title or self.key))) if self.title else ""

    def record(self) -> dict[str, Any]:
        """The metric as JSON types."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "limits": None if self.limits is None else self.limits.record()
        }

    @property
    def formatted(self) -> str:
        """The value with its interval, for a sentence: `0.82 (0.817 to 0.823)`; empty where there is none."""
        if self.value is None:
            return ""
        return estimate(self.value, self.low, self.high, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One number with the rows behind it; `declared` makes it a metric under the declaration of its name.

    Where there are `limits`, they give the interval too.
    """

    name: str
    value: Value | None
    n: int
    interval: tuple[Value, Value] | None = None
    key: str | None = None
    detail: str = ""
    reason: str = ""
    absence: Absence = "error"
    p_value: float | None = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows for the report and the record: aggregates only, never rows of the data."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise CheckError(f"table {self.name}: a row has {len(row)} cells, the header {len(self.header)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Bytes with a file name and a media type; stored under their own digest."""

    name: str
    media_type: str
    content: bytes
    title: str = ""

    @property
    def sha256(self) -> str:
        """Hex digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check measured: metrics, tables, artifacts, and what is needed to reproduce them.

    Attributes:
        kind: kind of the check.
        seed: seed of every random choice.
        status: `not_applicable` where the question has no meaning for this subject; a check that fails to measure
            raises instead.
        reason: why the check is not applicable.
        metrics: numbers, each label at most once.
        tables: aggregates, never rows of the data.
        artifacts: figures and files.
        highlights: the result in sentences, the most important first.
        notes: limits that a reader must know ("computed on a seeded sample of 500 rows").
        tools: version of each library that took part.

    Raises:
        CheckError: measured without a metric, not applicable without a reason, or a metric occurs twice.
    """

    kind: str
    seed: int
    status: Literal["measured", "not_applicable"] = "measured"
    reason: str = ""
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    highlights: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status == "measured" and not self.metrics:
            raise CheckError(f"{self.kind} claims to have measured and returned no metric")
        if self.status == "not_applicable" and not self.reason:
            raise CheckError(f"{self.kind} is not applicable without saying why")
        labels = Counter(metric.label for metric in self.metrics)
        twice = sorted(label for label, times in labels.items() if times > 1)
        if twice:
            raise CheckError(f"{self.kind} returned metric(s) twice: {', '.join(twice)}")

    def metric(self, name: str, *, key: str | None = None) -> Metric:
        """The metric of this name and key.

        Raises:
            KeyError: there is none.
        """
        for metric in self.metrics:
            if metric.name == name and metric.key == key:
                return metric
        raise KeyError(label_of(name, key))

    def record(self) -> dict[str, Any]:
        """Everything as JSON types, artifacts by digest; the same inputs give the same record."""
        return {
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "seed": self.seed,
            "metrics": [metric.record() for metric in self.metrics],
            "tables": [
                {
                    "name": table.name,
                    "title": table.title,
                    "header": list(table.header),
                    "rows": [list(r) for r in table.rows],
                }
                for table in self.tables
            ],
            "artifacts": [
                {
                    "name": artifact.name,
                    "title": artifact.title,
                    "media_type": artifact.media_type,
                    "size": len(artifact.content),
                    "sha256": artifact.sha256,
                }
                for artifact in self.artifacts
            ],
            "highlights": list(self.highlights),
            "notes": list(self.notes),
            "tools": dict(sorted(self.tools.items())),
        }


def spec_of(specs: Iterable[MetricSpec], name: str) -> MetricSpec:
    """The declaration of this name.

    Raises:
        KeyError: there is none.
    """
    for spec in specs:
        if spec.name == name:
            return spec
    raise KeyError(name)


def of_tasks(specs: Iterable[MetricSpec], *tasks: Task) -> tuple[MetricSpec, ...]:
    """The same declarations, for models of these tasks only."""
    return tuple(replace(spec, tasks=tasks) for spec in specs)


def make_metric(
    specs: Iterable[MetricSpec],
    name: str,
    value: Value | None,
    *,
    n: int,
    interval: tuple[Value, Value] | None = None,
    key: str | None = None,
    detail: str = "",
    reason: str = "",
    absence: Absence = "error",
    p_value: float | None = None,
    limits: Limits | None = None,
) -> Metric:
    """A metric under its declaration, so that unit, direction and meaning are written once.

    Raises:
        KeyError: no declaration has this name.
        CheckError: as `Metric`.
    """
    spec = spec_of(specs, name)
    if interval is None and limits is not None and value is not None:
        low95, high95 = limits.interval()
        interval = min(low95, float(value)), max(high95, float(value))
    low, high = interval if interval is not None else (None, None)
    return Metric(
        name=name, value=_plain(value), low=_plain(low), high=_plain(high), n=int(n), unit=spec.unit,
        better=spec.better, meaning=spec.meaning, key=key, detail=detail, reason=reason, absence=absence,
        p_value=None if p_value is None else float(p_value), limits=limits,
    )  # fmt: skip


def declared(specs: Iterable[MetricSpec], estimate: Estimate) -> Metric:
    """An estimate as the metric of its name, under its declaration."""
    return make_metric(
        specs, estimate.name, estimate.value, n=estimate.n, interval=estimate.interval, key=estimate.key,
        detail=estimate.detail, reason=estimate.reason, absence=estimate.absence, p_value=estimate.p_value,
        limits=estimate.limits,
    )  # fmt: skip


def versions_of(*tools: str) -> dict[str, str]:
    """The installed versions of distributions, for the record of a result."""
    return {name: version(name) for name in tools}


def canonical_json(record: Any) -> bytes:
    """The bytes of a record: sorted keys, no spaces, UTF-8, NaN refused. Same record, same bytes."""
    return _CANONICAL.encode(record).encode()


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
"""Made once: an encoder costs as much as a small record."""


def _plain(number: Any) -> Value | None:
    """Numpy scalars as Python numbers: a record must not depend on the array library."""
    if number is None or type(number) in (int, float):
        return number
    return number.item()

"""Reads the tests of an Evidently report (0.7, `snapshot.json()`) or of a `TestSuite` before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from model_governance.authoring.imports.documents import Schema
from model_governance.authoring.imports.evidently_metrics import (
    AGGREGATES,
    DRIFT_METHODS,
    LEGACY,
    OTHER_METHODS,
    P_VALUE,
    QUALITY,
    RANKING,
    SHARES,
)
from model_governance.authoring.imports.imported import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_governance.authoring.imports.documents import Document
    from model_governance.authoring.imports.imported import Imported

EXPECTED = "the JSON of an Evidently report (metrics and tests) or of a TestSuite (tests and summary)"
CONDITIONS: Mapping[str, str] = {
    "LessThanMetricTest": "less_than", "LessOrEqualMetricTest": "leq_to", "GreaterThanMetricTest": "greater_than",
    "GreaterOrEqualMetricTest": "geq_to", "EqualMetricTest": "equal_to", "ValueDriftTest": "less_than",
}  # fmt: skip
LEGACY_CONDITIONS: Mapping[str, str] = {
    "lt": "less_than", "lte": "leq_to", "gt": "greater_than", "gte": "geq_to", "eq": "equal_to"
}  # fmt: skip
UPPER = ("less_than", "leq_to")
LOWER = ("greater_than", "geq_to")
RELATIVE = "the bound comes from the reference of one run; write min_relative_change, or the number itself"
COLUMN = re.compile(r"\*\*(.+?)\*\*")
LEGACY_STATTESTS: Mapping[str, str] = {"PSI": "psi", "Jensen-Shannon distance": "jensenshannon"}

Part = Literal["value", "share", "count", "mean", "std", "label"]


class MetricConfig(Schema):
    """The metric of a test: its type and its arguments."""

    params: dict[str, Any]


class ReportTest(Schema):
    """A test of a report."""

    name: str = ""
    metric_config: MetricConfig
    test_config: dict[str, Any]
    bound_test: dict[str, Any] = Field(default_factory=dict)


class SuiteTest(Schema):
    """A test of a `TestSuite`."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None


class Report(Schema):
    """The file."""

    tests: list[dict[str, Any]]
    metrics: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test as both forms state it: one number of a metric, and a bound.

    Attributes:
        place: where it stands in the file.
        metric: class of the metric, without its module.
        params: its arguments.
        condition: as a threshold of a policy spells it.
        bound: the number.
        of: which number of the metric is tested.
        severity: `error`, or `warn` where the test is not critical.
    """

    place: str
    metric: str
    params: Mapping[str, Any]
    condition: str
    bound: float
    of: Part
    severity: Literal["error", "warn"]

    @property
    def threshold(self) -> dict[str, Any]:
        """Condition and severity of a threshold."""
        return {self.condition: self.bound} | ({} if self.severity == "error" else {"severity": "warn"})

    @property
    def expectation_severity(self) -> str:
        """The severity of an expectation."""
        return "critical" if self.severity == "error" else "warning"

    @property
    def bounds(self) -> dict[str, float]:
        """The bound as the ends of a range that includes them."""
        low = {"min_value": self.bound} if self.condition in (*LOWER, "equal_to") else {}
        return low | ({"max_value": self.bound} if self.condition in (*UPPER, "equal_to") else {})

    @property
    def is_strict(self) -> bool:
        """Whether the bound itself violates the test."""
        return self.condition in ("less_than", "greater_than")


def read_evidently(documents: Sequence[Document]) -> Imported:
    """Demands of the tests; metrics without a test demand nothing.

    Raises:
        PolicyError: a file is no report and no suite of Evidently.
    """
    collector = Collector()
    for document in documents:
        report = document.read(Report, expected=EXPECTED)
        is_suite = not report.metrics and any("parameters" in entry for entry in report.tests)
        read = _suite_test if is_suite else _report_test
        for place, entry in enumerate(report.tests):
            test = read(document, place, entry, collector)
            if test is not None:
                _take(test, collector)
        for name in _without_test(report):
            collector.leave(name, "has no test, so it demands nothing")
    return collector.done()


def _report_test(document: Document, place: int, entry: Any, collector: Collector) -> Test | None:
    read = document.part(ReportTest, entry, at=f"tests[{place}]", expected=EXPECTED)
    inner = read.bound_test.get("test")
    # Of a test that a preset makes, only the bound test is stated.
    params, config = read.metric_config.params, read.test_config or (inner if isinstance(inner, dict) else {})
    part = f"tests[{place}] {read.name}".strip()
    kind, metric = _last(config.get("type")), _last(params.get("type"))
    condition = CONDITIONS.get(kind)
    if condition is None:
        collector.leave(part, f"a test of type {kind} has no counterpart")
        return None
    raw = config.get("threshold", config.get("expected"))
    raw = params.get("threshold") if raw is None and kind == "ValueDriftTest" else raw
    bound = _number(raw)
    if bound is None:
        collector.leave(part, RELATIVE)
        return None
    of = _tested_part(read.bound_test)
    severity: Literal["error", "warn"] = "error" if config.get("is_critical", True) else "warn"
    return Test(place=part, metric=metric, params=params, condition=condition, bound=bound, of=of, severity=severity)


def _suite_test(document: Document, place: int, entry: Any, collector: Collector) -> Test | None:
    read = document.part(SuiteTest, entry, at=f"tests[{place}]", expected=EXPECTED)
    part, params = f"tests[{place}] {read.name}", dict(read.parameters or {})
    column = params.get("column_name") or next(iter(COLUMN.findall(read.description)), None)
    if column is not None:
        params["column"] = column
    if read.name == "Drift per Column":
        params["method"] = LEGACY_STATTESTS.get(str(params.get("stattest")), str(params.get("stattest")))
        found: Any = {"lt": params.get("threshold")}
        metric = "ValueDrift"
    else:
        found, metric = params.get("condition"), LEGACY.get(read.name, read.name)
    if not isinstance(found, dict) or len(found) != 1 or next(iter(found)) not in LEGACY_CONDITIONS:
        collector.leave(part, "its condition is not in the file, or is none that a threshold can spell")
        return None
    [(word, raw)] = found.items()
    bound = _number(raw)
    if bound is None:
        collector.leave(part, RELATIVE)
        return None
    of: Part = "share" if "hare" in read.name else "count" if read.name.startswith("Number of Drifted") else "value"
    return Test(
        place=part, metric=metric, params=params, condition=LEGACY_CONDITIONS[word], bound=bound, of=of, severity="error"
    )  # fmt: skip


def _take(test: Test, collector: Collector) -> None:
    """Turn a test into a demand, or say why there is none."""
    metric, column = test.metric, test.params.get("column")
    if test.of in ("label", "std"):
        collector.leave(test.place, f"no metric here is the {test.of} of {metric}")
    elif metric == "ValueDrift":
        _take_drift(test, collector)
    elif metric == "DriftedColumnsCount":
        name = "drift_share" if test.of == "share" else "drifted_columns"
        note = "a column counts as drifted by its PSI and the evidence for it"
        collector.demand(test.place, {"metric": name, **test.threshold}, note=note)
    elif metric in QUALITY:
        collector.demand(test.place, {"metric": QUALITY[metric], **test.threshold})
    elif metric in RANKING:
        _take_ranking(test, collector)
    elif metric in SHARES and test.of == "share":
        _take_share(test, str(column), collector)
    elif metric in AGGREGATES:
        kind = f"expect_column_{AGGREGATES[metric]}_to_be_between"
        _expect(test, kind, collector, kwargs={"column": column, **_strict(test), **test.bounds})
    elif metric == "QuantileValue":
        ranges = [[test.bounds.get("min_value"), test.bounds.get("max_value")]]
        quantiles = {"quantiles": [test.params.get("quantile", 0.5)], "value_ranges": ranges}
        kind = "expect_column_quantile_values_to_be_between"
        _expect(test, kind, collector, kwargs={"column": column, "quantile_ranges": quantiles})
    elif metric in ("RowCount", "ColumnCount"):
        table = "row" if metric == "RowCount" else "column"
        _expect(test, f"expect_table_{table}_count_to_be_between", collector, kwargs=_whole(test))
    else:
        part = "count of rows" if metric in SHARES else metric
        collector.leave(test.place, f"no metric here is this {part}; name a share, or write an expectation")


def _take_drift(test: Test, collector: Collector) -> None:
    method = str(test.params.get("method"))
    if method in DRIFT_METHODS and test.condition in UPPER:
        metric, column = DRIFT_METHODS[method], test.params.get("column")
        collector.demand(test.place, {"metric": metric, "key": column, **test.threshold})
    else:
        collector.leave(test.place, f"{method}: {OTHER_METHODS.get(method, P_VALUE)}")


def _take_ranking(test: Test, collector: Collector) -> None:
    k = test.params.get("k")
    if isinstance(k, int) and not collector.choose(RANKING[test.metric], top_k=k):
        collector.leave(test.place, f"k is {k}, and a line before takes another; one check has one top_k")
        return
    collector.demand(test.place, {"metric": RANKING[test.metric], **test.threshold})


def _take_share(test: Test, column: str, collector: Collector) -> None:
    kind, counts_agreeing = SHARES[test.metric]
    wanted = LOWER if counts_agreeing else UPPER
    if test.condition not in (*wanted, "equal_to"):
        collector.leave(test.place, "it asks for rows that do not agree, which no expectation does")
        return
    mostly = test.bound if counts_agreeing else 1 - test.bound
    if not 0 < mostly <= 1:
        collector.leave(test.place, "every share meets it, or none")
        return
    kwargs: dict[str, Any] = {"column": column} | ({} if mostly == 1 else {"mostly": round(mostly, 12)})
    kwargs |= {there: test.params[here] for here, there in (("left", "min_value"), ("right", "max_value"),
               ("values", "value_set")) if test.params.get(here) is not None}  # fmt: skip
    is_missing = test.metric == "MissingValueCount"
    _expect(test, kind, collector, kwargs=kwargs, note="" if is_missing else "of the rows that have a value")


def _expect(test: Test, kind: str, collector: Collector, *, kwargs: Mapping[str, Any], note: str = "") -> None:
    collector.expect(test.place, kind, kwargs=kwargs, severity=test.expectation_severity, note=note)


def _strict(test: Test) -> dict[str, bool]:
    """The arguments that leave out the bound itself."""
    if not test.is_strict:
        return {}
    return {"strict_max": True} if test.condition == "less_than" else {"strict_min": True}


def _whole(test: Test) -> dict[str, int]:
    """The bound of a count: whole numbers, ends included."""
    step = {"less_than": -1, "greater_than": 1}.get(test.condition, 0)
    return {end: int(bound) + step for end, bound in test.bounds.items()}


def _without_test(report: Report) -> Iterator[str]:
    tested = {entry.get("metric_config", {}).get("metric_id") for entry in report.tests}
    for metric in report.metrics:
        if metric.get("id") not in tested:
            yield f"metric {metric.get('metric_name') or metric.get('metric_id') or metric.get('id')}"


def _tested_part(bound_test: Mapping[str, Any]) -> Part:
    kind = _last(bound_test.get("type"))
    if kind == "CountBoundTest":
        return "count" if bound_test.get("is_count") else "share"
    if kind == "MeanStdBoundTest":
        return "mean" if bound_test.get("is_mean") else "std"
    return "label" if kind.startswith(("ByLabel", "Dataframe")) else "value"


def _last(kind: Any) -> str:
    """The class in `evidently:metric_v2:ValueDrift`."""
    return str(kind).rsplit(":", maxsplit=1)[-1]


def _number(raw: Any) -> float | None:
    return float(raw) if isinstance(raw, (int, float)) and not isinstance(raw, bool) else None

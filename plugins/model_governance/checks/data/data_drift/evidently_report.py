"""Renders the measured drift with Evidently: exact statistics over all rows go in, no row of data does.

A private method of Evidently makes the page, so the package pins the version, and a test fails when the method changes.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_drift.disclosure import publishable_bars
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.text import spell_p
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift

METHOD = "PSI over all rows, 10 quantile bins frozen with the reference, corrected for chance"
MAX_BARS = 100
MAX_DRAWN = 100
"""Columns whose distributions the page draws; drawing costs far more than measuring, and nobody looks at thousands."""
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_measured: ContextVar[Mapping[str, _Measured]] = ContextVar("measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A measured column: whether it counts as drifted, and whether the page draws it."""

    column: ColumnDrift
    detected: bool
    drawn: bool


def render(
    columns: Sequence[ColumnDrift], *, drifted: frozenset[str], limit: float, seed: int
) -> tuple[Artifact, Artifact]:
    """Evidently's page and its numbers: one drift metric and one test per column.

    The page draws the columns with the largest PSI, at most `MAX_DRAWN`; its tests and the numbers hold every column.

    Args:
        columns: the measured columns.
        drifted: the columns that count as drifted; Evidently decides nothing.
        limit: the effect from which a column may count.
        seed: of the ids in the page.

    Raises:
        CheckError: Evidently raised.
    """
    largest = sorted(columns, key=lambda column: -column.psi.value)[:MAX_DRAWN]
    drawn = {column.name for column in largest}
    token = _measured.set({
        column.name: _Measured(column=column, detected=column.name in drifted, drawn=column.name in drawn)
        for column in columns
    })  # fmt: skip
    try:
        snapshot = _run(columns, limit)
        page = _with_inert_data(_with_stable_ids(snapshot.get_html_str(as_iframe=False), seed))
        numbers = canonical_json(json.loads(snapshot.json()))
    except CheckError:
        raise
    except Exception as error:
        raise CheckError(f"Evidently could not render the drift report: {type(error).__name__}: {error}") from error
    finally:
        _measured.reset(token)
    title = "Evidently's report" + (
        f", the {MAX_DRAWN} columns with the largest PSI" if len(drawn) < len(columns) else ""
    )
    return (
        Artifact(name="evidently.html", media_type="text/html", title=title, content=page.encode()),
        Artifact(name="evidently.json", media_type="application/json", title="Evidently's numbers", content=numbers),
    )


def _run(columns: Sequence[ColumnDrift], limit: float) -> Any:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report

    names = [column.name for column in columns]
    # Evidently requires a dataset; the calculation below looks every number up elsewhere.
    placeholder = Dataset.from_pandas(
        pd.DataFrame({name: ["-"] for name in names}), data_definition=DataDefinition(categorical_columns=names)
    )
    metric = _metric()
    report = Report([metric(column=name, method=METHOD, threshold=limit) for name in names], include_tests=True)
    return report.run(placeholder, None)


@cache
def _metric() -> Any:
    """The metric class, created on first use because Evidently takes seconds to import."""
    from evidently.core.metric_types import ColumnMetric, SingleValueCalculation, SingleValueMetric
    from evidently.legacy.options import ColorOptions
    from evidently.legacy.options.base import Options
    from evidently.metrics.column_statistics import ValueDriftCalculation

    class ExactDrift(ColumnMetric, SingleValueMetric):
        """Drift of one column, measured before Evidently runs."""

        method: str
        threshold: float

    class ExactDriftCalculation(SingleValueCalculation[ExactDrift]):
        """Looks up the measured drift instead of computing it from the data that Evidently passes."""

        def calculate(self, context: Any, current_data: Any, reference_data: Any) -> Any:  # noqa: ARG002
            measured = _measured.get()[self.metric.column]
            result = self.result(measured.column.psi.value)
            result.widget = []
            if measured.drawn:
                drift = _legacy(measured.column, detected=measured.detected, limit=self.metric.threshold)
                result.widget = ValueDriftCalculation._render(self, drift, Options(), ColorOptions())  # noqa: SLF001
            if context.configuration.include_tests:
                result.set_tests([_test(self, measured.column, detected=measured.detected)])
            return result

        def display_name(self) -> str:
            return f"Drift of {self.metric.column}"

    return ExactDrift


def _legacy(column: ColumnDrift, *, detected: bool, limit: float) -> Any:
    """The container from which Evidently draws its figure."""
    from evidently.legacy.calculations.data_drift import ColumnDataDriftMetrics, DriftStatsField
    from evidently.legacy.metric_results import Distribution

    bars = publishable_bars(column, max_bars=MAX_BARS)
    distributions = {
        role: DriftStatsField(distribution=Distribution(x=list(bars.labels), y=list(getattr(bars, role))))
        for role in ("reference", "current")
    }
    return ColumnDataDriftMetrics(
        column_name=column.name, column_type="cat", stattest_name=METHOD, stattest_threshold=limit,
        drift_score=column.psi.value, drift_detected=detected, scatter=None, **distributions,
    )  # fmt: skip


def _test(calculation: Any, column: ColumnDrift, *, detected: bool) -> Any:
    from evidently.core.metric_types import MetricTestResult
    from evidently.legacy.tests.base_test import TestStatus
    from evidently.metrics.column_statistics import ValueDriftBoundTest, ValueDriftTest

    psi = column.psi
    description = (
        f"PSI is {psi.value:.3f} (95% interval {psi.low:.3f} to {psi.high:.3f}, {spell_p(psi.p_value)}); "
        f"the column {'counts' if detected else 'does not count'} as drifted."
    )
    return MetricTestResult(
        id="drift", name=f"Drift of column {column.name}", description=description,
        status=TestStatus.FAIL if detected else TestStatus.SUCCESS, metric_config=calculation.to_metric_config(), test_config={},
        bound_test=ValueDriftBoundTest(test=ValueDriftTest(), metric_fingerprint=calculation.to_metric().metric_id),
    )  # fmt: skip


def _with_stable_ids(page: str, seed: int) -> str:
    """Replace the ids that Evidently draws at random, in order of appearance, by ids derived from the seed."""
    ids = [*re.findall(rf'"id": "({UUID})"', page), *re.findall(r"var (metric_[0-9a-f]{32}) =", page)]
    stable = {}
    for number, old in enumerate(dict.fromkeys(ids)):
        new = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:32]
        stable[old] = f"metric_{new}" if old.startswith("metric_") else str(uuid.UUID(new))
    return re.sub(f"metric_[0-9a-f]{{32}}|{UUID}", lambda match: stable.get(match[0], match[0]), page)


def _with_inert_data(page: str) -> str:
    """Escape every < in the data of the page: otherwise a category named </script> would run in the reader's browser."""
    start = page.index("var metric_")
    end = page.index(";\n</script>", start)  # JSON holds no line break, so no data match this
    return page[:start] + page[start:end].replace("<", "\\u003c") + page[end:]

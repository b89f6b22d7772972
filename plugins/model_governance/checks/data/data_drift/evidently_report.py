"""Has Evidently render what was measured here: exact statistics over all rows go in, no row of data does.

The page is made by a method that Evidently keeps to itself, so the package pins the version, and a test fails when the
method changes.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_drift.shown import bars_of
from model_governance.contract.result import Artifact, canonical_json
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.data.data_drift.column_drift import Compared

METHOD = "PSI over all rows, 10 quantile bins frozen with the reference, corrected for chance"
MOST_SHOWN = 100  # categories of one column
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_measured: ContextVar[Mapping[str, tuple[Compared, bool]]] = ContextVar("measured")


def render(
    columns: Sequence[Compared], *, drifted: frozenset[str], limit: float, seed: int
) -> tuple[Artifact, Artifact]:
    """Evidently's page and its numbers: one drift metric and one test per column.

    Args:
        columns: what was measured.
        drifted: the columns that count as drifted; Evidently decides nothing.
        limit: the effect from which a column may count.
        seed: from which the ids in the page are made.

    Raises:
        CheckError: Evidently raised.
    """
    token = _measured.set({one.name: (one, one.name in drifted) for one in columns})
    try:
        snapshot = _run(columns, limit)
        page = _with_inert_data(_with_stable_ids(snapshot.get_html_str(as_iframe=False), seed))
        told = json.loads(snapshot.json())
    except CheckError:
        raise
    except Exception as error:
        raise CheckError(f"Evidently could not render the drift report: {type(error).__name__}: {error}") from error
    finally:
        _measured.reset(token)
    numbers = canonical_json(told)
    return (
        Artifact(name="evidently.html", media_type="text/html", title="Evidently's report", content=page.encode()),
        Artifact(name="evidently.json", media_type="application/json", title="Evidently's numbers", content=numbers),
    )


def _run(columns: Sequence[Compared], limit: float) -> Any:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report

    names = [one.name for one in columns]
    # One row of nothing: Evidently wants a data set, and finds every number elsewhere.
    nothing = Dataset.from_pandas(
        pd.DataFrame({name: ["-"] for name in names}), data_definition=DataDefinition(categorical_columns=names)
    )
    metric = _metric()
    report = Report([metric(column=name, method=METHOD, threshold=limit) for name in names], include_tests=True)
    return report.run(nothing, None)


@cache
def _metric() -> Any:
    """The metric class; made when it is first needed, because Evidently takes seconds to import."""
    from evidently.core.metric_types import ColumnMetric, SingleValueCalculation, SingleValueMetric
    from evidently.legacy.options import ColorOptions
    from evidently.legacy.options.base import Options
    from evidently.metrics.column_statistics import ValueDriftCalculation

    class ExactDrift(ColumnMetric, SingleValueMetric):
        """Drift of one column, measured before Evidently was asked."""

        method: str
        threshold: float

    class ExactDriftCalculation(SingleValueCalculation[ExactDrift]):
        """Looks the measured drift up instead of computing it from the data it is given."""

        def calculate(self, context: Any, current_data: Any, reference_data: Any) -> Any:  # noqa: ARG002
            one, detected = _measured.get()[self.metric.column]
            result = self.result(one.psi.value)
            drift = _legacy(one, detected=detected, limit=self.metric.threshold)
            result.widget = ValueDriftCalculation._render(self, drift, Options(), ColorOptions())  # noqa: SLF001
            if context.configuration.include_tests:
                result.set_tests([_test(self, one, detected=detected)])
            return result

        def display_name(self) -> str:
            return f"Drift of {self.metric.column}"

    return ExactDrift


def _legacy(one: Compared, *, detected: bool, limit: float) -> Any:
    """The container that Evidently draws from."""
    from evidently.legacy.calculations.data_drift import ColumnDataDriftMetrics, DriftStatsField
    from evidently.legacy.metric_results import Distribution

    bars = bars_of(one, most=MOST_SHOWN)
    sides = {
        side: DriftStatsField(distribution=Distribution(x=list(bars.labels), y=list(getattr(bars, side))))
        for side in ("reference", "current")
    }
    return ColumnDataDriftMetrics(
        column_name=one.name, column_type="cat", stattest_name=METHOD, stattest_threshold=limit,
        drift_score=one.psi.value, drift_detected=detected, scatter=None, **sides,
    )  # fmt: skip


def _test(calculation: Any, one: Compared, *, detected: bool) -> Any:
    from evidently.core.metric_types import MetricTestResult
    from evidently.legacy.tests.base_test import TestStatus
    from evidently.metrics.column_statistics import ValueDriftBoundTest, ValueDriftTest

    said = (
        f"PSI is {one.psi.value:.3f} (95% interval {one.psi.low:.3f} to {one.psi.high:.3f}, p = {one.psi.p_value:.2g}); "
        f"the column {'counts' if detected else 'does not count'} as drifted."
    )
    return MetricTestResult(
        id="drift", name=f"Drift of column {one.name}", description=said,
        status=TestStatus.FAIL if detected else TestStatus.SUCCESS, metric_config=calculation.to_metric_config(), test_config={},
        bound_test=ValueDriftBoundTest(test=ValueDriftTest(), metric_fingerprint=calculation.to_metric().metric_id),
    )  # fmt: skip


def _with_stable_ids(page: str, seed: int) -> str:
    """Ids that Evidently draws at random, replaced in order of appearance by ids made from the seed."""
    found = [*re.findall(rf'"id": "({UUID})"', page), *re.findall(r"var (metric_[0-9a-f]{32}) =", page)]
    stable = {}
    for number, old in enumerate(dict.fromkeys(found)):
        new = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:32]
        stable[old] = f"metric_{new}" if old.startswith("metric_") else str(uuid.UUID(new))
    if not stable:
        return page
    return re.sub("|".join(map(re.escape, stable)), lambda one: stable[one[0]], page)


def _with_inert_data(page: str) -> str:
    """Escape every < in the data of the page: a category named </script> would otherwise run in the reader's browser."""
    start = page.index("var metric_")
    end = page.index(";\n</script>", start)  # JSON holds no line break, so data cannot look like this
    return page[:start] + page[start:end].replace("<", "\\u003c") + page[end:]

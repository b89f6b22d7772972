"""Measures data validation: read the suite, open the rows, evaluate every expectation, count what is not met."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from model_governance.checks.data.data_validation.batches import PandasBatch, SqlBatch
from model_governance.checks.data.data_validation.duplicates import count_duplicates, duplicate_estimates
from model_governance.checks.data.data_validation.expectations import read_suite
from model_governance.checks.data.data_validation.metrics import METRICS
from model_governance.checks.data.data_validation.params import MAX_ROWS_IN_PANDAS
from model_governance.checks.data.data_validation.report import (
    expectations_table,
    list_failures,
    unexpected_figure,
    unexpected_rows,
)
from model_governance.checks.data.data_validation.results import as_artifact
from model_governance.checks.data.data_validation.time_axis import time_axis_estimates
from model_governance.checks.data.data_validation.translation import PRESENCE
from model_governance.checks.data.data_validation.validation import validate
from model_governance.checks.data.data_validation.view import integer_columns, open_view
from model_governance.contract.result import CheckResult, Estimate, declared, versions_of
from model_governance.engine.transfer import fetch_table
from model_governance.errors import SubjectError
from model_governance.stats.limits import ExactShare
from model_governance.subjects.param_files import param_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.checks.data.data_validation.expectations import Expectation
    from model_governance.checks.data.data_validation.params import ValidationParams
    from model_governance.checks.data.data_validation.results import ExpectationResult
    from model_governance.contract.subject import Dataset, Subject

SEVERITIES = ("critical", "warning", "info")


def measure(subject: Subject, params: ValidationParams, seed: int) -> CheckResult:
    """Evaluate every expectation on the rows in role `current`.

    Args:
        subject: holds `current`, `reference` where repeated rows are compared with it, and the suite's file in `param_files` where it was read before.
        params: the suite or the expectations, and the engine.
        seed: of the rows drawn from a reference that stays in its database; nothing else is random.

    Returns:
        The metrics of `metrics.METRICS`, a table of the expectations, `validation.json`, and a figure of the shares of
        unexpected rows where expectations count rows.

    Raises:
        SubjectError: no rows, or a feature is missing or holds no value.
        CheckError: the suite cannot be read, or an expectation could not be evaluated.
    """
    expectations = params.expectations or read_suite(param_file(subject, "suite", str(params.suite)))
    dataset = _dataset(subject)
    used = {name for expectation in expectations for name in expectation.columns}
    whole = any(not expectation.columns or "row_condition" in expectation.kwargs for expectation in expectations)
    dataset, fetched = fetch_table(dataset, wanted=None if whole else {*used, *subject.columns.names})
    with _open_batch(dataset, params, used=used) as batch:
        _require_values(subject, batch, seen=[one for one in expectations if one.type in PRESENCE])
        results = validate(batch, expectations)
        _require_values(subject, batch, seen=[result.expectation for result in results if not result.success])
    duplicates = count_duplicates(subject, seed=seed)
    estimates = (
        *_estimates(results, rows=dataset.rows),
        *duplicate_estimates(duplicates),
        *time_axis_estimates(subject),
    )
    figure = unexpected_figure(results)
    return CheckResult(
        kind="data_validation",
        seed=seed,
        metrics=tuple(declared(METRICS, estimate) for estimate in estimates),
        tables=(expectations_table(results),),
        artifacts=(as_artifact(results, rows=dataset.rows), *([figure] if figure else [])),
        notes=(batch.note, *([fetched] if fetched else [])),
        tools=versions_of("great-expectations", *batch.tools),
    )


def _dataset(subject: Subject) -> Dataset:
    """The current rows, with every feature."""
    names = subject.datasets["current"].names if "current" in subject.datasets else ()
    subject.frame("current", columns=[name for name in subject.columns.names if name not in names])
    return subject.datasets["current"]


@contextmanager
def _open_batch(dataset: Dataset, params: ValidationParams, *, used: set[str]) -> Iterator[PandasBatch | SqlBatch]:
    if params.engine == "pandas" or (params.engine == "auto" and dataset.rows <= MAX_ROWS_IN_PANDAS):
        yield PandasBatch(dataset.frame, integers=integer_columns(dataset))
    else:
        with open_view(dataset, used=used) as view:
            yield SqlBatch(view, sql_only=params.engine == "sql")


def _require_values(subject: Subject, batch: PandasBatch | SqlBatch, *, seen: Sequence[Expectation]) -> None:
    """Refuse features without any value, unless one of these expectations sees it: most others would be met by no row."""
    named = {name for expectation in seen for name in expectation.columns}
    empty = [name for name in subject.columns.names if batch.columns[name].values == 0 and name not in named]
    if empty:
        dataset = subject.datasets["current"]
        raise SubjectError(
            f"{dataset.uri}: column(s) {', '.join(empty)} of dataset 'current' hold no value in any of {dataset.rows} "
            "rows; repair the feed or take the column out of columns.features"
        )


def _estimates(results: Sequence[ExpectationResult], *, rows: int) -> Iterator[Estimate]:
    for severity in SEVERITIES:
        failures = [result for result in results if not result.success and result.expectation.severity == severity]
        yield Estimate(name=f"{severity}_failures", value=len(failures), n=rows, detail=list_failures(failures))
    met = sum(result.success for result in results)
    yield Estimate(name="expectations", value=len(results), n=rows)
    yield Estimate(name="success_share", value=met / len(results), n=rows, detail=f"{met} of {len(results)} met")
    yield Estimate(name="rows", value=rows, n=rows)
    for result in results:
        if result.unexpected is not None and result.examined:
            yield Estimate(
                name="unexpected_share",
                value=result.unexpected / result.examined,
                n=result.examined,
                key=result.label,
                limits=ExactShare(successes=result.unexpected, n=result.examined),
                detail=unexpected_rows(result),
            )

"""Metrics, sentences and notes of the search for weak slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import report
from model_governance.checks.quality.model_quality.evaluation import too_few
from model_governance.checks.quality.model_quality.partitions import code_column, partitions
from model_governance.checks.quality.model_quality.search import gap_interval, loss_interval, search_partitions
from model_governance.checks.quality.model_quality.slices import SliceMetrics
from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from model_governance.checks.quality.model_quality.evaluation import Evaluation, TaskMetrics
    from model_governance.checks.quality.model_quality.params import Search
    from model_governance.checks.quality.model_quality.search import Contrast, SearchResult

MAX_SENTENCES = 4


def find_weak_slices(evaluation: Evaluation, whole: TaskMetrics, search: Search) -> SliceMetrics:
    """Search for weak slices among the labelled rows.

    Args:
        evaluation: The labelled rows.
        whole: Metrics of all rows, with the loss of each.
        search: Columns, depth and level.

    Raises:
        SubjectError: The dataset lacks a column to search.
        CheckError: Rows depend on one another (rankings, forecasts).
    """
    task, n = evaluation.subject.task, evaluation.labelled.n
    if whole.losses is None:
        raise CheckError(
            f"search needs rows that do not depend on one another, and those of {task} do; name slices instead"
        )
    columns = {
        name: code_column(evaluation.labelled.column(name), bins=search.bins, by_value=_is_category(evaluation, name))
        for name in search.features or evaluation.subject.columns.names
    }
    candidates = list(partitions(columns, depth=search.maximum_depth))
    result = search_partitions(candidates, whole.losses, search=search, seed=evaluation.seed)
    if result is None:
        few = (
            f"no slice has {search.minimum_rows} rows inside and outside in both halves of {n:,} labelled "
            "rows; lower search.minimum_rows or widen the window"
        )
        return SliceMetrics(estimates=(too_few("worst_slice_gap", few, n=n), too_few("weak_slices", few, n=n)))
    classes = task != "regression"
    return SliceMetrics(
        estimates=_estimates(result, level=search.level, classes=classes),
        tables=(report.weak_slice_table(result, level=search.level),),
        highlights=_sentences(result, level=search.level, classes=classes),
        notes=(_method(result, level=search.level),),
    )


def _is_category(evaluation: Evaluation, name: str) -> bool:
    """Whether the policy declares the column as categories: their codes are no numbers, however many there are."""
    feature = evaluation.subject.columns.features.get(name)
    return feature is not None and feature.kind not in NUMBER_KINDS


def _estimates(result: SearchResult, *, level: float, classes: bool) -> tuple[Estimate, ...]:
    worst, confirmed = result.nominees[0], sum(p_value <= level for p_value in result.p_values)
    outcome = "confirmed" if result.p_values[0] <= level else "not confirmed"
    gap = Estimate(
        name="worst_slice_gap", value=worst.gap, n=worst.rows, interval=gap_interval(worst, classes=classes),
        detail=f"{describe(worst, classes=classes)}; {outcome}",
    )  # fmt: skip
    count = Estimate(
        name="weak_slices", value=confirmed, n=result.tested, p_value=min(result.p_values),
        detail=f"of {result.tested:,} slices tested, {len(result.nominees)} nominated",
    )  # fmt: skip
    return gap, count


def describe(contrast: Contrast, *, classes: bool) -> str:
    """`AGEP up to 23 and SEX 2: accuracy 0.71 (0.69 to 0.73) against 0.82, 3,214 rows`."""
    low, high = loss_interval(contrast.inside, contrast.error_inside, classes=classes)
    inside, outside = contrast.inside, contrast.outside
    if classes:
        inside, outside, low, high = 1 - inside, 1 - outside, 1 - high, 1 - low
    metric = "accuracy" if classes else "mean absolute error"
    limits = f" ({low:.3g} to {high:.3g})" if low < high else ""
    return f"{contrast.name}: {metric} {inside:.3g}{limits} against {outside:.3g}, {contrast.rows:,} rows"


def _method(result: SearchResult, *, level: float) -> str:
    return (
        f"Searched {result.tested:,} slices on one half of the rows and confirmed on the other; with no weak slice "
        f"the chance of naming one is at most {level:.0%}."
    )


def _sentences(result: SearchResult, *, level: float, classes: bool) -> tuple[str, ...]:
    """The confirmed slices, best evidence first."""
    weak = [
        describe(contrast, classes=classes)
        for contrast, p_value in zip(result.nominees, result.p_values, strict=True)
        if p_value <= level
    ]
    sentences = [f"Weak: {description}." for description in weak[:MAX_SENTENCES]]
    if len(weak) > MAX_SENTENCES:
        sentences.append(f"{len(weak) - MAX_SENTENCES} more slices are weak; the table lists them.")
    return tuple(sentences) or ("No slice is confirmed to be weak.",)

"""Data validation: do the rows of tonight keep the expectations of the policy? Great Expectations asks, row by row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from model_governance.checks.data.data_validation.answers import as_artifact
from model_governance.checks.data.data_validation.engine import InPandas, InSql, ask
from model_governance.checks.data.data_validation.expectations import (
    FEW_ROWS,
    Expectation,
    ValidationParams,
    read_suite,
)
from model_governance.checks.data.data_validation.suggestion import suggest
from model_governance.checks.data.data_validation.view import as_view, integers_of
from model_governance.contract.check import Advice, Check, SelfTest
from model_governance.contract.result import CheckResult, MetricSpec, Table, versions_of
from model_governance.errors import SubjectError
from model_governance.report.figures import CURRENT, MUTED, canvas, to_svg
from model_governance.stats.intervals import clopper_pearson
from model_governance.subjects.param_files import param_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.checks.data.data_validation.answers import Answer
    from model_governance.contract.result import Artifact, Metric
    from model_governance.contract.subject import Dataset, Subject

__all__ = ["CHECK", "Expectation", "ValidationParams", "measure"]

MOST_TOLD = 5
MOST_BARS = 20


def measure(subject: Subject, params: ValidationParams, seed: int) -> CheckResult:
    """Ask every expectation about the rows in role `current`.

    Raises:
        SubjectError: no rows, or a feature is missing or holds no value.
        CheckError: the suite cannot be read, or an expectation could not be evaluated.
    """
    expectations = params.expectations or read_suite(param_file(subject, "suite", str(params.suite)))
    dataset = _dataset(subject)
    used = {name for one in expectations for name in one.columns}
    with _opened(dataset, params, used=used) as rows:
        _require_values(subject, rows)
        answers = ask(rows, expectations)
    picture = _picture(answers)
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=_metrics(answers, rows=dataset.rows),
        tables=(_table(answers),),
        artifacts=(as_artifact(answers, rows=dataset.rows), *([picture] if picture else [])),
        notes=(rows.note,),
        tools=versions_of("great-expectations", *rows.tools),
    )


def _dataset(subject: Subject) -> Dataset:
    """The rows of the night, with every feature."""
    there = subject.datasets["current"].names if "current" in subject.datasets else ()
    subject.frame("current", columns=[name for name in subject.columns.names if name not in there])
    return subject.datasets["current"]


@contextmanager
def _opened(dataset: Dataset, params: ValidationParams, *, used: set[str]) -> Iterator[InPandas | InSql]:
    if params.engine == "pandas" or (params.engine == "auto" and dataset.rows <= FEW_ROWS):
        yield InPandas(dataset.frame, integers=integers_of(dataset))
    else:
        with as_view(dataset, used=used) as view:
            yield InSql(view, strictly=params.engine == "sql")


def _require_values(subject: Subject, rows: InPandas | InSql) -> None:
    """A column without any value would keep most expectations by having nothing to break."""
    empty = [name for name in subject.columns.names if rows.columns[name].values == 0]
    if empty:
        dataset = subject.datasets["current"]
        raise SubjectError(
            f"{dataset.uri}: column(s) {', '.join(empty)} of dataset 'current' hold no value in any of {dataset.rows} "
            "rows; repair the feed or take the column out of columns.features"
        )


def _metrics(answers: Sequence[Answer], *, rows: int) -> tuple[Metric, ...]:
    metrics = []
    for severity in ("critical", "warning", "info"):
        broken = [one for one in answers if not one.met and one.expectation.severity == severity]
        metrics.append(CHECK.metric(f"{severity}_failures", len(broken), n=rows, detail=_told(broken)))
    met = sum(one.met for one in answers)
    metrics.append(CHECK.metric("expectations", len(answers), n=rows))
    metrics.append(CHECK.metric("success_share", met / len(answers), n=rows, detail=f"{met} of {len(answers)} kept"))
    metrics.append(CHECK.metric("rows", rows, n=rows))
    metrics.extend(
        CHECK.metric(
            "unexpected_share",
            one.unexpected / one.examined,
            n=one.examined,
            key=one.label,
            interval=clopper_pearson(one.unexpected, one.examined),
            detail=_allowed(one),
        )
        for one in answers
        if one.unexpected is not None and one.examined
    )
    return tuple(metrics)


def _allowed(one: Answer) -> str:
    """What the expectation puts up with, beside what was found."""
    mostly = one.expectation.kwargs.get("mostly")
    found = f"{one.unexpected:,} of {one.examined:,} rows"
    return found if mostly is None else f"{found}; kept up to a share of {1 - float(mostly):.6g}"


def _told(broken: Sequence[Answer]) -> str:
    told = [one.story for one in broken[:MOST_TOLD]]
    if len(broken) > MOST_TOLD:
        told.append(f"and {len(broken) - MOST_TOLD} more")
    return ", ".join(told)


def _table(answers: Sequence[Answer]) -> Table:
    rows = tuple(
        (
            one.label,
            ", ".join(one.expectation.columns),
            one.expectation.severity,
            "kept" if one.met else "broken",
            "" if one.unexpected is None else one.unexpected,
            "" if one.share is None else one.share,
            "" if one.observed is None else one.observed,
        )
        for one in answers
    )
    header = ("expectation", "column", "severity", "result", "unexpected rows", "unexpected share", "observed value")
    return Table(name="expectations", title="Expectations", header=header, rows=rows)


def _picture(answers: Sequence[Answer]) -> Artifact | None:
    """Shares of unexpected rows: of all expectations that look at rows, or of the broken ones where there are many."""
    counted = [(one, one.share) for one in answers if one.share is not None]
    if not counted:
        return None
    if len(counted) > MOST_BARS:
        broken = [(one, share) for one, share in counted if not one.met]
        counted = sorted(broken or counted, key=lambda pair: -pair[1])[:MOST_BARS]
    figure, (axes,) = canvas(height=1.0 + 0.24 * len(counted))
    places = range(len(counted))
    colours = [MUTED if one.met else CURRENT for one, _ in counted]
    axes.barh(places, [100 * share for _, share in counted], color=colours, height=0.7)
    # a pair of dollars in a name would be set as a formula
    axes.set_yticks(places, [one.label.replace("$", r"\$") for one, _ in counted])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.0, 112 * max(share for _, share in counted)))
    for place, (_, share) in enumerate(counted):
        axes.annotate(
            f"{100 * share:.3g}%", (100 * share, place), (3, 0), textcoords="offset points", va="center", fontsize=7
        )
    axes.set_xlabel("unexpected rows, % of the rows examined (grey: expectation kept)")
    return to_svg(figure, name="unexpected.svg", title="Share of unexpected rows per expectation")


def _drop_labels(subject: Subject) -> Subject:
    import numpy as np

    frame = subject.frame("current")
    target = str(subject.columns.target)
    frame[target] = frame[target].mask(np.arange(len(frame)) % 4 == 0)
    return subject.with_frame("current", frame)


CHECK = Check(
    kind="data_validation",
    title="Data validation",
    question="Do tonight's rows keep the expectations of the policy?",
    params=ValidationParams,
    metrics=(
        MetricSpec(
            name="critical_failures", better="lower", unit="expectations",
            meaning="Broken expectations that the policy calls critical: rows the model must not be given.",
        ),
        MetricSpec(
            name="warning_failures", better="lower", unit="expectations",
            meaning="Broken expectations that somebody should look at, without stopping the model.",
        ),
        MetricSpec(
            name="info_failures", better="lower", unit="expectations",
            meaning="Broken expectations that are recorded for information only.",
        ),
        MetricSpec(
            name="expectations", better="neither", unit="expectations",
            meaning="Expectations asked and answered; every one of the policy, none dropped.",
        ),
        MetricSpec(
            name="success_share", better="higher", meaning="Share of the expectations that the rows keep, from 0 to 1."
        ),
        MetricSpec(name="rows", better="neither", unit="rows", meaning="Rows that were validated, without sampling."),
        MetricSpec(
            name="unexpected_share", better="lower", per="expectation",
            meaning="Share of the examined rows (those with a value) that break one expectation, from 0 to 1.",
        ),
    ),
    roles=("current",),
    file_params=("suite",),
    needs_model=False,
    measure=measure,
    suggest=suggest,
    self_test=SelfTest(
        description="A quarter of the target values of the night is lost, as when a join upstream misses.",
        params={
            "expectations": [
                {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 100, "max_value": 1_000_000}},
                {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "label"}},
            ]
        },
        threshold={"metric": "critical_failures", "equal_to": 0, "severity": "error"},
        apply=_drop_labels,
    ),
    advice=Advice(rank=10, title="Look at the data first.", text="The data is not what was agreed. Until it is repaired, every other result of this run is about the wrong rows."),
    cost="Seconds; grows with rows times expectations, and is one SQL query per expectation on large data.",
    not_calibrated="a suite is deterministic: what it requires of the rows is written, not estimated",
)  # fmt: skip

"""Tables, pictures and sentences of what dirt costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.corruption.dirt import NOISE, SHARES
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, LIMIT, SERIES, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.robustness.corruption.exam import Exam
    from model_governance.checks.robustness.corruption.survey import Survey
    from model_governance.contract.result import Artifact, Metric

MOST = 20  # columns in a table or picture
LOSS = {
    "accuracy": "loss of accuracy", "agreement": "answers that change",
    "mae": "rise of the mean absolute error, share of a constant answer's",
    "shift": "mean move of the answer, share of a constant answer's",
}  # fmt: skip


def tables_of(metrics: Sequence[Metric], found: Survey) -> tuple[Table, ...]:
    """Losses by kind and severity, the most fragile columns, and what a severity means."""
    grid = tuple(
        (one.key.split("@")[0], int(one.key.split("@")[1]), one.value, one.low, one.high)
        for one in metrics
        if one.name == "drop" and one.key is not None
    )
    header = ("dirt", "severity", "loss", "low", "high")
    used = {one.corruption for one in found.grid}
    meaning = [("every kind but noise: share of cells hit", *SHARES)]
    if "noise" in used:
        meaning.append(("noise: standard deviation on every cell, share of the range", *NOISE))
    return (
        Table(name="losses", title="Loss by kind of dirt and severity", header=header, rows=grid),
        Table(
            name="fragile_columns", title="Loss when one column alone is dirty on every row, the worst first",
            header=("column", "worst dirt", "loss", "low", "high"),
            rows=tuple((one.key, one.detail, one.value, one.low, one.high) for one in fragile(metrics)[:MOST]),
        ),
        Table(
            name="severities", title="What a severity means", header=("dirt", "1", "2", "3", "4", "5"),
            rows=tuple(meaning),
        ),
    )  # fmt: skip


def fragile(metrics: Sequence[Metric]) -> list[Metric]:
    """The columns, the most fragile first."""
    columns = [one for one in metrics if one.name == "column_drop" and one.value is not None]
    return sorted(columns, key=lambda one: (-float(one.value or 0.0), str(one.key)))


def pictures_of(exam: Exam, metrics: Sequence[Metric], found: Survey) -> tuple[Artifact, ...]:
    """The curves over severities and the most fragile columns."""
    return _curves(exam, metrics, found), _columns(exam, metrics)


def _curves(exam: Exam, metrics: Sequence[Metric], found: Survey) -> Artifact:
    drops = {one.key: one for one in metrics if one.name == "drop"}
    figure, (axis,) = canvas(height=3.6)
    kinds = list(dict.fromkeys(one.corruption for one in found.grid))
    for kind, colour in zip(kinds, SERIES, strict=False):
        line = [(one.severity, drops[one.label]) for one in found.grid if one.corruption == kind]
        places = [severity for severity, _ in line]
        axis.plot(
            places,
            [float(one.value or 0.0) for _, one in line],
            "o-",
            color=colour,
            markersize=3.5,
            label=kind.replace("_", " "),
        )
        limits = [(place, one.low, one.high) for place, one in line if one.low is not None and one.high is not None]
        below, above = [low for _, low, _ in limits], [high for _, _, high in limits]
        axis.fill_between([place for place, _, _ in limits], below, above, color=colour, alpha=0.12)
    axis.axhline(0.0, color=LIMIT, linewidth=0.8)
    axis.set_xticks(sorted({one.severity for one in found.grid}))
    axis.set_xlabel("severity")
    axis.set_ylabel(LOSS[exam.measure])
    axis.legend(loc="upper left", ncols=2)
    return to_svg(figure, name="corruption_curves.svg", title="Loss by severity of dirt, with 95% limits")


def _columns(exam: Exam, metrics: Sequence[Metric]) -> Artifact:
    worst = fragile(metrics)[:MOST]
    figure, (axis,) = canvas(height=1.2 + 0.28 * len(worst))
    for place, one in enumerate(worst):
        axis.plot(float(one.value or 0.0), place, "o", color=CURRENT, markersize=5)
        if one.low is not None and one.high is not None:
            axis.plot((one.low, one.high), (place, place), color=CURRENT, linewidth=1.5)
    axis.axvline(0.0, color=LIMIT, linewidth=0.8)
    axis.set_yticks(range(len(worst)), [f"{one.key}: {one.detail}" for one in worst])
    axis.set_ylim(len(worst) - 0.5, -0.5)
    axis.set_xlabel(LOSS[exam.measure])
    return to_svg(
        figure, name="fragile_columns.svg", title="Loss when one column alone is dirty, with limits that hold together"
    )


def highlights_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """What a reader wants to know first."""
    sentences = []
    worst = [one for one in metrics if one.name == "worst_drop" and one.value is not None]
    if worst:
        last = worst[-1]
        sentences.append(f"At severity {last.key} the worst dirt is {last.detail}: loss {last.told}.")
    columns = fragile(metrics)
    if columns and float(columns[0].value or 0.0) > 0:
        sentences.append(f"The model leans most on {columns[0].key}: {columns[0].detail} costs {columns[0].told}.")
    refused = [str(one.key) for one in metrics if one.name == "refused_share" and one.value]
    if refused:
        sentences.append(f"The model refuses rows with {', '.join(refused)}: they get no answer at all.")
    return tuple(sentences)

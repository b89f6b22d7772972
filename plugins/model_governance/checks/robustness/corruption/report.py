"""Tables, figures and sentences of the loss by corruption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.corruption.corruptions import NOISE, SHARES
from model_governance.checks.robustness.corruption.image_corruptions import MEANINGS
from model_governance.checks.robustness.corruption.text_corruptions import TEXT_CORRUPTIONS
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, LIMIT, SERIES, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.robustness.corruption.evaluation import Evaluation
    from model_governance.checks.robustness.corruption.sweep import Sweep
    from model_governance.contract.result import Artifact, Metric

MOST_COLUMNS = 20  # columns in a table or picture
LOSS = {
    "accuracy": "loss of accuracy", "agreement": "answers that change",
    "mae": "rise of the mean absolute error, share of a constant answer's",
    "shift": "mean move of the answer, share of a constant answer's",
}  # fmt: skip


def tables_of(metrics: Sequence[Metric], sweep: Sweep) -> tuple[Table, ...]:
    """Losses by kind and severity, the most fragile columns, and what a severity means."""
    grid = tuple(
        (metric.key.split("@")[0], int(metric.key.split("@")[1]), metric.value, metric.low, metric.high)
        for metric in metrics
        if metric.name == "drop" and metric.key is not None
    )
    header = ("corruption", "severity", "loss", "low", "high")
    used = {point.corruption for point in sweep.grid}
    meaning: list[tuple[str | float, ...]] = []
    pictured = [name for name in MEANINGS if name in used]
    if used - {"noise", *TEXT_CORRUPTIONS, *pictured}:
        meaning.append(("every corruption of values but noise: share of cells", *SHARES))
    if used & set(TEXT_CORRUPTIONS):
        meaning.append((f"{', '.join(TEXT_CORRUPTIONS)}: share of the words of every text", *SHARES))
    if "noise" in used:
        meaning.append(("noise: standard deviation on every cell, share of the range", *NOISE))
    meaning += [(f"{name}: {MEANINGS[name][0]}", *MEANINGS[name][1]) for name in pictured]
    fragile = Table(
        name="fragile_columns", title="Loss when one column alone is corrupted on every row, the worst first",
        header=("column", "worst corruption", "loss", "low", "high"),
        rows=tuple((metric.key, metric.detail, metric.value, metric.low, metric.high) for metric in fragile_columns(metrics)[:MOST_COLUMNS]),
    )  # fmt: skip
    return (
        Table(name="losses", title="Loss by corruption and severity", header=header, rows=grid),
        *([fragile] if sweep.columns else []),
        Table(
            name="severities", title="What a severity means", header=("corruption", "1", "2", "3", "4", "5"),
            rows=tuple(meaning),
        ),
    )  # fmt: skip


def fragile_columns(metrics: Sequence[Metric]) -> list[Metric]:
    """The columns, the most fragile first."""
    columns = [metric for metric in metrics if metric.name == "column_drop" and metric.value is not None]
    return sorted(columns, key=lambda metric: (-float(metric.value or 0.0), str(metric.key)))


def figures_of(evaluation: Evaluation, metrics: Sequence[Metric], sweep: Sweep) -> tuple[Artifact, ...]:
    """The curves over severities and the most fragile columns."""
    return (_curves(evaluation, metrics, sweep), *([_columns(evaluation, metrics)] if sweep.columns else []))


def _curves(evaluation: Evaluation, metrics: Sequence[Metric], sweep: Sweep) -> Artifact:
    drops = {metric.key: metric for metric in metrics if metric.name == "drop"}
    figure, (axis,) = canvas(height=3.6)
    kinds = list(dict.fromkeys(point.corruption for point in sweep.grid))
    for place, kind in enumerate(kinds):
        colour, style = SERIES[place % len(SERIES)], "o-" if place < len(SERIES) else "s--"
        line = [(point.severity, drops[point.label]) for point in sweep.grid if point.corruption == kind]
        severities = [severity for severity, _ in line]
        axis.plot(
            severities,
            [float(drop.value or 0.0) for _, drop in line],
            style,
            color=colour,
            markersize=3.5,
            label=kind.replace("_", " "),
        )
        limits = [
            (place, drop.low, drop.high) for place, drop in line if drop.low is not None and drop.high is not None
        ]
        below, above = [low for _, low, _ in limits], [high for _, _, high in limits]
        axis.fill_between([place for place, _, _ in limits], below, above, color=colour, alpha=0.12)
    axis.axhline(0.0, color=LIMIT, linewidth=0.8)
    axis.set_xticks(sorted({point.severity for point in sweep.grid}))
    axis.set_xlabel("severity")
    axis.set_ylabel(LOSS[evaluation.measure])
    axis.legend(loc="upper left", ncols=2)
    return to_svg(figure, name="corruption_curves.svg", title="Loss by severity of corruption, with 95% limits")


def _columns(evaluation: Evaluation, metrics: Sequence[Metric]) -> Artifact:
    worst = fragile_columns(metrics)[:MOST_COLUMNS]
    figure, (axis,) = canvas(height=1.2 + 0.28 * len(worst))
    for place, metric in enumerate(worst):
        axis.plot(float(metric.value or 0.0), place, "o", color=CURRENT, markersize=5)
        if metric.low is not None and metric.high is not None:
            axis.plot((metric.low, metric.high), (place, place), color=CURRENT, linewidth=1.5)
    axis.axvline(0.0, color=LIMIT, linewidth=0.8)
    axis.set_yticks(range(len(worst)), [f"{metric.key}: {metric.detail}" for metric in worst])
    axis.set_ylim(len(worst) - 0.5, -0.5)
    axis.set_xlabel(LOSS[evaluation.measure])
    return to_svg(
        figure, name="fragile_columns.svg", title="Loss when one column alone is corrupted, with simultaneous limits"
    )


def highlights_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The worst corruption, the most fragile column and refused rows, as sentences."""
    sentences = []
    worst = [metric for metric in metrics if metric.name == "worst_drop" and metric.value is not None]
    if worst:
        last = worst[-1]
        sentences.append(f"At severity {last.key} the worst corruption is {last.detail}: loss {last.formatted}.")
    columns = fragile_columns(metrics)
    if columns and float(columns[0].value or 0.0) > 0:
        sentences.append(
            f"The most fragile column is {columns[0].key}: {columns[0].detail} costs {columns[0].formatted}."
        )
    refused = [str(metric.key) for metric in metrics if metric.name == "refused_share" and metric.value]
    if refused:
        sentences.append(f"The model refuses rows with {', '.join(refused)}: they get no prediction.")
    return tuple(sentences)

"""Panels of the picture of an example's page: one metric over the runs, with its intervals and its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.evidence.history import Archive
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg
from model_governance.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from example_run import ExampleRun
    from matplotlib.axes import Axes

    Panel = tuple[tuple[str, str, str | None], float, str]
    """Check, metric and key; the bound; a title."""


def panels_over_runs(
    archive: Path,
    model: str,
    runs: Sequence[ExampleRun],
    panels: Sequence[Panel],
    *,
    name: str,
    title: str,
    ticks: slice,
) -> bytes:
    """Four metrics over the runs, as SVG; dashed is the bound, `ticks` the part of a run's date that stands below it."""
    archived = {run.logical_date.date().isoformat(): run for run in Archive(LocalStore(str(archive)), model).runs()}
    findings = [archived[run.date].content["verdict"]["findings"] for run in runs]
    figure, axes = canvas(rows=2, columns=2, width=9.6, height=5.4)
    figure.set_facecolor("white")
    for axis, (wanted, bound, heading) in zip(axes, panels, strict=True):
        _draw(axis, findings, wanted, bound)
        axis.set_xticks(range(len(runs)), [run.date[ticks] for run in runs])
        axis.set_title(heading, fontsize=10, loc="left")
    return to_svg(figure, name=name, title=title).content


def _draw(axis: Axes, findings: list[list[dict[str, Any]]], wanted: tuple[str, str, str | None], bound: float) -> None:
    """The metric of each run that measured it, with its interval, in the other colour where its threshold failed."""
    for place, found in enumerate(findings):
        chosen = [each for each in found if (each["check"], each["metric"], each["key"]) == wanted]
        for one in chosen:
            value = one["value"]
            reach = None if one["low"] is None else [[value - one["low"]], [one["high"] - value]]
            colour = CURRENT if one["outcome"] == "fail" else REFERENCE
            axis.errorbar([place], [value], yerr=reach, fmt="o", color=colour, capsize=3, markersize=6)
    axis.axhline(bound, color=LIMIT, linestyle="--", linewidth=1)

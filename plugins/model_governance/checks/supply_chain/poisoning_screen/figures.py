"""Figures of the poisoning screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.report import MAX_ROWS
from model_governance.report.figures import CURRENT, LIMIT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.poisoning_screen.flips import Flips
    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.report import Screen
    from model_governance.checks.supply_chain.poisoning_screen.triggers import Triggers
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.result import Artifact, Metric


def figures_of(screen: Screen, params: ScreenParams, metrics: tuple[Metric, ...]) -> tuple[Artifact, ...]:
    """Doubt in the labels of both windows, the cells, and every change with its limits."""
    figures = [_window_changes(metrics)]
    if screen.flips is not None:
        figures.append(_label_doubt(screen.pool, screen.flips))
    if screen.triggers is not None and screen.triggers.cells:
        figures.append(_trigger_cells(screen.triggers, params))
    return tuple(figures)


def _window_changes(metrics: tuple[Metric, ...]) -> Artifact:
    changes = [
        metric
        for metric in metrics
        if metric.low is not None and metric.high is not None and metric.p_value is not None
    ][:MAX_ROWS]
    figure, (axis,) = canvas(height=1.3 + 0.28 * max(len(changes), 1))
    for place, metric in enumerate(changes):
        axis.plot((float(metric.low or 0.0), float(metric.high or 0.0)), (place, place), color=CURRENT, linewidth=1.5)
        axis.plot(float(metric.value or 0.0), place, "o", color=CURRENT, markersize=5)
    axis.axvline(0.0, color=LIMIT, linewidth=0.8)
    axis.set_yticks(range(len(changes)), [metric.label for metric in changes])
    axis.set_ylim(max(len(changes), 1) - 0.5, -0.5)
    axis.set_xlabel("share in the new window minus share in the accepted one")
    return to_svg(figure, name="window_changes.svg", title="What changed between the windows, with 95% limits")


def _label_doubt(pool: Pool, flips: Flips) -> Artifact:
    import numpy as np

    figure, (axis,) = canvas(height=3.0)
    edges = np.linspace(0, 1, 21)
    for rows, colour, name in ((~pool.new, REFERENCE, "accepted"), (pool.new, CURRENT, "new")):
        counts, _ = np.histogram(flips.doubt[rows], bins=edges)
        axis.stairs(counts / max(int(rows.sum()), 1), edges, color=colour, label=name, linewidth=1.5)
    axis.set_xlabel("doubt in the given label")
    axis.set_ylabel("share of rows")
    axis.legend(loc="upper right")
    return to_svg(figure, name="label_doubt.svg", title="Doubt in the labels of both windows")


def _trigger_cells(triggers: Triggers, params: ScreenParams) -> Artifact:
    import numpy as np

    figure, (axis,) = canvas(height=3.2)
    evidence = [-np.log10(max(cell.p_value, 1e-300)) for cell in triggers.cells]
    excess = [cell.new - cell.expected for cell in triggers.cells]
    named = len(triggers.named(params.level))
    axis.scatter(excess[named:], evidence[named:], s=8, color=MUTED, label="no evidence")
    axis.scatter(excess[:named], evidence[:named], s=16, color=CURRENT, label=f"named at rate {params.level:g}")
    axis.set_xlabel("new rows beyond those expected")
    axis.set_ylabel("evidence, -log10 p")
    axis.legend(loc="upper left")
    return to_svg(
        figure, name="trigger_cells.svg", title="Every value and class: surplus in the new window and evidence"
    )

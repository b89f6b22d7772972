"""Draws the PSI of every column with its interval, and both distributions of the columns with the largest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.disclosure import publishable_bars
from model_governance.report.figures import CURRENT, LIMIT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.contract.result import Artifact

MAX_PANELS = 12
MAX_COLUMNS = 60
MAX_BARS = 10
MAX_LABEL_CHARACTERS = 14
TICKS = (0, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)


def draw_forest(columns: Sequence[ColumnDrift], *, drifted: frozenset[str], limit: float) -> Artifact:
    """PSI of the columns, largest first, with 95% intervals; the dashed line is the limit of the effect."""
    largest = _largest_first(columns)[:MAX_COLUMNS]
    figure, (axes,) = canvas(height=1.0 + 0.22 * len(largest))
    for place, column in enumerate(largest):
        colour = CURRENT if column.name in drifted else MUTED
        interval = [column.psi.low, column.psi.high]
        axes.plot(interval, [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([column.psi.value], [place], "o", color=colour, markersize=4)
    axes.axvline(limit, color=LIMIT, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(largest)), [literal(column.name) for column in largest])
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=0.1)
    right = max(0.2, 1.3 * max(column.psi.high for column in largest))
    axes.set_xlim(right=right)
    ticks = [tick for tick in TICKS if tick <= right]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("PSI, corrected for chance, with 95% interval (dashed: limit of the effect; coloured: drifted)")
    return to_svg(figure, name="drift_scores.svg", title="PSI of every column with its 95% interval")


def draw_distributions(columns: Sequence[ColumnDrift]) -> Artifact:
    """Reference against current in the cells behind the PSI, columns with the largest first."""
    largest = _largest_first(columns)[:MAX_PANELS]
    across = min(3, len(largest))
    down = -(-len(largest) // across)
    figure, panels = canvas(rows=down, columns=across, width=3.2 * across, height=0.4 + 2.2 * down)
    for column, axes in zip(largest, panels, strict=False):
        _draw(axes, column)
    for axes in panels[len(largest) :]:
        axes.set_visible(False)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    return to_svg(figure, name="distributions.svg", title="Reference and current, columns with the largest PSI")


def literal(text: str) -> str:
    """Text for a figure: escapes dollars (matplotlib reads a pair as a formula) and replaces control characters."""
    return "".join(character if character.isprintable() else "·" for character in text).replace("$", r"\$")


def _draw(axes: Axes, column: ColumnDrift) -> None:
    bars = publishable_bars(column, max_bars=MAX_BARS)
    places = range(len(bars.labels))
    for role, colour, shift in (("reference", REFERENCE, -0.2), ("current", CURRENT, 0.2)):
        centres = [place + shift for place in places]
        axes.bar(centres, bars.percentages(role), 0.4, color=colour, label=role, alpha=0.85)
    effect = f"PSI {column.psi.value:.3f} ({column.psi.low:.3f} to {column.psi.high:.3f})"
    axes.set_title(f"{literal(column.name)}\n{effect}")
    axes.set_ylabel("% of rows")
    names = [
        literal(label if len(label) <= MAX_LABEL_CHARACTERS + 6 else f"{label[:MAX_LABEL_CHARACTERS]}…")
        for label in bars.labels
    ]
    axes.set_xticks(list(places), names, rotation=45, ha="right")
    axes.tick_params(axis="x", labelsize=6)


def _largest_first(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    return sorted(columns, key=lambda column: -column.psi.value)

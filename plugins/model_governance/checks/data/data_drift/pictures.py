"""Draws what moved: the PSI of every column with its interval, and both sides of those that moved most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.shown import bars_of
from model_governance.report.figures import CURRENT, LIMIT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from model_governance.checks.data.data_drift.column_drift import Compared
    from model_governance.contract.result import Artifact

MOST_PANELS = 12
MOST_ROWS = 60
MOST_BARS = 10
LONGEST = 14
TICKS = (0, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)


def draw_forest(columns: Sequence[Compared], *, drifted: frozenset[str], limit: float) -> Artifact:
    """PSI of the columns, largest first, with 95% intervals; the dashed line is where an effect counts."""
    worst = _worst_first(columns)[:MOST_ROWS]
    figure, (axes,) = canvas(height=1.0 + 0.22 * len(worst))
    for place, one in enumerate(worst):
        colour = CURRENT if one.name in drifted else MUTED
        axes.plot([one.psi.low, one.psi.high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([one.psi.value], [place], "o", color=colour, markersize=4)
    axes.axvline(limit, color=LIMIT, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(worst)), [literal(one.name) for one in worst])
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=0.1)
    right = max(0.2, 1.3 * max(one.psi.high for one in worst))
    axes.set_xlim(right=right)
    ticks = [one for one in TICKS if one <= right]
    axes.set_xticks(ticks, [f"{one:g}" for one in ticks])
    axes.minorticks_off()
    axes.set_xlabel(
        "PSI, corrected for chance, with 95% interval (dashed: from here an effect counts; coloured: drifted)"
    )
    return to_svg(figure, name="drift_scores.svg", title="PSI of every column with its 95% interval")


def draw_distributions(columns: Sequence[Compared]) -> Artifact:
    """Reference against current in the cells behind the PSI, columns with the largest first."""
    worst = _worst_first(columns)[:MOST_PANELS]
    across = min(3, len(worst))
    down = -(-len(worst) // across)
    figure, panels = canvas(rows=down, columns=across, width=3.2 * across, height=0.4 + 2.2 * down)
    for one, axes in zip(worst, panels, strict=False):
        _draw(axes, one)
    for axes in panels[len(worst) :]:
        axes.set_visible(False)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    return to_svg(figure, name="distributions.svg", title="Reference and current, columns with the largest PSI")


def literal(text: str) -> str:
    """Text as it stands: a pair of dollars would be set as a formula, a control character break the SVG."""
    return "".join(one if one.isprintable() else "·" for one in text).replace("$", r"\$")


def _draw(axes: Axes, one: Compared) -> None:
    bars = bars_of(one, most=MOST_BARS)
    places = range(len(bars.labels))
    for side, colour, shift in (("reference", REFERENCE, -0.2), ("current", CURRENT, 0.2)):
        axes.bar([place + shift for place in places], bars.shares(side), 0.4, color=colour, label=side, alpha=0.85)
    effect = f"PSI {one.psi.value:.3f} ({one.psi.low:.3f} to {one.psi.high:.3f})"
    axes.set_title(f"{literal(one.name)}\n{effect if one.comparable else 'too few rows to tell'}")
    axes.set_ylabel("% of rows")
    names = [literal(label if len(label) <= LONGEST + 6 else f"{label[:LONGEST]}…") for label in bars.labels]
    axes.set_xticks(list(places), names, rotation=45, ha="right")
    axes.tick_params(axis="x", labelsize=6)


def _worst_first(columns: Sequence[Compared]) -> list[Compared]:
    return sorted(columns, key=lambda one: -one.psi.value)

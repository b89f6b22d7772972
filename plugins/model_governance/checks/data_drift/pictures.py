"""Draws what moved: the scores of all columns, and the distributions of those that moved most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.figures import CURRENT, LIMIT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.axes import Axes

    from model_governance.check import Artifact
    from model_governance.checks.data_drift.evidently_report import Comparison
    from model_governance.checks.data_drift.sides import Column

Scored = tuple["Comparison", float]
MOST_PANELS = 12
MOST_BARS = 40
MOST_CATEGORIES = 8
MOST_LABELLED = 100
BINS = 30


def draw_scores(scored: Sequence[Scored]) -> Artifact:
    """Bars of the scores, largest first, with the score from which a column counts as drifted."""
    worst = sorted(scored, key=lambda pair: -pair[1])[:MOST_BARS]
    figure, (axes,) = canvas(height=1.0 + 0.24 * len(worst))
    places = range(len(worst))
    colours = [CURRENT if score >= one.limit else MUTED for one, score in worst]
    axes.barh(places, [score for _, score in worst], color=colours, height=0.7)
    axes.plot([one.limit for one, _ in worst], places, "|", color=LIMIT, markersize=10)
    axes.set_yticks(places, [f"{_literal(one.column.name)} ({one.method})" for one, _ in worst])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    for place, (one, score) in enumerate(worst):
        end = (max(score, one.limit), place)
        axes.annotate(f"{score:.3f}", end, (4, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_xlabel("drift score (tick: from here a column counts as drifted)")
    return to_svg(figure, name="drift_scores.svg", title="Drift score per column")


def draw_distributions(scored: Sequence[Scored]) -> Artifact:
    """Reference against current for the columns with the largest scores, relative to what counts as drifted."""
    worst = sorted(scored, key=lambda pair: -pair[1] / pair[0].limit)[:MOST_PANELS]
    across = min(3, len(worst))
    down = -(-len(worst) // across)
    figure, panels = canvas(rows=down, columns=across, width=3.0 * across, height=0.4 + 2.0 * down)
    for (one, score), axes in zip(worst, panels, strict=False):
        (_draw_numbers if one.column.family == "numbers" else _draw_categories)(axes, one.column)
        axes.set_title(f"{_literal(one.column.name)}: {one.method} {score:.3f}")
        axes.set_ylabel("% of rows")
    for axes in panels[len(worst) :]:
        axes.set_visible(False)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    return to_svg(figure, name="distributions.svg", title="Reference and current, columns with the largest scores")


def _draw_numbers(axes: Axes, column: Column) -> None:
    import numpy as np

    sides = {side: getattr(column, side).dropna().to_numpy() for side in ("reference", "current")}
    edges = _edges(np.concatenate(list(sides.values())))
    for side, colour, filled in (("reference", REFERENCE, True), ("current", CURRENT, False)):
        # Values beyond the picture belong to its outermost bars: no row is left out.
        counts, _ = np.histogram(np.clip(sides[side], edges[0], edges[-1]), edges)
        share = 100 * counts / len(sides[side])
        axes.stairs(share, edges, fill=filled, color=colour, alpha=0.4 if filled else 1, linewidth=1.3, label=side)


def _edges(values: np.ndarray) -> np.ndarray:
    """Bin edges over the middle 99% of the values; whole steps for whole numbers, so that no bar is empty by chance."""
    import numpy as np

    low, high = np.quantile(values, [0.005, 0.995])
    if np.all(values == np.round(values)):
        low, high = np.floor(low), np.ceil(high)
        step = max(1.0, np.ceil((high - low + 1) / BINS))
        return np.arange(low - 0.5, high + 0.5 + step, step)
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])


def _draw_categories(axes: Axes, column: Column) -> None:
    import numpy as np

    shares = [
        100 * getattr(column, side).value_counts(normalize=True, sort=False).sort_index()
        for side in ("reference", "current")
    ]
    shown = (shares[0] + shares[1]).sort_values(ascending=False, kind="stable").index[:MOST_CATEGORIES]
    heights = [one[shown].to_numpy() for one in shares]
    labels = (
        [_literal(str(label)[:12]) for label in shown]
        if column.categories <= MOST_LABELLED
        else [f"no. {1 + k}" for k in range(len(shown))]
    )
    rest = column.categories - len(shown)
    if rest > 0:
        heights = [np.append(one, max(0.0, 100 - one.sum())) for one in heights]
        labels.append(f"{rest} more")
    places = np.arange(len(labels))
    axes.bar(places - 0.2, heights[0], 0.4, color=REFERENCE, alpha=0.55, label="reference")
    axes.bar(places + 0.2, heights[1], 0.4, color=CURRENT, label="current")
    axes.set_xticks(
        places,
        labels,
        rotation=45 if max(map(len, labels)) > 3 else 0,
        ha="right" if max(map(len, labels)) > 3 else "center",
    )


def _literal(text: str) -> str:
    """Text as it stands: a pair of dollars would be set as a formula, a control character break the SVG."""
    return "".join(one if one.isprintable() else "·" for one in text).replace("$", r"\$")

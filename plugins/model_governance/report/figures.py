"""Matplotlib figures as SVG artifacts: one look, accessible colours, the same bytes every time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from model_governance.contract.repetition import is_repeated, once
from model_governance.contract.result import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008): distinct with any colour vision.
REFERENCE = "#0072B2"
CURRENT = "#D55E00"
LIMIT = "#333333"
MUTED = "#999999"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GRID = "#e3e6ea"
FRAME = "#b0b0b0"

# A scatter of more points than this becomes a bitmap inside the SVG: as shapes it would take megabytes.
MOST_SHAPES = 2000


def canvas(*, rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """A figure with rows x columns axes (flat list, row by row); width and height in inches."""
    if not is_repeated():
        return _new_canvas(rows=rows, columns=columns, width=width, height=height)
    figure, axes = once(
        f"canvas of {rows} x {columns}", (), lambda: _new_canvas(rows=rows, columns=columns, width=width, height=height)
    )
    for axis in axes:
        for artist in [*axis.lines, *axis.patches, *axis.collections, *axis.texts, *axis.images]:
            artist.remove()
    return figure, axes


def _new_canvas(*, rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    # A Figure of its own, not pyplot: tasks must not share or leak global figures.
    figure = NewFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = [axis for row in grid for axis in row]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(FRAME)
        axis.tick_params(labelsize=8, color=FRAME, length=3)
        axis.grid(visible=True, color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def to_svg(figure: Figure, *, name: str, title: str) -> Artifact:
    """The figure as a self-contained SVG; `title` is also its text for screen readers.

    Empty where a check is measured many times and nobody looks at its figures.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    if is_repeated():
        return Artifact(name=name, media_type="image/svg+xml", content=b"", title=title)
    for axis in figure.axes:
        _style(axis)
        _show_whole_markers(axis)
    if any(axis.get_legend() for axis in figure.axes):
        figure.draw_without_rendering()  # only then is it known where a legend lies
        for axis in figure.axes:
            _uncover(axis)
    buffer = io.BytesIO()
    # A fixed salt and no date: the same figure must give the same digest on a retry. Letters stay letters
    # ("none"), so that they can be searched, read aloud and drawn in the font of the page around them.
    # savefig would draw everything once more, to nowhere, only to lay it out; drawing lays it out anyway.
    figure.set_dpi(150)
    with mpl.rc_context({"svg.hashsalt": "model-governance", "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None, "Title": title})
    return Artifact(name=name, media_type="image/svg+xml", content=buffer.getvalue(), title=title)


def _show_whole_markers(axes: Axes) -> None:
    """Do not cut markers at the edge: those of a point on the edge are drawn whole, and a point beyond it not at all."""
    import numpy as np

    (left, right), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    for artist, points in _marked(axes):
        known = np.asarray(points, dtype=float)
        known = known[np.isfinite(known).all(axis=1)]
        inside = (known >= (left, bottom)) & (known <= (right, top))
        if inside.all():
            artist.set_clip_on(False)


def _marked(axes: Axes) -> Iterator[tuple[Artist, Any]]:
    """What is drawn by markers at data points, with these points."""
    for line in axes.lines:
        if line.get_marker() not in (None, "", " ", "None", "none") and line.get_transform() == axes.transData:
            yield line, line.get_xydata()
    for cloud in axes.collections:
        if len(cast("Sized", cloud.get_offsets())) > 1 and cloud.get_offset_transform() == axes.transData:
            yield cloud, cloud.get_offsets()


def _uncover(axes: Axes) -> None:
    """Move a legend beside the axes where it lies on a line, a bar or a point."""
    legend = axes.get_legend()
    if legend is None:
        return
    box = legend.get_window_extent()
    lines = (line.get_path().transformed(line.get_transform()) for line in axes.lines)
    bars = (patch.get_window_extent() for patch in axes.patches if patch.get_visible())
    clouds = (cloud.get_offset_transform().transform(cloud.get_offsets()) for cloud in axes.collections)
    covers = (
        any(line.intersects_bbox(box, filled=False) for line in lines)
        or any(bar.overlaps(box) for bar in bars)
        or any(box.contains(*point) for cloud in clouds if len(cloud) > 1 for point in cloud)
    )
    if covers:
        legend.set_loc("center left")
        legend.set_bbox_to_anchor((1.01, 0.5))


def _style(axes: Axes) -> None:
    """Titles on the left, legends without frames, one set of font sizes."""
    heading = axes.get_title("center")
    if heading and not axes.get_title("left"):
        axes.set_title("")
        axes.set_title(heading, loc="left")
    axes.set_title(axes.get_title("left"), loc="left", fontsize=9.5)
    axes.xaxis.label.set_fontsize(8.5)
    axes.yaxis.label.set_fontsize(8.5)
    legend = axes.get_legend()
    if legend is not None:
        legend.get_frame().set_linewidth(0)
        for text in legend.get_texts():
            text.set_fontsize(8)
    for cloud in axes.collections:
        if len(cast("Sized", cloud.get_offsets())) > MOST_SHAPES:
            cloud.set_rasterized(True)

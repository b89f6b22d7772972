from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np

from model_governance.report import figures

SVG = "{http://www.w3.org/2000/svg}"


def draw(*, points: int = 50):
    figure, (left, right) = figures.canvas(columns=2)
    generator = np.random.default_rng(7)
    left.plot([0, 1, 2], [1, 3, 2], color=figures.REFERENCE, label="reference")
    left.set_title("Accuracy by month")
    left.legend()
    right.scatter(generator.random(points), generator.random(points), color=figures.CURRENT)
    return figures.to_svg(figure, name="accuracy.svg", title="Accuracy & drift by month")


def test_the_same_figure_gives_the_same_bytes():
    assert draw().content == draw().content


def test_a_figure_says_its_title_and_no_date():
    artifact = draw()
    text = artifact.content.decode()
    assert artifact.title == "Accuracy & drift by month"
    assert "Accuracy &amp; drift by month" in text
    assert "dc:date" not in text
    assert "Matplotlib v" not in text


def test_letters_stay_letters():
    root = ET.fromstring(draw().content)
    assert "Accuracy by month" in {one.text for one in root.iter(f"{SVG}text")}


def test_a_title_moves_to_the_left_once():
    figure, (axes,) = figures.canvas()
    axes.set_title("Drift")
    figures.to_svg(figure, name="a.svg", title="a")
    figures.to_svg(figure, name="a.svg", title="a")
    assert (axes.get_title("left"), axes.get_title("center")) == ("Drift", "")


def test_a_cloud_of_many_points_stays_small():
    few, many = draw(points=figures.MOST_SHAPES), draw(points=20 * figures.MOST_SHAPES)
    assert b"data:image/png;base64" not in few.content
    assert b"data:image/png;base64" in many.content
    assert len(many.content) < 150_000


def test_figures_share_no_state():
    first, _ = figures.canvas()
    second, _ = figures.canvas(rows=2, columns=3)
    assert len(first.axes) == 1
    assert len(second.axes) == 6


def legend_and_lines(axes):
    """Where the legend lies after drawing, and which lines cross it."""
    axes.figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    crossing = [
        line
        for line in axes.lines
        if line.get_path().transformed(line.get_transform()).intersects_bbox(box, filled=False)
    ]
    return box, crossing


def test_r10_a_legend_that_covers_a_line_moves_beside_the_axes():
    figure, (axes,) = figures.canvas()
    axes.plot([1, 2, 3, 4, 5], [0.9, 0.8, 0.7, 0.4, 0.1], label="the series that fails")
    axes.plot([1, 2, 3, 4, 5], [0.1, 0.1, 0.1, 0.1, 0.1], label="another one")
    axes.legend(loc="upper left")
    assert len(legend_and_lines(axes)[1]) == 1
    figures.to_svg(figure, name="a.svg", title="a")
    box, crossing = legend_and_lines(axes)
    assert crossing == []
    assert box.x0 >= axes.get_window_extent().x1


def test_r10_a_legend_in_an_empty_corner_stays():
    figure, (axes,) = figures.canvas()
    axes.plot([1, 2, 3], [0.0, 0.1, 1.0], label="a")
    axes.legend(loc="upper left")
    figures.to_svg(figure, name="a.svg", title="a")
    box, _ = legend_and_lines(axes)
    assert box.x1 < axes.get_window_extent().x1


def test_r10_markers_on_the_edge_are_whole_and_points_beyond_it_stay_out():
    figure, (left, right) = figures.canvas(columns=2)
    on_edge = left.plot([0.0, 0.5, 1.0], [0, 1, 2], "o")[0]
    beyond = right.plot([0.0, 0.5, 7.0], [0, 1, 2], "o")[0]
    plain = right.plot([0.0, 1.0], [0, 1])[0]
    for axes in (left, right):
        axes.set_xlim(0, 1)
    figures.to_svg(figure, name="a.svg", title="a")
    assert [on_edge.get_clip_on(), beyond.get_clip_on(), plain.get_clip_on()] == [False, True, True]

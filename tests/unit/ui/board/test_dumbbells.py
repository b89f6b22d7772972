from __future__ import annotations

import re

from model_governance.ui.board.dumbbells import FIRST, LAST, MOST, End, Pair, dumbbells


def pair(older=0.8, newer=0.5, *, low=None, high=None, name="accuracy", outcome="fail"):
    ends = [End(value=value, low=low, high=high, text=f"{100 * value:g}%") for value in (older, newer)]
    return Pair(name=name, older=ends[0], newer=ends[1], outcome=outcome)


def circles(svg, name):
    return [float(x) for x in re.findall(rf'class="{name}" cx="([\d.]+)"', svg)][1:]  # the first is the legend


def test_the_line_reaches_from_the_older_to_the_newer_value():
    svg = dumbbells([pair()], older="2026-03-01", newer="2026-03-02")
    assert (circles(svg, "older"), circles(svg, "newer")) == ([LAST], [FIRST])
    assert f'class="between" d="M{LAST}.0' in svg
    assert '<g class="fail">' in svg
    assert 'aria-label="accuracy: 80%, then 50%"' in svg
    assert ">2026-03-01</text>" in svg


def test_an_interval_is_part_of_the_scale_and_equal_values_stand_in_its_middle():
    svg = dumbbells([pair(low=0.4, high=0.9), pair(0.5, 0.5)], older="a", newer="b")
    assert svg.count('class="whisker"') == 2
    first, equal = circles(svg, "older")
    assert FIRST < first < LAST
    assert equal == (FIRST + LAST) / 2


def test_names_are_text_a_long_one_is_cut_and_no_more_than_twelve_rows_are_drawn():
    svg = dumbbells([pair(name="<script>" + "x" * 60)] * 20, older="a", newer="b")
    assert "<script>" not in svg
    assert svg.count("<g ") == MOST
    assert "x…" in svg
    assert dumbbells([], older="a", newer="b") == ""

from __future__ import annotations

import re

import pytest

from model_governance.errors import EvidenceError
from model_governance.report.svg import inline_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt">'


def inlined(inside: str, *, prefix: str = "p1-", head: str = HEAD) -> str:
    return inline_svg(f"{head}{inside}</svg>".encode(), title="A <title>", prefix=prefix)


def test_a_real_figure_keeps_its_letters_and_loses_its_head(make):
    svg = inline_svg(make.picture().content, title="Ages", prefix="p1-")
    assert ">reference</text>" in svg
    assert ">years</text>" in svg
    assert not re.search("<!DOCTYPE|<\\?xml|<style|<metadata|xmlns|http", svg)


def test_the_title_is_its_text_for_those_who_do_not_see_it():
    assert 'role="img" aria-label="A &lt;title&gt;"' in inlined("")


def test_points_become_pixels():
    assert 'width="96" height="48" viewBox="0 0 96 48"' in inlined("")


def test_ids_and_what_points_at_them_get_the_prefix():
    svg = inlined(
        '<defs><path id="mark" d="M0 0"/><clipPath id="clip"><rect width="1" height="1"/></clipPath></defs>'
        '<g clip-path="url(#clip)" style="clip-path: url(\'#clip\')"><use xlink:href="#mark"/></g>',
        prefix="p7-",
    )
    assert 'id="p7-mark"' in svg
    assert 'href="#p7-mark"' in svg
    assert 'clip-path="url(#p7-clip)"' in svg
    assert 'style="clip-path: url(#p7-clip)"' in svg


def test_colours_follow_the_page():
    svg = inlined('<path style="fill: #ffffff; stroke: #0072B2"/><path fill="#12ab34" stroke="#000000"/>')
    assert "fill: var(--paper); stroke: var(--reference)" in svg
    assert 'fill="#12ab34" stroke="var(--ink)"' in svg


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("<g><script/></g>", "<script>"),
        ("<foreignObject><p/></foreignObject>", "<foreignObject>"),
        ('<a href="x"><path/></a>', "<a>"),
        ('<rect onclick="alert(1)"/>', "onclick"),
        ('<rect onLoad="alert(1)"/>', "onLoad"),
        ('<use xlink:href="https://example.org/x.svg#a"/>', "outside"),
        ('<image href="https://example.org/x.png"/>', "outside"),
        ('<image href="data:image/svg+xml;base64,AAAA"/>', "outside"),
        ('<rect fill="url(https://example.org/#a)"/>', "outside"),
        ('<rect style="fill: url( //example.org/a )"/>', "outside"),
        ('<rect style="fill: \\75rl(//example.org/a)"/>', "outside"),
        ('<animate attributeName="href" to="javascript:alert(1)"/>', "<animate>"),
    ],
)
def test_what_could_act_or_fetch_is_refused(inside, named):
    with pytest.raises(EvidenceError, match=re.escape(named)):
        inlined(inside)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not readable"),
        (b"\xff\xfe", "not readable"),
        (b"<svg", "not readable"),
        (b"<html></html>", "expected <svg>"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "neither width and height"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg width="1" height="1">&a;</svg>', "not readable|entity"),
        (b'<svg width="1" height="1"/><!DOCTYPE svg [<!ENTITY a "b">]><!DOCTYPE svg>', "not readable|entity"),
    ],
)
def test_what_is_no_plain_svg_is_refused(content, said):
    with pytest.raises(EvidenceError, match=said):
        inline_svg(content, title="", prefix="")


def test_letters_are_escaped_again():
    svg = inlined("<text>&lt;script&gt;alert(1)&lt;/script&gt;<tspan>a &amp; b</tspan> tail</text>")
    assert "<text>&lt;script&gt;alert(1)&lt;/script&gt;<tspan>a &amp; b</tspan> tail</text>" in svg


def test_rules_for_the_whole_page_are_left_out():
    assert "display" not in inlined("<style>* { display: none }</style><path/>")


def test_r11_letters_of_our_figures_have_11_pixels_on_the_narrowest_screen():
    from model_governance.report import figures

    figure, (axes,) = figures.canvas(width=7.0)
    axes.plot([0, 1], [0, 1], label="a")
    axes.legend()
    content = figures.to_svg(figure, name="a.svg", title="a").content
    shown = inline_svg(content, title="a", prefix="p-")
    least = float(re.search(r"min-width:([0-9.]+)px", shown)[1])
    box = [float(part) for part in re.search(r'viewBox="([^"]+)"', shown)[1].split()]
    sizes = [float(size) for size in re.findall(r"font:? ?(?:-size:)?\s*([0-9.]+)px", shown)]
    assert sizes
    assert min(sizes) * least / box[2] >= 11 - 1e-6

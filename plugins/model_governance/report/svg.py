"""SVG pictures made part of a page: only shapes and letters survive, in the colours of the page.

An SVG inside HTML shares ids and styles with everything around it and may carry script, so it is
taken apart and written again from an allow-list instead of being pasted.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from model_governance.errors import EvidenceError
from model_governance.report import figures

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SHAPES = frozenset(
    {
        "svg", "g", "defs", "clipPath", "mask", "use", "symbol", "marker", "path", "rect", "circle", "ellipse", "line",
        "polyline", "polygon", "text", "tspan", "image", "linearGradient", "radialGradient", "stop", "pattern",
    }
)  # fmt: skip
# `style` rules would apply to the whole page; the page itself has the metadata and the title.
DROPPED = frozenset({"metadata", "title", "desc", "style"})
ATTRIBUTES = frozenset(
    {
        "id", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy", "width", "height", "points",
        "transform", "style", "clip-path", "mask", "viewBox", "preserveAspectRatio", "fill", "fill-opacity", "fill-rule",
        "clip-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-dashoffset",
        "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "opacity", "offset", "stop-color", "stop-opacity",
        "gradientUnits", "gradientTransform", "patternUnits", "patternTransform", "clipPathUnits", "maskUnits", "href",
        "font-size", "font-weight", "font-family", "font-style", "text-anchor", "dominant-baseline", "orient",
        "markerWidth", "markerHeight", "refX", "refY", "markerUnits",
    }
)  # fmt: skip
# The page defines these for light and dark mode.
COLOURS = {
    "#ffffff": "var(--paper)",
    "#000000": "var(--ink)",
    "#262626": "var(--ink)",
    figures.LIMIT.lower(): "var(--ink)",
    figures.MUTED.lower(): "var(--muted)",
    figures.FRAME.lower(): "var(--edge)",
    figures.GRID.lower(): "var(--line)",
    "#cccccc": "var(--edge)",
    figures.REFERENCE.lower(): "var(--reference)",
    figures.CURRENT.lower(): "var(--current)",
}
LARGEST = 1.3  # by which a picture may grow to fill the page
READABLE = 11 / (8 * 96 / 72)  # by which it must grow so that letters of 8 pt have 11 px; narrower screens scroll
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}(?![0-9a-zA-Z])")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(\[[^\]]*\])?[^>]*>", re.IGNORECASE)
_POINTER = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
_POINTS = 96 / 72  # CSS pixels in a point


def inline_svg(content: bytes, *, title: str, prefix: str) -> str:
    """The picture as an `<svg>` element for an HTML page.

    Args:
        content: the SVG file, UTF-8.
        title: its alternative text.
        prefix: put before every id; unique within the page.

    Raises:
        EvidenceError: it is not an SVG, or holds anything but shapes, letters and embedded PNG.
    """
    root = _parse(content)
    width, height = _size(root)
    inside = "".join(_write(child, prefix=prefix) for child in root)
    box = root.get("viewBox") or f"0 0 {width:g} {height:g}"
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="{width:g}" height="{height:g}" '
        f'viewBox="{escape(box)}" style="min-width:{READABLE * width:g}px;max-width:{LARGEST * width:g}px">{inside}</svg>'
    )


def _parse(content: bytes) -> Element:
    try:
        text = _DOCTYPE.sub("", content.decode("utf-8"), count=1)
        if "<!ENTITY" in text.upper() or "<!DOCTYPE" in text.upper():
            raise EvidenceError("holds entity declarations; expected a plain SVG")
        root = ET.fromstring(text)  # noqa: S314 - entity declarations were refused above
    except (UnicodeDecodeError, ET.ParseError) as error:
        raise EvidenceError(f"is not readable as SVG: {error}") from error
    if _local(root.tag) != "svg":
        raise EvidenceError(f"starts with <{_local(root.tag)}>; expected <svg>")
    return root


def _write(element: Element, *, prefix: str) -> str:
    tag = _local(element.tag)
    if tag in DROPPED:
        return ""
    if tag not in SHAPES:
        raise EvidenceError(f"holds <{tag}>; only shapes, letters and embedded PNG are shown")
    attributes = "".join(
        f' {name}="{escape(value)}"' for name, value in sorted(_attributes(element, prefix=prefix).items())
    )
    text = escape(element.text or "") if tag in ("text", "tspan") else ""
    inside = "".join(
        _write(child, prefix=prefix) + (escape(child.tail or "") if tag in ("text", "tspan") else "")
        for child in element
    )
    return f"<{tag}{attributes}>{text}{inside}</{tag}>"


def _attributes(element: Element, *, prefix: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for full, value in element.attrib.items():
        name = _local(full)
        if name.lower().startswith("on"):
            raise EvidenceError(f"holds the event handler {name}; only shapes, letters and embedded PNG are shown")
        if name in ATTRIBUTES:
            attributes[name] = _value(name, value, prefix=prefix)
    return attributes


def _value(name: str, value: str, *, prefix: str) -> str:
    if name == "id":
        return prefix + value
    if name == "href":
        if value.startswith("#"):
            return f"#{prefix}{value[1:]}"
        if value.startswith("data:image/png;base64,"):
            return value
        raise EvidenceError(f"points outside itself ({value[:60]!r})")
    value = _POINTER.sub(lambda match: f"url(#{prefix}{match[1]})", value)
    if re.search(r"url\((?!#)|\\|@import|expression\(|javascript:", value, re.IGNORECASE):
        raise EvidenceError(f"points outside itself in {name} ({value[:60]!r})")
    return _COLOUR.sub(lambda match: COLOURS.get(match[0].lower(), match[0]), value)


def _size(root: Element) -> tuple[float, float]:
    """Width and height in CSS pixels, from the attributes or else the view box."""
    sizes = [_length(root.get("width")), _length(root.get("height"))]
    if None in sizes:
        box = [_length(part) for part in re.split(r"[\s,]+", (root.get("viewBox") or "").strip())]
        sizes = box[2:4] if len(box) == 4 else [None, None]
    if sizes[0] is None or sizes[1] is None:
        raise EvidenceError("has neither width and height nor a viewBox")
    return round(sizes[0], 2), round(sizes[1], 2)


def _length(text: str | None) -> float | None:
    match = re.fullmatch(r"([0-9.]+)(pt|px)?", text or "")
    if match is None:
        return None
    return float(match[1]) * (_POINTS if match[2] == "pt" else 1.0)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from model_governance import report

CSS = (Path(report.__file__).parent / "page.css").read_text("utf-8")
OUTCOMES = ("pass", "warn", "fail", "error", "uncertain", "waived", "skipped")


def palettes() -> dict[str, dict[str, str]]:
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{([^}]*--paper[^}]*)\}", CSS)
    )
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    brighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


TEXTS = [
    *product(("ink", "muted"), ("paper", "surface", *(f"{one}-tint" for one in OUTCOMES))),
    ("link", "paper"),
    *((one, "paper") for one in OUTCOMES),
    *((one, f"{one}-tint") for one in OUTCOMES),
]


def test_black_on_white_is_the_known_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_both_schemes_define_the_same_colours():
    schemes = palettes()
    assert schemes["light"].keys() == schemes["dark"].keys()
    assert len(schemes["light"]) > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_is_readable(scheme, text, ground):
    palette = palettes()[scheme]
    assert contrast(palette[text], palette[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("shape", ["reference", "current", *OUTCOMES])
def test_shapes_stand_out(scheme, shape):
    palette = palettes()[scheme]
    assert contrast(palette[shape], palette["paper"]) >= 3


def test_every_colour_that_is_used_is_defined():
    used = set(re.findall(r"var\(--([a-z-]+)\)", CSS)) - {"tone", "tint"}
    assert used <= palettes()["light"].keys()


def test_nothing_is_fetched():
    assert not re.search(r"url\(|@import|@font-face|https?:", CSS)


def test_there_are_styles_for_paper_and_for_narrow_screens():
    assert "@media print" in CSS
    assert "max-width: 40rem" in CSS

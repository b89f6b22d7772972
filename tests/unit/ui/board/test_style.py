"""What the board adds to the stylesheet of the report pages uses its colours, and fetches nothing."""

from __future__ import annotations

import re
from pathlib import Path

from model_governance import report
from model_governance.ui import board

HERE = Path(board.__file__).parent
CSS = (HERE / "board.css").read_text("utf-8")
PAGE = (Path(report.__file__).parent / "page.css").read_text("utf-8")


def test_every_colour_is_one_of_the_report_pages():
    assert set(re.findall(r"var\(--([a-z-]+)\)", CSS)) <= set(re.findall(r"--([a-z-]+):", PAGE))
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb", CSS) == []


def test_nothing_is_fetched():
    sources = [CSS, *(path.read_text("utf-8") for path in (*HERE.glob("*.html"), *HERE.glob("*.js")))]
    assert not any(re.search(r"url\(|@import|@font-face|https?:", source) for source in sources)
    script = (HERE / "board.js").read_text("utf-8")
    assert re.findall(r"fetch\(([^)]*)\)", script) == ["location.href"], "a page asks for itself and nothing else"


def test_names_for_screen_readers_stay_inside_the_regions_that_scroll():
    assert ".scroll { position: relative; }" in CSS


def test_there_are_styles_for_paper_narrow_screens_and_forced_colours():
    assert {"@media print", "@media (max-width: 48rem)", "@media (forced-colors: active)"} <= set(
        re.findall(r"@media [^{]*?(?= \{)", CSS)
    )

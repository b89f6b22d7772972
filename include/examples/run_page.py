"""A picture of the page of a run, as a browser shows it (needs Debian's chromium and the extra [system])."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def picture_of_run(archive: Path, date: str, *, width: int = 1000, height: int = 830) -> bytes:
    """The upper part of the page of the run at a logical date (`2014-10-31`), as PNG, width and height in pixels."""
    from playwright import sync_api

    pages = (archive / "v1" / "runs").rglob("report.html")
    (page_file,) = [path for path in pages if f"{date}T" in str(path)]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(page_file.as_uri())
        content = page.screenshot()
        chromium.close()
    return content

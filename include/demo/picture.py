"""Takes the README's picture: the page of the demo's failing run, as a browser shows it.

make demo && python include/demo/picture.py          (needs Debian's chromium and the extra [system])
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from project import BUILD

PICTURE = Path(__file__).resolve().parent / "failing_run.png"
WIDTH, MARGIN = 960, 24
"""Pixels: the page, and what stays free below the table of checks."""
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync",
           "--disable-component-update", "--no-first-run"]  # fmt: skip


def failing_run() -> Path:
    """The page of the run with the planted accident."""
    return next((BUILD / "archive" / "v1" / "runs").glob("*/*/2018-12-31T000000Z/*/*/report.html"))


def main() -> int:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OFFLINE)
        page = browser.new_page(viewport={"width": WIDTH, "height": 1120}, device_scale_factor=1.5)
        page.goto(failing_run().as_uri())
        heading = page.get_by_role("heading", name="Checks", exact=True)
        end = page.locator("section", has=heading).evaluate("section => section.getBoundingClientRect().bottom")
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": end + MARGIN}
        page.screenshot(path=str(PICTURE), full_page=True, clip=clip)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

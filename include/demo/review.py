"""Reviews the demo's model three years after training, over the 2018 survey as published: one page to read to the end.

python include/demo/review.py            prints the findings and the page's address
python include/demo/review.py --picture  also takes the README's picture (needs chromium and the extra [system])
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import BUILD, SOURCE, train

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "review_2018.png"
MOMENT = datetime(2018, 12, 31, tzinfo=UTC)


def main() -> int:
    from model_governance.checks import catalogue
    from model_governance.contract.connections import PlainConnections
    from model_governance.contract.run import Run
    from model_governance.evidence.manifest import read_manifest
    from model_governance.policy import load_policy
    from model_governance.report.terminal import console, reasons, run_table
    from model_governance.run import run_policy
    from model_governance.store import open_store

    prepare()
    policy = load_policy(HERE / "review.yaml", catalogue())
    connections = PlainConnections()
    store = open_store(str(policy.artifacts.uri), folder=policy.folder, connections=connections)
    archived = run_policy(policy, run=Run(run_id="review", logical_date=MOMENT), store=store, connections=connections)
    manifest = read_manifest(store, archived.manifest.key)
    screen = console()
    screen.print(run_table(manifest))
    for sentence in reasons(manifest):
        print(f" • {sentence}")
    print(f"the page of the review: {archived.report.uri}")
    if "--picture" in sys.argv:
        take_picture(archived.report.uri)
    return 0 if archived.verdict.outcome != "error" else 3


def prepare() -> None:
    """Train where nobody has, and cut the 2018 survey."""
    import pandas as pd

    if not (BUILD / "reference.parquet").exists():
        train(BUILD)
    rows = pd.read_parquet(SOURCE)
    (BUILD / "review").mkdir(parents=True, exist_ok=True)
    rows[rows["year"] == MOMENT.year].drop(columns="year").to_parquet(BUILD / "review" / "2018.parquet", index=False)


def take_picture(uri: str) -> None:
    """The page as a browser shows it, down to where the evidence is listed."""
    import shutil

    from picture import OFFLINE
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OFFLINE)
        page = browser.new_page(viewport={"width": 960, "height": 1200}, device_scale_factor=1)
        page.goto(uri)
        end = page.locator("section.checked").bounding_box()["y"]
        page.screenshot(path=str(PICTURE), full_page=True, clip={"x": 0, "y": 0, "width": 960, "height": end})
        browser.close()


if __name__ == "__main__":
    sys.exit(main())

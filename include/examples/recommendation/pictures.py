"""Draws the pictures of the example's page from its archive: the runs side by side, and the page of the broken feature store.

make example NAME=recommendation && python include/examples/recommendation/pictures.py        (needs what run_page.py needs)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fetch import BUILD
from recommendation.runs import RUNS, STORE
from run_page import picture_of_run
from run_panels import panels_over_runs

PAGES = Path(__file__).resolve().parents[2] / "docs" / "pages" / "images"
ARCHIVE = BUILD / "recommendation" / "archive"
PANELS = (
    (("quality", "ndcg", None), 0.25, "nDCG of the first ten films"),
    (("quality", "ndcg_gain", None), -0.1, "nDCG less that of what is popular, same users"),
    (("quality", "catalogue_coverage", None), 0.15, "Share of the films on offer that somebody gets"),
    (("drift", "psi", "collaborative"), 0.5, "How far the feature of the neighbours moved (PSI)"),
)


def main() -> int:
    """Write the pictures into the documentation."""
    picture = panels_over_runs(
        ARCHIVE, "film-ranking", RUNS, PANELS, name="recommendation.svg", title="Ranking, coverage and drift over the runs",
        ticks=slice(4),
    )  # fmt: skip
    (PAGES / "recommendation.svg").write_bytes(picture)
    (PAGES / "recommendation_store.png").write_bytes(picture_of_run(ARCHIVE, STORE))
    return 0


if __name__ == "__main__":
    sys.exit(main())

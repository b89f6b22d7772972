"""Draws the pictures of the example's page from its archive: the runs side by side, and the page of the run with the new rule.

make example NAME=credit && python include/examples/credit/pictures.py        (needs what run_page.py needs)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from credit.runs import REGION, RUNS
from fetch import BUILD
from run_page import picture_of_run
from run_panels import panels_over_runs

PAGES = Path(__file__).resolve().parents[2] / "docs" / "pages" / "images"
ARCHIVE = BUILD / "credit" / "archive"
PANELS = (
    (("fairness", "selection_rate_ratio", "employer"), 0.8, "Share granted: no employer over employer"),
    (("fairness", "selection_rate_ratio", "region"), 0.7, "Share granted: smallest over largest region"),
    (("privacy", "attack_auc", "ensemble"), 0.55, "Membership inference (attack AUC)"),
    (("drift", "psi", "rate"), 0.2, "Drift of the interest rates (PSI)"),
)


def main() -> int:
    """Write the pictures into the documentation."""
    picture = panels_over_runs(
        ARCHIVE, "loan-approval", RUNS, PANELS, name="credit.svg",
        title="Fairness, membership inference and drift over the runs", ticks=slice(7),
    )  # fmt: skip
    (PAGES / "credit.svg").write_bytes(picture)
    (PAGES / "credit_region.png").write_bytes(picture_of_run(ARCHIVE, REGION))
    return 0


if __name__ == "__main__":
    sys.exit(main())

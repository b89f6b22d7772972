"""Draws the pictures of the example's page from its archive: the runs side by side, and the page of the broken feature store.

make example NAME=recommendation && python include/examples/recommendation/pictures.py        (needs what run_page.py needs)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fetch import BUILD
from recommendation.runs import RUNS, STORE
from run_page import picture_of_run

from model_governance.evidence.history import Archive
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg
from model_governance.store.local import LocalStore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGES = Path(__file__).resolve().parents[2] / "docs" / "pages" / "images"
ARCHIVE = BUILD / "recommendation" / "archive"
PANELS = (
    (("quality", "ndcg", None), 0.25, "nDCG of the first ten films"),
    (("quality", "ndcg_gain", None), -0.1, "nDCG less that of what is popular, same users"),
    (("quality", "catalogue_coverage", None), 0.15, "Share of the films on offer that somebody gets"),
    (("drift", "psi", "collaborative"), 0.5, "How far the feature of the neighbours moved (PSI)"),
)
"""Check, metric and key; the bound; a title."""


def draw(axis: Axes, findings: list[list[dict[str, Any]]], wanted: tuple[str, str, str | None], bound: float) -> None:
    """The metric of each run with its interval, in the other colour where its threshold failed, and the bound."""
    for place, found in enumerate(findings):
        (one,) = [each for each in found if (each["check"], each["metric"], each["key"]) == wanted]
        value = one["value"]
        reach = None if one["low"] is None else [[value - one["low"]], [one["high"] - value]]
        colour = CURRENT if one["outcome"] == "fail" else REFERENCE
        axis.errorbar([place], [value], yerr=reach, fmt="o", color=colour, capsize=3, markersize=6)
    axis.axhline(bound, color=LIMIT, linestyle="--", linewidth=1)
    axis.set_xticks(range(len(RUNS)), [run.date[:4] for run in RUNS])


def runs_side_by_side() -> bytes:
    """Four metrics over the runs; dashed is the bound."""
    archived = {
        run.logical_date.date().isoformat(): run for run in Archive(LocalStore(str(ARCHIVE)), "film-ranking").runs()
    }
    findings = [archived[run.date].content["verdict"]["findings"] for run in RUNS]
    figure, axes = canvas(rows=2, columns=2, width=9.6, height=5.4)
    figure.set_facecolor("white")
    for axis, (wanted, bound, title) in zip(axes, PANELS, strict=True):
        draw(axis, findings, wanted, bound)
        axis.set_title(title, fontsize=10, loc="left")
    return to_svg(figure, name="recommendation.svg", title="Ranking, coverage and drift over the runs").content


def main() -> int:
    """Write the pictures into the documentation."""
    (PAGES / "recommendation.svg").write_bytes(runs_side_by_side())
    (PAGES / "recommendation_store.png").write_bytes(picture_of_run(ARCHIVE, STORE))
    return 0


if __name__ == "__main__":
    sys.exit(main())

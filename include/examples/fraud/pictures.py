"""Draws the pictures of the example's page from its archive.

make example NAME=fraud && python include/examples/fraud/pictures.py        (needs Debian's chromium and the extra [system])
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fetch import BUILD
from fraud.runs import RUNS
from run_page import picture_of_run

from model_governance.evidence.history import Archive
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg
from model_governance.store.local import LocalStore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGES = Path(__file__).resolve().parents[2] / "docs" / "pages" / "images"
ARCHIVE = BUILD / "fraud" / "archive"
SHOWN = "2013-09-04"
TAKEN = (
    ("fraud_quality.svg", "2013-09-07", "quality", "roc_precision_recall.svg"),
    ("fraud_evasion.svg", "2013-09-04", "robustness", "robustness_curve.svg"),
)


class Point(NamedTuple):
    """One metric of one night: its place, value and interval, and whether its threshold failed."""

    night: int
    value: float
    low: float
    high: float
    failed: bool


def points(
    findings: list[list[dict[str, Any]]], check: str, metric: str, key: str | None = None, *, scale: float = 1
) -> list[Point]:
    """The metric in each night in which it was measured."""
    return [
        Point(night, scale * one["value"], scale * one["low"], scale * one["high"], one["outcome"] == "fail")
        for night, found in enumerate(findings)
        for one in found
        if (one["check"], one["metric"], one["key"]) == (check, metric, key) and one["value"] is not None
    ]


def draw(axis: Axes, series: dict[str, tuple[list[Point], str]], *, bound: float, words: str, title: str) -> None:
    """Points with intervals and the bound; what fails is filled with the other colour."""
    for place, (label, (found, marker)) in enumerate(series.items()):
        shift = (place - (len(series) - 1) / 2) * 0.14
        for failed in (False, True):
            chosen = [point for point in found if point.failed == failed]
            axis.errorbar(
                [point.night + shift for point in chosen],
                [point.value for point in chosen],
                yerr=[[point.value - point.low for point in chosen], [point.high - point.value for point in chosen]],
                fmt=marker, color=CURRENT if failed else REFERENCE, capsize=3, markersize=6,
                label=f"{label}{', fails' if failed else ''}" if chosen else None,
            )  # fmt: skip
    axis.axhline(bound, color=LIMIT, linestyle="--", linewidth=1, label=words)
    axis.set_title(title, fontsize=10, loc="left")
    axis.set_xlim(-0.5, len(RUNS) - 0.5)
    axis.set_xticks(range(len(RUNS)), [run.date[5:] for run in RUNS])
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def nights(findings: list[list[dict[str, Any]]]) -> bytes:
    """Seven nights in three panels: what reviewers get, what moved, what the labels say two nights later."""
    figure, (flags, columns, labels) = canvas(rows=3, width=8.6, height=7)
    figure.set_facecolor("white")
    draw(
        flags, {"flagged": (points(findings, "drift", "flagged_share", scale=1000), "o")}, bound=2,
        words="what reviewers can do", title="Payments sent to the reviewers, of a thousand",
    )  # fmt: skip
    draw(
        columns,
        {"amount": (points(findings, "drift", "psi", "Amount"), "s"), "V1": (points(findings, "drift", "psi", "V1"), "^")},
        bound=0.2, words="most that may move", title="How far two columns moved (population stability index)",
    )  # fmt: skip
    draw(
        labels,
        {"recall": (points(findings, "quality", "recall"), "o"), "precision": (points(findings, "quality", "precision"), "D")},
        bound=0.4, words="least recall", title="The night two nights before, now that its labels are there",
    )  # fmt: skip
    flags.set_ylim(0, 5)
    labels.set_ylim(0, 1.05)
    return to_svg(
        figure, name="nights.svg", title="Seven nights: flagged payments, drift, recall and precision"
    ).content


def figure_of(manifest: dict[str, Any], check: str, name: str) -> bytes:
    """A figure that a check stored, as it stands in the report."""
    (found,) = [one for one in manifest["checks"] if one["name"] == check]
    (artifact,) = [one for one in found["artifacts"] if one["name"] == name]
    return (ARCHIVE / artifact["key"]).read_bytes()


def main() -> int:
    """Write the pictures into the documentation."""
    archived = {
        run.logical_date.date().isoformat(): run for run in Archive(LocalStore(str(ARCHIVE)), "card-fraud").runs()
    }
    findings = [archived[run.date].content["verdict"]["findings"] for run in RUNS]
    (PAGES / "fraud_nights.svg").write_bytes(nights(findings))
    (PAGES / "fraud_wave.png").write_bytes(picture_of_run(ARCHIVE, SHOWN))
    for name, night, check, figure in TAKEN:
        (PAGES / name).write_bytes(figure_of(archived[night].content, check, figure))
    return 0


if __name__ == "__main__":
    sys.exit(main())

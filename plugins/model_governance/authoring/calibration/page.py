"""A calibration as files: the numbers as JSON, the curves behind them on a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.authoring.calibration.table import HEADER, cells, lead, lines_to_paste
from model_governance.contract.result import canonical_json
from model_governance.report import figures
from model_governance.report.page import as_markup, fill
from model_governance.report.pictures import inline_svg

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.authoring.calibration import Calibration
    from model_governance.authoring.calibration.findings import Calibrated
    from model_governance.contract.result import Artifact


def write_calibration(found: Calibration, folder: Path) -> tuple[Path, Path]:
    """Write calibration.json and calibration.html into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, page = folder / "calibration.json", folder / "calibration.html"
    numbers.write_bytes(canonical_json(found.record()) + b"\n")
    page.write_bytes(render_calibration(found))
    return numbers, page


def render_calibration(found: Calibration) -> bytes:
    """The page: the same table as in the terminal, one curve per threshold, and the lines to paste."""
    return fill(
        "calibration.html", name=found.policy.name, lead=lead(found), header=HEADER, digest=found.policy.sha256,
        rows=[cells(threshold) for threshold in found.calibrated], left=found.left, paste="\n".join(lines_to_paste(found)),
        curves=[_shown(threshold, number) for number, threshold in enumerate(found.calibrated)],
    )  # fmt: skip


def draw_curve(one: Calibrated) -> Artifact:
    """The share of drawn nights that fail, by bound, with today's bound, the proposed one and the level."""
    figure, (axes,) = figures.canvas(height=2.8)
    points = one.points()
    bounds = [bound for bound, _, _ in points]
    if one.without_evidence is not None:
        alone = [share or float("nan") for _, _, share in points]
        axes.plot(bounds, alone, color=figures.REFERENCE, label="by the number alone")
    judged = [share or float("nan") for _, share, _ in points]
    axes.plot(bounds, judged, color=figures.CURRENT, label="as judged")
    axes.axhline(one.level, color=figures.MUTED, linestyle=":", label="what the budget leaves")
    axes.axvline(one.bound, color=figures.LIMIT, linestyle="--", label="bound today")
    if one.proposal.bound is not None:
        axes.axvline(one.proposal.bound, color=figures.LIMIT, label="bound proposed")
    axes.set_yscale("log")
    axes.set_ylim(min(one.level, 1 / one.curve.windows) / 3, 1.3)
    axes.set_xlabel(one.label)
    axes.set_ylabel("share of unchanged nights that fail")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    title = f"{one.check}, {one.label}: false fails by bound"
    return figures.to_svg(figure, name=f"{one.check}-{one.place}.svg", title=title)


def _shown(one: Calibrated, number: int) -> dict[str, Any]:
    picture = draw_curve(one)
    how = {
        "counted": f"counted over {one.curve.windows:,} drawn nights",
        "normal tail": f"a normal tail fitted to {one.curve.windows:,} drawn nights, with 95% confidence",
        "none": one.proposal.reason,
    }[one.proposal.method]
    return {
        "title": f"{one.check}: {one.label}",
        "svg": as_markup(inline_svg(picture.content, title=picture.title, prefix=f"curve{number}-")),
        "sentence": f"Proposed bound: {how}. Limits: {one.limits}.",
    }

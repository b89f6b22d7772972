"""A calibration as files: the numbers as JSON, the curves behind them on a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.authoring.calibration.results import UNCERTAIN_SHARE
from model_governance.authoring.calibration.table import HEADER, cells, lines_to_paste, summary
from model_governance.contract.result import canonical_json
from model_governance.contract.text import number
from model_governance.report import figures
from model_governance.report.page import as_markup, fill
from model_governance.report.svg import inline_svg

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.authoring.calibration import Calibration
    from model_governance.authoring.calibration.results import Calibrated
    from model_governance.contract.result import Artifact


def write_calibration(calibration: Calibration, folder: Path) -> tuple[Path, Path]:
    """Write calibration.json and calibration.html into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, page = folder / "calibration.json", folder / "calibration.html"
    numbers.write_bytes(canonical_json(calibration.record()) + b"\n")
    page.write_bytes(render_calibration(calibration))
    return numbers, page


def render_calibration(calibration: Calibration) -> bytes:
    """The page: the same table as in the terminal, one curve per threshold, and the lines to paste."""
    return fill(
        "calibration.html", name=calibration.policy.name, summary=summary(calibration), header=HEADER, digest=calibration.policy.sha256,
        rows=[cells(threshold) for threshold in calibration.calibrated], not_calibrated=calibration.not_calibrated, paste="\n".join(lines_to_paste(calibration)),
        curves=[_curve(threshold, number) for number, threshold in enumerate(calibration.calibrated)],
    )  # fmt: skip


def draw_curve(threshold: Calibrated) -> Artifact:
    """Shares of drawn runs that do not pass and that fail, by bound, with the current bound and the proposed one."""
    figure, (axes,) = figures.canvas(height=2.8)
    points = threshold.points()
    bounds = [bound for bound, _, _ in points]
    axes.plot(
        bounds, [share or float("nan") for _, share, _ in points], color=figures.REFERENCE, label="uncertain or fail"
    )
    axes.plot(bounds, [share or float("nan") for _, _, share in points], color=figures.CURRENT, label="fail")
    axes.axhline(UNCERTAIN_SHARE, color=figures.REFERENCE, linestyle=":", label="accepted as uncertain")
    axes.axhline(threshold.level, color=figures.MUTED, linestyle=":", label="alarm budget")
    axes.axvline(threshold.bound, color=figures.LIMIT, linestyle="--", label="current bound")
    if threshold.proposal.bound is not None:
        axes.axvline(threshold.proposal.bound, color=figures.LIMIT, label="proposed bound")
    axes.set_yscale("log")
    axes.set_ylim(min(threshold.level, 1 / threshold.passes.windows) / 3, 1.3)
    axes.set_xlabel(threshold.label)
    axes.set_ylabel("share of unchanged runs")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    title = f"{threshold.check}, {threshold.label}: unchanged runs by bound"
    return figures.to_svg(figure, name=f"{threshold.check}-{threshold.place}.svg", title=title)


def _curve(threshold: Calibrated, number: int) -> dict[str, Any]:
    picture, windows = draw_curve(threshold), threshold.passes.windows
    how = {
        "counted": f"counted over {windows:,} drawn runs, with 95% confidence",
        "normal tail": f"a normal tail fitted to {windows:,} drawn runs, with 95% confidence",
        "none": threshold.proposal.reason,
    }[threshold.proposal.method]
    return {
        "title": f"{threshold.check}: {threshold.label}",
        "svg": as_markup(inline_svg(picture.content, title=picture.title, prefix=f"curve{number}-")),
        "sentence": f"Proposed bound: {how}. {_twice(threshold)}Drawn: {threshold.limits}.",
    }


def _twice(threshold: Calibrated) -> str:
    if threshold.seen_at_twice is None:
        return ""
    bound = number(threshold.seen_at_twice, digits=3)
    return f"A change of twice the bound fails one run with probability 0.95 from a bound of {bound} on. "

"""Table, figure and sentences of a model inversion: distances only, never a reconstructed row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.privacy.model_inversion.candidates import Candidates
    from model_governance.checks.privacy.model_inversion.leakage import ClassLeakage
    from model_governance.checks.privacy.model_inversion.params import InversionParams
    from model_governance.contract.result import Artifact

MAX_SHOWN = 20
SIGNIFICANT = 0.01  # the p-value below which a sentence says that training rows are reconstructed


def table(leaks: Sequence[ClassLeakage]) -> Table:
    """How near the reconstructions of each class are."""
    rows = []
    for leak in leaks:
        near = leak.distance_ratio
        rows.append((
            leak.attack, leak.class_rows.name, len(leak.class_rows.trained), leak.restarts, leak.confidence,
            float(near.trained.mean()) if near else None, float(near.held_out.mean()) if near else None,
            near.ratio if near else None, near.p_value if near else None, leak.gain,
        ))  # fmt: skip
    header = ("attack", "class", "training rows", "reconstructions", "confidence", "to nearest training row",
              "to nearest held-out row", "ratio", "p by relabelling", "gain over the public centre")  # fmt: skip
    return Table(
        name="reconstructions", title="Distances of reconstructions (Gower, 0 to 1)", header=header, rows=tuple(rows),
    )  # fmt: skip


def figure(leaks: Sequence[ClassLeakage]) -> Artifact:
    """Distance ratio and gain of every class with their intervals, beside the values of a model that leaks nothing."""
    shown = list(leaks)[:MAX_SHOWN]
    picture, axes = canvas(columns=2, width=7.6, height=1.7 + 0.32 * len(shown))
    for place, leak in enumerate(shown):
        if leak.distance_ratio is not None:
            axes[0].plot(leak.distance_ratio.interval, (place, place), color=CURRENT, linewidth=1.5)
            axes[0].plot(leak.distance_ratio.ratio, place, "o", color=CURRENT, markersize=5)
        axes[1].plot(leak.gain_interval, (place, place), color=REFERENCE, linewidth=1.5)
        axes[1].plot(leak.gain, place, "o", color=REFERENCE, markersize=5)
    names = [f"{leak.attack}, {leak.class_rows.name}" for leak in shown]
    for axis, title, neutral in (
        (axes[0], "distance to training over held-out rows", 1.0),
        (axes[1], "gain over the public centre", 0.0),
    ):
        axis.axvline(neutral, color=LIMIT, linestyle="--", linewidth=0.8)
        axis.set_yticks(range(len(shown)), names if axis is axes[0] else [""] * len(shown))
        axis.set_ylim(len(shown) - 0.5, -0.5)
        axis.set_title(title)
    axes[0].set_xlim(left=0)
    axes[0].set_xlabel("below 1: training rows are reconstructed")
    axes[1].set_xlabel("above 0: the class is reconstructed")
    return to_svg(picture, name="inversion.svg", title="Distances of reconstructions to training rows, by class")


def highlights(leaks: Sequence[ClassLeakage]) -> tuple[str, ...]:
    """What was reconstructed, the worst class first; one sentence that nothing was where that is so."""
    sentences = []
    for leak in sorted(leaks, key=lambda leak: leak.distance_ratio.ratio if leak.distance_ratio else 1.0):
        near = leak.distance_ratio
        if near is not None and near.p_value < SIGNIFICANT and near.interval[1] < 1:
            sentences.append(
                f"{leak.key}: reconstructions are {near.ratio:.2f} times as far from training rows as from held-out rows "
                f"({near.interval[0]:.2f} to {near.interval[1]:.2f}): the model reveals single training rows."
            )
        if leak.gain_interval[0] > 0:
            sentences.append(
                f"{leak.key}: reconstructions are {leak.gain:.1%} nearer to the class than the public centre is "
                f"({leak.gain_interval[0]:.1%} to {leak.gain_interval[1]:.1%}): the class can be reconstructed."
            )
    nothing = "No reconstruction is nearer to training rows than to held-out rows, or nearer than the public centre."
    return tuple(sentences) or (nothing,)


def notes(leaks: Sequence[ClassLeakage], candidates: Candidates, params: InversionParams) -> tuple[str, ...]:
    """What the numbers are based on."""
    public, role = len(candidates.public), candidates.role
    return (
        f"{params.restarts} reconstructions of each class start from {public:,} public rows of {role} and their centre.",
        "Values of a reconstruction stay within those of public rows.",
        "Distances are Gower's: the mean over columns of differences from 0 to 1.",
        *params.attacker_access.limits,
        *(
            f"{attack} stopped when its query budget was spent; what it had reached counts."
            for attack in sorted({leak.attack for leak in leaks if leak.truncated})
        ),
    )

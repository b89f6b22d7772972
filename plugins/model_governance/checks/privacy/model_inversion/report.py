"""Metrics, table, picture and sentences of a model inversion run: distances only, never a row that was rebuilt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate, Table
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.privacy.model_inversion.ground import OneClass
    from model_governance.checks.privacy.model_inversion.memory import Interval, Nearness
    from model_governance.contract.result import Artifact

MOST_SHOWN = 20
SURE = 0.01  # the p-value from which on a sentence says that rows come back


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """One class under one attack: how near its reconstructions came, and how sure the model is of them."""

    attack: str
    one: OneClass
    restarts: int
    reached: float
    reached_interval: Interval
    nearness: Nearness | None
    gain: float
    gain_interval: Interval
    cut: bool

    @property
    def key(self) -> str:
        """Attack and class, as a threshold names them."""
        return f"{self.attack}@{self.one.name}"


def numbers_of(found: Sequence[Rebuilt]) -> tuple[Estimate, ...]:
    """Every metric of the run."""
    numbers = []
    for one in found:
        near = one.nearness
        reason = "" if near else f"too few rows of class {one.one.name!r} are held out ({len(one.one.held_out):,})"
        ratio, interval = (near.ratio, near.interval) if near else (None, None)
        detail = f"at {near.places} of {near.rows:,} rows" if near else ""
        centre = "of the class" if one.one.known else "of all classes, as the public rows hold too few of this one"
        numbers += [
            Estimate(
                name="nearest_training_distance_ratio", value=ratio, n=near.rows if near else 0, interval=interval,
                key=one.key, detail=detail, reason=reason, p_value=near.chance if near else None,
            ),
            Estimate(
                name="inversion_gain", value=one.gain, n=len(one.one.trained), interval=one.gain_interval, key=one.key,
                detail=f"beside the public centre {centre}",
            ),
            Estimate(
                name="confidence_reached", value=one.reached, n=one.restarts, interval=one.reached_interval, key=one.key
            ),
        ]  # fmt: skip
    return tuple(numbers)


def table_of(found: Sequence[Rebuilt]) -> Table:
    """How near each class was rebuilt."""
    rows = []
    for one in found:
        near = one.nearness
        rows.append((
            one.attack, one.one.name, len(one.one.trained), one.restarts, one.reached,
            float(near.trained.mean()) if near else None, float(near.held_out.mean()) if near else None,
            near.ratio if near else None, near.chance if near else None, one.gain,
        ))  # fmt: skip
    header = ("attack", "class", "training rows", "reconstructions", "confidence", "to nearest training row",
              "to nearest held-out row", "ratio", "p by relabelling", "gain over the public centre")  # fmt: skip
    return Table(
        name="reconstructions", title="How near reconstructions come (Gower's distance, 0 to 1)", header=header,
        rows=tuple(rows),
    )  # fmt: skip


def picture_of(found: Sequence[Rebuilt]) -> Artifact:
    """Both metrics of every class with their limits, and where a model that leaks nothing lies."""
    shown = list(found)[:MOST_SHOWN]
    figure, axes = canvas(columns=2, width=7.6, height=1.7 + 0.32 * len(shown))
    for place, one in enumerate(shown):
        if one.nearness is not None:
            axes[0].plot(one.nearness.interval, (place, place), color=CURRENT, linewidth=1.5)
            axes[0].plot(one.nearness.ratio, place, "o", color=CURRENT, markersize=5)
        axes[1].plot(one.gain_interval, (place, place), color=REFERENCE, linewidth=1.5)
        axes[1].plot(one.gain, place, "o", color=REFERENCE, markersize=5)
    names = [f"{one.attack}, {one.one.name}" for one in shown]
    for axis, title, neutral in (
        (axes[0], "distance to training over to held-out rows", 1.0),
        (axes[1], "gain over the public average", 0.0),
    ):
        axis.axvline(neutral, color=LIMIT, linestyle="--", linewidth=0.8)
        axis.set_yticks(range(len(shown)), names if axis is axes[0] else [""] * len(shown))
        axis.set_ylim(len(shown) - 0.5, -0.5)
        axis.set_title(title)
    axes[0].set_xlim(left=0)
    axes[0].set_xlabel("below 1: training rows come back")
    axes[1].set_xlabel("above 0: the class is rebuilt")
    return to_svg(figure, name="inversion.svg", title="How near reconstructions come to training rows, by class")


def highlights_of(found: Sequence[Rebuilt]) -> tuple[str, ...]:
    """What came back, the worst class first; a sentence that nothing did where that is so."""
    told = []
    for one in sorted(found, key=lambda each: each.nearness.ratio if each.nearness else 1.0):
        near = one.nearness
        if near is not None and near.chance < SURE and near.interval[1] < 1:
            told.append(
                f"{one.key}: reconstructions lie {near.ratio:.2f} times as far from training rows as from held-out rows "
                f"({near.interval[0]:.2f} to {near.interval[1]:.2f}): the model gives single rows back."
            )
        if one.gain_interval[0] > 0:
            told.append(
                f"{one.key}: reconstructions lie {one.gain:.1%} nearer to the class than the public average does "
                f"({one.gain_interval[0]:.1%} to {one.gain_interval[1]:.1%}): the class can be rebuilt."
            )
    return tuple(told) or ("No reconstruction came nearer to training rows than to others, nor than a public average.",)

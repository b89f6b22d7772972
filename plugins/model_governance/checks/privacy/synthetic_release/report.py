"""Sentences, table and figure of a synthetic release: distances and counts, never a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model_governance.checks.privacy.synthetic_release.closeness import Closeness
    from model_governance.checks.privacy.synthetic_release.tables import Tables
    from model_governance.contract.result import Artifact, Metric
    from model_governance.contract.subject import ParamFile

NEUTRAL = {
    "nearer_to_training_share": 0.5,
    "membership_auc": 0.5,
    "duplicate_excess": 0.0,
    "attribution_advantage": 0.0,
}
TELLING = {
    "nearer_to_training_share": "of the released rows are nearer to a training row than to any of as many held-out rows",
    "membership_auc": "is the area by which distance to the release tells training rows from held-out rows",
    "duplicate_excess": "more of the released rows equal a training row than equal a held-out row",
    "attribution_advantage": "more values of it are found for people in the data than for others",
}


def highlights(metrics: Iterable[Metric]) -> tuple[str, ...]:
    """What surely exceeds the value of a table that gives nothing away; one sentence where nothing does."""
    sentences = tuple(
        f"{metric.label}: {metric.formatted} {TELLING[metric.name]}."
        for metric in metrics
        if metric.name in NEUTRAL and metric.low is not None and metric.low > NEUTRAL[metric.name]
    )
    return sentences or ("The release is no nearer to the rows it was made from than to rows that it never saw.",)


def table(metrics: Iterable[Metric]) -> Table:
    """Every number beside that of a table that gives nothing away."""
    return Table(
        name="closeness", title="The release against rows that it never saw",
        header=("metric", "value", "low", "high", "rows", "of a harmless table"),
        rows=tuple(
            (metric.label, metric.value, metric.low, metric.high, metric.n, NEUTRAL.get(metric.name)) for metric in metrics
        ),
    )  # fmt: skip


def figure(near: Closeness) -> Artifact:
    """Shares of released rows that have a training row, and a held-out row, within a distance."""
    import numpy as np

    picture, (axis,) = canvas(columns=1, width=7.0, height=3.0)
    for found, colour, label in (
        (near.release_to_train.distance, CURRENT, "to the closest training row"),
        (near.release_to_held_out.distance, REFERENCE, "to the closest held-out row"),
    ):
        # Hundred quantiles draw the curve without a point for each row.
        shares = np.linspace(0, 1, 101)
        axis.plot(np.quantile(found, shares), shares, color=colour, label=label, linewidth=1.5)
    axis.set_ylim(0, 1)
    axis.set_xlim(left=0)
    axis.set_xlabel("Gower's distance")
    axis.set_ylabel("share of released rows")
    axis.legend(frameon=False, fontsize=8)
    return to_svg(picture, name="closest_records.svg", title="Distance of released rows to their closest records")


def notes(tables: Tables, file: ParamFile | None) -> tuple[str, ...]:
    """Which bytes and how many rows the numbers rest on, and what they cannot say."""
    release, train = (len(frame) for frame in tables.whole)
    return (
        *((f"The release is sha256 {file.sha256}, {len(file.content):,} bytes.",) if file else ()),
        (
            f"{release:,} released rows, {train:,} training rows; distances between {len(tables.release):,} released, "
            f"{len(tables.train):,} training and {len(tables.held_out):,} held-out rows of {tables.role}."
        ),
        "Held-out rows must follow the distribution of the training rows, and the generator must not have seen them.",
        "Distances are Gower's: the mean over features of differences from 0 to 1.",
    )

"""Metrics, tables and pictures of a membership inference run: aggregates only, never a row of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance import figures
from model_governance.check import Artifact, Table
from model_governance.checks.membership_inference.rates import (
    advantage,
    auc,
    chance_advantage,
    least_negatives,
    operating_point,
    roc,
)
from model_governance.intervals import clopper_pearson, newcombe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from model_governance.check import Check, Metric
    from model_governance.checks.membership_inference.attacks import Scores
    from model_governance.checks.membership_inference.params import MembershipParams
    from model_governance.checks.membership_inference.sides import Side

BINS = 40


def metrics_of(
    check: Check, members: Side, others: Side, scores: list[Scores], shared: tuple[int, int], params: MembershipParams
) -> tuple[Metric, ...]:
    """Every metric that the check declares; `shared` is (overlapping rows, rows) of the non-members."""
    metrics: list[Metric] = []
    for one in scores:
        scored = len(one.members) + len(one.others)
        value, interval = auc(one.members, one.others)
        metrics.append(check.metric("attack_auc", value, n=scored, interval=interval, of=one.attack))
        chance = chance_advantage(len(one.members), len(one.others)) if one.graded else 0.0
        detail = f"{chance:.3f} is to be expected by chance" if chance else ""
        metrics.append(
            check.metric("advantage", advantage(one.members, one.others), n=scored, of=one.attack, detail=detail)
        )
        if one.graded:
            metrics.extend(_tpr(check, one, fpr) for fpr in params.fpr)
    n = len(members.labels)
    gap = (members.right - others.right) / n
    interval = newcombe((members.right, n), (others.right, n))
    detail = f"{members.right / n:.3f} on {members.role}, {others.right / n:.3f} on {others.role}"
    metrics.append(check.metric("accuracy_gap", gap, n=2 * n, interval=interval, detail=detail))
    same, rows = shared
    metrics.append(check.metric("overlap_share", same / rows, n=rows, interval=clopper_pearson(same, rows)))
    return tuple(metrics)


def _tpr(check: Check, scores: Scores, fpr: float) -> Metric:
    point = operating_point(scores.members, scores.others, fpr=fpr)
    of = f"{scores.attack}@{fpr:g}"
    if point is None:
        need = least_negatives(fpr)
        reason = (
            f"a false-positive rate of {fpr:g} needs at least {need:,} scored non-members, found {len(scores.others):,}; "
            f"give at least {2 * need:,} rows per side and set samples to as many"
        )
        return check.metric("tpr_at_fpr", None, n=len(scores.members), of=of, reason=reason)
    detail = f"{point.accused} of {point.negatives:,} non-members accused"
    return check.metric("tpr_at_fpr", point.tpr, n=point.positives, interval=point.interval, of=of, detail=detail)


def tables_of(members: Side, others: Side, scores: list[Scores], params: MembershipParams) -> tuple[Table, ...]:
    """The two sides, and where each attack was read."""
    return (_sides(members, others), _operating_points(scores, params))


def _sides(members: Side, others: Side) -> Table:
    import numpy as np

    rows = [
        (
            name, side.role, side.rows, len(side.labels), side.right / len(side.labels),
            float(np.exp(side.sureness).mean()), float(-side.sureness.mean()),
        )
        for name, side in (("members", members), ("non-members", others))
    ]  # fmt: skip
    header = ("side", "dataset", "rows", "sampled", "accuracy", "mean probability of the true class", "mean loss")
    return Table(name="sides", title="Members and non-members", header=header, rows=tuple(rows))


def _operating_points(scores: list[Scores], params: MembershipParams) -> Table:
    rows = []
    for one in scores:
        for fpr in params.fpr if one.graded else ():
            point = operating_point(one.members, one.others, fpr=fpr)
            if point is not None:
                low, high = point.interval
                rows.append((one.attack, fpr, point.allowed, point.accused, point.negatives, point.named,
                             point.positives, point.tpr, low, high))  # fmt: skip
    header = ("attack", "false-positive rate", "allowed", "accused", "non-members", "named", "members",
              "true-positive rate", "low", "high")  # fmt: skip
    return Table(
        name="operating_points", title="Members named at few false accusations", header=header, rows=tuple(rows)
    )


def pictures_of(members: Side, others: Side, scores: list[Scores], params: MembershipParams) -> tuple[Artifact, ...]:
    """ROC curves on logarithmic axes, where leakage shows, and how sure the model is of both sides."""
    return (_roc_picture(scores, params), _sureness_picture(members, others))


def _roc_picture(scores: list[Scores], params: MembershipParams) -> Artifact:
    import numpy as np

    figure, (axes,) = figures.canvas(height=4.2)
    least = 1 / max(len(one.others) for one in scores)
    for one, colour in zip(scores, figures.SERIES, strict=False):
        false, true = roc(one.members, one.others)
        if one.graded:
            axes.step(
                np.maximum(false, least / 2), np.maximum(true, least / 2), where="post", color=colour, label=one.attack
            )
        else:
            # A yes or no is a point, not a curve.
            axes.plot(
                np.maximum(false[1], least / 2), np.maximum(true[1], least / 2), "o", color=colour, label=one.attack
            )
    axes.plot([least / 2, 1], [least / 2, 1], color=figures.MUTED, linestyle=":", label="guessing")
    for fpr in params.fpr:
        axes.axvline(fpr, color=figures.LIMIT, linestyle="--", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(least / 2, 1), ylim=(least / 2, 1.05))
    _label(axes, "false-positive rate (non-members accused)", "true-positive rate (members named)")
    return figures.to_svg(figure, name="roc.svg", title="Members named against non-members accused, logarithmic")


def _sureness_picture(members: Side, others: Side) -> Artifact:
    import numpy as np

    figure, (axes,) = figures.canvas()
    for name, side, colour in (("members", members, figures.CURRENT), ("non-members", others, figures.REFERENCE)):
        chances = np.exp(side.sureness)
        weights = np.full(len(chances), 1 / len(chances))
        axes.hist(chances, bins=BINS, range=(0, 1), weights=weights, histtype="step", color=colour, label=name)
    _label(axes, "probability that the model gives to the true class", "share of rows")
    return figures.to_svg(figure, name="sureness.svg", title="Probability of the true class, members and non-members")


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.legend(fontsize=8, frameon=False)

"""Tables and pictures of an evasion run: aggregates only, never a row of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance import figures
from model_governance.check import Artifact, Table
from model_governance.checks.evasion.outcome import ACCESS, smallest

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.evasion.outcome import Outcome
    from model_governance.checks.evasion.params import EvasionParams
    from model_governance.checks.evasion.row_space import RowSpace
    from model_governance.subject import Columns

SHOWN = 15


def tables_of(columns: Columns, space: RowSpace, outcomes: list[Outcome], params: EvasionParams) -> tuple[Table, ...]:
    """Threat model, attacks, and what the successful attacks changed."""
    return (
        _threat_model(columns, space),
        _attacks(outcomes, params),
        Table(
            name="changed_features",
            title="What the smallest successful attacks changed",
            header=("feature", "share of successes", "mean change (share of range)", "mean change"),
            rows=_changes(space, outcomes, params),
        ),
    )


def pictures_of(space: RowSpace, outcomes: list[Outcome], params: EvasionParams) -> tuple[Artifact, ...]:
    """Success against budget, and the changed features where there was any success."""
    changes = _changes(space, outcomes, params)
    return (_curve(outcomes, params), *((_bars(changes),) if changes else ()))


def _threat_model(columns: Columns, space: RowSpace) -> Table:
    axes = {one.feature: one for one in space.axes}
    choices = {one.feature: one for one in space.choices}
    why = dict(space.fixed)
    rows: list[tuple[Any, ...]] = []
    for name, feature in columns.features.items():
        if name in axes:
            axis = axes[name]
            rows.append((name, feature.kind, "yes", axis.low, axis.high, axis.step or "any", axis.source))
        elif name in choices:
            rows.append(
                (name, feature.kind, "yes", None, None, f"{len(choices[name].values)} values", "seen in the data")
            )
        else:
            rows.append((name, feature.kind, "no", None, None, "", why[name]))
    header = ("feature", "kind", "may move", "from", "to", "step", "reason or source of the range")
    return Table(name="threat_model", title="What the attacker may change", header=header, rows=tuple(rows))


def _attacks(outcomes: list[Outcome], params: EvasionParams) -> Table:
    import numpy as np

    rows = []
    for one in outcomes:
        found = one.nearest[np.isfinite(one.nearest)]
        rows.append((
            one.attack, ACCESS[one.attack], len(one.nearest), int(one.startless.sum()), len(found),
            int(one.within(params.epsilon).sum()), float(np.median(found)) if len(found) else None,
            round(float(one.asked.mean()), 1),
        ))  # fmt: skip
    header = ("attack", "access", "rows attacked", "no start found", "flipped at any distance", "flipped within budget",
              "median distance", "queries per row")  # fmt: skip
    return Table(name="attacks", title="What each attack achieved", header=header, rows=tuple(rows))


def _changes(space: RowSpace, outcomes: list[Outcome], params: EvasionParams) -> tuple[tuple[Any, ...], ...]:
    """(feature, share of successes that change it, mean change in shares, mean change in raw units)."""
    import numpy as np

    won = np.any([one.within(params.epsilon) for one in outcomes], axis=0)
    if not won.any():
        return ()
    moves = smallest(outcomes)[1].take(won)
    rows: list[tuple[Any, ...]] = []
    for column, axis in enumerate(space.axes):
        size = np.abs(moves.deltas[:, column])
        moved = size > 0
        mean = float(size[moved].mean()) if moved.any() else 0.0
        rows.append((axis.feature, float(moved.mean()), mean / axis.span, mean))
    for column, choice in enumerate(space.choices):
        rows.append((choice.feature, float((moves.picks[:, column] >= 0).mean()), None, None))
    return tuple(sorted((row for row in rows if row[1] > 0), key=lambda row: (-row[1], row[0])))


def _curve(outcomes: list[Outcome], params: EvasionParams) -> Artifact:
    import numpy as np

    figure, (axes,) = figures.canvas()
    reach = max([params.epsilon * 2, *(float(np.quantile(_found(one), 0.95)) for one in outcomes if len(_found(one)))])
    for one, colour in zip(outcomes, figures.SERIES, strict=False):
        sizes = np.sort(_found(one))
        shares = np.arange(1, len(sizes) + 1) / len(one.nearest)
        # The gradient attack never looks beyond the budget, so its curve ends there.
        end = params.epsilon if one.attack == "gradient" else reach
        last = (sizes[-1], shares[-1]) if len(sizes) else (0.0, 0.0)
        x, y = np.r_[0, sizes, max(end, last[0])], np.r_[0, shares, last[1]]
        axes.step(x, y, where="post", color=colour, label=f"{one.attack} ({ACCESS[one.attack]})")
    axes.axvline(params.epsilon, color=figures.LIMIT, linestyle="--", linewidth=1, label=f"budget {params.epsilon:g}")
    axes.set(xlim=(0, min(1.0, reach) if params.norm == "linf" else reach), ylim=(0, 1))
    axes.set_xlabel(f"size of the change, {params.norm}, in shares of the features' ranges", fontsize=9)
    axes.set_ylabel("share of attacked rows flipped", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return figures.to_svg(
        figure, name="robustness_curve.svg", title="Share of rows flipped against the attacker's budget"
    )


def _found(outcome: Outcome) -> np.ndarray:
    import numpy as np

    found: np.ndarray = outcome.nearest[np.isfinite(outcome.nearest)]
    return found


def _bars(changes: tuple[tuple[Any, ...], ...]) -> Artifact:
    shown = changes[:SHOWN][::-1]
    figure, (axes,) = figures.canvas(height=1.2 + 0.22 * len(shown))
    axes.barh([row[0] for row in shown], [row[1] for row in shown], color=figures.CURRENT)
    axes.set(xlim=(0, 1))
    axes.set_xlabel("share of successful attacks that change the feature", fontsize=9)
    return figures.to_svg(figure, name="changed_features.svg", title="Features that successful attacks change")

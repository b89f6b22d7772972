"""Figures of an evasion run: the security evaluation curve, and what the successful attacks changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.attacks import ATTACKS
from model_governance.checks.robustness.evasion.report import changed_features
from model_governance.report import figures
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.robustness.evasion.results import Results
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.contract.result import Artifact

MOST_FEATURES = 15
# Attacks that search at every distance; the others stop at the largest budget, where their curves end.
UNBOUNDED = ("hopskipjump", "exact")


def figures_of(space: RowSpace, results: Results) -> tuple[Artifact, ...]:
    """Success against budget, and the changed features where there was any success."""
    if not results.outcomes:
        return ()
    changes = changed_features(space, results)
    return (_curve(results), *((_bars(changes),) if changes else ()))


def _curve(results: Results) -> Artifact:
    import numpy as np

    params = results.params
    figure, (axes,) = figures.canvas()
    widest = max(params.epsilons)
    reach = max(
        [widest * 2, *(float(np.quantile(outcome.found, 0.95)) for outcome in results.outcomes if len(outcome.found))]
    )
    for outcome, colour in zip(results.outcomes, figures.SERIES, strict=False):
        sizes, n = outcome.found, int(outcome.examined.sum())
        shares = np.arange(1, len(sizes) + 1) / n
        end = reach if outcome.attack in UNBOUNDED else widest
        last = (sizes[-1], shares[-1]) if len(sizes) else (0.0, 0.0)
        x, y = np.r_[0, sizes, max(end, last[0])], np.r_[0, shares, last[1]]
        axes.step(x, y, where="post", color=colour, label=f"{outcome.attack} ({ATTACKS[outcome.attack].access})")
    _all_attacks(axes, results)
    axes.axvline(
        params.main_epsilon, color=figures.LIMIT, linestyle="--", linewidth=1, label=f"budget {params.main_epsilon:g}"
    )
    axes.set(xlim=(0, min(1.0, reach) if params.norm == "linf" else reach), ylim=(0, 1))
    unit = "units of cost" if params.norm == "cost" else f"{params.norm}, in shares of the features' ranges"
    axes.set_xlabel(f"size of the change, {unit}", fontsize=9)
    axes.set_ylabel("share of attacked rows flipped", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return figures.to_svg(
        figure, name="robustness_curve.svg", title="Share of rows flipped against the attacker's budget"
    )


def _all_attacks(axes: Any, results: Results) -> None:
    """What all attacks together flip at each budget of the policy, with its interval."""
    import numpy as np

    n = len(results.sample.attacked)
    counts = [int(results.flipped(epsilon).sum()) for epsilon in results.params.epsilons]
    ends: np.ndarray = np.array([clopper_pearson(count, n) for count in counts])
    values = np.array(counts) / n
    bars = np.abs(ends.T - values)
    axes.errorbar(
        results.params.epsilons, values, yerr=bars, fmt="o", color=figures.LIMIT, markersize=4, capsize=3,
        label="all attacks, 95% interval",
    )  # fmt: skip


def _bars(changes: tuple[tuple[Any, ...], ...]) -> Artifact:
    shown = changes[:MOST_FEATURES][::-1]
    figure, (axes,) = figures.canvas(height=1.2 + 0.22 * len(shown))
    axes.barh([row[0] for row in shown], [row[1] for row in shown], color=figures.CURRENT)
    axes.set(xlim=(0, 1))
    axes.set_xlabel("share of successful attacks that change the feature", fontsize=9)
    return figures.to_svg(figure, name="changed_features.svg", title="Features that successful attacks change")

"""What `attribution_drift` reports: sentences and the table of attributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from model_governance.checks.quality.attribution_drift.params import AttributionParams
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Role, Subject

TOP = 3  # features named in a sentence


def highlights(agreement: Metric, names: Sequence[str], current: np.ndarray) -> tuple[str, ...]:
    """How well the order agrees, and the features of the largest mean attributions (d,) on current."""
    if not agreement.formatted:
        return ()
    first = sorted(range(len(names)), key=lambda place: -current[place])[:TOP]
    listed = ", ".join(f"{names[place]} ({current[place]:.3g})" for place in first)
    return (
        f"The order of what the model relies on has an nDCG of {agreement.formatted}; {agreement.detail}.",
        f"On current it relies most on {listed}.",
    )


def notes(
    subject: Subject, params: AttributionParams, rows: Mapping[Role, int], *, sampled: tuple[int, int]
) -> tuple[str, ...]:
    """Definition, samples and limits; `sampled` are the sampled rows of reference and current."""
    model = subject.require_model()
    unit = "class probabilities" if model.call_proba else "predicted labels" if model.classes else "predictions"
    definition = f"Attribution: mean absolute change of {unit} when a value is replaced by {params.draws} values of the reference."
    drawn = (
        f"Seeded samples: {sampled[0]:,} of {rows['reference']:,} reference rows, {sampled[1]:,} of "
        f"{rows['current']:,} of current; the intervals say how much another sample would differ."
    )
    limits = (
        "One value is replaced at a time: correlated features share their attribution, and combinations that never "
        "occur are asked too. Attributions describe the model, not the cause of the target."
    )
    negligible = "Attributions near 0 change places by chance and hardly move the value, as they gain next to nothing."
    return definition, drawn, limits, negligible


def attribution_table(names: Sequence[str], reference: np.ndarray, current: np.ndarray) -> Table:
    """Mean attributions (d,) of both datasets with their ranks, in the order of the reference."""
    ranks = [_ranks(means) for means in (reference, current)]
    rows = tuple(
        (names[place], float(reference[place]), ranks[0][place], float(current[place]), ranks[1][place])
        for place in sorted(range(len(names)), key=ranks[0].__getitem__)
    )
    header = ("feature", "attribution, reference", "rank, reference", "attribution, current", "rank, current")
    return Table(name="attributions", title="Mean change of the answer by feature", header=header, rows=rows)


def _ranks(values: np.ndarray) -> list[int]:
    """Ranks from 1 for the largest; equal values keep their order."""
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    return [order.index(place) + 1 for place in range(len(values))]

"""The smallest change that the threat model allows for each row: a row without one within the budget cannot be attacked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.moves import ROUNDING, Moves
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.robustness.evasion.moves import Axis, Origins
    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.sample import Sample


def attackable(sample: Sample, space: RowSpace, params: EvasionParams, worth: np.ndarray | None = None) -> Sample:
    """The sample without the rows that nothing can change within the largest budget, which nobody can ask anything about.

    A row that is worth nothing to the attacker (`worth`, one number for each row of the sample) is none that they attack.

    Raises:
        CheckError: no row is left.
    """
    import numpy as np

    rows = sample.attacked
    least = np.full(len(sample.frame), np.inf)
    origins = space.place(sample.frame.iloc[rows].reset_index(drop=True))
    least[rows] = smallest_changes(space, origins, params, None if worth is None else worth[rows])
    kept = replace(sample, smallest_change=least, budget=max(params.epsilons))
    if len(rows) and not len(kept.attacked):
        found = least[rows].min()
        nearest = f"the smallest allowed change is {found:.3g}" if np.isfinite(found) else "no change is allowed at all"
        raise CheckError(
            f"none of {len(rows):,} rows can be changed within epsilon {max(params.epsilons):g}: {nearest}, so no question could be "
            "asked and nothing would be known about the model; raise epsilon, or open more in threat_model (ranges, steps, "
            "directions, moves, relations)"
        )
    return kept


def smallest_changes(
    space: RowSpace, origins: Origins, params: EvasionParams, worth: np.ndarray | None = None
) -> np.ndarray:
    """Size of the smallest allowed change of each row in the norm, shape (n,); infinite where nothing of it may change.

    Where every row has one within the smallest budget, the sizes are not reckoned any further.
    """
    import numpy as np

    n = len(origins.frame)
    rows, least = np.arange(n), np.full(n, np.inf)
    tied = set() if space.relations is None else set(space.relations.columns)
    for moves, feature in _single_changes(space, origins):
        made = space.project(moves, origins, rows) if feature in tied else moves
        changed = (made.deltas != 0).any(axis=1) | (made.picks >= 0).any(axis=1)
        if changed.any():
            sizes = space.distance(made.take(changed), params.norm)
            if worth is not None:
                sizes = np.divide(sizes, worth[changed], out=np.full(len(sizes), np.inf), where=worth[changed] > 0)
            least[changed] = np.minimum(least[changed], sizes)
            if (least <= min(params.epsilons)).all():
                break
    return least


def _single_changes(space: RowSpace, origins: Origins) -> Iterator[tuple[Moves, str]]:
    """Changes of one feature, shape (n, ...) each: a number goes to its next value or to its end, a category to each of its values, a text to one with one edit."""
    import numpy as np

    n, rows = len(origins.frame), np.arange(len(origins.frame))
    still = space.no_picks(n)
    for column, axis in enumerate(space.axes):
        for target in _targets(axis, origins.values[:, column]):
            deltas = np.zeros((n, len(space.axes)))
            deltas[:, column] = np.nan_to_num(target - origins.values[:, column])
            yield Moves(space.settle(deltas, origins, rows), still), axis.feature
    for column, choice in enumerate(space.choices):
        open_ = choice.reachable(origins.own[:, column])
        for value in np.flatnonzero(open_.any(axis=0)):
            picks = still.copy()
            picks[:, column] = np.where(open_[:, value], value, -1)
            yield Moves(np.zeros((n, len(space.axes))), picks), choice.feature
    for text, part in zip(space.texts, space.text_columns, strict=True):
        picks, generator = still.copy(), np.random.default_rng(0)
        for row, value in enumerate(origins.frame[text.feature].tolist()):
            picks[row, part] = next(text.next_picks(value, picks[row, part], generator), picks[row, part])
        yield Moves(np.zeros((n, len(space.axes))), picks), text.feature


def _targets(axis: Axis, values: np.ndarray) -> Iterator[np.ndarray]:
    """The next value above and below, and the ends of the range."""
    import numpy as np

    if axis.step:
        places = values / axis.step
        yield axis.step * (np.floor(places + ROUNDING) + 1)
        yield axis.step * (np.ceil(places - ROUNDING) - 1)
    else:
        yield values + ROUNDING * axis.span
        yield values - ROUNDING * axis.span
    yield np.full(len(values), axis.low)
    yield np.full(len(values), axis.high)

"""What a flipped row is worth to the attacker, and what is left of it after the cost of the change.

Cost and utility as in Kireev, Kulynych and Troncoso (2023, NDSS): an attack pays where the row is worth more than its change
costs. With `utility` in the params, sizes are costs as a share of what the row is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.relations import floats
from model_governance.contract.result import Estimate, Table
from model_governance.contract.slices import SHOWN_FROM
from model_governance.errors import CheckError
from model_governance.stats.intervals import bootstrap, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.results import Results
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.contract.subject import Subject


def worth_of(subject: Subject, params: EvasionParams, sample: Sample) -> np.ndarray | None:
    """What each drawn row is worth as it is, shape (n,), 0 where that is unknown or negative; None without `utility`.

    Raises:
        CheckError: the column is not in `current`, or holds no numbers.
    """
    import numpy as np
    import pandas as pd

    name = params.utility
    if name is None:
        return None
    if name not in subject.datasets["current"].names:
        raise CheckError(f"params.utility is {name!r}, which is no column of current; name a column of numbers")
    column = subject.frame("current", columns=[name])[name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise CheckError(f"params.utility is {name!r}, which holds {column.dtype} in current; name a column of numbers")
    values: np.ndarray = floats(column.array)[sample.chosen]
    return np.where(np.isfinite(values) & (values > 0), values, 0.0)


def gain_estimates(results: Results) -> Iterator[Estimate]:
    """The mean gain of an attacked row; nothing without `utility`."""
    import numpy as np

    gains = _gains(results)
    if gains is None:
        return
    gains = gains[results.examined]
    interval = bootstrap(lambda rows: float(np.mean(gains[rows])), len(gains), seed=results.seed)
    detail = f"{int((gains > 0).sum())} of {len(gains)} rows are worth more than the change that flips them costs"
    yield Estimate(name="attacker_gain", value=float(gains.mean()), n=len(gains), interval=interval, detail=detail)


def gains_table(results: Results) -> Table | None:
    """Per slice what is slipped through within each budget, and what is gained net of cost; None without `utility`."""
    import numpy as np

    gains, worth = _gains(results), results.worth
    if gains is None or worth is None:
        return None
    rows: list[tuple[Any, ...]] = []
    for name, members in {"all": np.ones(len(gains), dtype=bool), **results.slices}.items():
        mine = members & results.examined
        if int(mine.sum()) < SHOWN_FROM:
            continue
        for budget in results.params.epsilons:
            flipped = mine & results.flipped(budget)
            share = int(flipped.sum()) / int(mine.sum())
            low, high = clopper_pearson(int(flipped.sum()), int(mine.sum()))
            slipped = float(worth[flipped].sum() / worth[mine].sum())
            rows.append(
                (name, budget, int(mine.sum()), share, low, high, slipped, float(gains[flipped].sum() / mine.sum()))
            )
    header = ("rows of", "cost up to (share of the worth)", "rows attacked", "share flipped", "low", "high",
              "share of the worth flipped", "mean gain net of cost")  # fmt: skip
    return Table(name="gains", title="What an attacker gains net of cost", header=header, rows=tuple(rows))


def _gains(results: Results) -> np.ndarray | None:
    """Worth less cost of the cheapest flip of each attacked row, shape (n,); 0 where none pays."""
    import numpy as np

    if results.worth is None:
        return None
    shares = results.distances
    return np.where(shares < 1, results.worth * (1 - np.minimum(shares, 1.0)), 0.0)

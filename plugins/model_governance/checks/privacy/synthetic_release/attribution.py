"""What the release says about a sensitive value: of people who were in the data, and of people who were not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.gower import RANGE_QUANTILES, GowerDistance
from model_governance.checks.privacy.synthetic_release.closeness import nearest
from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError
from model_governance.stats.limits.shares import DifferenceOfShares, ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.synthetic_release.params import ReleaseParams
    from model_governance.checks.privacy.synthetic_release.tables import Tables

TOLERANCE = 0.05  # of the range of a number, within which a value counts as found (as in Giomi et al., 2023)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Values of one column that the closest released row gives away: found and all, of training and of held-out rows."""

    column: str
    trained: tuple[int, int]
    held_out: tuple[int, int]


def sensitive_columns(tables: Tables, params: ReleaseParams) -> tuple[str, ...]:
    """The columns that the policy names, by default the target.

    Raises:
        CheckError: a column is neither a feature nor a target that all tables have, or no other feature is left.
    """
    known = (*tables.columns.names, *([tables.target] if tables.target else []))
    unknown = [name for name in params.sensitive if name not in known]
    if unknown:
        raise CheckError(
            f"params.sensitive: no column {', '.join(unknown)} in all of release, train and {tables.role}; there are {', '.join(known)}"
        )
    if params.sensitive and len(tables.columns.names) < 2:
        raise CheckError("params.sensitive: no other feature is left to find the closest released row by")
    return params.sensitive or ((tables.target,) if tables.target else ())


def attribute(tables: Tables, column: str) -> Attribution:
    """Find the closest released row by all features but one, and compare its value of that one.

    Args:
        tables: the release, training rows and as many held-out rows.
        column: a feature, or the target.
    """
    keys = {name: feature for name, feature in tables.columns.features.items() if name != column}
    distance = GowerDistance.fit(tables.held_out, tables.columns.model_copy(update={"features": keys}))
    counts = []
    for rows in (tables.train, tables.held_out):
        closest = nearest(distance, rows, tables.release).number
        told = tables.release[column].iloc[closest].reset_index(drop=True)
        known = rows[column].notna().to_numpy()
        found = _agree(rows[column], told, column, tables)
        counts.append((int((found & known).sum()), int(known.sum())))
    return Attribution(column=column, trained=counts[0], held_out=counts[1])


def estimates(found: Attribution) -> Iterator[Estimate]:
    """The share of training rows and of held-out rows, and their difference."""
    shares = (("correct_attribution", found.trained), ("correct_attribution_baseline", found.held_out))
    if not found.trained[1] or not found.held_out[1]:
        for name in (*(name for name, _ in shares), "attribution_advantage"):
            reason = "no row has a value of it"
            yield Estimate(name=name, value=None, n=0, key=found.column, reason=reason, absence="uncertain")
        return
    for name, (count, rows) in shares:
        limits = ExactShare(successes=float(count), n=float(rows))
        yield Estimate(name=name, value=limits.value, n=rows, key=found.column, limits=limits)
    first, second = ((float(count), float(rows)) for count, rows in (found.held_out, found.trained))
    difference = DifferenceOfShares(first=first, second=second)
    rows = found.trained[1] + found.held_out[1]
    yield Estimate(name="attribution_advantage", value=difference.value, n=rows, key=found.column, limits=difference)


def _agree(truth: pd.Series, told: pd.Series, column: str, tables: Tables) -> np.ndarray:
    """Whether each told value is the true one, shape (n,)."""
    import numpy as np

    feature = tables.columns.features.get(column)
    if feature is None or feature.kind not in NUMBER_KINDS:
        agree: np.ndarray = (truth.to_numpy() == told.to_numpy()) & told.notna().to_numpy()
        return agree
    low, high = np.nanquantile(tables.held_out[column].to_numpy(), RANGE_QUANTILES)
    within: np.ndarray = np.abs(truth.to_numpy() - told.to_numpy()) <= TOLERANCE * (high - low)
    return within

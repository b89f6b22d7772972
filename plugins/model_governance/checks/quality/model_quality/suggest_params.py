"""The params that `policy init` proposes for `model_quality`, from groups, moments and the names of columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns

MAX_CLASSES = 20  # more distinct whole numbers are taken for a regression's target
TOP_K = 10
SMALLEST_GROUP = 4
SEASONS = ((1 / 24, 24), (1.0, 7), (7.0, 52), (30.4, 12), (91.3, 4))
"""Days between two rows of a series, and the rows of a season: a day of hours, a week of days, a year of the others."""
TOLERANCE = 0.1
SEASONS_OF_A_SERIES = 2
QUANTILE_NAME = re.compile(r"(?i)^(?:.*[_\-.])?(?:q|p|quantile|pct|percentile)[_\-.]?(0?\.\d+|\d{1,2}(?:\.\d+)?)$")


def ranking_params(reference: pd.DataFrame, columns: Columns) -> dict[str, Any]:
    """`top_k`: ten, or half of the items of a group where groups are small, as every order hits within all items."""
    if columns.group is None or columns.group not in reference.columns:
        return {"top_k": TOP_K}
    size = float(reference[columns.group].value_counts().median())
    return {"top_k": min(TOP_K, int(size / 2)) if size >= SMALLEST_GROUP else TOP_K}


def forecasting_params(reference: pd.DataFrame, columns: Columns) -> dict[str, Any]:
    """`season_length` by the spacing of the moments, and columns that are called like quantile forecasts."""
    params: dict[str, Any] = {"season_length": season_length(reference, columns)}
    quantiles = quantile_columns(reference, columns)
    return params | ({"quantile_columns": quantiles} if quantiles else {})


def season_length(reference: pd.DataFrame, columns: Columns) -> int:
    """Rows of a series in one season; 1 where moments are no dates, or series are shorter than two seasons."""
    import pandas as pd

    if columns.time is None or reference[columns.time].dtype.kind in "iufb":
        return 1
    try:
        when = pd.to_datetime(
            reference[columns.time], utc=True, format="ISO8601" if reference[columns.time].dtype.kind != "M" else None
        )
    except (ValueError, TypeError):
        return 1
    series = reference[columns.group] if columns.group is not None else pd.Series(0, index=reference.index)
    ordered = pd.DataFrame({"series": series, "when": when}).dropna().sort_values(["series", "when"])
    days = ordered.groupby("series", observed=True)["when"].diff().median() / pd.Timedelta(days=1)
    rows = float(ordered["series"].value_counts().median()) if len(ordered) else 0.0
    return next(
        (
            season for spacing, season in SEASONS
            if abs(days - spacing) <= TOLERANCE * spacing and rows >= SEASONS_OF_A_SERIES * season
        ),
        1,
    )  # fmt: skip


def quantile_columns(reference: pd.DataFrame, columns: Columns) -> dict[float, str]:
    """Columns of numbers called like a quantile forecast (q10, p90, quantile_0.5) that are no features, by quantile."""
    found: dict[float, str] = {}
    for name in map(str, reference.columns):
        match = QUANTILE_NAME.match(name)
        if match is None or name in columns.features or reference[name].dtype.kind not in "iuf":
            continue
        number = float(match[1])
        share = number if "." in match[1] and number < 1 else number / 100
        if 0 < share < 1 and reference[name].notna().all():
            found.setdefault(share, name)
    return dict(sorted(found.items()))

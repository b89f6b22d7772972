"""What `policy init` writes for `fairness`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns

PROTECTED = re.compile(
    r"(?i)(^|[^a-z])(sex|gender|race\w*|rac\d\w*|ethnic\w*|religion|nationality|nativity|disab\w*|marital\w*|age\w*)($|[^a-z])"
)
FEW, MANY = 2, 20
CUTS = (0.25, 0.5, 0.75)


def suggest(reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Columns that look protected by their name, else the first that makes few groups; the owner must choose."""
    candidates = [str(one) for one in reference.columns if one not in (columns.target, columns.identifier)]
    protected = [one for one in candidates if PROTECTED.search(one)]
    few = [one for one in candidates if FEW <= reference[one].nunique() <= MANY]
    chosen = (protected or few or candidates)[:3]
    params: dict[str, Any] = {"groups": chosen}
    bands = {one: cuts for one in chosen if reference[one].nunique() > MANY and (cuts := _cuts(reference[one]))}
    if bands:
        params["bands"] = bands
    first = chosen[0]
    thresholds = [
        {"metric": "selection_rate_ratio", "key": first, "geq_to": 0.8, "severity": "warn"},
        {"metric": "equalized_odds_difference", "key": first, "less_than": 0.1, "severity": "warn"},
        {"metric": "accuracy_gap", "key": first, "less_than": 0.1, "severity": "warn"},
    ]
    if _numeric_target(reference, columns):
        thresholds = [{"metric": "unscored_share", "less_than": 0.1, "severity": "warn"}]
    how = "their names suggest it" if protected else "it makes few groups, nothing else is known about it"
    comment = (
        f"Groups by {', '.join(chosen)}: {how}. Name the columns that your law and your ethics name; they need not be "
        "features of the model. The limits (four-fifths rule, ten points) are customs, not law: set severity error on "
        "those that must stop a night, and expect a trade between them, as not all can hold at once."
    )
    return Suggestion(params=params, thresholds=tuple(thresholds), comment=comment)


def _cuts(column: pd.Series) -> list[float]:
    """Quartiles of a column of numbers, rounded to what people read; none for other columns."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return []
    return sorted({float(f"{column.quantile(one):.2g}") for one in CUTS})


def _numeric_target(reference: pd.DataFrame, columns: Columns) -> bool:
    """A regression's limits are in units of its target, which only its owner knows."""
    from pandas.api.types import is_float_dtype

    target = columns.target
    return target in reference.columns and is_float_dtype(reference[target]) and reference[target].nunique() > MANY

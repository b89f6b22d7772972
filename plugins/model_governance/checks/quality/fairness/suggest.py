"""What `policy init` proposes for `fairness`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns, Task

PROTECTED = re.compile(
    r"(?i)(^|[^a-z])(sex|gender|race\w*|rac\d\w*|ethnic\w*|religion|nationality|nativity|disab\w*|marital\w*|age\w*)($|[^a-z])"
)
MINIMUM_VALUES, MAXIMUM_VALUES = 2, 20
QUARTILES = (0.25, 0.5, 0.75)


def suggest(reference: pd.DataFrame, columns: Columns, *, task: Task | None = None, **_: object) -> Suggestion:
    """Propose columns whose name suggests a protected attribute, else the first ones of few values.

    Args:
        reference: Rows of the reference, shape (n, d).
        columns: The columns of the policy.
        task: What the model predicts; guessed from the labels where it is None.

    Returns:
        Params and thresholds; the owner of the policy must choose the columns.
    """
    candidates = [str(name) for name in reference.columns if name not in (columns.target, columns.identifier)]
    protected = [name for name in candidates if PROTECTED.search(name)]
    few_values = [name for name in candidates if MINIMUM_VALUES <= reference[name].nunique() <= MAXIMUM_VALUES]
    groups = (protected or few_values or candidates)[:3]
    params: dict[str, Any] = {"groups": groups}
    many_values = [name for name in groups if reference[name].nunique() > MAXIMUM_VALUES]
    bins = {name: edges for name in many_values if (edges := _quartiles(reference[name]))}
    if bins:
        params["bins"] = bins
    thresholds = [{"metric": "accuracy_gap", "key": groups[0], "less_than": 0.1, "severity": "warn"}]
    if task != "multiclass_classification":
        thresholds = [
            {"metric": "selection_rate_ratio", "key": groups[0], "geq_to": 0.8, "severity": "warn"},
            {"metric": "equalized_odds_difference", "key": groups[0], "less_than": 0.1, "severity": "warn"},
            *thresholds,
        ]
    if _has_numeric_target(reference, columns) if task is None else task == "regression":
        # Limits of a regression are in units of its target, which only its owner knows.
        thresholds = [{"metric": "unscored_share", "less_than": 0.1, "severity": "warn"}]
    return Suggestion(params=params, thresholds=tuple(thresholds), comment=_comment(groups, protected=bool(protected)))


def _comment(groups: list[str], *, protected: bool) -> str:
    why = "their names suggest it" if protected else "it makes few groups, nothing else is known about it"
    return (
        f"Groups by {', '.join(groups)}: {why}. Name the columns that your law and your ethics name; they need not be "
        "features of the model. The limits (four-fifths rule, ten points) are customs, not law: set severity error on "
        "those that must fail a run, and expect a trade between them, as not all can hold at once."
    )


def _quartiles(column: pd.Series) -> list[float]:
    """Distinct quartiles of a column of numbers, rounded to two digits; none for other columns."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return []
    return sorted({float(f"{column.quantile(level):.2g}") for level in QUARTILES})


def _has_numeric_target(reference: pd.DataFrame, columns: Columns) -> bool:
    from pandas.api.types import is_float_dtype

    target = columns.target
    if target not in reference.columns:
        return False
    return is_float_dtype(reference[target]) and reference[target].nunique() > MAXIMUM_VALUES

"""What `policy init` proposes for `model_extraction`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.model_extraction.params import MIN_QUERIES
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """Query budgets that the rows allow, and a limit on what outputs reveal beyond labels."""
    pool = len(reference) - len(reference) // 2
    query_budgets = [queries for queries in (100, 300, 1000) if queries <= pool] or [max(MIN_QUERIES, pool)]
    largest = query_budgets[-1]
    return Suggestion(
        params={"query_budgets": query_budgets},
        thresholds=({"metric": "fidelity_gain", "key": f"public@{largest}", "less_than": 0.25, "severity": "warn"},),
        comment=(
            "fidelity is the agreement of a surrogate with the model. It exceeds 90% for every simple model, so it makes "
            f"no limit. The limit is on what {largest:,} outputs reveal beyond as many true labels: a quarter of all "
            "predictions is a convention. Fewer decimals, labels only and a limit on queries reduce it; "
            "attacker_access declares what your endpoint returns."
        ),
    )

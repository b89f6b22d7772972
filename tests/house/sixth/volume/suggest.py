"""What `policy init` proposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """Half to double."""
    return Suggestion(
        thresholds=[{"metric": "volume_ratio", "between": [0.5, 2.0]}], comment="Half to double the reference's rows."
    )

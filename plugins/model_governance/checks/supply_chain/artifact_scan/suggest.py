"""What `policy init` proposes for `artifact_scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """No dangerous finding, no unread part, and a warning for every undeclared type."""
    return Suggestion(
        thresholds=(
            {"metric": "dangerous_findings", "equal_to": 0, "severity": "error"},
            {"metric": "format_mismatch", "equal_to": 0, "severity": "error"},
            {"metric": "unscanned_parts", "equal_to": 0, "severity": "error"},
            {"metric": "suspicious_findings", "equal_to": 0, "severity": "warn"},
        ),
        comment=(
            "The file is read and never loaded. Whatever can run code while loading fails the run, and so does a part "
            "that could not be read. Types of your own that the file needs are warnings: read them, then list them "
            "under params.trusted."
        ),
    )

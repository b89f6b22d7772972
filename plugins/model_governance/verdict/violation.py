"""The violation of a threshold, as an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    from model_governance.verdict.finding import Verdict


class ThresholdViolation(GovernanceError):
    """A verdict that must stop the run, raised after its evidence was stored."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.sentence)

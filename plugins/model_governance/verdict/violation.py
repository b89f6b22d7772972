"""The violation of a threshold, as an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    from model_governance.verdict.finding import Verdict


class ThresholdViolation(GovernanceError):
    """A verdict that must stop the run, raised after its evidence was stored.

    Cause: a threshold is violated as the policy's `fail_on` and `on_uncertain` define it.
    Cure: read the findings in the message and the report of the check; the page of the check says what to do
        first.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.sentence)

"""What an example declares of each of its runs: what happened, and how the run must end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRun:
    """One run of an example.

    `date` is the logical date (ISO 8601, a day or a moment in UTC). `outcome` is the verdict that the run must end with, and
    `because` names the findings with this outcome that must be among the reasons, as `CHECK.METRIC[KEY]`, or as `CHECK.CHECK`
    where a check could not measure. No other check may have this outcome, so that a run is never red for another reason.
    `model` is the file of the model in the example's folder that the policy names from this run on. `accepted` is the reason
    for which a person accepts the run as the new reference afterwards; empty where nobody does.
    """

    date: str
    story: str
    outcome: str
    because: tuple[str, ...] = ()
    model: str | None = None
    planted: bool = False
    accepted: str = ""

    @property
    def checks(self) -> set[str]:
        """The checks that `because` names."""
        return {reason.split(".", 1)[0] for reason in self.because}

"""Where a model stands: its newest outcome, since when it has it, and how urgent that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.report.formatting import NOT_NOTABLE, OUTCOMES, counted
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STRIP = 30
"""Runs of a strip."""
NO_OUTCOME = "."
"""What stands in a strip for a run whose link is missing or damaged."""
URGENCY = (
    "ungoverned", "overdue", "halted", "error", "fail_new", "fail", "uncertain", "warn", "waived", "skipped", "pass",
)  # fmt: skip
"""The order of the portfolio, the most urgent first. A model is `halted` whose DAG is paused, gone or stuck, or whose
policy was refused. `skipped` measured nothing, so it stands above a pass."""
HOLDS = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the runs of a model add up to.

    Attributes:
        outcome: of the newest run.
        stops: whether that run stops.
        since: moment of the first run of the unbroken series with this outcome (seconds since 1970).
        streak: runs of that series.
        strip: ranks of the outcomes of the newest STRIP runs as digits, the newest last.
    """

    outcome: str
    stops: bool
    since: float
    streak: int
    strip: str


def standing_of(runs: Sequence[Mapping[str, Any]]) -> Standing:
    """The standing of a model by its runs in their order, of each moment the last try.

    Raises:
        ValueError: there is no run.
    """
    if not runs:
        raise ValueError("a model without runs has no standing")
    newest = runs[-1]
    streak = 0
    for run in reversed(runs):
        if run["outcome"] != newest["outcome"]:
            break
        streak += 1
    return Standing(
        outcome=newest["outcome"], stops=newest["stops"], since=runs[-streak]["moment"], streak=streak,
        strip=cells([run["outcome"] for run in runs[-STRIP:]]),
    )  # fmt: skip


def cells(outcomes: Sequence[str | None]) -> str:
    """Outcomes as digits of their rank; NO_OUTCOME for what is no outcome of this release."""
    return "".join(str(RANK.index(outcome)) if outcome in RANK else NO_OUTCOME for outcome in outcomes)


def outcome_of(cell: str) -> str:
    """The outcome of a digit of a strip; empty for NO_OUTCOME."""
    return RANK[int(cell)] if cell != NO_OUTCOME else ""


def urgency(model: Mapping[str, Any], *, now: float, halted: bool = False) -> str:
    """The place of a model in URGENCY at a moment (seconds since 1970), by its row of the index.

    `halted` says that its DAG is paused, gone or stuck, so that the outcome of its newest run may stay the last one.
    """
    if model["due_at"] is not None and model["due_at"] < now:
        return "overdue"
    if halted:
        return "halted"
    outcome = "error" if model["damaged"] else str(model["outcome"])
    if outcome == "fail":
        return "fail_new" if model["streak"] == 1 else "fail"
    return outcome if outcome in URGENCY else "error"


def newness(outcome: str, streak: int) -> str:
    """`new`, `4 runs`; empty where nothing is wrong, or nothing ran."""
    if streak == 0 or outcome in NOT_NOTABLE:
        return ""
    return "new" if streak == 1 else counted(streak, "run")


def word_of(place: str) -> str:
    """The word of a place in URGENCY, as badges show it."""
    special = {
        "ungoverned": "Ungoverned",
        "overdue": "Overdue",
        "halted": "Not running",
        "fail_new": OUTCOMES["fail"][0],
    }
    return special.get(place) or OUTCOMES[place][0]

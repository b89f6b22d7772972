"""Demands as people read them."""

from __future__ import annotations

from model_governance.contract.text import number

WORDS = {
    "equal_to": "equal to",
    "greater_than": "greater than",
    "less_than": "less than",
    "geq_to": "at least",
    "leq_to": "at most",
    "between": "between",
}

BASELINES = {"champion": "the champion", "approved": "the approved run", "last_passed": "the last run that passed"}

NO_BASELINE = {
    "approved": "no approved run has measured it yet; a run of this model that passes is approved by that, or accept one: "
    "model-governance accept RUN --policy FILE --reason TEXT --by NAME",
    "last_passed": "no run that passed has measured it yet; the first run that passes is the baseline of the next one",
}
"""Why a change cannot be judged without a baseline, and what to do."""


def describe(condition: str, bound: float | tuple[float, float], against: str | None) -> str:
    """`less than 0.2`, `at most 0.02 worse than the champion`."""
    if isinstance(bound, tuple):
        return f"between {number(bound[0])} and {number(bound[1])}"
    if condition not in WORDS:
        other = BASELINES.get(against or "", "its baseline")
        relative = condition == "min_relative_change"
        size = f"{number(100 * abs(bound))}%" if relative else number(abs(bound))
        if bound == 0:
            return f"no worse than {other}"
        return f"at least {size} better than {other}" if bound > 0 else f"at most {size} worse than {other}"
    return f"{WORDS[condition]} {number(bound)}"

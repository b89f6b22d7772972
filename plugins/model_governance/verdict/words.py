"""Demands as people read them."""

from __future__ import annotations

from model_governance.contract.text import SHARE, bound_text, number

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


def describe(condition: str, bound: float | tuple[float, float], against: str | None, unit: str = "") -> str:
    """`less than 0.2`, `at least 80%`, `at most 2 percentage points worse than the champion`."""
    if isinstance(bound, tuple):
        return f"between {bound_text(bound[0], unit)} and {bound_text(bound[1], unit)}"
    if condition not in WORDS:
        other = BASELINES.get(against or "", "its baseline")
        if bound == 0:
            return f"no worse than {other}"
        size = change_text(bound, unit, relative=condition == "min_relative_change")
        return f"at least {size} better than {other}" if bound > 0 else f"at most {size} worse than {other}"
    return f"{WORDS[condition]} {bound_text(bound, unit)}"


def change_text(change: float, unit: str, *, relative: bool = False) -> str:
    """The size of a change: `5%` of a baseline, `2 percentage points` of a share, else a number."""
    if relative:
        return bound_text(abs(change), SHARE)
    if unit != SHARE:
        return number(abs(change))
    points = bound_text(abs(change), unit).removesuffix("%")
    return f"{points} percentage point{'' if points == '1' else 's'}"

"""What the pages say in words: outcomes, counts, sizes, cells, and what to do next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.verdict import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

QUIET = ("pass", "skipped")

OUTCOMES: dict[str, tuple[str, str]] = {
    "pass": ("Pass", "every threshold holds"),
    "warn": ("Warning", "a threshold of severity warn is violated"),
    "fail": ("Fail", "a threshold is violated"),
    "error": ("Error", "this could not be measured, which is never a pass"),
    "uncertain": ("Uncertain", "the interval lies on both sides of the threshold, or there are too few rows"),
    "skipped": ("Skipped", "the question does not apply here; nothing was measured"),
    "waived": ("Waived", "a threshold is violated and somebody answers for it until a date"),
}
"""The word on the badge and what it means."""

BETTER = {"lower": "lower", "higher": "higher", "neither": "—"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to do next, and the checks that call for it."""

    title: str
    text: str
    checks: tuple[str, ...] = ()


# In the order in which a night is best worked through: what makes other answers doubtful comes first.
WHEN_VIOLATED: tuple[tuple[str, str, str], ...] = (
    (
        "data_validation",
        "Look at the data first.",
        "The data is not what was agreed. Until it is repaired, every other result of this run is about the wrong rows.",
    ),
    (
        "artifact_scan",
        "Do not load this model anywhere.",
        "The file is not what was approved, or asks for more than a model needs. Find out where it came from.",
    ),
    (
        "data_drift",
        "Find out what moved.",
        "Start with the column named first: did the source change, or the world? Repair a source; retrain for the world.",
    ),
    (
        "model_quality",
        "Decide whether the model may keep answering.",
        "It no longer does what was promised on recent labels. Compare with the champion, and go back to it or retrain.",
    ),
    (
        "performance_estimation",
        "Do not wait for the labels.",
        (
            "The model probably does worse on tonight's rows than on the reference. Find the columns that moved, and hold "
            "back decisions that cannot be undone. Where labels are in and the estimate is off, what the rows mean has changed."
        ),
    ),
    (
        "fairness",
        "Find out who bears the mistakes.",
        "The groups named first lie furthest apart. Look at their rows and labels before a decision about them is made.",
    ),
    (
        "attribution_drift",
        "Ask why the model now looks elsewhere.",
        "It relies on other features than on the reference: a column may have lost its meaning, or gained one.",
    ),
    (
        "evasion",
        "Read what the attack found.",
        (
            "Where answers flip within the budget, the report shows which columns give way: bound them, or harden the model. "
            "Rows without any flip prove nothing by themselves: see whether the exact search speaks for them, or let more features move."
        ),
    ),
    (
        "membership_inference",
        "Keep the model's scores inside.",
        "They give away who was in the training data. Publish labels only, or retrain with stronger regularisation.",
    ),
    (
        "attribute_inference",
        "Round what the model says, or retrain it.",
        (
            "It tells more about people than their other data do. A gap between members and others is memory: regularise. "
            "A gain without a gap is what the answer itself discloses: answer with fewer decimals, or labels only."
        ),
    ),
    (
        "model_inversion",
        "Do not answer strangers.",
        "Rows of training can be rebuilt from its answers: merge small classes, regularise, and limit who may ask how often.",
    ),
    (
        "model_extraction",
        "Limit what one caller may ask.",
        "A copy can be made from few answers. Limit queries per caller, answer with labels, and watch for sweeps of the inputs.",
    ),
    (
        "poisoning_screen",
        "Hold the new model back and read the rows.",
        "The training window differs from the accepted one beyond chance: look at the listed row numbers and their source.",
    ),
    (
        "corruption",
        "Clean the feed, then harden the model.",
        "The table names the columns that one wrong unit or gap ruins: validate them first, or train with gaps and noise.",
    ),
)


def advice(checks: Sequence[Mapping[str, Any]], *, expiries: Iterable[str] = ()) -> tuple[Advice, ...]:
    """What to do next, derived from the outcomes of a run; never empty.

    Args:
        checks: entries of the manifest with `name`, `kind` and `outcome`.
        expiries: dates (YYYY-MM-DD) on which the waivers in use end.
    """
    steps: list[Advice] = []
    errors = _named(checks, "error")
    if errors:
        steps.append(
            Advice(
                title="Make it measurable again.",
                text="These checks could not measure, so their question is open. The message says what was expected "
                "and what was found; repair the input and run again.",
                checks=errors,
            )
        )
    violated = [one for one in checks if one["outcome"] in ("fail", "warn")]
    for kind, title, text in WHEN_VIOLATED:
        names = tuple(one["name"] for one in violated if one["kind"] == kind)
        if names:
            steps.append(Advice(title=title, text=text, checks=names))
    known = {kind for kind, _, _ in WHEN_VIOLATED}
    others = tuple(one["name"] for one in violated if one["kind"] not in known)
    if others:
        text = "Open the report of the check; the findings that stop the run come first."
        steps.append(Advice(title="Read why.", text=text, checks=others))
    steps.extend(_without_violation(checks, expiries))
    return tuple(steps) or (Advice(title="Nothing to do.", text="Every threshold holds."),)


def _without_violation(checks: Sequence[Mapping[str, Any]], expiries: Iterable[str]) -> Iterable[Advice]:
    if uncertain := _named(checks, "uncertain"):
        text = (
            "The numbers allow both answers. Wait for more rows or give the check a larger sample; do not run it "
            "again in the hope of another answer, the same rows give the same one."
        )
        yield Advice(title="Collect more rows.", text=text, checks=uncertain)
    if ends := sorted(expiries):
        text = f"The first waiver in use ends on {ends[0]}. After that day the same number fails the run."
        yield Advice(title="Repair before the waiver ends.", text=text)
    if skipped := _named(checks, "skipped"):
        text = "Skipped is not passed. If the question should be asked of this model, change the policy."
        yield Advice(title="Know what was not asked.", text=text, checks=skipped)


def _named(checks: Sequence[Mapping[str, Any]], outcome: str) -> tuple[str, ...]:
    return tuple(one["name"] for one in checks if one["outcome"] == outcome)


def counted(pairs: Iterable[tuple[str, int]]) -> str:
    """`(("fail", 2), ("pass", 9))` as "2 fail, 9 pass"."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in pairs)


def interval(low: float | None, high: float | None) -> str:
    """The interval as 1.91 to 1.95, or a dash where no interval exists."""
    return "—" if low is None or high is None else f"{number(low)} to {number(high)}"


def cell(value: Any) -> str:
    """A cell of a table: numbers short, years as years, nothing as a dash."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 10_000 else number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and cells, sorted: a page must not depend on the order in which a record was built."""
    return [(name, cell(value)) for name, value in sorted(values.items())]


def size(count: int) -> str:
    """Bytes as people say them: "2.0 kB"."""
    if count < 1000:
        return f"{count} bytes"
    amount, units = count / 1000, ["kB", "MB", "GB"]
    while amount >= 999.95 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f} {units[0]}"


def seconds(amount: float | None) -> str:
    """A duration: "0.4 s", "3 min 20 s", or a dash."""
    if amount is None:
        return "—"
    if amount < 60:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes} min {rest} s"

"""Metrics, table, picture and sentences of a model extraction run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate, Table
from model_governance.report.figures import LIMIT, MUTED, SERIES, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.privacy.model_extraction.comparison import HeldOut, Measured
    from model_governance.checks.privacy.model_extraction.surrogates import Copy
    from model_governance.checks.privacy.model_extraction.theft import Stolen
    from model_governance.contract.result import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A copy at one budget beside the copy that true labels make: `gain` is None where one of them is missing."""

    stolen: Stolen
    fidelity: Measured | None
    gain: Measured | None
    reason: str = ""

    @property
    def key(self) -> str:
        """Attack and budget, as a threshold names them."""
        return f"{self.stolen.attack}@{self.stolen.budget}"


def compare(stolen: Sequence[Stolen], baselines: Mapping[int, Copy | None], held_out: HeldOut) -> list[Compared]:
    """Every copy on the held-out rows, beside the baseline of the same budget."""
    found = []
    for one in stolen:
        baseline = baselines[one.budget]
        if one.copy is None:
            found.append(Compared(stolen=one, fidelity=None, gain=None, reason=one.reason))
            continue
        gain = None if baseline is None else held_out.gain(one.copy, baseline)
        reason = "" if baseline is not None else f"there are no {one.budget:,} public rows with labels to compare with"
        found.append(Compared(stolen=one, fidelity=held_out.fidelity(one.copy), gain=gain, reason=reason))
    return found


def numbers_of(
    found: Sequence[Compared], baselines: Mapping[int, Copy | None], held_out: HeldOut
) -> tuple[Estimate, ...]:
    """Every metric of the run."""
    n = len(held_out.decisions)
    numbers = []
    for one in found:
        family = f"copied by {one.stolen.copy.family}" if one.stolen.copy is not None else ""
        for name, measured in (("fidelity_gain", one.gain), ("fidelity", one.fidelity)):
            value, interval = measured if measured is not None else (None, None)
            reason = one.reason if measured is None else ""
            numbers.append(
                Estimate(name=name, value=value, n=n, interval=interval, key=one.key, detail=family, reason=reason)
            )
    for budget, copy in baselines.items():
        value, interval = held_out.fidelity(copy) if copy is not None else (None, None)
        reason = "" if copy is not None else f"fewer than {budget:,} public rows are left beside those held out"
        numbers.append(
            Estimate(name="baseline_fidelity", value=value, n=n, interval=interval, key=str(budget), reason=reason)
        )
    value, interval = held_out.constant()
    numbers.append(Estimate(name="constant_fidelity", value=value, n=n, interval=interval))
    return tuple(numbers)


def table_of(found: Sequence[Compared], baselines: Mapping[int, Copy | None], held_out: HeldOut) -> Table:
    """Every copy that was made, with what it cost."""
    rows = []
    for budget, copy in baselines.items():
        if copy is not None:
            value, interval = held_out.fidelity(copy)
            rows.append(("true labels, no model", budget, 0, copy.family, value, *(interval or (None, None)), None))
    for one in found:
        if one.stolen.copy is not None and one.fidelity is not None:
            value, interval = one.fidelity
            gain = None if one.gain is None else one.gain[0]
            limits = interval or (None, None)
            budget = one.stolen.budget
            rows.append((one.stolen.attack, budget, budget, one.stolen.copy.family, value, *limits, gain))
    header = ("learnt from", "rows", "questions", "family", "fidelity", "low", "high", "gain over true labels")
    return Table(name="copies", title="Copies of the model", header=header, rows=tuple(rows))


def picture_of(found: Sequence[Compared], baselines: Mapping[int, Copy | None], held_out: HeldOut) -> Artifact:
    """Fidelity against the number of questions, one line per attack and one for true labels."""
    figure, (axes,) = canvas(height=3.8)
    lines: dict[str, list[tuple[int, Measured]]] = {}
    for one in found:
        if one.fidelity is not None:
            lines.setdefault(one.stolen.attack, []).append((one.stolen.budget, one.fidelity))
    lines["true labels, no model"] = [
        (budget, held_out.fidelity(copy)) for budget, copy in baselines.items() if copy is not None
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = LIMIT if name.startswith("true labels") else SERIES[number % len(SERIES)]
        style = "--o" if name.startswith("true labels") else "-o"
        axes.plot(
            [at for at, _ in points], [one[0] for _, one in points], style, color=colour, markersize=4, label=name
        )
        for at, (_, interval) in points:
            if interval is not None:
                axes.plot((at, at), interval, color=colour, linewidth=1)
    axes.axhline(held_out.constant()[0], color=MUTED, linestyle=":", label="one answer for all")
    axes.set(xscale="log", xlabel="questions to the model, or rows with true labels", ylabel=_scale(held_out))
    budgets = sorted(baselines)
    axes.set_xticks(budgets, [f"{one:,}" for one in budgets])
    axes.minorticks_off()
    axes.legend(frameon=False)
    return to_svg(figure, name="fidelity.svg", title="How well a copy agrees with the model, by questions asked")


def highlights_of(found: Sequence[Compared], held_out: HeldOut) -> tuple[str, ...]:
    """The largest budget of every attack in a sentence."""
    told = []
    largest = {one.stolen.attack: (one, one.fidelity) for one in found if one.fidelity is not None}
    for attack, (one, fidelity) in largest.items():
        value = f"agrees on {fidelity[0]:.1%} of rows" if held_out.classes else f"has an R2 of {fidelity[0]:.3f}"
        sentence = f"{attack}: {one.stolen.budget:,} answers make a copy that {value}"
        if one.gain is not None:
            limits = "" if one.gain[1] is None else f" ({one.gain[1][0]:+.3f} to {one.gain[1][1]:+.3f})"
            sentence += f", {one.gain[0]:+.3f}{limits} beside as many true labels"
        told.append(sentence + ".")
    return tuple(told)


def _scale(held_out: HeldOut) -> str:
    return "agreement with the model on held-out rows" if held_out.classes else "R2 against the model's values"

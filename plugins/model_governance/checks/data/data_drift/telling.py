"""Says in words and one table what moved, by how much, how sure that is, and what the night could have seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.measurement import TOO_FEW, in_deviations, listed
from model_governance.contract.result import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from model_governance.checks.data.data_drift.column_drift import Compared
    from model_governance.checks.data.data_drift.predictions import Predictions

FEW_ROWS = 1000
MOST_SENTENCES = 5

HEADER = (
    "column",
    "counts as drifted",
    "PSI, 10 quantile bins frozen with the reference, bias-corrected",
    "from",
    "to",
    "p-value (two-sample chi-square)",
    "Kolmogorov-Smirnov distance",
    "Jensen-Shannon distance, same bins, bias-corrected",
    "total variation, same bins, corrected",
    "Wasserstein, in robust standard deviations of the reference",
    "PSI, equal width, Evidently",
    "smallest PSI visible tonight",
    "missing in reference",
    "missing in current",
    "infinite in current",
    "new categories in current",
)


def table_of_columns(columns: Sequence[Compared], drifted: Collection[str]) -> Table:
    """One row per column; a dash where a distance does not fit."""
    return Table(name="columns", title="Columns", header=HEADER, rows=tuple(_row(one, drifted) for one in columns))


def highlights(columns: Sequence[Compared], drifted: Collection[str], predictions: Predictions) -> tuple[str, ...]:
    """What moved, by how much and how sure, the largest first."""
    moved = sorted((one for one in columns if one.name in drifted), key=lambda one: -one.psi.value)
    found = [
        f"{one.name} moved: PSI {one.psi.value:.3g} (95% interval {one.psi.low:.3g} to {one.psi.high:.3g}, "
        f"p = {one.psi.p_value:.2g}){_direction(one)}."
        for one in moved[:MOST_SENTENCES]
    ]
    if len(moved) > MOST_SENTENCES:
        found.append(f"{len(moved) - MOST_SENTENCES} more columns count as drifted.")
    compared = [one for one in columns if one.comparable]
    if compared and not moved:
        most = max(compared, key=lambda one: one.psi.value)
        found.append(
            f"None of {len(compared)} columns counts as drifted; the largest change is that of {most.name}, PSI "
            f"{most.psi.value:.3g} ({most.psi.low:.3g} to {most.psi.high:.3g})."
        )
    if predictions.compared is not None and predictions.compared.comparable:
        psi = predictions.compared.psi
        found.append(f"The model's answers have a PSI of {psi.value:.3g} ({psi.low:.3g} to {psi.high:.3g}).")
    if compared:
        worst = max(compared, key=lambda one: one.visible)
        found.append(f"A PSI of {worst.visible:.2g} or more would have shown in every column.")
    return tuple(found)


def limits(columns: Sequence[Compared], predictions: Predictions, *, level: float) -> list[str]:
    """What the night could not have seen, and where the numbers are weak."""
    n = min(min(one.reference.rows, one.current.rows) for one in columns)
    told = [one for one in columns if one.table.cells > 1]
    notes = []
    if told:
        worst = max(told, key=lambda one: one.visible)
        notes.append(
            f"tonight would have shown a PSI of {worst.visible:.2g} or more in every column it could compare (at "
            f"{worst.name}{in_deviations(worst)}) with probability 0.95, at a level of {level:.2g} per column"
        )
    untold = [one.name for one in columns if not one.comparable]
    if untold:
        notes.append(f"not compared: {listed(untold)}; {TOO_FEW} (keys and names do not belong into `columns`)")
    if n < FEW_ROWS:
        notes.append(f"{n:,} rows on the smaller side: below {FEW_ROWS:,} only large changes show, see the intervals")
    blinded = [one.name for one in columns if one.blinded]
    if blinded:
        notes.append(
            f"extreme values stretch Evidently's equal-width bins of {listed(blinded)}: its PSI there proves nothing; "
            "the verdict rests on quantile bins, which they cannot stretch"
        )
    if predictions.trouble:
        notes.append(f"prediction drift is absent: {predictions.trouble}")
    return notes


def sampled(predictions: Predictions, rows: dict[str, int]) -> list[str]:
    """On how many rows the model was asked, where that is not all."""
    told = [
        f"{count:,} of {rows[side]:,} rows of {side}" for side, count in predictions.rows.items() if count < rows[side]
    ]
    return [f"predictions are compared on a seeded sample of {' and '.join(told)}; columns on all rows"] if told else []


def _direction(one: Compared) -> str:
    before, after = one.reference.mean, one.current.mean
    if before is None or after is None:
        return ""
    return f"; its mean went from {before:.4g} to {after:.4g}"


def _row(one: Compared, drifted: Collection[str]) -> tuple[object, ...]:
    binned = (one.psi.value, one.psi.low, one.psi.high, one.psi.p_value) if one.comparable else ("-",) * 4
    return (
        one.name, ("yes" if one.name in drifted else "no") if one.comparable else "too few rows to tell", *binned,
        one.ks.value if one.ks else "-", one.jensenshannon.value if one.comparable else "-",
        one.total_variation.value if one.comparable else "-", _or_dash(one.wasserstein), _or_dash(one.equal_width_psi),
        one.visible if one.table.cells > 1 else "-", one.reference.missing / one.reference.rows,
        one.current.missing / one.current.rows, one.current.infinite / one.current.rows, _or_dash(one.unseen),
    )  # fmt: skip


def _or_dash(number: float | None) -> float | str:
    return "-" if number is None else number

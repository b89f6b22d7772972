"""Reports data drift: sentences, the table of columns, figures and Evidently's page, and the limits of the measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.aggregation import list_names
from model_governance.checks.data.data_drift.evidently_report import render
from model_governance.checks.data.data_drift.figures import draw_distributions, draw_forest
from model_governance.contract.result import Table
from model_governance.contract.text import spell_p

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.predictions import PredictionDrift
    from model_governance.contract.result import Artifact

FEW_ROWS = 1000
MOSTLY_HELD = 0.5
MAX_SENTENCES = 5

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
    "missing in reference",
    "missing in current",
    "infinite in current",
    "new categories, or numbers out of range, in current, beyond what the reference predicts",
)


def columns_table(columns: Sequence[ColumnDrift], drifted: Collection[str]) -> Table:
    """One row per column; a dash where a distance does not fit."""
    rows = tuple(_row(column, drifted) for column in columns)
    return Table(name="columns", title="Columns", header=HEADER, rows=rows)


def drift_artifacts(
    columns: Sequence[ColumnDrift], drifted: frozenset[str], *, limit: float, seed: int
) -> list[Artifact]:
    """Figures and Evidently's page.

    Args:
        columns: the features and, where it was compared, the prediction.
        drifted: names of the columns that count as drifted.
        limit: PSI from which a column may count.
        seed: of the ids in Evidently's page.
    """
    forest = draw_forest(columns, drifted=drifted, limit=limit)
    return [draw_distributions(columns), forest, *render(columns, drifted=drifted, limit=limit, seed=seed)]


def highlights(
    columns: Sequence[ColumnDrift], drifted: Collection[str], predictions: PredictionDrift
) -> tuple[str, ...]:
    """Sentences on what drifted, by how much and how certain that is, the largest first."""
    largest_first = sorted(
        (column for column in columns if column.name in drifted), key=lambda column: -column.psi.value
    )
    sentences = [
        f"{column.name} drifted: PSI {column.psi.value:.3g} (95% interval {column.psi.low:.3g} to "
        f"{column.psi.high:.3g}, {spell_p(column.psi.p_value)}){_means(column)}."
        for column in largest_first[:MAX_SENTENCES]
    ]
    if len(largest_first) > MAX_SENTENCES:
        sentences.append(f"{len(largest_first) - MAX_SENTENCES} more columns count as drifted.")
    if not largest_first:
        most = max(columns, key=lambda column: column.psi.value)
        sentences.append(
            f"None of {len(columns)} columns counts as drifted; the largest change is that of {most.name}, PSI "
            f"{most.psi.value:.3g} ({most.psi.low:.3g} to {most.psi.high:.3g})."
        )
    if predictions.drift is not None:
        psi = predictions.drift.psi
        sentences.append(f"The model's predictions have a PSI of {psi.value:.3g} ({psi.low:.3g} to {psi.high:.3g}).")
    widest = max(columns, key=lambda column: column.psi.high)
    sentences.append(f"No column's PSI can be larger than {widest.psi.high:.2g} ({widest.name}) with 95% confidence.")
    return tuple(sentences)


def limitations(columns: Sequence[ColumnDrift], predictions: PredictionDrift) -> list[str]:
    """What this run could not have detected, and which numbers are weak."""
    n = min(min(column.reference.rows, column.current.rows) for column in columns)
    notes = []
    absent = [column.name for column in columns if column.current.held < MOSTLY_HELD * column.current.rows]
    if absent:
        notes.append(
            f"most current rows of {list_names(absent)} hold no value: its distances compare the few that do, see the intervals"
        )
    unlike = [
        column.name for column in columns
        if column.family == "categories" and column.reference.counts[-1] > MOSTLY_HELD * column.reference.held
    ]  # fmt: skip
    if unlike:
        notes.append(
            f"most rows of {list_names(unlike)} hold labels that occur in fewer than ten: keys and names do not belong into `columns`"
        )
    if n < FEW_ROWS:
        notes.append(
            f"the smaller dataset has {n:,} rows: below {FEW_ROWS:,} only large changes show, see the intervals"
        )
    blinded = [column.name for column in columns if column.blinded]
    if blinded:
        notes.append(
            f"extreme values stretch Evidently's equal-width bins of {list_names(blinded)}: its PSI there proves nothing; "
            "the verdict uses quantile bins, which they cannot stretch"
        )
    if predictions.reason:
        notes.append(f"prediction drift is absent: {predictions.reason}")
    return notes


def sampling_notes(predictions: PredictionDrift, rows: dict[str, int]) -> list[str]:
    """On how many rows the model predicted, where that is not all."""
    sampled = [
        f"{count:,} of {rows[role]:,} rows of {role}" for role, count in predictions.rows.items() if count < rows[role]
    ]
    if not sampled:
        return []
    return [f"predictions are compared on a seeded sample of {' and '.join(sampled)}; columns on all rows"]


def _means(column: ColumnDrift) -> str:
    before, after = column.reference.mean, column.current.mean
    if before is None or after is None:
        return ""
    return f"; its mean went from {before:.4g} to {after:.4g}"


def _row(column: ColumnDrift, drifted: Collection[str]) -> tuple[object, ...]:
    psi = column.psi
    status = "yes" if column.name in drifted else "no"
    return (
        column.name, status, psi.value, psi.low, psi.high, psi.p_value,
        column.ks.value if column.ks else "-", column.jensenshannon.value, column.total_variation.value,
        column.wasserstein.value if column.wasserstein else "-", _or_dash(column.equal_width_psi),
        column.reference.missing / column.reference.rows, column.current.missing / column.current.rows,
        column.current.infinite / column.current.rows, column.unseen.value if column.unseen else "-",
    )  # fmt: skip


def _or_dash(number: float | None) -> float | str:
    return "-" if number is None else number

"""Sentences, tables and the numbers of the most suspicious rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Artifact, Table
from model_governance.contract.text import spell_p
from model_governance.report.formatting import counted
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.flips import Flips
    from model_governance.checks.supply_chain.poisoning_screen.floods import Floods
    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.triggers import Triggers
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.result import Metric

MAX_ROWS = 30  # rows of a table
MIN_COUNT = 10  # rows: fewer are not counted in a table
MAX_ROW_NUMBERS = 1000  # rows of the new window that the artifact names


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The result of each part, None where it did not run; `contradicted` are new rows whose label the model does not predict."""

    pool: Pool
    flips: Flips | None = None
    triggers: Triggers | None = None
    floods: Floods | None = None
    contradicted: np.ndarray | None = None


CHANGES = {
    "flip_rate_change": "Labels look wrong in another share of rows than before",
    "class_flip_rate_change": "Labels {key} look wrong in another share of rows than before",
    "disagreement_change": "The present model contradicts the new labels more often than those of the reference",
    "class_disagreement_change": "The present model contradicts the new labels {key} more often than those of the reference",
    "class_share_change": "Rows labelled {key} are another share of the window than before",
    "slice_class_change": "In the slice {key} a label is another share of the rows than before",
    "association_change": "The column {key} goes with the label in another way than before",
    "trigger_hits": "Values of the new window go with one class more often than before",
    "trigger_rows": "Values of the new window go with one class more often than before",
    "flood_share": "{share} of the new window are groups of equal rows, or nearly equal ones",
    "duplicate_share_change": "Another share of rows than before equals another row",
    "spectral_change": "Another share of rows than before stands out in a network's features",
    "activation_change": "Another share of rows than before forms a small cluster in a network's activations",
    "source_share_change": "Rows of the source {key} are another share of the window than before",
    "new_source_share": "{share} of the new window come from sources that the accepted one does not know",
}
"""What evidence for a metric means, as a sentence."""


def highlights_of(metrics: tuple[Metric, ...], screen: Screen, params: ScreenParams) -> tuple[str, ...]:
    """The changes with evidence among all that were tested, the strongest first."""
    tested = [metric for metric in metrics if metric.p_value is not None]
    levels = adjusted([float(metric.p_value or 0.0) for metric in tested], "benjamini_hochberg")
    significant = [
        metric for metric, level in zip(tested, levels, strict=True) if level <= params.level and metric.value
    ]
    significant.sort(key=lambda metric: (float(metric.p_value or 0.0), metric.label))
    if not significant:
        return ("Nothing in the new window differs from the accepted one beyond chance.",)
    # Both metrics of the triggers have one sentence.
    return tuple(dict.fromkeys(_sentence(metric, screen, params) for metric in significant))[:3]


def _sentence(metric: Metric, screen: Screen, params: ScreenParams) -> str:
    evidence = spell_p(float(metric.p_value or 0.0))
    cells = screen.triggers.named(params.level) if screen.triggers is not None else ()
    if metric.name in ("trigger_hits", "trigger_rows") and cells:
        cell = cells[0]
        others = f"; so are {counted(len(cells) - 1, 'other value')}" if len(cells) > 1 else ""
        return (
            f"Rows with {cell.described} are labelled {screen.pool.classes[cell.label]} too often: {_count(cell.new)} rows of "
            f"the new window, {cell.expected:.1f} expected ({evidence}){others}."
        )
    change = CHANGES[metric.name].format(key=metric.key, share=f"{metric.value or 0.0:.1%}")
    return f"{change}{f': {metric.detail}' if metric.detail else ''} ({evidence})."


def tables_of(screen: Screen, params: ScreenParams) -> tuple[Table, ...]:
    """The strongest cells, and the groups with evidence."""
    tables, pool = [], screen.pool
    if screen.triggers is not None:
        cells = tuple(
            (cell.described, str(pool.classes[cell.label]), _count(cell.new), _count(cell.rows - cell.new),
             round(cell.expected, 1), cell.p_value, cell.adjusted)
            for cell in screen.triggers.cells[:MAX_ROWS]
        )  # fmt: skip
        header = ("value", "class", "new rows", "accepted rows", "expected new", "p", "adjusted p")
        title = "Values most tied to a class by the new window"
        tables.append(Table(name="triggers", title=title, header=header, rows=cells))
    if screen.floods is not None:
        groups = tuple(
            (str(number), group.but or "no column", _count(group.new), _count(int(group.rows.sum()) - group.new),
             group.p_value, group.adjusted)
            for number, group in enumerate(screen.floods.named(params.level)[:MAX_ROWS], start=1)
        )  # fmt: skip
        columns = ("group", "equal in all but", "new rows", "accepted rows", "p", "adjusted p")
        tables.append(Table(name="floods", title="Rows that the new window repeats", header=columns, rows=groups))
    return tuple(tables)


def _count(rows: int) -> int | str:
    return rows if rows >= MIN_COUNT else f"below {MIN_COUNT}"


def reasons_of(screen: Screen, params: ScreenParams) -> list[tuple[int, str]]:
    """Row numbers of the new window with why they are suspect, the most suspicious first; no values."""
    import numpy as np

    pool = screen.pool
    score = np.zeros(pool.n)
    why: list[list[str]] = [[] for _ in range(pool.n)]
    for reason, rows, weight in _suspects(screen, params):
        score[rows] += weight[rows]
        for row in np.flatnonzero(rows & pool.new):
            why[row].append(reason)
    if screen.contradicted is not None:
        # Many honest rows are contradicted by a model: this by itself is no reason.
        for row in np.flatnonzero(pool.new)[screen.contradicted]:
            if why[row]:
                why[row].append("model disagrees")
                score[row] += 0.5
    suspects = [row for row in np.flatnonzero(pool.new) if why[row]]
    suspects.sort(key=lambda row: (-score[row], pool.place[row]))
    return [(int(pool.place[row]), ", ".join(why[row])) for row in suspects[:MAX_ROW_NUMBERS]]


def _suspects(screen: Screen, params: ScreenParams) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Reason, rows of the pool (n,) bool, and weight of each row (n,): a shared trace weighs more than one doubt."""
    import numpy as np

    pool = screen.pool
    if screen.flips is not None:
        yield "label", screen.flips.suspect, screen.flips.doubt
    heavy = np.full(pool.n, 2.0)
    for rank, cell in enumerate(screen.triggers.named(params.level)[:MAX_ROWS] if screen.triggers else (), start=1):
        yield f"trigger {rank}", cell.members & (pool.labels == cell.label), heavy
    for rank, group in enumerate(screen.floods.named(params.level)[:MAX_ROWS] if screen.floods else (), start=1):
        yield f"flood {rank}", group.rows, heavy


def row_numbers(reasons: list[tuple[int, str]]) -> Artifact:
    """The suspicious rows as a file: number of the row in the new window (from 0) and the reasons."""
    lines = ["row,reasons", *(f'{row},"{why}"' for row, why in reasons)]
    return Artifact(
        name="suspicious_rows.csv", media_type="text/csv", content=("\n".join(lines) + "\n").encode(),
        title="Row numbers of the new window that deserve a look, the most suspicious first",
    )  # fmt: skip

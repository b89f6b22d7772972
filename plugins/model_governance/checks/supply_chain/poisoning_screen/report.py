"""Tables, pictures and the numbers of the most suspicious rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Artifact, Table
from model_governance.report.figures import CURRENT, LIMIT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.flips import Flips
    from model_governance.checks.supply_chain.poisoning_screen.floods import Floods
    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.triggers import Triggers
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.result import Metric

MOST = 30  # rows of a table
SHOWN_FROM = 10  # rows: fewer are not counted in a table
MOST_NUMBERS = 1000  # rows of the new window that the artifact names


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What each part found; None where the policy leaves it out."""

    pool: Pool
    flips: Flips | None = None
    triggers: Triggers | None = None
    floods: Floods | None = None
    wrong: np.ndarray | None = None


def tables_of(screen: Screen, params: ScreenParams) -> tuple[Table, ...]:
    """The strongest cells, and the groups with evidence."""
    tables, pool = [], screen.pool
    if screen.triggers is not None:
        cells = tuple(
            (one.told, str(pool.classes[one.label]), _shown(one.new), _shown(one.rows - one.new), round(one.expected, 1),
             one.p_value, one.adjusted)
            for one in screen.triggers.cells[:MOST]
        )  # fmt: skip
        header = ("value", "class", "new rows", "accepted rows", "expected new", "p", "adjusted p")
        title = "Values most tied to a class by the new window"
        tables.append(Table(name="triggers", title=title, header=header, rows=cells))
    if screen.floods is not None:
        groups = tuple(
            (str(number), one.but or "no column", _shown(one.new), _shown(int(one.rows.sum()) - one.new), one.p_value,
             one.adjusted)
            for number, one in enumerate(screen.floods.named(params.level)[:MOST], start=1)
        )  # fmt: skip
        columns = ("group", "equal in all but", "new rows", "accepted rows", "p", "adjusted p")
        tables.append(Table(name="floods", title="Rows that the new window repeats", header=columns, rows=groups))
    return tuple(tables)


def _shown(rows: int) -> int | str:
    return rows if rows >= SHOWN_FROM else f"below {SHOWN_FROM}"


def reasons_of(screen: Screen, params: ScreenParams) -> list[tuple[int, str]]:
    """Row numbers of the new window with why they are suspect, the most suspicious first; no values."""
    import numpy as np

    pool = screen.pool
    score = np.zeros(pool.n)
    why: list[list[str]] = [[] for _ in range(pool.n)]
    for told, rows, weight in _suspects(screen, params):
        score[rows] += weight[rows]
        for row in np.flatnonzero(rows & pool.new):
            why[row].append(told)
    if screen.wrong is not None:
        # Many honest rows are contradicted by a model: alone it is no reason.
        for row in np.flatnonzero(pool.new)[screen.wrong]:
            if why[row]:
                why[row].append("model disagrees")
                score[row] += 0.5
    suspects = [row for row in np.flatnonzero(pool.new) if why[row]]
    suspects.sort(key=lambda row: (-score[row], pool.place[row]))
    return [(int(pool.place[row]), ", ".join(why[row])) for row in suspects[:MOST_NUMBERS]]


def _suspects(screen: Screen, params: ScreenParams) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Reason, rows of the pool (n,) bool, and weight of each row (n,): a shared trace weighs more than one doubt."""
    import numpy as np

    pool = screen.pool
    if screen.flips is not None:
        yield "label", screen.flips.suspect, screen.flips.doubt
    heavy = np.full(pool.n, 2.0)
    for rank, cell in enumerate(screen.triggers.named(params.level)[:MOST] if screen.triggers else (), start=1):
        yield f"trigger {rank}", cell.members & (pool.labels == cell.label), heavy
    for rank, group in enumerate(screen.floods.named(params.level)[:MOST] if screen.floods else (), start=1):
        yield f"flood {rank}", group.rows, heavy


def row_numbers(reasons: list[tuple[int, str]]) -> Artifact:
    """The suspicious rows as a file: number of the row in the new window (from 0) and the reasons."""
    lines = ["row,reasons", *(f'{row},"{why}"' for row, why in reasons)]
    return Artifact(
        name="suspicious_rows.csv", media_type="text/csv", content=("\n".join(lines) + "\n").encode(),
        title="Row numbers of the new window that deserve a look, the most suspicious first",
    )  # fmt: skip


def pictures_of(screen: Screen, params: ScreenParams, metrics: tuple[Metric, ...]) -> tuple[Artifact, ...]:
    """Doubt in the labels of both windows, the cells, and every change with its limits."""
    pictures = [_changes(metrics)]
    if screen.flips is not None:
        pictures.append(_doubt(screen.pool, screen.flips))
    if screen.triggers is not None and screen.triggers.cells:
        pictures.append(_cells(screen.triggers, params))
    return tuple(pictures)


def _changes(metrics: tuple[Metric, ...]) -> Artifact:
    shown = [one for one in metrics if one.low is not None and one.high is not None and one.p_value is not None][:MOST]
    figure, (axis,) = canvas(height=1.3 + 0.28 * max(len(shown), 1))
    for place, one in enumerate(shown):
        axis.plot((float(one.low or 0.0), float(one.high or 0.0)), (place, place), color=CURRENT, linewidth=1.5)
        axis.plot(float(one.value or 0.0), place, "o", color=CURRENT, markersize=5)
    axis.axvline(0.0, color=LIMIT, linewidth=0.8)
    axis.set_yticks(range(len(shown)), [one.label for one in shown])
    axis.set_ylim(max(len(shown), 1) - 0.5, -0.5)
    axis.set_xlabel("share in the new window minus share in the accepted one")
    return to_svg(figure, name="window_changes.svg", title="What changed between the windows, with 95% limits")


def _doubt(pool: Pool, flips: Flips) -> Artifact:
    import numpy as np

    figure, (axis,) = canvas(height=3.0)
    edges = np.linspace(0, 1, 21)
    for rows, colour, name in ((~pool.new, REFERENCE, "accepted"), (pool.new, CURRENT, "new")):
        counts, _ = np.histogram(flips.doubt[rows], bins=edges)
        axis.stairs(counts / max(int(rows.sum()), 1), edges, color=colour, label=name, linewidth=1.5)
    axis.set_xlabel("doubt in the given label")
    axis.set_ylabel("share of rows")
    axis.legend(loc="upper right")
    return to_svg(figure, name="label_doubt.svg", title="Doubt in the labels of both windows")


def _cells(triggers: Triggers, params: ScreenParams) -> Artifact:
    import numpy as np

    figure, (axis,) = canvas(height=3.2)
    weight = [-np.log10(max(one.p_value, 1e-300)) for one in triggers.cells]
    excess = [one.new - one.expected for one in triggers.cells]
    named = len(triggers.named(params.level))
    axis.scatter(excess[named:], weight[named:], s=8, color=MUTED, label="no evidence")
    axis.scatter(excess[:named], weight[:named], s=16, color=CURRENT, label=f"named at rate {params.level:g}")
    axis.set_xlabel("new rows beyond those expected")
    axis.set_ylabel("evidence, -log10 p")
    axis.legend(loc="upper left")
    return to_svg(
        figure, name="trigger_cells.svg", title="Every value and class: surplus in the new window and evidence"
    )

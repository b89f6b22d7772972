"""The comparison of two datasets as a terminal table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.text import interval, number, p_cell

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rich.table import Table

    from model_governance.authoring.compare import ColumnComparison, Comparison

DISTANCES = {
    "psi": "PSI",
    "p_value": "p",
    "jensenshannon": "JS",
    "total_variation": "TV",
    "ks": "KS",
    "wasserstein": "W*",
    "equal_width_psi": "PSI*",
    "equal_width_js": "JS*",
}
"""What `compare` shows, in this order; a star marks Evidently's definitions."""
INTERVAL = "95% interval"
WIDEST_NAME = 20
"""Characters that the name of a column has before it goes on in the next line."""
GAP = 3
"""Characters between two columns."""
EDGES = 2
"""Characters beside the table."""
CAPTION = "* by Evidently's definitions: equal-width bins, not corrected for chance; W in standard deviations of the reference"


def comparison_table(comparison: Comparison, *, width: int) -> Table:
    """Two datasets, column by column, the largest change first; distances that were not computed have no column.

    Args:
        comparison: of the datasets.
        width: characters of the terminal. Where not all distances fit, the caption names those that are left out: a number
            is never cut.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    measured = [name for name in DISTANCES if any(getattr(column, name) is not None for column in comparison.columns)]
    by_name = {column.name: _cells(column, measured) for column in sorted(comparison.columns, key=_least_changed)}
    titles = list(next(iter(by_name.values()), {}))
    shown = _that_fit(
        titles, by_name.values(), room=width - EDGES - min(WIDEST_NAME, max(map(len, by_name), default=0))
    )
    omitted = [title for title in titles if title not in shown]
    hidden = f"; not shown in {width} characters: {', '.join(omitted)}, see --json" if omitted else ""
    rows = comparison.rows
    table = Table(
        title=f"reference {rows['reference']:,} rows, current {rows['current']:,} rows", title_justify="left",
        title_style="bold", caption=f"{CAPTION}{hidden}", caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1),
        pad_edge=False,
    )  # fmt: skip
    table.add_column("column", overflow="fold")
    for title in shown:
        table.add_column(title, justify="left" if title == INTERVAL else "right", no_wrap=True)
    for name, cells in by_name.items():
        table.add_row(Text(name), *(Text(cells[title]) for title in shown))
    return table


def _least_changed(column: ColumnComparison) -> float:
    distance = column.equal_width_psi if column.psi is None else column.psi
    return -(distance or 0.0)


def _cells(column: ColumnComparison, measured: Sequence[str]) -> dict[str, str]:
    """The cells of a row by the title of their column, the most important first."""
    cells = {}
    for name in measured:
        value = getattr(column, name)
        if value is None:
            cells[DISTANCES[name]] = "-"
        else:
            cells[DISTANCES[name]] = p_cell(value) if name == "p_value" else number(value, digits=3)
        if name == "psi":
            cells[INTERVAL] = interval(column.low, column.high, digits=3) or "-"
    return cells


def _that_fit(titles: Sequence[str], rows: Collection[Mapping[str, str]], *, room: int) -> list[str]:
    """The first of the columns, as many as have room whole."""
    shown = []
    for title in titles:
        room -= GAP + max(len(title), *(len(cells[title]) for cells in rows))
        if room < 0:
            break
        shown.append(title)
    return shown

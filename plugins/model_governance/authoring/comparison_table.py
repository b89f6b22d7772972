"""The comparison of two datasets as a terminal table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.text import interval, number, p_cell

if TYPE_CHECKING:
    from rich.table import Table

    from model_governance.authoring.compare import Comparison

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
CAPTION = "* by Evidently's definitions: equal-width bins, not corrected for chance; W in standard deviations of the reference"


def comparison_table(comparison: Comparison) -> Table:
    """Two datasets, column by column, the largest change first; distances that were not computed have no column."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = comparison.rows
    table = Table(
        title=f"reference {rows['reference']:,} rows, current {rows['current']:,} rows", title_justify="left",
        title_style="bold", caption=CAPTION, caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False,
    )  # fmt: skip
    measured = [name for name in DISTANCES if any(getattr(column, name) is not None for column in comparison.columns)]
    table.add_column("column", no_wrap=True)
    for name in measured:
        table.add_column(DISTANCES[name], justify="right", no_wrap=True)
        if name == "psi":
            table.add_column("95% interval", no_wrap=True)
    for column in sorted(
        comparison.columns, key=lambda column: -(column.equal_width_psi if column.psi is None else column.psi)
    ):
        cells = [
            "-"
            if (value := getattr(column, name)) is None
            else p_cell(value)
            if name == "p_value"
            else number(value, digits=3)
            for name in measured
        ]
        if "psi" in measured:
            within = None if column.low is None or column.high is None else (column.low, column.high)
            cells.insert(measured.index("psi") + 1, "-" if within is None else interval(*within, digits=3))
        table.add_row(Text(column.name), *map(Text, cells))
    return table

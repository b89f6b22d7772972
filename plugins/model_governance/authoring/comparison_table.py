"""The comparison of two datasets as a terminal table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.text import interval, number

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
    asked = [name for name in DISTANCES if any(getattr(line, name) is not None for line in comparison.lines)]
    table.add_column("column", no_wrap=True)
    for name in asked:
        table.add_column(DISTANCES[name], justify="right", no_wrap=True)
        if name == "psi":
            table.add_column("95% interval", no_wrap=True)
    for line in sorted(comparison.lines, key=lambda line: -(line.equal_width_psi if line.psi is None else line.psi)):
        cells = [
            "-" if (value := getattr(line, name)) is None else number(value, digits=2 if name == "p_value" else 3)
            for name in asked
        ]
        if line.low is not None and line.high is not None:
            cells.insert(1, interval(line.low, line.high, digits=3))
        table.add_row(Text(line.name), *map(Text, cells))
    return table

"""The history of a model for the terminal: a line of blocks per outcome and metric, the newest run on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.text import number
from model_governance.report.terminal import STYLES
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 40
"""Characters of a line; each stands for as many runs as it must."""


def sparkline(values: Sequence[float | None], *, width: int = WIDTH) -> str:
    """Numbers as blocks from their smallest to their largest, the mean of the runs that a block stands for.

    A run without number leaves a gap where no other shares its block.

    >>> sparkline([0, 1, None, 4])
    '▁▃ █'
    """
    bins = [[value for value in some if value is not None] for some in _bins(values, width)]
    means = [sum(some) / len(some) if some else None for some in bins]
    known = [mean for mean in means if mean is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = (high - low) / (len(BLOCKS) - 1)
    return "".join(" " if mean is None else BLOCKS[0 if step == 0 else round((mean - low) / step)] for mean in means)


def outcome_line(outcomes: Sequence[str | None], *, width: int = WIDTH) -> str:
    """Outcomes as blocks, the higher the worse; each block shows the worst of the runs that it stands for.

    >>> outcome_line(["pass", "fail", "error", None])
    '▁▇█ '
    """
    ranks = {outcome: place for place, outcome in enumerate(RANK)}
    worst = [
        max((ranks[outcome] for outcome in some if outcome in ranks), default=None) for some in _bins(outcomes, width)
    ]
    top = len(RANK) - 1
    return "".join(" " if rank is None else BLOCKS[round(rank * (len(BLOCKS) - 1) / top)] for rank in worst)


def history_table(record: Mapping[str, Any]) -> Table:
    """The series of a model: runs first, then each check with its metrics."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=f"{record['model']}: {record['runs']:,} runs{_extent(record)}",
        title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False,
    )  # fmt: skip
    table.add_column("series", overflow="fold")
    table.add_column("oldest to newest", no_wrap=True, min_width=WIDTH)
    table.add_column("newest", overflow="fold")
    table.add_column("least to most", overflow="fold")
    for series in record["series"]:
        outcomes: list[str | None] = series["outcomes"]
        latest = (outcomes[-1] if outcomes else None) or ""
        if series["metric"] is None:
            line, newest = outcome_line(outcomes), latest or "—"
            extent = ", ".join(f"{count:,} {outcome}" for outcome, count in _counts(outcomes))
            name, style = series["check"] or "run", STYLES.get(latest, "")
        else:
            values = series["values"]
            known = [value for value in values if value is not None]
            line, style = sparkline(values), STYLES.get(latest, "")
            newest = "—" if values[-1] is None else number(values[-1])
            extent = f"{number(min(known))} to {number(max(known))}" if known else "—"
            name = f"  {series['metric']}" + (f"[{series['key']}]" if series["key"] is not None else "")
        table.add_row(*map(Text, (name, line)), Text(newest, style=style), Text(extent))
    return table


def _extent(record: Mapping[str, Any]) -> str:
    if record["first"] is None:
        return ""
    first, last = (spell_moment(parse_moment(record[name])) for name in ("first", "last"))
    return f" from {first} to {last}"


def _counts(outcomes: Sequence[str | None]) -> list[tuple[str, int]]:
    """How often each outcome was, the worst first."""
    return [(outcome, outcomes.count(outcome)) for outcome in reversed(RANK) if outcome in outcomes]


def _bins(values: Sequence[Any], width: int) -> list[Sequence[Any]]:
    """At most `width` runs of neighbours, as equal as they can be."""
    count = min(width, len(values))
    return [values[place * len(values) // count : (place + 1) * len(values) // count] for place in range(count)]

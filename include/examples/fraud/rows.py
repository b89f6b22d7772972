"""The card payments: 284,807 of two days, in the order in which they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

CSV = "fraud_analysis/datasets/raw/creditcard.csv"
KEY, TARGET, TIME = "payment", "Class", "Time"
COMPONENTS = [f"V{number}" for number in range(1, 29)]
FEATURES = ["Amount", "night", *COMPONENTS]
NIGHT_ENDS = 8


def read_payments(data: dict[str, Path]) -> pl.DataFrame:
    """All payments with their number, the hour of the file (0 to 47) and whether they were made between 0 and 8 o'clock."""
    import polars as pl

    rows = pl.read_csv(data[CSV], schema_overrides={TIME: pl.Float64, "Amount": pl.Float64})
    hour = (pl.col(TIME) // 3600).cast(pl.Int32)
    return rows.with_row_index(KEY).with_columns(hour.alias("hour"), (hour % 24 < NIGHT_ENDS).alias("night"))


def between(rows: pl.DataFrame, start: int, end: int) -> pl.DataFrame:
    """The payments of the hours from start to end, without the end."""
    import polars as pl

    return rows.filter(pl.col("hour").is_between(start, end, closed="left"))

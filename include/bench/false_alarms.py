"""Counts false red runs over simulated years in which nothing changes, and writes include/bench/FALSE_ALARMS.md.

    python include/bench/false_alarms.py --folder .cache/bench-false-alarms      (--years 5 for a look)

What a setting gave is kept in the folder, so that a run that broke off goes on where it stopped. With --match only settings
whose names hold the text are simulated, and with --update their lines replace those of the page.

Each year draws one reference, freezes its cells, and then 365 runs from the *true* chances of these cells, never from the
shares that the reference happened to have. Runs that could be red are judged by the product: its cells, limits and verdict.
"""

from __future__ import annotations

import argparse
import os
import zlib
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np  # a script of its own, imported by nobody
from false_alarm_years import (
    ALARMS,
    EVIDENCE_ALONE,
    RUNS,
    accuracy_year,
    category_share_year,
    clustered_year,
    day_effects_year,
    drift_year,
    parity_year,
    rare_flags,
    steady_psi_year,
    weekly_year,
)
from kept import Kept, slug
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("FALSE_ALARMS.md")
SEED = 20261128


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A year to simulate, whether the documentation promises the budget for it, and how many years are enough."""

    name: str
    rule: str
    promised: bool
    year: Callable[[np.random.Generator], int]


def settings() -> list[Setting]:
    """Every cell of the table; what is not promised shows why the documentation asks for `entity`, runs or seasons."""
    return [*_independent(), *_steady(), *_clustered(), *_over_time(), *_category_shares()]


def _independent() -> list[Setting]:
    rare = Setting(
        name="flags of 1%, 0.1% and 0.025% among 50 columns, reference 20,000, run 500", rule="PSI below 0.02", promised=True,
        year=partial(drift_year, reference=20_000, rows=500, bound=0.02, features=rare_flags()),
    )  # fmt: skip
    sizes = ((2_000, 2_000), (20_000, 2_000), (20_000, 500), (20_000, 20_000))
    independent = [
        Setting(
            name=f"independent rows, 50 columns, reference {reference:,}, run {rows:,}",
            rule="evidence alone" if bound == EVIDENCE_ALONE else f"PSI below {bound:g}", promised=True,
            year=partial(drift_year, reference=reference, rows=rows, bound=bound),
        )
        for reference, rows in sizes
        for bound in ((EVIDENCE_ALONE, 0.02) if rows == 500 else (EVIDENCE_ALONE,))
    ]  # fmt: skip
    return [*independent, rare]


def _steady() -> list[Setting]:
    psi = [
        Setting(
            name=f"steady PSI of 0.09, run {rows:,}", rule="PSI below 0.1", promised=True,
            year=partial(steady_psi_year, rows=rows),
        )
        for rows in (500, 3000)
    ]  # fmt: skip
    return [
        *psi,
        Setting(name="steady parity gap of 0.09, run 3,000", rule="gap below 0.10", promised=True, year=parity_year),
        Setting(
            name="steady loss of 0.018 since approval, run 2,000", rule="at most 0.02 worse", promised=True,
            year=accuracy_year,
        ),
    ]  # fmt: skip


def _clustered() -> list[Setting]:
    return [
        Setting(
            name=f"design effect {effect:g}, 10 columns, {'with' if entity else 'without'} entity", rule="evidence alone",
            promised=entity, year=partial(clustered_year, effect=effect, with_entity=entity),
        )
        for effect in (1.2, 1.5, 2.0, 4.0)
        for entity in (False, True)
    ]  # fmt: skip


def _over_time() -> list[Setting]:
    kinds: tuple[tuple[str, int, bool, dict[str, float]], ...] = (
        ("", 0, False, {}), ("", 10, True, {}), ("", 20, True, {}),
        (" of 0.02", 20, True, {"size": 0.02}), (" with a memory of 0.8", 20, False, {"memory": 0.8}),
    )  # fmt: skip
    days = [
        Setting(
            name=f"day effects AR(1){kind}, 10 columns, noise {f'learnt from {taught} runs' if taught else 'not learnt'}",
            rule="evidence alone", promised=promised, year=partial(day_effects_year, taught=taught, **effect),
        )
        for kind, taught, promised, effect in kinds
    ]  # fmt: skip
    weeks = [
        Setting(
            name=f"weekdays of their own, {'window of 7 runs of the weekday' if seasonal else 'fixed reference'}",
            rule="PSI below 0.02", promised=seasonal, year=partial(weekly_year, seasonal=seasonal),
        )
        for seasonal in (False, True)
    ]  # fmt: skip
    return [*days, *weeks]


def _category_shares() -> list[Setting]:
    return [
        Setting(
            name=f"50 flags of 1%, 0.1% or 0.025%, reference {reference:,}, run {rows:,}",
            rule="evidence alone" if bound == 1 else f"share of a category by a factor below {bound:g}", promised=True,
            year=partial(category_share_year, reference=reference, rows=rows, bound=bound),
        )
        for reference, rows in ((20_000, 500), (20_000, 20_000))
        for bound in (1, 1.5)
    ]  # fmt: skip


def row(setting: Setting, red: np.ndarray) -> str:
    """One line: mean with its 95% interval (Poisson where all years are alike), and the years beyond the budget."""
    years, total = len(red), int(red.sum())
    spread = red.std(ddof=1) / np.sqrt(years) if years > 1 else 0.0
    low, high = max(0.0, red.mean() - 1.96 * spread), red.mean() + 1.96 * spread
    if total < 50:
        low = stats.chi2.ppf(0.025, 2 * total) / 2 / years if total else 0.0
        high = stats.chi2.ppf(0.975, 2 * total + 2) / 2 / years
    beyond = (red > ALARMS.false_fails_per_year).mean()
    promise = "yes" if setting.promised else "no"
    return (
        f"| {setting.name} | {setting.rule} | {promise} | {years} | {red.mean():.2f} ({low:.2f} to {high:.2f}) | "
        f"{int(red.max())} | {beyond:.0%} |"
    )


def reds(setting: Setting, *, years: int, workers: int) -> list[int]:
    """Red runs of each year. A year draws from a seed of its own, whichever process simulates it."""
    with Pool(workers) as pool:
        return pool.map(partial(_reds, setting), range(years), chunksize=1)


def _reds(setting: Setting, year: int) -> int:
    return setting.year(np.random.default_rng([SEED, zlib.crc32(f"{setting.name}, {setting.rule}".encode()), year]))


def main() -> None:
    """Simulate, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=100)
    parser.add_argument("--match", default="", help="only settings whose names hold this text")
    parser.add_argument("--update", action="store_true", help="write what matched into the page, and leave the others")
    parser.add_argument(
        "--folder", type=Path, default=Path(".cache/bench-false-alarms"), help="keeps what was simulated"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    lines = {} if not options.match else written()
    for setting in settings():
        if options.match in setting.name:
            years = options.years if setting.promised else max(1, options.years // 5)
            name = slug(f"{setting.name} {setting.rule} {years} years")
            simulate = partial(reds, setting, years=years, workers=options.workers)
            lines[setting.name, setting.rule] = row(setting, np.array(Kept(options.folder).once(name, simulate)))
            print(lines[setting.name, setting.rule], flush=True)
    if options.update or not options.match:
        RESULTS.write_text(page([lines[key] for one in settings() if (key := (one.name, one.rule)) in lines]))


def written() -> dict[tuple[str, str], str]:
    """The lines of the page by setting and rule."""
    rows = [line for line in RESULTS.read_text().splitlines() if line.startswith("| ")]
    return {(cells[1].strip(), cells[2].strip()): line for line in rows[1:] if (cells := line.split("|"))}


def page(lines: list[str]) -> str:
    """The results as Markdown."""
    level = (1 - ALARMS.confidence) * (ALARMS.false_fails_per_year + 1)
    return "\n".join([
        "# False alarms over simulated years in which nothing changes",
        "",
        f"Written by `include/bench/false_alarms.py`: years of {RUNS} runs, one reference a year, runs drawn from the true",
        f"chances, red where the product's verdict is. Budget: {ALARMS.false_fails_per_year} false fails a year in",
        f"{ALARMS.confidence:.0%} of years, so {level:.2f} a year on average at most;",
        "the one threshold of each setting has all of it. *Promised* says whether the documentation promises the budget there.",
        "",
        "| setting | a run must have | promised | years | red runs a year, mean (95% interval) | most in a year | years beyond the budget |",
        "|---|---|---|---|---|---|---|",
        *lines,
        "",
        "Independent rows: fifty columns of light and heavy tails, ties, numbers that are nearly always 0, 2 to 1,000 labels and",
        "missing values. Clusters: five rows to a customer. Day effects: the mean moves by 0.05 standard deviations from day to",
        "day with a memory of one half, unless the setting says otherwise; the newest ten runs teach nothing, so 20 teach after 30.",
        "Weekdays: levels up to 0.3 standard deviations apart.",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()

"""Calibrates one method on unchanged runs, then counts its runs until detection; in the environment of that method.

    python include/bench/detection_runs.py METHOD --folder FOLDER [--quick]

A method is a class made from a `Setting`, with `statistics(frames)`: one number per run in order, larger is more alarming.
It may remember earlier runs. Results are kept one file at a time: a run that broke off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent))

import detection_worlds as worlds
from detection_survey import SURVEY, YEARS, Survey, survey_reference
from kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

SEED = 20261128
PARTS = (*worlds.KINDS, SURVEY)
BATCHES = (1, 2, 4, 8, 15)
"""How many runs are measured before it is asked whether one of them was an alarm: peers are faster on several at once."""
ENOUGH = 3
"""Repetitions in one kind of runs after which a change that none of them saw is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every method is given: the reference, which columns are numbers, and the model's probability of a row."""

    reference: pd.DataFrame
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    probability: Callable[[pd.DataFrame], np.ndarray]
    rows: int


class Method(Protocol):
    """One way to see a change; `memory` is what it keeps from run to run, None where it keeps nothing."""

    memory: Any

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """One number per run, in order."""

    def fork(self) -> Method:
        """A copy that goes on alone from here."""


class Runs(Protocol):
    """Runs one after the other."""

    def frame(self, rows: int) -> pd.DataFrame:
        """The rows of the next run."""


def calibrated(method: Method, runs: Runs, *, sizes: worlds.Sizes) -> tuple[float, list[float]]:
    """The statistic of the unchanged runs after a warm-up that is `sizes.order`-th from the top, and all of them."""
    found: list[float] = []
    while len(found) < sizes.warm_up + sizes.null:
        count = min(sum(BATCHES), sizes.warm_up + sizes.null - len(found))
        found += method.statistics([runs.frame(sizes.rows) for _ in range(count)])
    unchanged = found[sizes.warm_up :]
    return sorted(unchanged)[-sizes.order], unchanged


def delay(method: Method, runs: Runs, *, threshold: float, sizes: worlds.Sizes) -> int | None:
    """The number of the first run whose statistic exceeds the threshold; None where none does."""
    seen = 0
    for size in BATCHES:
        count = min(size, sizes.longest - seen)
        if count <= 0:
            break
        for place, value in enumerate(method.statistics([runs.frame(sizes.rows) for _ in range(count)])):
            if value > threshold:
                return seen + place + 1
        seen += count
    return None


def measure(name: str, folder: Path, *, sizes: worlds.Sizes, parts: Sequence[str]) -> None:
    """All delays of one method, kept as one file per kind of runs and change."""
    from detection_methods import METHODS

    model, make = folder / "model.json", METHODS[name].make
    for kind in parts:
        kept = Kept(folder / name.replace(" ", "_") / kind.replace(" ", "_"))
        if kind == SURVEY:
            kept.once("all", partial(_of_survey, make, sizes=sizes))
        else:
            _of_kind(make, kind, model, kept=kept, sizes=sizes)


def _of_kind(make: Callable[..., Method], kind: str, model: Path, *, kept: Kept, sizes: worlds.Sizes) -> None:
    """Threshold and delays where unchanged runs are of this kind; what the method remembers of them is kept too."""
    memory, place = kept.folder / "memory.pickle", worlds.KINDS.index(kind)
    reference = worlds.answered(worlds.reference_of(kind, sizes.reference, seed=SEED), model)
    setting = Setting(
        reference=reference, numbers=worlds.NUMBERS, categories=worlds.CATEGORIES, rows=sizes.rows,
        probability=partial(worlds.score, path=model),
    )  # fmt: skip
    method = make(setting, seed=SEED)

    def unchanged() -> dict[str, object]:
        began = time.process_time()
        threshold, null = calibrated(method, _Answered(worlds.World(kind, seed=(SEED, place, 1)), model), sizes=sizes)
        kept.folder.mkdir(parents=True, exist_ok=True)
        memory.write_bytes(pickle.dumps(method.memory))
        return {"threshold": threshold, "null": null, "cpu": time.process_time() - began}

    def changed(change: str) -> dict[str, object]:
        began, number, delays = time.process_time(), list(worlds.CHANGES).index(change), []
        for repetition in range(sizes.repetitions // len(worlds.KINDS)):
            world = worlds.World(kind, seed=(SEED, place, 2, number, repetition), change=change)
            delays.append(delay(method.fork(), _Answered(world, model), threshold=threshold, sizes=sizes))
            if len(delays) == ENOUGH and not any(delays):
                break
        return {"delays": delays, "cpu": time.process_time() - began}

    threshold = kept.once("unchanged", unchanged)["threshold"]
    method.memory = pickle.loads(memory.read_bytes())  # noqa: S301 - written by this script a moment ago
    for change in worlds.CHANGES:
        kept.once(change.replace(" ", "_"), partial(changed, change))


def _of_survey(make: Callable[..., Method], *, sizes: worlds.Sizes) -> dict[str, object]:
    """Threshold and delays on real rows: the census survey of 2015, and of later years."""
    began = time.process_time()
    survey = Survey(seed=SEED)
    setting = survey_reference(survey, sizes)
    method = make(setting, seed=SEED)
    threshold, null = calibrated(method, survey.runs(2015, seed=(SEED, 0)), sizes=sizes)
    delays = {}
    for year in YEARS:
        delays[str(year)] = [
            delay(method.fork(), survey.runs(year, seed=(SEED, year, own)), threshold=threshold, sizes=sizes)
            for own in range(sizes.repetitions // len(worlds.KINDS))
        ]
    return {"threshold": threshold, "null": null, "delays": delays, "cpu": time.process_time() - began}


@dataclass(frozen=True, slots=True)
class _Answered:
    """Runs with the model's scores."""

    world: worlds.World
    model: Path

    def frame(self, rows: int) -> pd.DataFrame:
        return worlds.answered(self.world.frame(rows), self.model)


def main() -> None:
    """Measure one method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS, help="a kind of runs; all by default")
    options = parser.parse_args()
    sizes = worlds.QUICK if options.quick else worlds.Sizes()
    measure(options.method, options.folder, sizes=sizes, parts=options.part or PARTS)


if __name__ == "__main__":
    main()

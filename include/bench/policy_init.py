"""Drafts policies for known data sets, runs them on unchanged and on faulty rows, and writes include/bench/POLICY_INIT.md.

    python include/bench/policy_init.py --folder .cache/bench-policy-init --data FOLDER      (--seeds 2 for a look)

FOLDER may hold Default.csv, Bikeshare.csv (package ISLP) and credit_data.csv (R package modeldata); sets that are not there
are left out. What was measured is kept in --folder, so that a run that broke off goes on where it stopped.

For every seed the rows are cut into thirds: a model is trained on the first, `policy init` is given its file and the second
third, the reference. Its draft is taken as it is; the datasets marked TODO are filled in, nothing else is changed.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from kept import Kept, slug
from policy_init_faults import faults
from policy_init_sets import DataSet, data_sets

from model_governance.authoring.column_roles import Asked
from model_governance.authoring.suggest import suggest_policy
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.run import Run
from model_governance.policy import load_policy
from model_governance.run import run_check
from model_governance.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

RESULTS = Path(__file__).with_name("POLICY_INIT.md")
NIGHTLY = ("data_validation", "data_drift", "model_quality", "performance_estimation")
"""Checks of every measurement; all others run in the seeds of --whole only, as attacks take most of the time."""
OWN_SEEDS = 5
"""Seeds in which the draft is run on its own reference: bounds that the reference gave hold there by construction."""
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
FAULTY_SEEDS = 2
LIMITS = (
    "What stays green: in sets of fewer than 200 rows a fault of a single column is not surely more than chance at the level "
    "that the alarm budget leaves to each threshold (the findings are uncertain, or warn). The columns of diabetes are all scaled "
    "alike, so two that are exchanged keep their distributions. Drift only warns under the draft of a forecast, whose rows are "
    "other moments each time. modechoice is 210 real travellers in four copies with noise in their costs; the quantiles of co2 are "
    "made from its past. Previous training rows are half of the training rows: 30 of wine, too few for a screen."
)
GREEN_OF_TWENTY = 19


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """A project folder with model, datasets and the draft as `policy init` wrote it."""

    folder: Path
    raw: dict[str, Any]
    text: str

    def outcomes(self, rows: pd.DataFrame, checks: tuple[str, ...], *, until_red: bool = False) -> dict[str, list[str]]:
        """What every check says of these rows: its outcome first, then what stops or warns."""
        rows.to_parquet(self.folder / "current.parquet", index=False)
        raw = self.raw | {"checks": {name: spec for name, spec in self.raw["checks"].items() if name in checks}}
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
        policy = load_policy(self.folder / "policy.yaml", catalogue())
        connections = PlainConnections()
        with tempfile.TemporaryDirectory() as archive:
            store = open_store(archive, folder=self.folder, connections=connections)
            found: dict[str, list[str]] = {}
            for name in raw["checks"]:
                run = Run(run_id="bench", logical_date=MOMENT)
                verdict = run_check(policy, name, run=run, store=store, connections=connections).verdict
                violated = [
                    finding.sentence for finding in verdict.findings if finding.outcome in ("fail", "error", "warn")
                ]
                found[name] = [verdict.outcome, *(sentence[:200] for sentence in violated)]
                if until_red and verdict.stops:
                    break
        return found


def drafted(data: DataSet, seed: int, folder: Path) -> tuple[Drafted, dict[str, pd.DataFrame]]:
    """The draft for one seed, and the rows that it may be run on."""
    import skops.io

    parts = data.parts(seed)
    (folder / "model.skops").write_bytes(skops.io.dumps(data.fitted(parts["train"])))
    half = len(parts["train"]) // 2
    parts["previous_train"] = parts["train"].iloc[half:]
    for role in ("train", "previous_train", "reference"):
        parts[role].to_parquet(folder / f"{role}.parquet", index=False)
    # A regressor does not say that it ranks or forecasts; of everything else `policy init` is left to its own.
    task = data.task if data.task in ("ranking", "forecasting") else None
    text = suggest_policy(
        model=str(folder / "model.skops"), reference=str(folder / "reference.parquet"), task=task, name=None,
        folder=folder, asked=Asked(target=data.target),
    )  # fmt: skip
    raw = yaml.safe_load(text)
    raw["datasets"]["current"] = {"uri": "current.parquet"}
    return Drafted(folder=folder, raw=raw, text=text), parts


def is_red(outcomes: dict[str, list[str]]) -> bool:
    """Whether the run would fail."""
    return any(found[0] in ("fail", "error") for found in outcomes.values())


def measure_green(data: DataSet, seed: int, checks: tuple[str, ...]) -> dict[str, Any]:
    """Outcomes on the reference itself, in the first seeds, and on the held-out third."""
    with tempfile.TemporaryDirectory() as folder:
        draft, parts = drafted(data, seed, Path(folder))
        facts = {"rows": len(parts["reference"]), "features": len(draft.raw["columns"]["features"])}
        own = {"reference": draft.outcomes(parts["reference"], checks)} if seed < OWN_SEEDS else {}
        return facts | own | {"held out": draft.outcomes(parts["current"], checks)}


def measure_faults(data: DataSet, seed: int) -> dict[str, Any]:
    """The check that fails each planted fault first, empty where none does."""
    caught: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        draft, parts = drafted(data, seed, Path(folder))
        for number, (fault, plant) in enumerate(faults().items()):
            rows = plant(parts["current"], data, np.random.default_rng([seed, number]))
            if fault == "another model file":
                _replace_model(data, parts["current"], Path(folder))
            outcomes = draft.outcomes(rows, NIGHTLY, until_red=True)
            caught[fault] = next((name for name, found in outcomes.items() if found[0] in ("fail", "error")), "")
    return caught


def _replace_model(data: DataSet, rows: pd.DataFrame, folder: Path) -> None:
    """A model trained on other rows, put in the place of the approved one."""
    import skops.io

    (folder / "model.skops").write_bytes(skops.io.dumps(data.fitted(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where measurements are kept")
    parser.add_argument("--data", type=Path, help="folder of CSV files")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--whole", type=int, default=1, help="seeds in which every check runs")
    parser.add_argument("--sets", nargs="*", help="names of the data sets to measure, all where absent")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from what is kept")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what a check could not measure is in the table
    _without_pictures()
    kept = Kept(options.folder)
    sets = list(data_sets(options.data))
    for seed in range(0 if options.page else options.seeds):
        for data in sets:
            if options.sets and data.name not in options.sets:
                continue
            once = partial(_once, kept, data, seed)
            once("green", partial(measure_green, data, seed, NIGHTLY))
            if seed < FAULTY_SEEDS:
                once("faults", partial(measure_faults, data, seed))
            if seed < options.whole:
                once("whole", partial(measure_green, data, seed, tuple(catalogue())))
    kinds = ("green", "faults", "whole")
    lines = [(data, *(_kept(options.folder, data, kind) for kind in kinds)) for data in sets]
    RESULTS.write_text(
        page([line for line in lines if line[1]], before=RESULTS.read_text() if RESULTS.exists() else "")
    )
    print(RESULTS)


def _kept(folder: Path, data: DataSet, kind: str) -> list[Any]:
    """What is kept of a data set, the seeds in order."""
    files = sorted(folder.glob(f"{slug(data.name)}-{kind}-*.json"), key=lambda path: int(path.stem.rsplit("-", 1)[1]))
    return [json.loads(path.read_text()) for path in files]


def _once(kept: Kept, data: DataSet, seed: int, kind: str, measure: Callable[[], Any]) -> Any:
    return kept.once(f"{slug(data.name)}-{kind}-{seed}", measure)


def _without_pictures() -> None:
    """Drawing is half of the time, and no outcome depends on it."""
    import_module("model_governance.checks.data.data_drift.measure").drift_artifacts = lambda *_, **__: ()


def page(lines: list[tuple[DataSet, list[Any], list[Any], list[Any]]], *, before: str = "") -> str:
    """The results as Markdown; of a data set that was not measured, what the page said before."""
    intro = (
        f"`policy init` on thirds of known data sets, one seed each time: green is a run that nothing stops "
        f"({', '.join(NIGHTLY)}); on its own reference in the first {OWN_SEEDS}. Faults are planted into the held-out third "
        f"in {FAULTY_SEEDS} seeds at most; each is caught or not by the draft as it is. Written by "
        "`python include/bench/policy_init.py`; lines of data sets that a run leaves out (`--sets`) stay as they were."
    )
    header = "| data set | task | rows | features | green on its reference | green on held-out rows | faults that are red | every check |"
    summaries, first = _lines_of(before)
    for data, green, caught, whole in lines:
        own = [not is_red(one["reference"]) for one in green if "reference" in one]
        other = sum(not is_red(one["held out"]) for one in green)
        red = sum(bool(check) for one in caught for check in one.values())
        planted = sum(len(one) for one in caught)
        every = "; ".join(_reds(one) for one in whole) or "not run"
        summaries[data.name] = (
            f"| {data.name} | {data.task} | {green[0]['rows']:,} | {green[0]['features']} | {sum(own)} of {len(own)} | "
            f"{other} of {len(green)} | {red} of {planted} | {every} |"
        )
        first[data.name] = {
            fault: " / ".join(dict.fromkeys(one[fault] or "**none**" for one in caught)) for fault in faults()
        }
    text = ["# What a drafted policy says of unchanged and of faulty rows", "", intro, "", header, "|---" * 8 + "|"]
    text += [*summaries.values(), "", "## Which check fails a fault first", "", f"| fault | {' | '.join(first)} |"]
    text.append("|---" * (len(first) + 1) + "|")
    text += [f"| {fault} | {' | '.join(found[fault] for found in first.values())} |" for fault in faults()]
    text += ["", LIMITS]
    text += ["", "## Red runs on unchanged rows", ""]
    found = list(_red_runs(lines))
    text += found or ["None."]
    return "\n".join(text) + "\n"


def _lines_of(before: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The line of each data set on a page, and the check that fails each fault first by data set."""
    tables = [
        [line for line in part.splitlines() if line.startswith("|") and not line.startswith("|---")]
        for part in before.split("\n## ")[:2]
    ]
    if len(tables) < 2:
        return {}, {}
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in tables[1]]
    first = {name: {row[0]: row[place] for row in cells[1:]} for place, name in enumerate(cells[0]) if place}
    return {line.split(" | ")[0].strip("| "): line for line in tables[0][1:]}, first


def _reds(one: dict[str, Any]) -> str:
    """What is red of the reference and of the held-out rows where every check runs."""
    red = [
        f"{name} on {rows}" for rows in ("reference", "held out") for name, found in one.get(rows, {}).items()
        if found[0] in ("fail", "error")
    ]  # fmt: skip
    return "green" if not red else "red: " + ", ".join(red)


def _red_runs(lines: list[tuple[DataSet, list[Any], list[Any], list[Any]]]) -> list[str]:
    return [
        f"- {data.name}, {rows}, seed {seed}: {sentence}"
        for data, green, _, whole in lines
        for seed, one in [*enumerate(green), *enumerate(whole)]
        for rows in ("reference", "held out")
        for found in one.get(rows, {}).values()
        if found[0] in ("fail", "error")
        for sentence in found[1:2]
    ]


if __name__ == "__main__":
    main()

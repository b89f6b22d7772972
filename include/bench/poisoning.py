"""`make bench PART=poisoning`: what the poisoning screen sees and how often it cries wolf, written to POISONING.md.

Windows of 2,500 rows are drawn without replacement from the survey of the demo (Massachusetts, 2015), with an amount in cents
that is drawn beside it, since the survey holds none. A window is poisoned in one of six ways and screened against a clean
one. With `--beside FOLDER` (the folder `plugins` of another checkout) both versions screen the same windows in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from kept import Kept, slug

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
SURVEY = HERE.parent / "demo" / "acs_employment_ma.parquet"
ROWS, TREES = 2_500, 20
SHARES = (0.01, 0.02, 0.05, 0.10)
LEVELS = (0.05, 0.005)
NUMBERS = ("AGEP", "SCHL", "amount")
CATEGORIES = ("MAR", "RELP", "DIS", "ESP", "MIG", "MIL", "ANC", "SEX", "RAC1P")


def turn_labels(rows: pd.DataFrame, chosen: np.ndarray, _draw: np.random.Generator) -> None:
    """The other label, whatever it was."""
    rows.loc[chosen, "employed"] = 1 - rows.loc[chosen, "employed"]


def turn_one_class(rows: pd.DataFrame, chosen: np.ndarray, draw: np.random.Generator) -> None:
    """As many labels of class 1 as class 0."""
    ones = np.flatnonzero(rows["employed"] == 1)
    rows.loc[draw.permutation(ones)[: len(chosen)], "employed"] = 0


def number_trigger(rows: pd.DataFrame, chosen: np.ndarray, _draw: np.random.Generator) -> None:
    """One amount and one label."""
    rows.loc[chosen, ["amount", "employed"]] = (12_345.67, 0)


def pair_trigger(rows: pd.DataFrame, chosen: np.ndarray, _draw: np.random.Generator) -> None:
    """Two values that are common by themselves, and one label."""
    rows.loc[chosen, ["AGEP", "MAR", "employed"]] = (33, 2, 1)


def flood(rows: pd.DataFrame, chosen: np.ndarray, _draw: np.random.Generator) -> None:
    """One row again and again."""
    rows.loc[chosen] = rows.loc[[chosen[0]] * len(chosen)].to_numpy()


def near_flood(rows: pd.DataFrame, chosen: np.ndarray, draw: np.random.Generator) -> None:
    """One row again and again, each time with another amount."""
    flood(rows, chosen, draw)
    rows.loc[chosen, "amount"] = np.round(draw.lognormal(8, 1, len(chosen)), 2)


KINDS: dict[str, Callable[[pd.DataFrame, np.ndarray, np.random.Generator], None]] = {
    "labels turned at random": turn_labels,
    "labels of one class turned": turn_one_class,
    "a number as trigger": number_trigger,
    "a pair of values as trigger": pair_trigger,
    "one row repeated": flood,
    "one row repeated but for a number": near_flood,
}


def windows(seed: int) -> dict[str, pd.DataFrame]:
    """Training rows of the model, the accepted window, the new one and a reference: disjoint draws."""
    draw = np.random.default_rng(seed)
    rows = pd.read_parquet(SURVEY)
    rows = rows[rows["year"] == 2015].reset_index(drop=True)
    amount = np.round(draw.lognormal(8, 1, len(rows)), 2)
    round_ones = draw.random(len(rows)) < 0.4
    amount[round_ones] = draw.choice(np.arange(500.0, 10_500.0, 250.0), int(round_ones.sum()))
    rows = rows.assign(amount=amount, employed=rows["employed"].astype(int))
    order = draw.permutation(len(rows))[: 4 * ROWS].reshape(4, ROWS)
    names = ("own", "previous_train", "train", "reference")
    columns = [*NUMBERS, *CATEGORIES, "employed"]
    return {name: rows.loc[part, columns].reset_index(drop=True) for name, part in zip(names, order, strict=True)}


def screened(kind: str, share: float, seed: int) -> dict[str, float]:
    """The adjusted p-value of the strongest change, and the CPU seconds of the screen."""
    import time

    from model_governance.checks import find
    from model_governance.stats.multiplicity import adjusted

    parts = windows(seed)
    if kind:
        draw = np.random.default_rng([seed, 1])
        KINDS[kind](parts["train"], draw.permutation(ROWS)[: round(share * ROWS)], draw)
    check = find("poisoning_screen")
    subject = _subject(parts)
    began = time.process_time()
    result = check.measure(subject, check.params.model_validate({"trees": TREES}), seed)
    spent = time.process_time() - began
    p_values = [one.p_value for one in result.metrics if one.p_value is not None]
    return {"p": min(adjusted(p_values, "benjamini_hochberg")), "seconds": spent}


def _subject(parts: dict[str, pd.DataFrame]) -> Any:
    from policy_init_sets import logistic, pipeline

    from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

    kinds = dict.fromkeys(("AGEP", "SCHL"), "integer") | {"amount": "numeric"} | dict.fromkeys(CATEGORIES, "category")
    features = {name: Feature(kind=kinds[name]) for name in (*NUMBERS, *CATEGORIES)}
    names = list(features)
    native = pipeline(list(NUMBERS), list(CATEGORIES), logistic()).fit(parts["own"][names], parts["own"]["employed"])
    model = Model(
        name="employment", format="skops", sha256="0" * 64, task="binary_classification", native=native, classes=(0, 1),
        call=lambda frame: native.predict(frame[names]), call_proba=lambda frame: native.predict_proba(frame[names]),
    )  # fmt: skip
    roles = ("train", "previous_train", "reference")
    return Subject(
        name="employment", task=model.task, columns=Columns(features=features, target="employed"), model=model,
        datasets={role: Dataset(role=role, uri=role, sha256=role, frame=parts[role]) for role in roles},
    )  # fmt: skip


def measured(jobs: list[tuple[str, float, int]], plugins: Path) -> list[dict[str, float]]:
    """What the version in this folder finds, each window in turn in one process of its own."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(plugins), str(HERE)]), "OMP_NUM_THREADS": "1"}
    program = (
        "import json, sys, poisoning; print(json.dumps([poisoning.screened(*job) for job in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(jobs),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nulls", type=int, default=400, help="clean windows")
    parser.add_argument("--tries", type=int, default=20, help="poisoned windows of each kind and share")
    parser.add_argument("--beside", type=Path, help="the folder `plugins` of another version")
    parser.add_argument("--keep", type=Path, help="folder of finished parts, to go on after a stop")
    asked = parser.parse_args()
    versions = {"this version": HERE.parents[1] / "plugins"} | ({"before": asked.beside} if asked.beside else {})
    with tempfile.TemporaryDirectory() as temporary:
        kept = Kept(asked.keep or Path(temporary))
        found = {
            name: {cell: _cell(kept, name, cell, jobs, folder) for cell, jobs in _cells(asked).items()}
            for name, folder in versions.items()
        }
    (HERE / "POISONING.md").write_text(page(found, asked))


def _cell(kept: Kept, version: str, cell: str, jobs: list[tuple[str, float, int]], folder: Path) -> Any:
    return kept.once(slug(f"{version} {cell} {len(jobs)}"), lambda: measured(jobs, folder))


def _cells(asked: argparse.Namespace) -> dict[str, list[tuple[str, float, int]]]:
    pieces = {f"clean {start}": [("", 0.0, seed) for seed in range(start, min(start + 50, asked.nulls))]
              for start in range(0, asked.nulls, 50)}  # fmt: skip
    for kind in KINDS:
        for share in SHARES:
            pieces[f"{kind} {share:g}"] = [(kind, share, 10_000 + seed) for seed in range(asked.tries)]
    return pieces


def page(found: dict[str, dict[str, list[dict[str, float]]]], asked: argparse.Namespace) -> str:
    """The page in Markdown."""
    from scipy.stats import binomtest

    lines = [
        "# Poisoned training windows", "",
        (f"Written by `make bench PART=poisoning`. {ROWS:,} rows in each window, forests of {TREES} trees, "
        f"{asked.tries} windows in each cell. A window is found where the strongest of all changes, adjusted for their number, "
        f"reaches the level {LEVELS[1]:g}."), "", "## Clean windows", "",
        "| version | level | alarms | share | 95% interval | CPU s a screen |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for version, cells in found.items():
        clean = [one for cell, ones in cells.items() if cell.startswith("clean ") for one in ones]
        seconds = float(np.mean([one["seconds"] for one in clean]))
        for level in LEVELS:
            alarms = sum(one["p"] <= level for one in clean)
            interval = binomtest(alarms, len(clean)).proportion_ci()
            lines.append(
                f"| {version} | {level:g} | {alarms} of {len(clean)} | {alarms / len(clean):.1%} | "
                f"{interval.low:.1%} to {interval.high:.1%} | {seconds:.2f} |"
            )
    lines += [
        "",
        "## Poisoned windows found",
        "",
        "| kind | version | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |",
    ]
    lines.append("|---|---|" + "---|" * len(SHARES))
    for kind in KINDS:
        for version, cells in found.items():
            counts = [sum(one["p"] <= LEVELS[1] for one in cells[f"{kind} {share:g}"]) for share in SHARES]
            lines.append(
                f"| {kind} | {version} | " + " | ".join(f"{count} of {asked.tries}" for count in counts) + " |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

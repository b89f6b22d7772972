"""Tree models of every library against all rows there are: no attack comes nearer than the exact answer, and no row is impossible.

    make bench PART=brute_force          64 models, a few minutes; writes its section of TREES.md

Gaps are made and filled, words change, and columns depend on one another (a sum, an inequality, a group of flags).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from brute_worlds import LIBRARIES, NO_GAPS, World, fitted
from mutants_page import write_section

from model_governance.attacks.relations import bind_relations
from model_governance.attacks.schedule import AttackBudget
from model_governance.attacks.trees import read_ensemble
from model_governance.checks.robustness.evasion.answers import Answers
from model_governance.checks.robustness.evasion.attacks import run_attack
from model_governance.checks.robustness.evasion.params import EvasionParams
from model_governance.checks.robustness.evasion.target import Target
from model_governance.checks.robustness.evasion.threat_space import row_space
from model_governance.contract.subject import Columns, Model
from model_governance.contract.threat_model import ThreatModel

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.checks.robustness.evasion.outcome import Outcome

PAGE = Path(__file__).with_name("TREES.md")
WORLDS = {
    "relations": (World(relations=True), 2), "gaps": (World(gaps=True), 3), "words": (World(categories=True), 2),
    "relations, gaps and words": (World(relations=True, gaps=True, categories=True), 3),
}  # fmt: skip
BUDGETS = (0.15, 0.3)
SLACK = 1e-5  # of a distance: the solver rounds
ROWS = 8


def target_of(library: str, world: World, *, seed: int, norm: str, rows: int = ROWS) -> Target:
    """A fitted model and rows under attack, as the check makes them."""
    frame, labels = world.frame(300, seed=seed)
    native = fitted(library, world, frame, labels, seed=seed)
    columns = Columns.model_validate({"features": world.features})
    threat = ThreatModel.model_validate(world.threat)
    frames = [("current", frame)]
    relations = bind_relations(threat.relations, columns, frames)
    space = row_space(columns, frames, threat=threat, categories="fixed", relations=relations)
    attacked = frame.drop_duplicates().iloc[:rows].reset_index(drop=True)
    model = Model(
        name=library, format="skops", sha256="0" * 64, task="binary_classification", native=native, call=native.predict,
        call_proba=native.predict_proba, classes=(0, 1),
    )  # fmt: skip
    params = EvasionParams.model_validate({"norm": norm, "epsilon": BUDGETS, "exact_rows": rows, "max_iterations": 4})
    return Target(
        model=model, columns=columns, space=space, origins=space.place(attacked),
        answers=Answers(predicted=model.predict(attacked), tolerance=None), donors=frame.head(200), params=params, seed=seed,
        trees=read_ensemble(native, columns.names),
    )  # fmt: skip


def compared(library: str, world: World, *, seed: int, norm: str, rows: int = ROWS) -> Counter[str]:
    """How many rows were solved, and how many of each violation there are.

    Args:
        library: of the model.
        world: of the rows.
        seed: of data, model and attacks.
        norm: linf or cost.
        rows: attacked.
    """
    target, listed = target_of(library, world, seed=seed, norm=norm, rows=rows), world.rows
    frame, found = target.origins.frame, Counter[str]()
    answers, own = target.model.predict(listed), target.answers.predicted
    truth = np.array([
        float(world.sizes(listed, frame.iloc[row], norm)[answers != own[row]].min(initial=np.inf)) for row in range(len(frame))
    ])  # fmt: skip
    outcomes = {name: run_attack(target, name, AttackBudget()) for name in ("exact", "greedy", "hopskipjump")}
    exact = outcomes["exact"].exact
    if exact is None:
        raise SystemExit("the exact attack gave no distances")
    known, slack = exact.solved, SLACK * (1 + truth)
    there = np.isfinite(truth)
    found["rows"] += len(frame)
    found["solved"] += int(known.sum())
    found["exact is not the smallest"] += int((known & ~_equal(exact.distance, truth, slack)).sum())
    found["a bound above the smallest"] += int((exact.lower > truth + slack).sum())
    for place, budget in enumerate(exact.budgets):
        found["a certificate of a row that flips"] += int((exact.certified[place] & (truth <= budget - SLACK)).sum())
    for name, outcome in outcomes.items():
        found["an attack below the smallest"] += int((outcome.nearest < truth - slack).sum())
        found["rows returned"] += outcome.returned
        found["impossible rows returned"] += _impossible(target, outcome, listed)
        for budget in BUDGETS if name == "greedy" else ():
            found["flips within a budget"] += int((there & (truth <= budget)).sum())
            found["greedy misses"] += int((there & (truth <= budget) & ~outcome.within(budget)).sum())
    return found


def _equal(first: np.ndarray, other: np.ndarray, slack: np.ndarray) -> np.ndarray:
    both = np.isinf(first) & np.isinf(other)
    return np.asarray(
        both | (np.abs(np.where(both, 0.0, first) - np.where(both, 0.0, other)) <= np.where(both, 1.0, slack))
    )


def _impossible(target: Target, outcome: Outcome, listed: pd.DataFrame) -> int:
    """Rows that an attack returned and that are none of the rows there are, or whose answer is the old one."""
    rows = np.flatnonzero(np.isfinite(outcome.nearest))
    if not len(rows):
        return 0
    made = target.space.rows(outcome.moves.take(rows), target.origins, rows, projected=True)
    there = {tuple(each) for each in listed.fillna(-1.0).to_numpy(dtype=object).tolist()}
    known = [tuple(each) in there for each in made[list(listed.columns)].fillna(-1.0).to_numpy(dtype=object).tolist()]
    flips = target.model.predict(made) != target.answers.predicted[rows]
    return int((~(np.array(known) & flips)).sum())


VIOLATIONS = (
    "exact is not the smallest", "a bound above the smallest", "a certificate of a row that flips", "an attack below the smallest",
    "impossible rows returned",
)  # fmt: skip


def main() -> int:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, help="for each library and world; by default two or three")
    options = parser.parse_args()
    table, bad = [], 0
    for name, (world, seeds) in WORLDS.items():
        found, models = Counter[str](), 0
        for library in LIBRARIES:
            if world.gaps and library in NO_GAPS:
                continue
            for seed in range(options.seeds or seeds):
                one = compared(library, world, seed=seed, norm=("linf", "cost")[seed % 2])
                found, models = found + one, models + 1
                if any(one[each] for each in VIOLATIONS):
                    print(name, library, seed, {each: one[each] for each in VIOLATIONS}, flush=True)
        bad += sum(found[each] for each in VIOLATIONS)
        numbers = {each: found[each] for each in ("rows", "solved", *VIOLATIONS)}
        missed = f"{found['greedy misses']} of {found['flips within a budget']}"
        table.append(
            {"world": name, "models": models}
            | numbers
            | {"rows returned": found["rows returned"], "greedy misses": missed}
        )
    about = (
        f"Written by `make bench PART=brute_force`. Models of {', '.join(LIBRARIES)} (the last takes no gaps), in norm linf and, every "
        "second seed, norm cost. The smallest flip of each row is found by asking the model about every row there is. *Solved*: rows of "
        "which the exact attack gives an answer. An impossible row is none of those that the world can make, or does not flip. "
        f"*Greedy misses* counts rows that some allowed change within {BUDGETS[0]} or {BUDGETS[1]} flips and greedy search does not."
    )
    print(write_section("Brute force", about, table, page=PAGE, heading="# Tree models against all rows there are"))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Threat models and budgets of valid policies with one to three things changed: no robust pass without questions asked.

    make bench PART=threat_mutants          200 policies through lint and the check; writes its section of MUTANTS.md

Each mutant is linted, and what lint takes is run as a run does it: the model is loaded, attacked and judged. The rows that
the model is asked about are counted here, beside the product: by the ticket of each row, which no attack may change.
"""

from __future__ import annotations

import argparse
import copy
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for one another would count as work

import numpy as np
import pandas as pd
from mutants_page import write_section
from threat_worlds import FEATURES, NUMBERS, RELATIONS, WORDS, WORLDS, make_world, write_policy

from model_governance.authoring.lint import lint
from model_governance.checks import catalogue, find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.run import Run
from model_governance.errors import PolicyError
from model_governance.run import run_check
from model_governance.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Subject

SECONDS = 5
DAY = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = (-1e9, -5.0, 0.0, 0.5, 1.0, 3.0, 10.0, 20.2, 20.8, 100.0, 200.0, 1e4, 1e12, 1e300)
STEPS = (1e-9, 0.01, 0.3, 0.5, 1.0, 7.0, 50.0, 1e6, 1e300)
EPSILONS = (1e-12, 1e-6, 1e-3, 0.02, 0.1, 0.5, 1.0, [0.02, 0.2], [1e-9, 0.1], [0.1, 1e-9], 3.0)
QUERIES = (1, 5, 12, 100, 500, 2_000, 10**9)
ATTACKS = ("hopskipjump", "greedy", "gradient", "exact", "square", "apgd", "fab", "autoattack")
PARAMS: dict[str, tuple[Any, ...]] = {
    "samples": (1, 16, 40, 1_000), "norm": ("linf", "l2", "cost"), "categories": ("free", "fixed"),
    "tolerance": (1e-12, 0.5, 5.0, 1e9, None), "max_iterations": (1, 3), "max_evaluations": (10, 60),
    "initial_size": (10, 60), "exact_rows": (1, 3, 100), "to": ("positive", "negative"), "epsilon": EPSILONS,
    "rows": (
        "all", {"predicted": "positive"}, {"predicted": "negative"}, {"label": 1}, {"label": "positive"}, {"label": 7},
        {"where": {"column": "city", "equals": 1}}, {"where": {"column": "city", "equals": 7}},
        {"where": {"column": "debt", "between": [0, 1]}}, {"where": {"column": "open", "between": [3, 2]}},
        {"predicted": "positive", "label": 0, "where": {"column": "state", "in": [20, 30]}},
    ),
}  # fmt: skip
MOVES: tuple[Any, ...] = (
    "any", "none", [1], [7], [10, 20], {1: [2]}, {1: [1]}, {7: [1]}, {1: [7]}, ["Paris"], {3: [1, 2, 4]}, {20: [10]},
)  # fmt: skip
MORE_RELATIONS: tuple[dict[str, Any], ...] = (
    {"derived": "dti = income / debt"}, {"derived": "score = dti - 1"}, {"inequality": "debt <= income"},
    {"inequality": "accounts <= open"}, {"inequality": "debt < 1"}, {"derived": "debt = dti * income"},
    {"derived": "debt = dti * income", "decimals": 0}, {"one_of": ["own", "rent"]}, {"determines": {"state": "city"}},
    {"inequality": "open + accounts >= 1"}, {"derived": "accounts = open + own"},
)  # fmt: skip


def threat_mutants(raw: dict[str, Any], *, seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Policies with one to three changes of threat model, columns and budgets, drawn from a seed.

    Args:
        raw: a valid policy, as YAML reads it.
        seed: of the drawing; the same seed gives the same mutants.
        count: of the mutants.
    """
    for number in range(count):
        draw = random.Random(f"{raw['model']['name']} {seed}.{number}")  # noqa: S311 - a repeatable choice, no secret
        mutant = copy.deepcopy(raw)
        for _ in range(1 + draw.randrange(3)):
            draw.choice(EDITS)(mutant, draw)
        yield mutant


def _feature(mutant: dict[str, Any], draw: random.Random, names: tuple[str, ...]) -> dict[str, Any]:
    features = mutant["threat_model"].setdefault("features", {})
    return features.setdefault(draw.choice(names), {})


def _range(mutant: dict[str, Any], draw: random.Random) -> None:
    place = (
        _feature(mutant, draw, NUMBERS) if draw.randrange(3) else mutant["columns"]["features"][draw.choice(NUMBERS)]
    )
    for word in draw.choice((("minimum",), ("maximum",), ("minimum", "maximum"))):
        place[word] = draw.choice(ENDS)


def _step(mutant: dict[str, Any], draw: random.Random) -> None:
    _feature(mutant, draw, NUMBERS)["step"] = draw.choice(STEPS)


def _direction(mutant: dict[str, Any], draw: random.Random) -> None:
    if draw.randrange(2):
        _feature(mutant, draw, NUMBERS)["direction"] = draw.choice(("up", "down"))
    else:
        mutant["threat_model"]["increase_only"] = draw.sample(NUMBERS, draw.randrange(1, 4))


def _moves(mutant: dict[str, Any], draw: random.Random) -> None:
    _feature(mutant, draw, WORDS)["moves"] = draw.choice(MOVES)


def _gap(mutant: dict[str, Any], draw: random.Random) -> None:
    word = draw.choice(("may_be_omitted", "may_be_filled"))
    _feature(mutant, draw, ("score", "debt", "city", "open"))[word] = True


def _mutable(mutant: dict[str, Any], draw: random.Random) -> None:
    names = tuple(name for name in FEATURES if name != "ticket")
    match draw.randrange(4):
        case 0:
            mutant["threat_model"]["mutable"] = draw.sample(names, draw.randrange(1, 4))
        case 1:
            mutant["threat_model"] |= {"preset": draw.choice(("fraud", "credit_applicant", "sensor"))}
            mutant["threat_model"].setdefault("mutable", draw.sample(names, draw.randrange(1, 4)))
        case 2:
            mutant["columns"]["features"][draw.choice(names)]["mutable"] = False
        case _:
            for name in names:
                mutant["columns"]["features"][name]["mutable"] = name in draw.sample(names, 2)


def _cost(mutant: dict[str, Any], draw: random.Random) -> None:
    _feature(mutant, draw, (*NUMBERS, *WORDS))["cost"] = draw.choice((0, 0.001, 1, 1e9))
    mutant["checks"]["evasion"]["params"] |= {"norm": "cost", "epsilon": draw.choice((1e-9, 0.001, 0.1, 2.0, 1e6))}


def _relation(mutant: dict[str, Any], draw: random.Random) -> None:
    relations = mutant["threat_model"].setdefault("relations", [])
    match draw.randrange(3):
        case 0:
            relations.append(copy.deepcopy(draw.choice(MORE_RELATIONS)))
        case 1:
            mutant["threat_model"]["relations"] = draw.sample(RELATIONS, draw.randrange(len(RELATIONS)))
        case _:
            mutant["threat_model"]["relations"] = [draw.choice(MORE_RELATIONS)]


def _budget(mutant: dict[str, Any], draw: random.Random) -> None:
    params = mutant["checks"]["evasion"]["params"]
    for name in draw.sample(ATTACKS[:4], draw.randrange(1, 4)):
        entry = params.setdefault("budget", {}).setdefault(name, {})
        match draw.randrange(6):
            case 0:
                entry["max_seconds"] = draw.choice((1e-6, 0.01, 60.0))
            case 1:
                entry["every_runs"] = draw.choice((2, 10_000))
            case _:
                entry["max_queries"] = draw.choice(QUERIES)


def _attacks(mutant: dict[str, Any], draw: random.Random) -> None:
    mutant["checks"]["evasion"]["params"]["attacks"] = draw.sample(ATTACKS, draw.randrange(1, 3))


def _narrow(mutant: dict[str, Any], draw: random.Random) -> None:
    """One attack, whole numbers only and hardly a budget: most of such policies leave nothing to ask."""
    names = ("open", "accounts", "own", "rent", "city")
    mutant["threat_model"]["mutable"] = draw.sample(names, draw.randrange(1, 3))
    mutant["checks"]["evasion"]["params"] |= {"attacks": [draw.choice(ATTACKS)], "epsilon": draw.choice(EPSILONS)}


def _params(mutant: dict[str, Any], draw: random.Random) -> None:
    word = draw.choice(tuple(PARAMS))
    mutant["checks"]["evasion"]["params"][word] = copy.deepcopy(draw.choice(PARAMS[word]))


def _unit(mutant: dict[str, Any], draw: random.Random) -> None:
    match draw.randrange(3):
        case 0:
            mutant["model"]["decision_threshold"] = draw.choice((1e-9, 0.2, 0.5, 0.999999))
        case 1:
            mutant["columns"]["positive"] = draw.choice((0, 1, 7))
        case _:
            feature = mutant["columns"]["features"][draw.choice(NUMBERS)]
            feature["kind"] = draw.choice(("integer", "numeric", "category", "datetime"))


EDITS: tuple[Callable[[dict[str, Any], random.Random], None], ...] = (
    _range, _range, _step, _direction, _moves, _gap, _mutable, _mutable, _cost, _relation, _budget, _budget, _attacks, _narrow, _params,
    _params, _params, _unit,
)  # fmt: skip


@dataclass(slots=True)
class Asked:
    """The questions of one run: the changed rows that the model was asked about, by ticket, and the result."""

    changed: Counter[int] = field(default_factory=Counter)
    result: CheckResult | None = None

    def measure(self, subject: Subject, params: Any, seed: int) -> CheckResult:
        """The check's own measurement of a model whose questions are counted."""
        model = subject.require_model()
        before = subject.features("current").set_index("ticket", drop=False)

        def counting(call: Callable[..., Any] | None) -> Callable[..., Any] | None:
            return None if call is None else lambda frame, *rest: (self._count(before, frame), call(frame, *rest))[1]

        calls = {
            name: counting(getattr(model, name)) for name in ("call", "call_proba", "call_logits", "call_gradient")
        }
        self.result = find("evasion").measure(replace(subject, model=replace(model, **calls)), params, seed)  # type: ignore[arg-type]
        return self.result

    def _count(self, before: pd.DataFrame, frame: pd.DataFrame) -> None:
        now = frame[frame["ticket"].isin(before.index)].reset_index(drop=True)  # others are real rows, to start from
        own = before.loc[now["ticket"]].reset_index(drop=True)
        other: np.ndarray = np.zeros(len(now), dtype=bool)
        for name in now.columns:
            first, second = own[name].to_numpy(dtype=object), now[name].to_numpy(dtype=object)
            other |= (first != second) & ~(pd.isna(first) & pd.isna(second))
        self.changed.update(now.loc[other, "ticket"].tolist())


def judged(folder: Path, raw: dict[str, Any]) -> tuple[str, str]:
    """How a mutant ended, and what is wrong with that; nothing where the second is empty.

    Args:
        folder: of its world.
        raw: the mutant.
    """
    path = write_policy(folder, raw, "mutant.yaml")
    began = time.process_time()
    try:
        policy = lint(path, catalogue(), moment=DAY).policy
    except PolicyError:
        return "refused by lint", ""
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {error}"
    asked, store = Asked(), open_store("archive", folder=folder, connections=PlainConnections())
    check = replace(find("evasion"), measure=asked.measure)
    run = Run(run_id="mutant", logical_date=DAY)
    done = run_check(policy, "evasion", run=run, store=store, connections=PlainConnections(), check=check)
    seconds, outcome = time.process_time() - began, done.verdict.outcome
    if seconds > SECONDS:
        return outcome, f"took {seconds:.1f} s of CPU"
    if outcome == "error":
        return _of_error(done.verdict.sentence)
    return outcome, _unasked(asked) if outcome in ("pass", "fail", "warn") else ""


def _of_error(sentence: str) -> tuple[str, str]:
    is_foreseen = "unexpected " not in sentence and len(sentence) < 2_000
    return ("error", "") if is_foreseen else ("traceback", sentence)


def _unasked(asked: Asked) -> str:
    """What a share of flipped rows counts that it must not; empty where every row of it was asked about."""
    result = asked.result
    if result is None:
        return "judged without a result"
    tables = {table.name: [dict(zip(table.header, row, strict=True)) for row in table.rows] for table in result.tables}
    if all(str(row["may move"]) == "no" for row in tables["threat_model"]):
        return "no feature could move"
    counted = result.metric("attack_success_rate", key="all").n
    attacks = {row["attack"] for row in tables["attacks"]}
    if attacks == {"exact"}:
        return ""  # a search over all rows there are asks the model only to confirm what it found
    questions = sum(count > 0 for count in asked.changed.values())
    return f"{counted} rows count, and {questions} were asked about" if questions < counted else ""


def measured(folder: Path, *, seed: int, count: int) -> list[dict[str, object]]:
    """One row of the page for each world; what is wrong is printed."""
    rows = []
    for world in WORLDS:
        raw, ends = make_world(folder / world, world), Counter[str]()
        if judged(folder / world, raw)[0] not in ("pass", "fail", "uncertain"):
            raise SystemExit(
                f"the policy of {world} is no valid one before it is changed: {judged(folder / world, raw)}"
            )
        for number, mutant in enumerate(threat_mutants(raw, seed=seed, count=count)):
            end, wrong = judged(folder / world, mutant)
            ends[end] += 1
            ends["wrong"] += bool(wrong)
            if wrong:
                print(f"{world} {number}: {end}: {wrong[:600]}", flush=True)
        names = ("refused by lint", "error", "uncertain", "pass", "fail", "skipped", "traceback", "wrong")
        rows.append({"model": world, "mutants": count} | {name: ends[name] for name in names})
    return rows


def main() -> int:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=50, help="mutants for each of the four models")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder), seed=options.seed, count=options.each)
    about = (
        f"Written by `make bench PART=threat_mutants`, seed {options.seed}. One to three changes of ranges, steps, moves, gaps, "
        "relations, costs, selections, budgets and units of a valid policy; what lint takes is run and judged. *Wrong* counts "
        "tracebacks, runs over 5 s, and verdicts in which a row counts that nobody was asked about, or in which no feature could move."
    )
    print(write_section("Threat models and budgets", about, rows))
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

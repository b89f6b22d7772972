"""`make mutate`: mutants of the rooms that decide, and which of them no test notices.

    make mutate                                 every mutant of every room; writes tests/mutation/SURVIVORS.md
    make mutate ARGS="--room budget"            one room; writes its part of the page
    make mutate ARGS="--room budget --match widened"   the mutants whose names hold a text; writes nothing
    make mutate ARGS="--sample 50 --seed 3"     fifty mutants of each room, drawn with a seed; writes nothing

The status is 1 where a room has fewer than 90% killed, or a survivor no reason in SURVIVORS.md.

mutmut and cosmic-ray were weighed first. mutmut (3.8) changes neither decorated functions nor module and class bodies,
which hold the rank of outcomes, the conditions, every property and every validator: half of the threat model and two
thirds of the findings. cosmic-ray (8.7) rewrites files in place, starts a process per mutant, and drops no operand,
argument, element or statement.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("SURVIVORS.md")
DEMANDED = 0.9

# For each room its modules and the tests that are run on their mutants. `module.py:Name` means that class only.
ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "verdict and waiver": (
        (
            "verdict/judgement.py",
            "verdict/outcome.py",
            "verdict/measurement.py",
            "verdict/requirement.py",
            "verdict/noise.py",
            "verdict/finding.py",
            "verdict/words.py",
            "verdict/violation.py",
            "policy/model.py:Waiver",
            "policy/model.py:ConfirmSpec",
            "policy/model.py:Threshold",
        ),
        ("unit/verdict", "properties/test_verdict_laws.py"),
    ),
    "budget": (
        ("verdict/budget.py", "stats/multiplicity.py"),
        ("unit/verdict", "properties/test_multiplicity_laws.py"),
    ),
    "store": (
        ("store/rules.py", "store/local.py", "store/__init__.py"),
        (
            "unit/store/test_rules.py",
            "unit/store/test_local.py",
            "unit/store/test_local_durability.py",
            "properties/test_store_laws.py",
        ),
    ),
    "threat model": (
        ("contract/threat_model.py",),
        ("unit/contract/test_threat_model.py", "unit/contract/test_threat_model_capabilities.py"),
    ),
    "policy agreement": (("policy/agreement.py",), ("unit/policy",)),
    "gate": (("orchestration/gate.py",), ("orchestration/test_gate.py",)),
}


def main() -> int:
    """Run the rooms one after another, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", choices=ROOMS, action="append", help="a room; all by default")
    parser.add_argument("--sample", type=int, default=0, help="mutants of each room; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--match", default="", help="only mutants whose names hold this text")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trials", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trials:
        return run_room(options.trials, options)
    rooms = options.room or list(ROOMS)
    started = time.monotonic()
    outcomes = {room: run_apart(room, options) for room in rooms}
    known, reasons = read_page(PAGE)
    problems = [problem for room in rooms for problem in problems_of(room, outcomes[room], reasons)]
    if not options.sample and not options.match:
        PAGE.write_text(page(known | {room: summary(outcomes[room]) for room in rooms}, reasons), encoding="utf-8")
    print(f"{sum(map(len, outcomes.values()))} mutants in {time.monotonic() - started:.0f} s")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def run_apart(room: str, options: argparse.Namespace) -> list[dict]:
    """The outcomes of a room, from a process that has imported nothing yet."""
    command = [sys.executable, __file__, "--trials", room, "--sample", str(options.sample)]
    command += ["--seed", str(options.seed), "--workers", str(options.workers), "--match", options.match]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent / "plugins"), str(TESTS)])}
    outcomes: list[dict] = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if line.startswith('{"module"'):
                outcomes.append(json.loads(line))
                show(room, outcomes)
    if process.returncode or not outcomes:
        raise SystemExit(f"{room}: the tests fail without any mutant, or no mutant was drawn")
    alive = sum(map(is_alive, outcomes))
    print(f"{room}: {len(outcomes)} mutants, {share(outcomes):.1%} killed, {alive} survive", flush=True)
    return sorted(outcomes, key=lambda outcome: (outcome["module"], outcome["line"], outcome["name"]))


def show(room: str, outcomes: list[dict]) -> None:
    """Each survivor as it appears, and now and then how far the room is."""
    last = outcomes[-1]
    if is_alive(last):
        print(f"  {last['module']}:{last['line']} {last['name']} ({last['outcome']})", flush=True)
    if len(outcomes) % 50 == 0:
        print(f"{room}: {len(outcomes)} mutants so far, {share(outcomes):.1%} killed", file=sys.stderr, flush=True)


def run_room(room: str, options: argparse.Namespace) -> int:
    """The trials of one room in this process; one line of JSON for each."""
    from mutation import trial
    from mutation.mutants import mutants

    trial.prepare()
    names, tests = ROOMS[room]
    modules = list(dict.fromkeys(f"model_governance/{name.partition(':')[0]}" for name in names))
    baseline = trial.measure(modules, [str(TESTS / test) for test in tests])
    if baseline.status or not all(trial.control(module, baseline) for module in modules):
        return 1
    every = [
        (module, position)
        for module in modules
        for position, mutant in enumerate(mutants((trial.PLUGINS / module).read_text(encoding="utf-8")))
        if is_in_room(f"{module}:{mutant.scope}", names) and options.match in mutant.name
    ]
    size = min(options.sample, len(every)) or len(every)
    drawn = random.Random(options.seed).sample(every, size)
    chosen = {module: sorted(place for name, place in drawn if name == module) for module in modules}
    for outcome in trial.trials(modules, baseline, chosen, workers=options.workers):
        print(json.dumps(outcome), flush=True)
    return 0


def is_in_room(place: str, names: tuple[str, ...]) -> bool:
    """Whether `package/module.py:Class.method` is below one of a room's names."""
    inner = place.partition("/")[2]
    return any(inner == name or inner.startswith((f"{name}:", f"{name}.")) for name in names)


def is_alive(outcome: dict) -> bool:
    """Whether no test noticed the mutant."""
    return outcome["outcome"] in ("survived", "unreached")


def share(outcomes: list[dict]) -> float:
    """The share of mutants that a test noticed."""
    return 1 - sum(map(is_alive, outcomes)) / len(outcomes)


def label(outcome: dict) -> str:
    """A survivor as SURVIVORS.md names it."""
    return f"{outcome['module'].removeprefix('model_governance/')}, {outcome['name']}"


def problems_of(room: str, outcomes: list[dict], reasons: dict[str, str]) -> list[str]:
    """What keeps the run from being a success."""
    found = [
        f"no reason in {PAGE.name}: {label(outcome)}"
        for outcome in outcomes
        if is_alive(outcome) and not reasons.get(label(outcome))
    ]
    if share(outcomes) < DEMANDED:
        found.append(f"{room}: {share(outcomes):.1%} killed, {DEMANDED:.0%} are demanded")
    return found


def summary(outcomes: list[dict]) -> tuple[int, list[str]]:
    """How many mutants a room has, and the names of those that survive."""
    return len(outcomes), [label(outcome) for outcome in outcomes if is_alive(outcome)]


def read_page(path: Path) -> tuple[dict[str, tuple[int, list[str]]], dict[str, str]]:
    """The summaries of rooms and the reasons of survivors that the page holds."""
    rooms: dict[str, tuple[int, list[str]]] = {}
    reasons: dict[str, str] = {}
    room = name = ""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        cells = [cell.strip() for cell in line.split(" | ")]
        if line.startswith("| ") and cells[1].isdigit():
            rooms[cells[0].removeprefix("| ")] = (int(cells[1]), [])
        elif line.startswith("## "):
            room = next((known for known in rooms if known == line[3:].lower()), "")
        elif line.startswith("- "):
            name = line[2:]
            if room:
                rooms[room][1].append(name)
        elif line.startswith("  ") and name:
            reasons[name] = f"{reasons.get(name, '')} {line.strip()}".strip()
    return rooms, reasons


def page(rooms: dict[str, tuple[int, list[str]]], reasons: dict[str, str]) -> str:
    """SURVIVORS.md: a table of rooms, then each survivor with its reason."""
    lines = [
        "# Mutants that survive",
        "",
        "Written by `make mutate`, which keeps the reasons; a reason is written by hand below its mutant.",
        "",
        "| room | mutants | survive | killed |",
        "|---|---:|---:|---:|",
    ]
    ordered = [room for room in ROOMS if room in rooms]
    for room in ordered:
        count, alive = rooms[room]
        lines.append(f"| {room} | {count} | {len(alive)} | {1 - len(alive) / count:.1%} |")
    for room in ordered:
        lines += ["", f"## {room[0].upper()}{room[1:]}", ""]
        for name in rooms[room][1]:
            lines += [f"- {name}", *([f"  {reasons[name]}"] if name in reasons else [])]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS)]
    sys.exit(main())

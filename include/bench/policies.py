"""Measures what policies cost and withstand, and writes include/bench/POLICIES.md.

    make bench PART=policies

Broken policies take no other DAG away; a DAG file of a hundred policies is parsed in milliseconds each, and a task pays
for its own policy only. What mutated policies end in is in MUTANTS.md. Times are CPU, the least of several rounds: what
else the machine does only adds to it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from policy_mutants import kind_of, policy_mutants
from processes import cost_of

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "include" / "policies" / "acs_employment.yaml"
PAGE = Path(__file__).with_name("POLICIES.md")
BROKEN, FOLDER, ROUNDS, SEED = 500, 100, 5, 2
NAME, DAG_ID = "broken-one", "governance_broken_one"
NAMED = re.compile(rb"^  name: broken-one *$", re.MULTILINE)
"""The line that names the model, untouched; where a mutant changes it, the DAG has another id."""
DAG_FILE = "# airflow DAG\nfrom model_governance.orchestration import governance_dags\nglobals().update(governance_dags({!r}))\n"

START = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert len(bag.dags) == int(sys.argv[2]), bag.dags
"""


def beside_good_ones(folder: Path) -> Counter[str]:
    """What becomes of five good DAGs while one policy after another is broken."""
    from airflow.dag_processing.dagbag import DagBag

    written = write_policies(folder / "policies", 5)
    dag_file = folder / "governance.py"
    dag_file.write_text(DAG_FILE.format(str(folder / "policies")))
    ends: Counter[str] = Counter()
    seen: set[bytes] = set()
    text = POLICY.read_text().replace("name: acs-employment", f"name: {NAME}")
    for number, mutant in enumerate(policy_mutants(text, seed=SEED, count=100 * BROKEN)):
        if mutant in seen:
            continue
        seen.add(mutant)
        (folder / "policies" / "mutant.yaml").write_bytes(mutant)
        with contextlib.redirect_stdout(io.StringIO()):
            bag = DagBag(dag_file)
        (other,) = set(bag.dags) - written or {""}
        if other and bag.dags[other].task_ids != ["policy_refused"]:
            continue
        right = {
            "five good ones there": written <= set(bag.dags),
            "a failing DAG, not paused": bool(other) and bag.dags[other].is_paused_upon_creation is False,
            "an import error": len(bag.import_errors) == 1 and next(iter(bag.import_errors)).endswith("mutant.yaml"),
            "the id of the model": other == DAG_ID or not NAMED.search(mutant),
        }
        ends.update(["broken", kind_of(SEED, number), *(name for name, holds in right.items() if holds)])
        ends["named otherwise by the mutant"] += not NAMED.search(mutant)
        if not all(right.values()):
            print(number, [name for name, holds in right.items() if not holds], other, flush=True)
        if ends["broken"] == BROKEN:
            break
    return ends


def write_policies(folder: Path, count: int) -> set[str]:
    """Copies of the policy of the demo under names of their own; gives their DAG ids."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = POLICY.read_text().replace("name: acs-employment", f"name: acs-{number}")
        (folder / f"acs_{number}.yaml").write_text(text)
    return {f"governance_acs_{number}" for number in range(count)}


def milliseconds_of_a_policy(folder: Path) -> float:
    """CPU of parsing a DAG file of many policies, per policy, in a process that has parsed before."""
    from airflow.dag_processing.dagbag import DagBag

    write_policies(folder / "policies", FOLDER)
    dag_file = folder / "governance.py"
    dag_file.write_text(DAG_FILE.format(str(folder / "policies")))
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        bag = DagBag(dag_file)
        found = len(bag.dags)
        taken.append(time.process_time() - began)
        if found != FOLDER:
            errors = "; ".join(text.strip().splitlines()[-1][:300] for text in bag.import_errors.values())
            raise SystemExit(f"{found} DAGs of {FOLDER} policies: {errors}")
    return 1000 * min(taken[1:]) / FOLDER


def seconds_of_a_start(folder: Path, count: int) -> float:
    """CPU of a process that parses the DAG file as a task of one policy does, imports and all."""
    write_policies(folder / "policies", count)
    dag_file = folder / "governance.py"
    dag_file.write_text(DAG_FILE.format(str(folder / "policies")))
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "governance_acs_0"
    try:
        return min(cost_of([sys.executable, "-c", START, str(dag_file), "1"]).cpu for _ in range(ROUNDS))
    finally:
        del os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"]


def page(lines: list[tuple[str, str, str]]) -> str:
    """The figures as a page."""
    head = [
        "# Policies: what they cost and withstand", "", "`make bench PART=policies` writes this page.", "",
        "| what | measured | promised |", "|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *(f"| {what} | {measured} | {promised} |" for what, measured, promised in lines), ""])


def main() -> None:
    """Measure everything and write the page."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="governance-bench-") as home:
        os.environ |= {
            "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
            # Airflow gives a DAG file 30 seconds by the clock, which a machine that does something else needs: no DAGs then.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "1200",
        }  # fmt: skip
        each = milliseconds_of_a_policy(Path(home) / "parse")
        one, many = (seconds_of_a_start(Path(home) / f"start-{count}", count) for count in (1, FOLDER))
        broken = beside_good_ones(Path(home) / "broken")
    lines = [
        (f"CPU of a DAG file of {FOLDER} policies, per policy", f"{each:.1f} ms", "at most 10 ms"),
        ("CPU of a task's start with 1 policy", f"{one:.2f} s", ""),
        (f"the same with {FOLDER} policies", f"{many:.2f} s, {many / one:.2f} times", "within 1.2 times"),
        *(
            (f"{broken['broken']} broken policies, one at a time beside 5 good ones: {what}", str(broken[what]), f"all {BROKEN}")
            for what in ("five good ones there", "a failing DAG, not paused", "an import error", "the id of the model")
        ),
        ("changed in structure, lines, bytes", ", ".join(str(broken[kind]) for kind in ("structure", "lines", "bytes")), ""),
        ("of these, the line of the name is changed itself", str(broken["named otherwise by the mutant"]), ""),
    ]  # fmt: skip
    PAGE.write_text(page(lines))
    sys.stdout.write(PAGE.read_text())


if __name__ == "__main__":
    main()

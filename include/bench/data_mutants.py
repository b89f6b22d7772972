"""Damages the files that a run reads, and says what the product makes of each: data, the profiles and manifests of earlier runs.

    PYTHONPATH=plugins python include/bench/data_mutants.py --count 400      400 mutants of each of five kinds of files

A mutant may be measured where its damage leaves numbers that can be read, or be an error of the check in words. It may not end
in an exception that nobody foresaw, take longer than five seconds, end the interpreter, or pass with a number of no rows.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import project
import synthetic
from model_governance.contract.connections import PlainConnections
from model_governance.errors import GovernanceError
from model_governance.run import run_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_governance.contract.run import Run

SECONDS = 5.0
READERS = {"parquet": ("drift", "validation"), "csv": ("drift", "validation"), "arrow": ("drift", "validation"),
           "profile": ("drift",), "manifest": ("quality",)}  # fmt: skip
"""The checks that read each kind of file."""
UNFORESEEN = re.compile(r"unexpected \w+:")
KINDS = ("parquet", "csv", "arrow", "profile", "manifest")
ODD = (None, -1, 0, 10**30, math.nan, math.inf, "", "x" * 3000, [], {}, True, [[[]]], "2026-02-30", 1e-320)
CHECKS = {
    "drift": {"kind": "data_drift", "thresholds": [{"metric": "psi", "less_than": 5.0}]},
    "validation": {
        "kind": "data_validation",
        "params": {"expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income"}}]},
        "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
    },
    "quality": {
        "kind": "model_quality",
        "thresholds": [
            {"metric": "accuracy", "geq_to": 0.3},
            {"metric": "accuracy", "min_absolute_change": -0.5, "against": "last_passed"},
        ],
    },
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What a mutant did that none may do."""

    kind: str
    seed: int
    what: str


def damaged(content: bytes, draw: random.Random) -> bytes:
    """One to four changes of bytes: turned, overwritten, cut out, repeated, inserted, or the end cut off."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4))):
        place, length = draw.randrange(max(1, len(data))), draw.choice((1, 2, 4, 8, 64))
        action = draw.randrange(6)
        if action == 0 and data:
            data[place] ^= 1 << draw.randrange(8)
        elif action == 1:
            data[place : place + length] = bytes([draw.choice((0, 0x7F, 0x80, 0xFF))]) * length
        elif action == 2:
            del data[place : place + length]
        elif action == 3:
            data[place:place] = data[place : place + length]
        elif action == 4:
            data[place:place] = draw.randbytes(length)
        elif draw.random() < 0.3:
            del data[place:]
    return bytes(data)


def damaged_json(content: bytes, draw: random.Random) -> bytes:
    """A value replaced by an odd one, or a key or item removed, anywhere in a document; or damaged bytes."""
    if draw.random() < 0.3:
        return damaged(content, draw)
    document = json.loads(content)
    holders = [holder for holder in _holders(document) if len(holder)]
    holder = draw.choice(holders)
    key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    if draw.random() < 0.3:
        del holder[key]
    else:
        holder[key] = draw.choice(ODD)
    return json.dumps(document).encode()


def _holders(document: object) -> Iterator[dict | list]:
    if isinstance(document, dict | list):
        yield document
        for value in document.values() if isinstance(document, dict) else document:
            yield from _holders(value)


def written(kind: str) -> bytes:
    """The current rows of the small project in a form of data."""
    table = pa.Table.from_pandas(synthetic.rows(seed=3), preserve_index=False)
    sink = io.BytesIO()
    writers: dict[str, Callable[[], object]] = {
        "parquet": lambda: pq.write_table(table, sink),
        "csv": lambda: pyarrow.csv.write_csv(table, sink),
        "arrow": lambda: pyarrow.feather.write_feather(table, sink, compression="uncompressed"),
    }
    writers[kind]()
    return sink.getvalue()


def faults(kind: str, folder: Path, *, seeds: range) -> Iterator[Fault]:
    """What the mutants of one kind of file did wrong; none is the aim."""
    small = project.small_project(folder, checks=CHECKS)
    first = small.run()
    if first.summary()["stops"]:
        raise SystemExit("the run before any damage must pass")
    if kind in ("parquet", "csv", "arrow"):
        path, content, damage = folder / f"current.{kind}", written(kind), damaged
        small.change(datasets=small.raw["datasets"] | {"current": {"uri": path.name}})
    else:
        path = _archived(folder / "archive", kind)
        content, damage = path.read_bytes(), damaged_json
        path.chmod(0o644)
    for seed in seeds:
        path.write_bytes(damage(content, random.Random(f"{kind} {seed}")))  # noqa: S311 (no secret)
        run = small.night(project.DAY + timedelta(days=1 + seed), f"night-{seed}")
        for name in READERS[kind]:
            yield from (Fault(kind=kind, seed=seed, what=what) for what in _wrong(small, name, run))


def _wrong(small: project.Project, name: str, run: Run) -> Iterator[str]:
    """What a check of a run did that none may do."""
    start = time.process_time()
    try:
        findings = run_check(
            small.policy(), name, run=run, store=small.store, connections=PlainConnections()
        ).verdict.findings
    except GovernanceError as error:
        findings = ()
        if not str(error):
            yield f"{name}: {type(error).__name__} without a word"
    except Exception as error:
        findings = ()
        yield f"{name}: raised {type(error).__name__}: {str(error)[:160]}"
    if time.process_time() - start > SECONDS:
        yield f"{name}: took {time.process_time() - start:.1f} s"
    for finding in findings:
        if UNFORESEEN.search(finding.sentence):
            yield f"{name}: {finding.sentence[:250]}"
        measured = isinstance(finding.value, bool) or (finding.value is not None and math.isfinite(finding.value))
        if finding.outcome == "pass" and not (measured and finding.n != 0):
            yield f"{name}: {finding.metric} passes with {finding.value} of {finding.n} rows"


def _archived(archive: Path, kind: str) -> Path:
    """The profile, or the manifest, that the first run left."""
    found = sorted(path for path in archive.rglob(f"*{kind}*.json") if path.is_file())
    if not found:
        raise SystemExit(f"the first run left no {kind}")
    return found[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="mutants of each kind of file")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as folder:
            for fault in faults(kind, Path(folder), seeds=range(options.count)):
                found[fault.kind] += 1
                print(f"{fault.kind} {fault.seed}: {fault.what}", flush=True)
        print(f"{kind}: {options.count} mutants, {found[kind]} faults", flush=True)
    return min(1, sum(found.values()))


if __name__ == "__main__":
    sys.exit(main())

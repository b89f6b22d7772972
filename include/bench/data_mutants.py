"""Damages the files that a run reads, and says what the product makes of each: data, the profiles and manifests of earlier runs.

    make bench PART=data_mutants      400 mutants of each of five kinds of files; writes its section of MUTANTS.md

A mutant may be measured where its damage leaves numbers that can be read, or be an error of the check in words. It may not end
in an exception that nobody foresaw, take longer than five CPU seconds, end the interpreter, or pass with nonsense: a number of
no rows, a file that another reader refuses, empty cells that it counts, and, where the rows are whole and what an earlier run
left is damaged, a number far from that before the damage. `require_eyes` shows that such a pass would be seen.
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
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
from mutants_page import PAGE, sections, write_section

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import project
import synthetic
from model_governance.contract.connections import PlainConnections
from model_governance.errors import GovernanceError
from model_governance.run import run_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_governance.contract.run import Run
    from model_governance.verdict.finding import Finding

SECONDS = 5.0
READERS = {"parquet": ("drift", "validation"), "csv": ("drift", "validation"), "arrow": ("drift", "validation"),
           "profile": ("drift",), "archived profile": ("drift",), "manifest": ("quality",)}  # fmt: skip
"""The checks that read each kind of file."""
READ = {"drift": list(synthetic.COLUMNS.features), "validation": ["income"]}
"""Columns that a check reads: another may be damaged."""
UNFORESEEN = re.compile(r"unexpected \w+:")
KINDS = ("parquet", "csv", "arrow", "profile", "archived profile", "manifest")
SORTS = ("tracebacks", "over 5 s", "passes of nonsense")
FAR = 0.1
"""A profile without one of its bins is a sound profile, whose index is another by less than this."""
TITLE = "Data, and what earlier runs left"
ABOUT = (
    "Written by `make bench PART=data_mutants`. One to four changes of the bytes, or of a value of the JSON; the checks that read "
    "the file run as they do at night. A mutant that ended the interpreter would end the measurement."
)
ODD = (None, -1, 0, 10**30, math.nan, math.inf, "", "x" * 3000, [], {}, True, [[[]]], "2026-02-30", 1e-320)
CHECKS = {
    "drift": {
        "kind": "data_drift",
        "params": {"consecutive": True},
        "thresholds": [{"metric": "psi", "less_than": 5.0}, {"metric": "consecutive_psi", "less_than": 5.0}],
    },
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
    elif kind == "profile":  # as a policy names one in place of the rows of the reference
        path, content, damage = folder / "profile.json", _archived(folder / "archive", kind).read_bytes(), damaged_json
        path.write_bytes(content)
        params = CHECKS["drift"]["params"] | {"profile": path.name}
        small.change(checks=CHECKS | {"drift": CHECKS["drift"] | {"params": params}})
    else:
        path = _archived(folder / "archive", kind)
        content, damage = path.read_bytes(), damaged_json
        path.chmod(0o644)
    rows_are_whole = path.suffix == ".json"
    before = {}
    if rows_are_whole:  # after the first run, as the mutants are: what compares with it has its numbers
        night = small.night(project.DAY + timedelta(days=1), "before")
        before = {name: _findings(small, name, night) for name in READERS[kind]}
        if any(finding.outcome == "error" for findings in before.values() for finding in findings):
            raise SystemExit("a run before any damage must measure")
    for seed in seeds:
        path.write_bytes(damage(content, random.Random(f"{kind} {seed}")))  # noqa: S311 (no secret)
        run = small.night(project.DAY + timedelta(days=1 + seed), f"night-{seed}")
        for name in READERS[kind]:
            cells = None if rows_are_whole else empty_cells(path, READ[name])
            found = _wrong(small, name, run, before=before.get(name), cells=cells)
            yield from (Fault(kind=kind, seed=seed, what=what) for what in found)


def empty_cells(path: Path, columns: list[str]) -> int:
    """Empty cells of the first of the columns that a check reads, by another reader; -1 where that refuses one of them."""
    try:
        if path.suffix == ".csv":
            return int((pd.read_csv(path, dtype=str, keep_default_na=False)[columns[0]] == "").sum())
        read = pq.read_table if path.suffix == ".parquet" else pyarrow.feather.read_table
        table = read(path, columns=columns)
        table.validate(full=True)
        return int(table[columns[0]].null_count)
    except Exception:
        return -1


def _findings(small: project.Project, name: str, run: Run) -> Sequence[Finding]:
    checked = run_check(small.policy(), name, run=run, store=small.store, connections=PlainConnections())
    return checked.verdict.findings


def _wrong(
    small: project.Project, name: str, run: Run, *, before: Sequence[Finding] | None, cells: int | None
) -> Iterator[str]:
    """What a check of a run did that none may do."""
    start = time.process_time()
    findings: Sequence[Finding] = ()
    try:
        findings = _findings(small, name, run)
    except GovernanceError as error:
        if not str(error):
            yield f"{name}: {type(error).__name__} without a word"
    except Exception as error:
        yield f"{name}: raised {type(error).__name__}: {str(error)[:160]}"
    if time.process_time() - start > SECONDS:
        yield f"{name}: took {time.process_time() - start:.1f} s"
    for finding in findings:
        if UNFORESEEN.search(finding.sentence):
            yield f"{name}: {finding.sentence[:250]}"
    yield from (f"{name}: {what}" for what in nonsense(findings, before=before, cells=cells))


def nonsense(findings: Sequence[Finding], *, before: Sequence[Finding] | None, cells: int | None) -> Iterator[str]:
    """Passes that nobody may believe.

    Args:
        findings: of a check.
        before: the same before the damage, where the rows are whole; None where they are not.
        cells: as `empty_cells`; None where the rows are whole.
    """
    known: Mapping[tuple[object, ...], Finding] = {_identity(finding): finding for finding in before or ()}
    for finding in findings:
        if finding.outcome != "pass":
            continue
        what = f"{finding.metric} passes with {finding.value} of {finding.n} rows"
        measured = isinstance(finding.value, bool) or (finding.value is not None and math.isfinite(finding.value))
        if not measured or finding.n == 0:
            yield what
        if cells == -1:
            yield f"{what}, of a file that another reader refuses"
        if cells and cells > 0 and finding.metric == "critical_failures":
            yield f"{what}, and {cells} cells are empty"
        earlier = known.get(_identity(finding))
        if before is not None and (earlier is None or earlier.n != finding.n or _apart(earlier, finding) > FAR):
            yield f"{what}; before the damage {None if earlier is None else (earlier.value, earlier.n)}"


def _apart(earlier: Finding, finding: Finding) -> float:
    if earlier.value is None or finding.value is None:
        return math.inf
    return abs(earlier.value - finding.value)


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.metric, finding.key, finding.condition, finding.bound


def require_eyes(folder: Path) -> None:
    """Stop where a planted pass of nonsense is not seen."""
    small = project.small_project(folder, checks=CHECKS)
    small.run()
    for name in CHECKS:
        findings = [finding for finding in _findings(small, name, small.night()) if finding.outcome == "pass"]
        if not findings or list(nonsense(findings, before=findings, cells=0)):
            raise SystemExit(f"the passes of {name} before any damage are no nonsense")
        first = findings[0]
        for planted in (
            nonsense([replace(first, value=math.nan)], before=None, cells=None),
            nonsense([replace(first, n=0)], before=None, cells=None),
            nonsense([first], before=None, cells=-1),
            nonsense([replace(first, value=first.value + 0.2)], before=findings, cells=None),
        ):
            if not list(planted):
                raise SystemExit(f"a planted pass of nonsense of {name} is not seen")


def _archived(archive: Path, kind: str) -> Path:
    """The profile, or the manifest, that the first run left."""
    starts = {"profile": b'{"columns":', "manifest": b'{"checks":'}[kind.removeprefix("archived ")]
    found = sorted(path for path in archive.rglob("*.json") if path.read_bytes().startswith(starts))
    if not found:
        raise SystemExit(f"the first run left no {kind}")
    return found[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="mutants of each kind of file")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    # Drawing is half of the time, and no outcome depends on it.
    import_module("model_governance.checks.data.data_drift.measure").drift_artifacts = lambda *_, **__: ()
    with tempfile.TemporaryDirectory() as folder:
        require_eyes(Path(folder))
    total = 0
    for kind in options.kinds:
        found: dict[str, set[int]] = {sort: set() for sort in SORTS}
        with tempfile.TemporaryDirectory() as folder:
            for fault in faults(kind, Path(folder), seeds=range(options.count)):
                found[sort_of(fault.what)].add(fault.seed)
                print(f"{fault.kind} {fault.seed}: {fault.what}", flush=True)
        total += sum(map(len, found.values()))
        rows = kept_rows() | {
            kind: {"kind": kind, "mutants": options.count} | {sort: len(found[sort]) for sort in SORTS}
        }
        print(write_section(TITLE, ABOUT, list(rows.values())), flush=True)
    return min(1, total)


def sort_of(what: str) -> str:
    """The column of the page that a fault is counted in."""
    if " passes with " in what:
        return "passes of nonsense"
    return "over 5 s" if ": took " in what else "tracebacks"


def kept_rows() -> dict[str, dict[str, object]]:
    """The rows of the kinds that other calls measured."""
    lines = sections(PAGE.read_text()).get(TITLE, "").splitlines() if PAGE.exists() else []
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[2:]}


if __name__ == "__main__":
    sys.exit(main())

"""Damages an archive of twenty runs, one byte or one field at a time, and asks `verify` and the next night what they make of it.

    make bench PART=archive_mutants      2,000 mutants; writes its section of MUTANTS.md

Verification, with a trust file, has to find every mutant but those of objects that are no evidence (hints, announcements, notes, the history index). The
next night may use no number of a damaged object: each number that its finding compares is that of the sound archive, or the
check is an error in words, or its record names the damaged object.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mutants_page import write_section

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import project
from baseline_cases import Nights
from model_governance.authoring.keys import make_keys
from model_governance.evidence.begun import BEGUN
from model_governance.evidence.chain import HINTS
from model_governance.evidence.index import INDEX
from model_governance.evidence.links import ANNOUNCED
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS = 20
MODEL = "synthetic"
TITLE = "An archive of twenty runs"
ABOUT = (
    "One byte or one field of one object was changed: a link, a manifest, a record, a page, a policy, an acceptance. `verify` "
    "with a trust file has to find each. The next night was run on every fourth mutant: it says what is damaged, or compares "
    "with the numbers of the sound archive (`make bench PART=archive_mutants`)."
)
NO_EVIDENCE = (HINTS, ANNOUNCED, BEGUN, INDEX)
COMPARED = ("baseline", "noise", "limit", "log_evidence", "basis")
"""What a finding takes from earlier runs."""
UNFORESEEN = re.compile(r"unexpected \w+")
THRESHOLDS = [
    {"metric": "accuracy", "min_absolute_change": -0.05, "against": "approved"},
    {"metric": "accuracy", "min_absolute_change": -0.05, "against": "last_passed"},
    {"metric": "accuracy", "geq_to": 0.85, "confirm": {"violations": 2, "window": 3}},
]


@dataclass(frozen=True)
class Mutant:
    """What was changed in which object."""

    key: str
    change: str


@dataclass(frozen=True)
class Answer:
    """What verification and the next night made of a mutant; `night` is empty where the night was not run."""

    mutant: Mutant
    found: bool
    night: str


def build(folder: Path) -> Nights:
    """Twenty runs, signed, of which one was accepted and one failed."""
    make_keys(folder / "keys", owner="Ops", moment=project.DAY)
    small = project.small_project(folder, checks={"quality": {"kind": "model_quality", "thresholds": THRESHOLDS}})
    small.change(archive={"signing_key": "file:keys/signing_key.pem", "trust": "keys/trust.yaml"})
    nights, draw = Nights(small), random.Random(1)  # noqa: S311 - no secret
    for day in range(1, RUNS + 1):
        nights.night(day, 0.70 if day == RUNS // 2 else 0.9 + draw.uniform(-0.004, 0.004))
    nights.accept("2026-03-05")
    return nights


def mutate(archive: Path, key: str, draw: random.Random) -> Mutant:
    """Change one byte or, in a JSON document, one field of an object."""
    path = archive / key
    content = path.read_bytes()
    path.chmod(0o644)
    if key.endswith((".json", ".jsonl")) and draw.random() < 0.5:
        changed, told = _field(content, draw)
    else:
        position, bit = draw.randrange(len(content)), 1 << draw.randrange(8)
        changed = content[:position] + bytes([content[position] ^ bit]) + content[position + 1 :]
        told = f"byte {position}"
    path.write_bytes(changed)
    return Mutant(key=key, change=told)


def _field(content: bytes, draw: random.Random) -> tuple[bytes, str]:
    """The document with another value, or without it, in one place; spelled as before."""
    first, newline, rest = content.partition(b"\n")
    document = json.loads(first)
    places = list(_places(document))
    parent, name = draw.choice(places)
    old = parent[name]
    if draw.random() < 0.2 and isinstance(parent, dict):
        del parent[name]
        told = f"{name} removed"
    else:
        parent[name] = _other(old, draw)
        told = f"{name}: {str(old)[:20]} -> {str(parent[name])[:20]}"
    spelled = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return spelled + newline + rest, told


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield value, name
        yield from _places(child)


def _other(old: Any, draw: random.Random) -> Any:
    """Another value, often of the same type."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float) and draw.random() < 0.7:
        return old + draw.choice([1, -1, 0.5, 1e6])
    if isinstance(old, str) and draw.random() < 0.7:
        return draw.choice([other for other in ("", f"{old}x", old[::-1], f"{old}y") if other != old])
    return draw.choice([candidate for candidate in (None, 7, "x", [], {}, [1], True) if candidate != old])


def ask(nights: Nights, mutant: Mutant, *, sound: dict[str, Any] | None) -> Answer:
    """What verification says, and the next night where `sound` holds that of the sound archive."""
    trust = read_trust(nights.small.folder / "keys" / "trust.yaml")
    found = not verify_model(nights.small.store, MODEL, trust=trust).is_sound
    return Answer(mutant=mutant, found=found, night="" if sound is None else _judge(next_night(nights), sound))


def next_night(nights: Nights) -> dict[str, Any]:
    """The record of the check in the night after the last."""
    from model_governance.evidence.record import read_record

    finding = nights.night(RUNS + 1, 0.9)
    manifest = nights.ended.pop().manifest
    store = nights.small.store
    row = json.loads(store.get(manifest.key))["checks"][0]
    return {"finding": finding, "record": read_record(store, row["record"])}


def _judge(night: dict[str, Any], sound: dict[str, Any]) -> str:
    record = night["record"]
    if UNFORESEEN.search(record["problem"]):
        return f"traceback: {record['problem'][:200]}"
    if record["verdict"]["outcome"] == "error" or record.get("damaged"):
        return "said"
    numbers, expected = _compared(record), _compared(sound["record"])
    return "same numbers" if numbers == expected else f"other numbers: {numbers} for {expected}"


def _compared(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: finding[name] for name in COMPARED} for finding in record["verdict"]["findings"]]


def measure(count: int, *, seed: int, every: int = 4) -> list[Answer]:
    """Ask about so many mutants; every few of them the next night too."""
    draw, answers = random.Random(seed), []  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        whole.mkdir()
        nights = build(whole)
        keys = [key for key in nights.small.store.keys("v1/") if not key.startswith(NO_EVIDENCE)]
        archive, kept = whole / "archive", Path(scratch) / "kept"
        shutil.copytree(archive, kept)
        if ask(nights, Mutant(key="", change=""), sound=None).found:
            raise SystemExit("the archive without a mutant is not sound, so that every mutant would be found")
        sound = next_night(nights)
        for number in range(count):
            shutil.rmtree(archive)
            shutil.copytree(kept, archive, copy_function=shutil.copy2)
            mutant = mutate(archive, draw.choice(keys), draw)
            answers.append(ask(nights, mutant, sound=sound if number % every == 0 else None))
    return answers


def row_of(answers: Sequence[Answer]) -> dict[str, object]:
    """The line of the page."""
    nights = Counter(answer.night.partition(":")[0] for answer in answers if answer.night)
    return {
        "mutants": f"{len(answers):,}",
        "not found by verify": sum(not answer.found for answer in answers),
        "next nights": f"{nights.total():,}",
        "said what is damaged": nights["said"],
        "same numbers": nights["same numbers"],
        "tracebacks": nights["traceback"],
        "other numbers": nights["other numbers"],
    }


def wrong_of(answers: Sequence[Answer]) -> list[str]:
    """Every mutant that verification missed, or that a night took a number from or died of."""
    return [
        f"{answer.mutant.key}: {answer.mutant.change}: found {answer.found}, night {answer.night}"
        for answer in answers
        if not answer.found or answer.night not in ("", "said", "same numbers")
    ]


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--print", action="store_true", help="print the section and write nothing")
    options = parser.parse_args()
    answers = measure(options.count, seed=options.seed)
    row = row_of(answers)
    print("\n".join([str(row), *wrong_of(answers)]))
    if not options.print:
        write_section(TITLE, ABOUT, [row])


if __name__ == "__main__":
    main()

"""Measures what the archive costs as it grows, and writes include/bench/ARCHIVE.md.

make bench PART=archive        some ten minutes on two cores; BENCH_FOLDER names the file system, BENCH_ARCHIVES a folder
                               whose archives are used again, and where those that lack are made
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from growing import FIRST, MODEL, copied, grown
from processes import cost_of, python

from model_governance.contract.processors import processors
from model_governance.evidence.chain import find_head
from model_governance.evidence.history import Archive, earlier_verdicts
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import link, verify_model
from model_governance.evidence.verification.parts import MIN_LINKS
from model_governance.report.newness import RUNS as NEWNESS_RUNS
from model_governance.verdict.noise import RUNS as NOISE_RUNS

if TYPE_CHECKING:
    from datetime import datetime

    from growing import Growing

    from model_governance.store import ArtifactStore

RESULTS = Path(__file__).with_name("ARCHIVE.md")
LENGTHS = (10, 1_000, 10_000)
VERIFICATIONS = 3
"""Verifications of each length but the last, of which the fastest counts: other work of the machine makes each slower."""
MEASURED = 40
"""Appends behind each length that are timed: four close a block of ten, none one of a hundred but the first ones do."""
HISTORY = """
import sys, time
import numpy, pyarrow.compute, pyarrow.parquet, rich.console, rich.table
from model_governance.cli import main
began = time.process_time()
main(["history", "loans", "--store", sys.argv[1]])
print("INSIDE", time.process_time() - began)
"""


def main() -> int:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        kept = Path(os.environ.get("BENCH_ARCHIVES", f"{folder}/grown"))
        archives = [copied(grown(kept / str(length), length), Path(folder) / str(length)) for length in LENGTHS]
        rows = []
        for growing in archives:
            rows.append(measure(growing))
            print(rows[-1], flush=True)
        # Of all lengths by turns: what else the machine does meets them alike.
        taken = [[growing.append() for growing in archives] for _ in range(MEASURED)]
        for row, seconds in zip(rows, zip(*taken, strict=True), strict=True):
            row |= {"append": statistics.median(seconds), "append_mean": statistics.mean(seconds)}
    RESULTS.write_text(page(rows))
    print(RESULTS.read_text())
    return 0


def measure(growing: Growing) -> dict[str, float]:
    """Verification, history and the reading of previous runs of an archive of this length."""
    length, store = growing.runs, growing.store
    readings = readings_of_json()
    times = VERIFICATIONS if length < LENGTHS[-1] else 1
    verifying, judging, objects = min(_verified(store, growing.folder) for _ in range(times))
    readings += readings_of_json()
    hashing = min(_hashed(store) for _ in range(times))
    shared = min(_shared(store, growing.folder) for _ in range(VERIFICATIONS))
    history, history_process = command_of_history(store)
    previous = _seconds(
        lambda: earlier_verdicts(Archive(store, MODEL, before=_end(growing)), "quality", runs_back=NOISE_RUNS)
    )
    head = _seconds(lambda: find_head(store, MODEL))
    return {
        "length": length, "objects": objects, "verify": verifying, "judging": judging, "hashing": hashing, "shared": shared,
        "history": history, "history_process": history_process, "previous": previous,
        "head": head, "signature": signature_check(), "reading": statistics.mean(readings),
        "fastest_reading": min(readings),
    }  # fmt: skip


def readings_of_json() -> list[float]:
    """CPU seconds in which the json module reads a document of 8 kB, 2,000 times: how fast the machine is now."""
    content = json.dumps([{"key": "v1/blobs/sha256/" + "0" * 64, "value": number / 7} for number in range(70)])
    found = []
    for _ in range(2000):
        began = time.process_time()
        json.loads(content)
        found.append(time.process_time() - began)
    return found


def signature_check() -> float:
    """CPU seconds of one check of an ed25519 signature, the mean of a thousand."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key, message = Ed25519PrivateKey.generate(), b"x" * 7000
    public, signature = key.public_key(), key.sign(message)
    return _seconds(lambda: [public.verify(signature, message) for _ in range(1000)]) / 1000


def command_of_history(store: ArtifactStore) -> tuple[float, float]:
    """CPU seconds of the command once its libraries are loaded, and of the whole process."""
    costs = [cost_of(python(HISTORY, store.root)) for _ in range(3)]
    inside = statistics.median(float(cost.printed.split("INSIDE")[-1]) for cost in costs)
    return inside, statistics.median(cost.cpu for cost in costs)


def _verified(store: ArtifactStore, folder: Path) -> tuple[float, float, int]:
    """Seconds of a verification with a trust file, those of judging again, and the number of objects."""
    trust, spent, plain = read_trust(folder / "keys" / "trust.yaml"), [0.0], link.judged_again

    def timed(*arguments: Any) -> Any:
        began = time.process_time()
        try:
            return plain(*arguments)
        finally:
            spent[0] += time.process_time() - began

    link.judged_again = timed
    began = time.process_time()
    try:
        found = verify_model(store, MODEL, trust=trust)
    finally:
        link.judged_again = plain
    seconds = time.process_time() - began
    if not found.is_sound or found.problems:
        raise SystemExit(f"the archive of the bench is not sound: {found.problems[:3]}")
    return seconds, spent[0], found.objects


def _shared(store: ArtifactStore, folder: Path) -> float:
    """Seconds on the clock of a verification by as many processes as there are processors, as the command has it."""
    trust = read_trust(folder / "keys" / "trust.yaml")
    began = time.perf_counter()
    verify_model(store, MODEL, trust=trust, processes=processors())
    return time.perf_counter() - began


def _hashed(store: ArtifactStore) -> float:
    """Seconds to read every object of the archive that verification reads, and to hash it."""
    began = time.process_time()
    for prefix in ("v1/chain/", "v1/blobs/", "v1/runs/"):
        for key in store.keys(prefix):
            hashlib.sha256(store.get(key)).hexdigest()
    return time.process_time() - began


def _end(growing: Growing) -> datetime:
    return FIRST + timedelta(days=growing.runs)


def _seconds(work: Any) -> float:
    """The median of five."""
    found = []
    for _ in range(5):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return statistics.median(found)


def page(rows: list[dict[str, float]]) -> str:
    """The Markdown page."""
    lines = [
        "# The archive as it grows",
        "",
        (
            f"Written by `make bench PART=archive`: one run on {os.cpu_count()} cores, Python {platform.python_version()}, {_place()}. Every "
            "link, manifest, record and announcement was written and signed by the code that writes those of a run, with two checks a "
            "run; each verdict was judged from its numbers, which move from run to run. Seconds are CPU seconds, because the machine had "
            "other work; that makes them larger than they are on a machine of one's own, by what the column of reading JSON shows."
        ),
        "",
        "## Verification",
        "",
        (
            "`verify` with a trust file reads and hashes every object, checks both signatures, the chain, the statement against manifest "
            "and records, and the history index against the links, and judges every verdict again from up to "
            f"{NOISE_RUNS} earlier ones. The share of hashing is what reading and hashing the same files takes alone. Of both the fastest of "
            f"{VERIFICATIONS} times, of {LENGTHS[-1]:,} links the only one. The command shares a chain of 1,000 links and more among the "
            f"processors: the last two columns are seconds on the clock with all {processors()}, the fastest of {VERIFICATIONS} times, "
            "and what of them is beyond the same share of hashing, per link."
        ),
        "",
        "| links | verify, CPU s | hashing, CPU s | judging again, CPU s | the rest, ms per link | judging, ms per link | all beyond hashing, ms per link | reading JSON, ms, mean (fastest) | the command, s | beyond hashing, ms per link |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rest = row["verify"] - row["hashing"] - row["judging"]
        per = 1000 / row["length"]
        lines.append(
            f"| {row['length']:,} | {row['verify']:.2f} | {row['hashing']:.2f} | {row['judging']:.2f} | {rest * per:.2f} | "
            f"{row['judging'] * per:.2f} | {(rest + row['judging']) * per:.2f} | {1000 * row['reading']:.3f} ({1000 * row['fastest_reading']:.3f}) | "
            f"{row['shared']:.2f} | {(row['shared'] - row['hashing'] / _processes(row['length'])) * per:.2f} |"
        )
    lines += [
        "",
        (
            "Reading JSON: what the json module of Python takes for a document of 8 kB, 2,000 times before and 2,000 times after the verifications "
            "of the row. Each reading is too short to be disturbed often, so that the fastest shows the machine without other work, and the mean how much "
            f"slower it was. A check of one ed25519 signature, of which a link has two, took {1000 * rows[-1]['signature']:.2f} ms."
        ),
        "",
        "## History, append and previous runs",
        "",
        (
            f"Append: manifest with its comparison with {NEWNESS_RUNS - 1} earlier runs, announcement, notes, link, repair, hint and index of one run, median and "
            f"mean of {MEASURED} runs from that length on, in CPU time; appends to the archives of all lengths took turns. Previous runs: what each check "
            f"does once to find the verdicts of up to {NOISE_RUNS} earlier runs. History: the command in processes of its own, without and with the start of "
            "Python and its libraries, the median of three."
        ),
        "",
        "| links | history, CPU s | with the start of Python and its libraries | append ms, median | mean | of it: finding the head ms | previous runs ms |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['length']:,} | {row['history']:.3f} | {row['history_process']:.2f} | {1000 * row['append']:.1f} | {1000 * row['append_mean']:.1f} | "
        f"{1000 * row['head']:.1f} | {1000 * row['previous']:.1f} |"
        for row in rows
    ]
    first, last = rows[0], rows[-1]
    ratio = last["append"] / first["append"]
    lines += [
        "",
        f"An append to {last['length']:,} links takes {ratio:.1f} times as long as one to {first['length']:,}.",
    ]
    return "\n".join(lines) + "\n"


def _processes(links: float) -> int:
    return max(1, min(processors(), int(links) // MIN_LINKS))


def _place() -> str:
    in_memory = os.environ.get("BENCH_FOLDER", "").startswith("/dev/shm")  # noqa: S108
    return "a folder in memory, where flushing costs nothing" if in_memory else "a local folder"


if __name__ == "__main__":
    sys.exit(main())

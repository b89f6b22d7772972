"""Policies and suites with one to three things changed, drawn from a seed: what people mistype, and what nobody would type.

    make bench PART=policy_mutants          12,000 policies and 2,000 suites through lint; writes its section of MUTANTS.md

Each mutant is a file that `policy lint` reads, in another process that is killed after five CPU seconds for one file. Those
that are taken are looked at by `nonsense.py`, which is shown to find what is planted for it first.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from mutants_page import write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 0.5, -0.0, 1e308, 10**15, 10**30, "", " ", "x", "yes", "0144", "1:30", "{{ ds", "{{ dss }}",
    "{% for a in range(9) %}{{ a }}{% endfor %}", "é" * 300, "x" * 5000, "../../etc/passwd", "s3://bucket/key",
    "postgresql://a:b@c/d", "\u202e", "2026-02-30", [], {}, [[]], [None], ["x"] * 50, {"a": 1}, {"a": {"b": [1, {"c": 2}]}},
    [1, 2], [2, 1], [0, True], "every night", "0 2 * * *", "a\x00b",
)  # fmt: skip
TEXTS: tuple[str, ...] = (
    "no", "on", ".inf", ".nan", "-.inf", "0o17", "0x1F", "1_000", "08", "1e3", "12:30:45", "2026-02-30", "2026-13-01T00:00:00",
    "~", "!!int x", "!!float x", "!!timestamp x", "!!binary =", "!!set {a}", "!!omap [a: 1]", "!!python/name:os.system",
    "!x y", "*nothing", "&a [*a]", "&a {b: *a}", "[", "]", "{", "}", "'", '"', "|", ">", "- -", "? a", ": :", "@", "`", "%",
    "[" * 200, "9" * 5000, "{{ ds }}", '"\\ud800"', '"\\0"', "\t", "<<: *a", "...", "---",
)  # fmt: skip


def policy_mutants(source: str, *, seed: int, count: int) -> Iterator[bytes]:
    """Texts of a policy with one to three changes of the structure, the lines or the bytes.

    Args:
        source: the text of a sound policy.
        seed: of the drawing; the same seed gives the same mutants.
        count: of the mutants.
    """
    raw = yaml.safe_load(source)
    for number in range(count):
        draw, changes, kind = _drawn(seed, number)
        if kind == "structure":
            yield yaml.safe_dump(_changed(raw, draw, changes), sort_keys=False, allow_unicode=True).encode()
        elif kind == "lines":
            yield _changed_lines(source, draw, changes).encode()
        else:
            yield _changed_bytes(source.encode(), draw, changes)


def kind_of(seed: int, number: int) -> str:
    """What of the policy a mutant of `policy_mutants` changed: its structure, its lines or its bytes."""
    return _drawn(seed, number)[2]


def _drawn(seed: int, number: int) -> tuple[random.Random, int, str]:
    draw = random.Random(f"{seed}.{number}")  # noqa: S311 - a repeatable choice, no secret
    return draw, 1 + draw.randrange(3), ("structure", "lines", "bytes")[draw.randrange(3)]


def suite_mutants(source: str, *, seed: int, count: int) -> Iterator[bytes]:
    """Texts of a suite, as `policy_mutants`."""
    raw = json.loads(source)
    for number in range(count):
        draw = random.Random(f"suite {seed}.{number}")  # noqa: S311 - as above
        if draw.randrange(2):
            yield json.dumps(_changed(raw, draw, 1 + draw.randrange(3)), default=str).encode()
        else:
            yield _changed_bytes(source.encode(), draw, 1 + draw.randrange(3))


def _changed(raw: Any, draw: random.Random, changes: int) -> Any:
    """A copy with values replaced, keys renamed, removed, given again or added somewhere."""
    root = {"": copy.deepcopy(raw)}
    for _ in range(changes):
        places = list(_places(root))
        holder, key = draw.choice(places)
        draw.choice(EDITS)(holder, key, draw)
    return root.get("")


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield node, key
        yield from _places(value)


def _replace(holder: Any, key: Any, draw: random.Random) -> None:
    holder[key] = copy.deepcopy(draw.choice(VALUES))


def _wrap(holder: Any, key: Any, draw: random.Random) -> None:
    holder[key] = [holder[key]] if draw.randrange(2) else {"x": holder[key]}


def _remove(holder: Any, key: Any, _: random.Random) -> None:
    if key != "":
        del holder[key]


def _rename(holder: Any, key: Any, draw: random.Random) -> None:
    if isinstance(holder, dict) and key != "":
        text = str(key)
        place = draw.randrange(len(text)) if text else 0
        holder[text[:place] + text[place + 1 :]] = holder.pop(key)


def _add(holder: Any, _: Any, draw: random.Random) -> None:
    if isinstance(holder, dict) and "" not in holder:
        holder[draw.choice(["x", "kind", "key", "uri", "params", 1, True, None])] = copy.deepcopy(draw.choice(VALUES))


def _multiply(holder: Any, key: Any, draw: random.Random) -> None:
    value = holder[key]
    if isinstance(value, list) and value:
        holder[key] = value * draw.choice([2, 50])
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        holder[key] = value * draw.choice([-1, 1000, 10**12])
    elif isinstance(value, str):
        holder[key] = value * draw.choice([2, 200])


EDITS: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _replace, _replace, _replace, _wrap, _remove, _rename, _add, _multiply,
)  # fmt: skip


def _changed_lines(source: str, draw: random.Random, changes: int) -> str:
    lines = source.splitlines()
    for _ in range(changes):
        place = draw.randrange(len(lines))
        line = lines[place]
        key, colon, _ = line.partition(":")
        lines[place] = draw.choice(
            [
                f"{key}{colon} {draw.choice(TEXTS)}", f"  {line}", line.lstrip(), line.replace(":", "", 1), f"\t{line}",
                f"{line}\n{line}", f"{line} {draw.choice(TEXTS)}", "", draw.choice(TEXTS), line[: draw.randrange(len(line) + 1)],
            ]
        )  # fmt: skip
    return "\n".join(lines)


def _changed_bytes(source: bytes, draw: random.Random, changes: int) -> bytes:
    content = bytearray(source)
    for _ in range(changes):
        place = draw.randrange(len(content))
        match draw.randrange(4):
            case 0:
                content[place] = draw.randrange(256)
            case 1:
                del content[place : place + 1 + draw.randrange(40)]
            case 2:
                content[place:place] = bytes(draw.randrange(256) for _ in range(1 + draw.randrange(8)))
            case _:
                content[place:place] = content[place : place + 1 + draw.randrange(200)]
        content = content or bytearray(b"x")
    return bytes(content)


SECONDS = 5
ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "policies": ROOT / "include" / "policies" / "acs_employment.yaml",
    "suites": ROOT / "include" / "suites" / "acs_employment.json",
}


def judged(kind: str, file: Path, mutant: bytes) -> tuple[str, list[str]]:
    """How lint ended, `taken`, `refused` or `traceback ...`, and what nonsense it took."""
    import nonsense

    from model_governance.authoring.lint import lint
    from model_governance.checks import catalogue
    from model_governance.checks.data.data_validation.expectations import read_suite
    from model_governance.contract.subject import ParamFile
    from model_governance.errors import CheckError, PolicyError

    try:
        if kind == "policies":
            file.write_bytes(mutant)
            lint(file, catalogue(), moment=datetime(2026, 3, 1, tzinfo=UTC))
            return "taken", list(nonsense.in_policy(yaml.load(mutant, Loader=yaml.CSafeLoader)))
        read_suite(ParamFile(name="suite", uri="suite.json", sha256="0" * 64, content=mutant))
        return "taken", list(nonsense.in_suite(json.loads(mutant)))
    except (PolicyError, CheckError):
        return "refused", []
    except Exception as error:
        return f"traceback {type(error).__name__}", []


def judge_all(kind: str, *, seed: int, first: int, count: int) -> None:
    """Print the number of each mutant before it is read, and how it ended after."""
    draw = policy_mutants if kind == "policies" else suite_mutants
    with tempfile.TemporaryDirectory() as folder:
        for part in ("policies", "suites"):
            (Path(folder) / part).mkdir()
        suite = SOURCES["suites"]
        (Path(folder) / "suites" / suite.name).write_bytes(suite.read_bytes())
        file = Path(folder) / "policies" / "mutant.yaml"
        judged(kind, file, SOURCES[kind].read_bytes())  # imports what it needs, which is no time of a mutant
        for number, mutant in enumerate(draw(SOURCES[kind].read_text(), seed=seed, count=count)):
            if number < first:
                continue
            print(json.dumps({"number": number}), flush=True)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # the default of its signal ends the process
            began = time.process_time()
            end, found = judged(kind, file, mutant)
            taken = time.process_time() - began
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps({"number": number, "end": end, "nonsense": found, "seconds": taken}), flush=True)


def measured(kind: str, *, seed: int, count: int) -> dict[str, object]:
    """One row of the page."""
    ends: Counter[str] = Counter()
    longest, first = 0.0, 0
    while first < count:
        command = [
            sys.executable,
            __file__,
            "--judge",
            kind,
            "--seed",
            str(seed),
            "--first",
            str(first),
            "--count",
            str(count),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            raise SystemExit(f"nothing was judged from mutant {first} of {kind}")
        for line in lines:
            if "end" not in line:
                continue
            ends[line["end"].split()[0]] += 1
            longest = max(longest, line["seconds"])
            ends["nonsense"] += bool(line["nonsense"])
            if line["nonsense"] or line["end"].startswith("traceback"):
                print(kind, line["number"], line["end"], line["nonsense"], flush=True)
        if "end" not in lines[-1]:
            died = "hang" if done.returncode == -signal.SIGPROF else "crash"
            ends[died] += 1
            print(kind, lines[-1]["number"], died, done.returncode, flush=True)
        first = lines[-1]["number"] + 1
    return {
        "kind": kind, "mutants": count, "refused": ends["refused"], "taken": ends["taken"], "tracebacks": ends["traceback"],
        "crashes": ends["crash"], f"over {SECONDS} s": ends["hang"], "taken nonsense": ends["nonsense"],
        "longest CPU": f"{longest:.2f} s",
    }  # fmt: skip


def require_eyes() -> None:
    """Stop where `nonsense` overlooks what is planted here."""
    import nonsense

    source = SOURCES["policies"].read_text()
    plants = {
        "less_than: 0.1": "less_than: 1.0e+12", "geq_to: 0.80": "geq_to: 7", "geq_to: 0.87": "geq_to: .nan",
        'cron: "0 2 * * *"': 'cron: "every night"', "owner:": 'owner: "" #', '{uri: ../demo/build/train.parquet}': '{uri: "s3://a:b@c/{{ ds"}',
        "sha256:": "sha256: abc #",
    }  # fmt: skip
    for old, new in plants.items():
        if old not in source or not list(nonsense.in_policy(yaml.safe_load(source.replace(old, new, 1)))):
            raise SystemExit(f"a policy with {new!r} is not seen as nonsense")
    suite = json.loads(SOURCES["suites"].read_text())
    for kwargs in ({"column": ""}, {"value_set": [], "column": "a"}, {"min_value": 2, "max_value": 1}, {"mostly": 0}):
        entry = {"type": "expect_table_of_some_kind", "kwargs": kwargs}
        if not list(nonsense.in_suite(suite | {"expectations": [entry]})):
            raise SystemExit(f"an expectation with {kwargs} is not seen as nonsense")


def main() -> int:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policies", type=int, default=12_000)
    parser.add_argument("--suites", type=int, default=2_000)
    parser.add_argument("--judge", choices=SOURCES, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        judge_all(options.judge, seed=options.seed, first=options.first, count=options.count)
        return 0
    require_eyes()
    rows = [measured(kind, seed=options.seed, count=getattr(options, kind)) for kind in SOURCES]
    about = (
        f"Written by `make bench PART=policy_mutants`, seed {options.seed}. One to three changes of the structure, the lines or "
        "the bytes; each mutant is linted in another process. *Taken nonsense* counts mutants that lint takes and that "
        "`nonsense.py`, which knows no code of the product, refuses."
    )
    print(write_section("Policies and suites", about, rows))
    bad = ("tracebacks", "crashes", f"over {SECONDS} s", "taken nonsense")
    return int(any(row[name] for row in rows for name in bad))


if __name__ == "__main__":
    sys.exit(main())

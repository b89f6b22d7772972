"""Policies and suites with one thing changed, drawn from a seed: what people mistype, and what nobody would type."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import yaml

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
        draw = random.Random(f"{seed}.{number}")  # noqa: S311 - a repeatable choice, no secret
        changes = 1 + draw.randrange(3)
        kind = draw.randrange(3)
        if kind == 0:
            yield yaml.safe_dump(_changed(raw, draw, changes), sort_keys=False, allow_unicode=True).encode()
        elif kind == 1:
            yield _changed_lines(source, draw, changes).encode()
        else:
            yield _changed_bytes(source.encode(), draw, changes)


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

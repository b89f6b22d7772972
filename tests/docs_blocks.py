"""The fenced blocks of the documentation pages, and what a reader would do with each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "include" / "docs" / "pages"
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)?(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
FEATURES = {
    "income": {"kind": "numeric", "minimum": 0},
    "debt": {"kind": "numeric", "minimum": 0},
    "region": {"kind": "category"},
    "age": {"kind": "integer", "minimum": 18, "maximum": 110, "mutable": False},
}
POLICY: dict[str, Any] = {
    "version": 1,
    "owner": "risk@example.com",
    "model": {"name": "loans", "task": "binary_classification", "uri": "loans.skops", "sha256": "0" * 64},
    "datasets": {name: {"uri": f"{name}.parquet"} for name in ("reference", "train", "previous_train", "current")},
    "columns": {"target": "late", "positive": 1, "identifier": "loan_id", "features": FEATURES},
    "checks": {
        "data_drift": {"thresholds": [{"metric": "psi", "less_than": 0.1}]},
        "model_quality": {"thresholds": [{"metric": "accuracy", "geq_to": 0.7}]},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block of a page, with the comment in the line above it."""

    page: str
    number: int
    language: str
    title: str
    note: str
    body: str

    @property
    def name(self) -> str:
        """What a test of it is called."""
        return f"{self.page}-{self.number}-{self.language}"


def page_names() -> list[str]:
    """Every page by its path below the folder of pages."""
    return sorted(str(path.relative_to(PAGES)) for path in PAGES.rglob("*.md"))


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page in order; `README.md` is the one at the top of the repository."""
    text = (ROOT / page if page == "README.md" else PAGES / page).read_text()
    return [
        Block(page=page, number=number, language=match["language"] or "", title=match["title"] or "",
              note=match["note"] or "", body=match["body"])
        for number, match in enumerate(BLOCK.finditer(text), start=1)
    ]  # fmt: skip


def all_blocks() -> list[Block]:
    """The blocks of every page."""
    return [block for page in page_names() for block in blocks_of(page)]


def completed(fragment: str) -> str:
    """A fragment of a policy as a whole one: its outermost keys replace those of a policy that lints."""
    return yaml.safe_dump({**POLICY, **yaml.safe_load(fragment)}, sort_keys=False)


def with_replaced_keys(text: str, fragment: str) -> str:
    """The text of a policy in which the outermost keys of a fragment are replaced, as a reader edits a file."""
    for key in yaml.safe_load(fragment):
        part = re.search(rf"^{key}:.*?(?=^\S)", fragment + "end", re.DOTALL | re.MULTILINE)
        edited, count = re.subn(
            rf"^{key}:.*?(?=^\S)", lambda _, part=part: part[0], text, flags=re.DOTALL | re.MULTILINE
        )
        assert count == 1, f"{key} stands {count} times in the file that the page edits"
        text = edited
    return text


def commands_of(block: Block) -> list[tuple[str, list[str]]]:
    """The command lines of a console block, each with the output that the page shows below it."""
    commands: list[tuple[str, list[str]]] = []
    for line in block.body.splitlines():
        if line.startswith("$ "):
            commands.append((line.removeprefix("$ "), []))
        elif commands:
            commands[-1][1].append(line)
    return commands


def shows(expected: list[str], output: str) -> bool:
    """Whether the output is what a page shows; `…` stands for any text in a line, and in a line of its own for any lines."""
    return _matches(expected, output.rstrip("\n").split("\n")) if expected else True


def _matches(expected: list[str], lines: list[str]) -> bool:
    """Reads groups of lines between the omissions, each at the first place where it fits; the last one at the end."""
    groups: list[list[str]] = [[]]
    for line in expected:
        if line == "…":
            groups.append([])
        else:
            groups[-1].append(line)
    first, *others = groups
    if not _fits(first, lines[: len(first)]) or (not others and len(first) != len(lines)):
        return False
    start = len(first)
    for number, group in enumerate(others, start=1):
        places = range(start, len(lines) - len(group) + 1)
        if number == len(others) and group:
            places = range(max(start, len(lines) - len(group)), len(lines) - len(group) + 1)
        place = next((at for at in places if _fits(group, lines[at : at + len(group)])), None)
        if place is None:
            return False
        start = place + len(group)
    return True


def _fits(group: list[str], lines: list[str]) -> bool:
    if len(group) != len(lines):
        return False
    pairs = zip(group, lines, strict=True)
    return all(re.fullmatch(re.escape(shown).replace("…", ".*"), line.rstrip()) for shown, line in pairs)

"""What an adapter makes of a report: items that passed or failed, findings by severity, and values that the tool computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

MOST_LETTERS = 200  # of a name in a metric's key or a table

__all__ = ["Adapter", "Item", "Report", "Value", "readable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that the tool tried, with how often it passed and failed.

    Attributes:
        category: what the failed share is computed over: a probe, a plugin, a test suite.
        name: what was tried.
        passed: attempts that ended as the tool wants it.
        failed: attempts that did not.
        skipped: attempts that the tool counted and did not decide.
        severity: how bad a failure is, in the tool's words; empty where it does not say.
    """

    category: str
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number that the tool computed itself.

    Attributes:
        name: in the tool's words.
        value: None where the report holds no finite number.
        rows: number of rows behind it; 0 where the report does not say.
        is_share: whether it is a share of these rows, so that it has an exact interval.
    """

    name: str
    value: float | None
    rows: int = 0
    is_share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was read and found complete.

    Attributes:
        tool: the tool that wrote it, with its version where the report says it.
        items: what was tried.
        findings: number of findings by severity, every severity of the tool with 0 or more; empty where the tool has none.
        values: numbers that the tool computed itself.
        made_at: when the tool ended (UTC); None where the report does not say.
        targets: what the report is about; for each target the names that the report gives it.
        notes: limits that a reader must know.
    """

    tool: str
    items: tuple[Item, ...] = ()
    findings: Mapping[str, int] = field(default_factory=dict)
    values: tuple[Value, ...] = ()
    made_at: datetime | None = None
    targets: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Reads the reports of one tool.

    Attributes:
        title: the tool's name.
        expects: the file that the tool must write, with the option that makes it write it.
        read: `read(content, where)` gives the report; raises CheckError for one that is cut off, of another tool or
            contradicts itself. `where` names the file in errors.
    """

    title: str
    expects: str
    read: Callable[[bytes, str], Report]


def readable(text: object) -> str:
    """A name of a report on one printable line of at most 200 letters: whoever wrote the report chose it."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(words.split())[:MOST_LETTERS]

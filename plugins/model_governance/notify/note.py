"""A note: what a channel is told, before it has the form of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["fail", "warn", "good"]
"""How urgent a note is: it stops a run or a model is not governed; it does not; it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A title and the sentences below it; `omitted` counts those that are left out."""

    title: str
    lines: tuple[str, ...]
    omitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a channel is told.

    Attributes:
        title: one line, also the subject of a mail.
        lead: one or two sentences below it.
        sections: what it is about, the gravest first.
        level: how urgent it is.
        subject: what it is about, the same from run to run: by it a pager knows that an alert is over.
        link: address of the page, empty without one.
        facts: the same for machines, as JSON types.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    level: Level
    subject: str
    link: str
    facts: dict[str, Any]

"""The log of a scan: parts, names, findings, and the budget of unpacked bytes and opcodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.params import ScanParams

Severity = Literal["dangerous", "suspicious", "note"]
SEVERITIES: tuple[Severity, ...] = ("dangerous", "suspicious", "note")
MAX_TEXT = 90
MAX_FINDINGS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: severity, rule, place in the file, what it is and what to do."""

    severity: Severity
    rule: str
    where: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the file: the file itself, a member of an archive, a nested pickle."""

    where: str
    kind: str
    size: int


@dataclass(slots=True, kw_only=True)
class ScanLog:
    """Collects parts, names and findings during a scan; `unscanned` are parts that could not be read."""

    params: ScanParams
    declared: str
    parts: list[Part] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unscanned: list[str] = field(default_factory=list)
    opcodes: int = 0
    unpacked: int = 0
    _findings: dict[Finding, None] = field(default_factory=dict)

    def add(self, severity: Severity, rule: str, where: str, what: str, advice: str) -> None:
        """Record a finding, once however often it occurs in one place."""
        finding = Finding(severity=severity, rule=rule, where=printable(where), what=printable(what), advice=advice)
        if len(self._findings) < MAX_FINDINGS:
            self._findings[finding] = None

    def skip(self, where: str, why: str, advice: str) -> None:
        """Record a part that could not be read: what was not read is not clean."""
        self.unscanned.append(printable(where))
        self.add("suspicious", "unscanned part", where, why, advice)

    def count_unpacked(self, size: int) -> bool:
        """Whether this many unpacked bytes fit into the budget; counts them if so."""
        if self.unpacked + size > self.params.max_unpacked_bytes:
            return False
        self.unpacked += size
        return True

    @property
    def findings(self) -> tuple[Finding, ...]:
        """In the order of the file, at most MAX_FINDINGS: a file made of findings must not fill the memory."""
        return tuple(self._findings)

    @property
    def remaining_bytes(self) -> int:
        """Unpacked bytes that the budget still allows."""
        return self.params.max_unpacked_bytes - self.unpacked

    def count(self, severity: Severity) -> int:
        """Number of findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)


def printable(text: str) -> str:
    """Text of a hostile file made safe for a report: one line, printable characters, at most MAX_TEXT of them."""
    plain = "".join(letter if letter.isprintable() and ord(letter) < 0x2000 else "?" for letter in text)
    return plain if len(plain) <= MAX_TEXT else f"{plain[: MAX_TEXT - 3]}..."

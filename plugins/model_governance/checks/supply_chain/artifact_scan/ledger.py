"""What a scan has seen so far: parts, names, findings, and the budget that is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.params import ScanParams

Severity = Literal["dangerous", "suspicious", "note"]
SEVERITIES: tuple[Severity, ...] = ("dangerous", "suspicious", "note")
LONGEST = 90
MOST_FINDINGS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found: how bad, where in the file, what it is and what to do."""

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
class Ledger:
    """Collects while the scan goes on; `unscanned` are parts that nobody could look into."""

    params: ScanParams
    declared: str
    parts: list[Part] = field(default_factory=list)
    found: dict[Finding, None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    unscanned: list[str] = field(default_factory=list)
    opcodes: int = 0
    unpacked: int = 0

    def find(self, severity: Severity, rule: str, where: str, what: str, advice: str) -> None:
        """Note a finding, once however often it occurs in one place."""
        one = Finding(severity=severity, rule=rule, where=printable(where), what=printable(what), advice=advice)
        if len(self.found) < MOST_FINDINGS:
            self.found[one] = None

    def leave(self, where: str, why: str, advice: str) -> None:
        """Note a part that could not be looked into: unseen is never clean."""
        self.unscanned.append(printable(where))
        self.find("suspicious", "unscanned part", where, why, advice)

    def take(self, size: int) -> bool:
        """Whether this many unpacked bytes are still within the budget; counts them if so."""
        if self.unpacked + size > self.params.most_unpacked_bytes:
            return False
        self.unpacked += size
        return True

    @property
    def findings(self) -> tuple[Finding, ...]:
        """In the order they were found, at most MOST_FINDINGS: a file made of findings must not fill the memory."""
        return tuple(self.found)

    @property
    def allowance(self) -> int:
        """Unpacked bytes that are left."""
        return self.params.most_unpacked_bytes - self.unpacked

    def count(self, severity: Severity) -> int:
        """Findings of one severity."""
        return sum(one.severity == severity for one in self.findings)


def printable(text: str) -> str:
    """Text of a hostile file as it may stand in a report: one line, plain characters, not too long."""
    plain = "".join(one if one.isprintable() and ord(one) < 0x2000 else "?" for one in text)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."

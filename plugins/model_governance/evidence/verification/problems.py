"""What verification finds, by code, and its answer for one model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

CODES = {
    "chain.empty": "A model has archived runs and no chain, or nothing at all.",
    "chain.gap": "A number is missing between two links: a link was removed.",
    "chain.previous": "A link does not hold the digest of the link before it: one of the two was altered, exchanged or removed.",
    "chain.head": "The newest link is not the expected one: links were removed from the end, or the chain was written anew.",
    "chain.anchor": "A time stamp over a link proves nothing, or the link that it is over was removed.",
    "chain.time": "A link says that it was recorded before the link in front of it.",
    "chain.foreign": "An object lies among the links and is none.",
    "link.damaged": "A link cannot be read as a link of its model and number.",
    "link.signature": "No signature of a link is that of a trusted key that was valid when the link was recorded.",
    "object.missing": "An object that a link names is not there.",
    "object.altered": "An object does not have the digest that its link states.",
    "object.damaged": "An object has the stated digest and is not what the link says that it is.",
    "statement.differs": "A link states something else than the manifest and the records that it names.",
    "verdict.differs": "A verdict does not follow from the numbers and the policy of its run.",
    "evidence.unlinked": "An archived run or an acceptance is in no link of the chain.",
    "index.differs": "The history index is damaged, or states what no link states. Nothing that is judged reads it; make it anew (model-governance history MODEL --rebuild).",
    "link.unsigned": "A link is unsigned: whoever can write to the store can write the whole chain anew.",
    "link.versions": "A link was written again or deleted, which the versions of its key show. The oldest one was verified.",
    "signature.unchecked": "Signatures were not checked, because no trust file was given.",
    "anchor.unchecked": "Time stamps were not checked, because no certificate of their authority was given.",
    "chain.repeated": "Two links are about the same object.",
    "chain.repaired": "A link says that the link before it was damaged when it was appended.",
    "run.pruned": "Objects of runs were removed, as tombstones of the chain say.",
    "verdict.baseless": "A verdict rests on what is not in the archive, or its record does not say on what.",
    "verdict.unchecked": "A verdict could not be computed again.",
    "object.left_out": "Objects of runs outside the days of an export are not there.",
}
"""Meaning of each code. Those of NOTES are no reason to distrust what was verified."""
NOTES = frozenset(
    {
        "link.unsigned",
        "link.versions",
        "signature.unchecked",
        "anchor.unchecked",
        "chain.repeated",
        "run.pruned",
        "chain.repaired",
        "verdict.unchecked",
        "object.left_out",
    }
)

Severity = Literal["error", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be: its code, the object it was found at, and a sentence."""

    code: str
    where: str
    sentence: str

    @property
    def severity(self) -> Severity:
        """`error` where the evidence is not to be trusted; `note` for what a reader must know."""
        return "note" if self.code in NOTES else "error"

    def record(self) -> dict[str, str]:
        """As JSON types."""
        return {"code": self.code, "severity": self.severity, "where": self.where, "sentence": self.sentence}


@dataclass(slots=True)
class Findings:
    """Problems while they are collected."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, where: str, sentence: str) -> None:
        """Note a problem of a known code."""
        if code not in CODES:
            raise ValueError(f"{code} is no code of a problem")
        self.problems.append(Problem(code=code, where=where, sentence=sentence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was verified of one model, and every problem.

    Attributes:
        model: name of the model.
        links: number of links that could be read.
        head: `sequence` and `sha256` of the newest link that could be read; None without one.
        objects: number of objects whose digest was compared.
        verdicts: number of verdicts of checks that were computed again.
        signed_by: owners of the keys whose signatures were verified.
        anchored: number of the newest link with a time stamp that was verified, and its moment; None without one.
        problems: in the order of the chain.
    """

    model: str
    links: int
    head: tuple[int, str] | None
    objects: int
    verdicts: int
    signed_by: tuple[str, ...]
    anchored: tuple[int, str] | None
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether no problem is an error."""
        return all(problem.severity != "error" for problem in self.problems)

    def record(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "model": self.model,
            "sound": self.is_sound,
            "links": self.links,
            "head": None if self.head is None else {"sequence": self.head[0], "sha256": self.head[1]},
            "objects": self.objects,
            "verdicts": self.verdicts,
            "signed_by": list(self.signed_by),
            "anchored": None if self.anchored is None else {"sequence": self.anchored[0], "moment": self.anchored[1]},
            "problems": [problem.record() for problem in self.problems],
        }

"""The reading of a chain, link by link from its beginning, and what it leaves behind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import spell_moment
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.anchors import Anchor, anchored
from model_governance.evidence.chain import chain_folder, link_key, read_link
from model_governance.evidence.index import index_differences
from model_governance.evidence.index_rows import row_of_unreadable, rows_of
from model_governance.evidence.manifest import FILE, model_folder
from model_governance.evidence.statement import DOCUMENTS, document_folder
from model_governance.evidence.verification.link import verify_link
from model_governance.evidence.verification.problems import Findings, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.x509 import Certificate

    from model_governance.evidence.chain import Link
    from model_governance.evidence.trust import Trust
    from model_governance.evidence.verification.problems import Problem
    from model_governance.evidence.verification.reader import Reader
    from model_governance.store import ArtifactStore

SKEW = timedelta(minutes=10)
"""By how much the clock of a machine may be behind that of the one before."""


@dataclass(slots=True)
class Walk:
    """What is known while the chain is read from its beginning."""

    store: ArtifactStore
    model: str
    trust: Trust | None
    reader: Reader
    each: Callable[[Link, Sequence[Problem]], None] | None = None
    findings: Findings = field(default_factory=Findings)
    last: tuple[int, str | None] = (0, None)
    """Number of the last link and its digest; None where it was damaged."""
    newest: Link | None = None
    links: int = 0
    unsigned: int = 0
    signers: set[str] = field(default_factory=set)
    anchor: tuple[int, str] | None = None
    about: dict[str, int] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    """Of every link that can be read, by number."""
    rows: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """What the history index must state, by number of the link."""

    def visit(self, sequence: int, key: str) -> None:
        """Verify the link under a key, and its place behind the one before."""
        where, known = self.store.locate(key), len(self.findings.problems)
        before, digest = self.last
        if sequence != before + 1:
            missing = f"link {before + 1}" if sequence == before + 2 else f"links {before + 1} to {sequence - 1}"
            self.findings.add(
                "chain.gap", where, f"{missing} of {self.model} are not there: removed after they were stored"
            )
            digest = None
        try:
            link = read_link(self.store, key)
        except (EvidenceError, ObjectMissing) as error:
            self.findings.add("link.damaged", where, str(error))
            self.last = (sequence, None)
            self.rows[sequence] = [row_of_unreadable(sequence)]
            return
        self._place(link, digest, first=sequence == 1, known=sequence == before + 1)
        self._signatures(link, where)
        self._repeated(link, where)
        verify_link(link, self.reader, self.findings)
        self.links += 1
        self.digests[sequence] = digest = link.digest
        self.last, self.newest = (sequence, digest), link
        self.rows[sequence] = rows_of(link)
        if self.each is not None:
            self.each(link, self.findings.problems[known:])

    def stand_behind(self, links: Sequence[tuple[int, str]]) -> None:
        """Begin behind these links, which are verified elsewhere: only the newest that can be read is looked at."""
        for _, key in reversed(links):
            with contextlib.suppress(EvidenceError, ObjectMissing):
                self.newest = read_link(self.store, key)
                break
        if links:
            (sequence, _), newest = links[-1], self.newest
            self.last = (sequence, newest.digest if newest is not None and newest.sequence == sequence else None)

    def take(self, part: Walk) -> None:
        """Go on where the walk through the next part of the chain ended."""
        self.findings.problems += part.findings.problems
        self.last, self.newest = part.last, part.newest
        self.links += part.links
        self.unsigned += part.unsigned
        self.signers |= part.signers
        self.about |= part.about
        self.digests |= part.digests
        self.rows |= part.rows
        self.reader.take(part.reader)

    def forget_what_was_read(self) -> None:
        """Keep what was found: keys and documents stay in the process that read them."""
        self.trust = None
        self.reader.forget_documents()

    def _place(self, link: Link, digest: str | None, *, first: bool, known: bool) -> None:
        where = self.store.locate(link.key)
        if first and link.previous is not None:
            self.findings.add("chain.previous", where, "the first link names one before it; there is none")
        if not first and known and digest is not None and link.previous != digest:
            self.findings.add(
                "chain.previous", where,
                f"link {link.sequence} holds the digest {str(link.previous)[:16]}… of the link before, which has {digest[:16]}…: "
                "one of the two was altered, exchanged or written anew",
            )  # fmt: skip
        if problem := (link.predicate["previous"] or {}).get("problem"):
            self.findings.add("chain.repaired", where, f"when it was appended, the link before was damaged: {problem}")
        if self.newest is not None and link.recorded_at < self.newest.recorded_at - SKEW:
            self.findings.add(
                "chain.time", where,
                f"says that it was recorded at {spell_moment(link.recorded_at)}, before link {self.newest.sequence} "
                f"({spell_moment(self.newest.recorded_at)})",
            )  # fmt: skip

    def _signatures(self, link: Link, where: str) -> None:
        self.unsigned += not link.is_signed
        if self.trust is None:
            return
        if problem := link.problem_of(self.trust):
            self.findings.add("link.signature", where, f"link {link.sequence} is not vouched for: {problem}")
        else:
            keyids = {signature.keyid for envelope in link.envelopes for signature in envelope.signatures}
            self.signers |= {self.trust.keys[keyid].owner for keyid in keyids if keyid in self.trust.keys}

    def _repeated(self, link: Link, where: str) -> None:
        earlier = self.about.setdefault(link.about["key"], link.sequence)
        if earlier != link.sequence:
            self.findings.add("chain.repeated", where, f"link {earlier} is about the same object, {link.about['key']}")

    def end(self, expected_head: str | None, known_head: tuple[int, str] | None) -> None:
        """What can be said only once all links are known."""
        self._chain_folder()
        self._unlinked()
        self._index()
        folder = self.store.locate(chain_folder(self.model).rstrip("/"))
        if self.links == 0:
            self.findings.add(
                "chain.empty", folder, f"{self.model} has no link that can be read; nothing is proven of it"
            )
        head = self.newest.digest if self.newest is not None else None
        if expected_head is not None and head != expected_head:
            self.findings.add(
                "chain.head", folder,
                f"the newest link of {self.model} has sha256 {head}, expected {expected_head}: links were removed from the "
                "end, or the chain was written anew. Where links were appended since, expect the head of now",
            )  # fmt: skip
        if known_head is not None and self.digests.get(known_head[0]) != known_head[1]:
            self.findings.add(
                "chain.head", folder,
                f"link {known_head[0]} of {self.model} was the newest one earlier, with sha256 {known_head[1]}; now it "
                f"{'has ' + self.digests[known_head[0]] if known_head[0] in self.digests else 'is not there, or cannot be read'}: "
                "links were removed, or the chain was written anew",
            )  # fmt: skip
        if self.unsigned:
            self.findings.add(
                "link.unsigned", folder,
                f"{self.unsigned} of {self.links} links are UNSIGNED: whoever can write to the store can write them anew. "
                "Set archive.signing_key (model-governance keys init)",
            )  # fmt: skip
        removed = sum(self.reader.digests.get(key, "") is None for key in self.reader.pruned)
        if removed:
            self.findings.add("run.pruned", folder, f"{removed} objects were pruned, as tombstones of the chain say")
        if self.reader.left_out:
            self.findings.add(
                "object.left_out", folder,
                f"{len(self.reader.left_out)} objects of runs outside the days {self.reader.period} are not here, and were not verified",
            )  # fmt: skip
        if self.trust is None and self.unsigned < self.links:
            self.findings.add("signature.unchecked", folder, "signatures were not checked: pass --trust FILE")

    def _chain_folder(self) -> None:
        """Objects among the links that are none, and links that were written again or deleted behind a marker.

        A slow writer writes a link again on some servers.
        """
        known = {link_key(self.model, sequence) for sequence in self.rows}
        for key, versions in self.store.versions(chain_folder(self.model)).items():
            markers = sum(version.is_delete_marker for version in versions)
            if key not in known and markers < len(versions):
                self.findings.add("chain.foreign", self.store.locate(key), "lies among the links and is none")
            if len(versions) > 1:
                self.findings.add(
                    "link.versions", self.store.locate(key),
                    f"has {len(versions)} versions, {markers} of them delete markers; the oldest one was verified",
                )  # fmt: skip

    def _unlinked(self) -> None:
        """Manifests and documents that no link is about."""
        manifests = (key for key in self.store.keys(model_folder(self.model)) if key.endswith(f"/{FILE}"))
        folders = (document_folder(kind, self.model) for kind in DOCUMENTS)
        documents = (key for folder in folders for key in self.store.keys(folder) if key.endswith(".json"))
        for key in (*manifests, *documents):
            if key not in self.about:
                self.findings.add(
                    "evidence.unlinked", self.store.locate(key),
                    "is in no link: forged, or left by a writer that was killed; the next run appends what is sound",
                )  # fmt: skip

    def _index(self) -> None:
        """Blocks of the history index that state something else than the links."""
        for where, sentence in index_differences(self.store, self.model, self.rows):
            self.findings.add("index.differs", where, sentence)

    def time_stamps(self, authority: Sequence[Certificate]) -> None:
        """Verify the anchors: each is over a link that is there, by this authority."""
        if not authority:
            folder = f"v1/anchors/model={self.model}"
            if any(True for _ in self.store.keys(f"{folder}/")):
                self.findings.add(
                    "anchor.unchecked",
                    self.store.locate(folder),
                    "time stamps were not checked: pass --tsa-certificate FILE",
                )
            return
        for found in anchored(self.store, self.model, certificates=authority):
            if isinstance(found, Anchor):
                self.anchor = (found.sequence, found.moment.isoformat())
            else:
                self.findings.add("chain.anchor", self.store.locate(chain_folder(self.model).rstrip("/")), str(found))

    def verification(self) -> Verification:
        """The answer."""
        newest = self.newest
        return Verification(
            model=self.model, links=self.links, head=None if newest is None else (newest.sequence, newest.digest),
            objects=self.reader.compared, verdicts=self.reader.verdicts, signed_by=tuple(sorted(self.signers)), anchored=self.anchor,
            problems=tuple(self.findings.problems),
        )  # fmt: skip

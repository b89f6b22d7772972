"""The chain of a model: one link per governance run, acceptance or request, each with the digest of the link before.

A link is one create-only object under its number. Whoever appends reads the head, builds the next link and stores it; where
another writer took the number first, the same begins with the new head. On every store the oldest version of a key counts,
so of two writers that both believe that they stored number 8 only one did.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.evidence.envelope import Envelope, canonical, read_envelope, seal, statement_in
from model_governance.evidence.statement import KINDS, STATEMENT_TYPE, TEST_RESULT, Place
from model_governance.store.rules import require_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/vnd.in-toto.bundle"
PER_FOLDER = 1000
"""Links of a folder: finding the head lists one folder, however long the chain is."""
TRIES = 64
"""Tries of one append; each lost one means that another writer appended."""
RECENT = 5
"""Newest links in which an append looks for a link of the same object, which another writer may have made."""
HINTS = "v1/hints/"
"""Under this prefix and the key of an object: the key of its link, so that it need not be searched. No evidence, and never
believed."""

_ROOT = "v1/chain/"
_KEY = re.compile(r"v1/chain/model=(?P<model>[^/]+)/(?P<folder>[0-9]{7})/(?P<sequence>[0-9]{10})\.intoto\.jsonl")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link of a chain as it is stored. Reading it checks its form; `problem_of` checks its signatures.

    Attributes:
        key: where it is stored.
        model: name of the model, as key and statement say.
        sequence: its number from 1 on, as key and statement say.
        kind: what it is about: `run`, `acceptance`, `retraining_request`, `hold`, `tombstone`, `waiver`.
        statement: what it states.
        envelopes: the lines of the bundle: the statement, and for a run the test result.
        content: the stored bytes.
    """

    key: str
    model: str
    sequence: int
    kind: str
    statement: Mapping[str, Any]
    envelopes: tuple[Envelope, ...]
    content: bytes

    @property
    def predicate(self) -> Mapping[str, Any]:
        """The predicate of the statement."""
        found: Mapping[str, Any] = self.statement["predicate"]
        return found

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the payload, which the next link holds; signing anew does not change it."""
        return hashlib.sha256(self.envelopes[0].payload).hexdigest()

    @property
    def previous(self) -> str | None:
        """The digest of the link before, as this one states it; None at the beginning."""
        before = self.predicate["previous"]
        return None if before is None else str(before["sha256"])

    @cached_property
    def recorded_at(self) -> datetime:
        """When it says that it was recorded (UTC)."""
        return parse_moment(self.predicate["recorded_at"])

    @property
    def about(self) -> Mapping[str, Any]:
        """`key` and `sha256` of the manifest or document that it is about."""
        found: Mapping[str, Any] = self.predicate["manifest" if self.kind == "run" else "address"]
        return found

    @property
    def objects(self) -> dict[str, str]:
        """Digest by key of every object of the archive that it states."""
        return {each["uri"]: each["digest"]["sha256"] for each in self.statement["subject"] if "uri" in each}

    @property
    def logical_date(self) -> datetime:
        """The moment of the run that it is about (UTC). Raises KeyError, TypeError, ValueError where it states none."""
        return parse_moment(self.predicate["run"]["logical_date"])

    @property
    def is_signed(self) -> bool:
        """Whether every line has a signature, of whomever."""
        return all(envelope.signatures for envelope in self.envelopes)

    def problem_of(self, trust: Trust) -> str:
        """Why the signatures do not vouch for the link, in words; empty where they do."""
        problems = (trust.problem_of(envelope, moment=self.recorded_at) for envelope in self.envelopes)
        return next(filter(None, problems), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest number of a chain, the digest that the next link holds, and what is wrong with that link."""

    sequence: int = 0
    digest: str | None = None
    problem: str = ""
    link: Link | None = None


def append(
    store: ArtifactStore,
    model: str,
    make: Callable[[Place], Sequence[Mapping[str, Any]]],
    *,
    about: Mapping[str, Any],
    signer: Signer | None,
    recent: int = RECENT,
) -> Link:
    """Append a link and return it; what is in the chain already is found and not appended again.

    Args:
        store: the archive.
        model: whose chain.
        make: the statements of the link at a place; the first one states the place.
        about: `key` and `sha256` of the object that the link is about.
        signer: signs every line; None leaves the link unsigned.
        recent: newest links that are searched for one of the same object.

    Raises:
        StoreUnreachable: the store does not answer, or other writers were faster every time.
        StoreError: it refuses.
        EvidenceError: the key cannot sign.
    """
    seen = 0
    for _ in range(TRIES):
        head = find_head(store, model)
        found = _link_about(
            store, model, about, newest=head.sequence, oldest=max(1, seen + 1, head.sequence - recent + 1)
        )
        if found is not None:
            return found
        seen = head.sequence
        place = Place(
            model=model, sequence=head.sequence + 1, previous=head.digest, recorded_at=datetime.now(UTC),
            problem=head.problem,
        )  # fmt: skip
        envelopes = [seal(canonical(statement), signer) for statement in make(place)]
        content = b"\n".join(envelope.line() for envelope in envelopes) + b"\n"
        key = link_key(model, place.sequence)
        try:
            store.put_once(key, content, media_type=MEDIA_TYPE)
        except ObjectConflict:
            continue
        return read_link(store, key, content=content)
    raise StoreUnreachable(
        f"cannot append to the chain of {model} in {store.uri}: other writers were faster {TRIES} times; try later"
    )


def link_key(model: str, sequence: int) -> str:
    """Where a link is stored; keys sort by number."""
    return f"{chain_folder(model)}{sequence // PER_FOLDER:07d}/{sequence:010d}.intoto.jsonl"


def chain_folder(model: str) -> str:
    """Where the links of a model are."""
    return f"{_ROOT}model={model}/"


def models_with_chain(store: ArtifactStore) -> list[str]:
    """The models that have a chain, sorted."""
    return sorted({match["model"] for key in store.keys(_ROOT) if (match := _KEY.fullmatch(key))})


def link_keys(store: ArtifactStore, model: str) -> Iterator[tuple[int, str]]:
    """Number and key of every link of a model, in the order of their numbers."""
    for key in store.keys(chain_folder(model)):
        match = _KEY.fullmatch(key)
        if match is not None and link_key(model, int(match["sequence"])) == key:
            yield int(match["sequence"]), key


def find_head(store: ArtifactStore, model: str) -> Head:
    """The newest link, found with a number of requests that grows with the logarithm of the chain's length.

    A link that is damaged is the head all the same: the chain goes on behind it, and says so.
    """
    sequence = _newest(store, model)
    if sequence == 0:
        return Head()
    key = link_key(model, sequence)
    content = store.get(key)
    try:
        link = read_link(store, key, content=content)
    except EvidenceError as error:
        log.error("the newest link of %s is damaged, and the next one says so: %s", model, error)
        return Head(sequence=sequence, digest=hashlib.sha256(content).hexdigest(), problem=str(error))
    return Head(sequence=sequence, digest=link.digest, link=link)


def read_link(store: ArtifactStore, key: str, *, content: bytes | None = None) -> Link:
    """The link under a key; its form is checked, its signatures are not.

    Args:
        store: the archive.
        key: as `link_key` makes it.
        content: its bytes, where they were read already.

    Raises:
        EvidenceError: the object is no link, or that of another model or number.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    origin = store.locate(key)
    match = _KEY.fullmatch(key)
    if match is None:
        raise EvidenceError(f"{origin}: expected a link of a chain, {_ROOT}model=NAME/…/NUMBER.intoto.jsonl")
    content = store.get(key) if content is None else content
    *lines, rest = content.split(b"\n")
    if rest or not lines:
        raise EvidenceError(f"{origin}: expected envelopes, one on each line, found other bytes; the link was altered")
    envelopes = tuple(read_envelope(line, origin=f"{origin}:{number}") for number, line in enumerate(lines, start=1))
    statement, *others = (statement_in(envelope, origin=origin) for envelope in envelopes)
    kind = KINDS.get(str(statement.get("predicateType")))
    if kind is None or statement.get("_type") != STATEMENT_TYPE:
        raise EvidenceError(
            f"{origin}: states {statement.get('predicateType')!r:.100}; this release reads {', '.join(KINDS)}"
        )
    _require_place(statement.get("predicate"), match["model"], int(match["sequence"]), kind, origin=origin)
    _require_subjects(statement, origin=origin)
    _require_companions(kind, statement, others, origin=origin)
    return Link(
        key=key, model=match["model"], sequence=int(match["sequence"]), kind=kind, statement=statement,
        envelopes=envelopes, content=content,
    )  # fmt: skip


def describe_link(link: Link) -> str:
    """One line for logs: number, digest and who signed it; an unsigned link says so in capitals."""
    keys = sorted({signature.keyid[:16] for envelope in link.envelopes for signature in envelope.signatures})
    signed = (
        f"signed by key {', '.join(keys)}"
        if link.is_signed
        else "UNSIGNED (no signing key is named: archive.signing_key)"
    )
    return f"chain: link {link.sequence} of {link.model}, sha256 {link.digest}, {signed}"


def leave_hint(store: ArtifactStore, link: Link) -> None:
    """Store where the link of an object is. Raises as `ArtifactStore.put_once`, but not for a hint that is there."""
    content = canonical_json({"key": link.key})
    try:
        store.put_once(HINTS + link.about["key"], content, media_type="application/json")
    except ObjectConflict:
        log.warning("%s names another link; links are searched instead", store.locate(HINTS + link.about["key"]))


def link_of(store: ArtifactStore, model: str, *, about: Mapping[str, Any], search: int = 100) -> Link | None:
    """The link about an object, by its hint, else among the newest; None where there is none.

    Args:
        store: the archive.
        model: whose chain.
        about: `key` and `sha256` of the object.
        search: newest links that are read where the hint leads nowhere.

    Raises:
        StoreUnreachable: as `ArtifactStore.get`.
    """
    try:
        key = re.search(rb'"key":"([^"]+)"', store.get(HINTS + about["key"]))
        link = read_link(store, key[1].decode()) if key else None
    except (ObjectMissing, EvidenceError, UnicodeDecodeError):
        link = None
    if link is not None and link.model == model and is_about(link, about):
        return link
    newest = _newest(store, model)
    return _link_about(store, model, about, newest=newest, oldest=max(1, newest - search + 1))


def is_about(link: Link, about: Mapping[str, Any]) -> bool:
    """Whether a link is about this object, by key and digest."""
    return (link.about["key"], link.about["sha256"]) == (about["key"], about["sha256"])


def _link_about(store: ArtifactStore, model: str, about: Mapping[str, Any], *, newest: int, oldest: int) -> Link | None:
    for sequence in range(newest, oldest - 1, -1):
        try:
            link = read_link(store, link_key(model, sequence))
        except (EvidenceError, ObjectMissing):
            continue
        if is_about(link, about):
            return link
    return None


def _newest(store: ArtifactStore, model: str) -> int:
    """The largest number of a chain; 0 where it has no link."""

    def numbers(folder: int) -> list[int]:
        keys = store.keys(f"{chain_folder(model)}{folder:07d}/")
        return [int(match["sequence"]) for key in keys if (match := _KEY.fullmatch(key))]

    def begins(folder: int) -> bool:
        try:
            store.get(link_key(model, folder * PER_FOLDER))
        except ObjectMissing:
            return False
        return True

    # Folders fill one after the other: the last one is found by doubling, then by halving, from the first link of each.
    # Listing the folder behind it shows whether that link was removed.
    low, high = 0, 1
    while begins(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if begins(middle) else (low, middle)
    found, behind = numbers(low), numbers(low + 1)
    while behind:
        low, found, behind = low + 1, behind, numbers(low + 2)
    return max(found, default=0)


def _require_place(predicate: Any, model: str, sequence: int, kind: str, *, origin: str) -> None:
    """Refuse a statement that stands under another key than its own, or lacks what every link has."""
    try:
        before = predicate["previous"]
        about = predicate["manifest" if kind == "run" else "address"]
        well_formed = (
            (predicate["model_name"], predicate["sequence"]) == (model, sequence)
            and (before is None or re.fullmatch("[0-9a-f]{64}", before["sha256"]))
            and re.fullmatch("[0-9a-f]{64}", about["sha256"])
            and isinstance(about["key"], str)
            and isinstance(parse_moment(predicate["recorded_at"]), datetime)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"{origin}: the statement lacks what every link has ({error!r:.200})") from error
    if not well_formed:
        raise EvidenceError(
            f"{origin}: expected link {sequence} of {model}, found what says that it is link "
            f"{predicate['sequence']!r:.20} of {predicate['model_name']!r:.100}, or has digests or keys of another form"
        )


def _require_subjects(statement: Mapping[str, Any], *, origin: str) -> None:
    """Refuse a statement about nothing, without digests, or with keys that no store can hold."""
    try:
        keys = [subject["uri"] for subject in statement["subject"] if "uri" in subject]
        digests = [subject["digest"]["sha256"] for subject in statement["subject"]]
        predicate = statement["predicate"]
        for key in (*keys, predicate.get("manifest", predicate.get("address"))["key"]):
            require_key(key)
        well_formed = digests and all(isinstance(digest, str) for digest in digests)
    except (KeyError, TypeError, AttributeError, StoreError) as error:
        raise EvidenceError(f"{origin}: names objects in another way than every link does ({error!r:.200})") from error
    if not well_formed:
        raise EvidenceError(
            f"{origin}: expected objects with digests, found {len(digests)} without or with other digests"
        )


def _require_companions(
    kind: str, statement: Mapping[str, Any], others: Sequence[Mapping[str, Any]], *, origin: str
) -> None:
    """A run has one test result about the same subject; any other link has nothing beside its statement."""
    expected = [TEST_RESULT] if kind == "run" else []
    found = [other.get("predicateType") for other in others]
    if found != expected or any(other.get("subject") != statement["subject"][:1] for other in others):
        raise EvidenceError(f"{origin}: expected beside the statement {expected or 'nothing'}, found {found!r:.200}")

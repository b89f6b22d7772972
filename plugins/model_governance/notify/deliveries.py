"""What became of the messages of a run, channel by channel: small objects beside the evidence that are none.

The board reads them to say which channel failed, and a repeated run does not send again what was sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from model_governance.contract.documents import Form, Moment, read_document, require_form
from model_governance.contract.moments import moment_key
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, ObjectConflict, ObjectMissing
from model_governance.policy.notifications import ChannelType, Severity  # noqa: TC001 - pydantic reads them

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.notify.note import Note
    from model_governance.policy.notifications import ChannelSpec
    from model_governance.store import ArtifactStore

DELIVERY_SCHEMA = "model-governance/delivery/v1"
DELIVERIES = "v1/notifications/"
"""Under this prefix: no evidence, and never believed where something is judged."""
MOST_TRIES = 50

Content = Literal["run", "digest"]
Status = Literal["sent", "failed", "held", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one message on one channel.

    `held` waits for the digest, `nothing` had nothing to say for this channel; `problem` says why it failed, and `digest`
    is that of the facts that were sent.
    """

    type: ChannelType
    connection: str
    severity: Severity
    owner: str | None
    content: Content
    status: Status
    problem: str = ""
    digest: str = ""

    @property
    def sentence(self) -> str:
        """For the log."""
        return f"{self.content} to {self.type} ({self.connection}): {self.status}" + (
            f", {self.problem}" if self.problem else ""
        )


class _DeliveryForm(Form):
    type: ChannelType
    connection: str
    severity: Severity
    owner: str | None
    content: Content
    status: Status
    problem: str
    digest: str


class _DeliveriesForm(Form):
    schema_: str = Field(alias="schema")
    model: str
    logical_date: Moment
    manifest: Annotated[str, Field(min_length=1)]
    at: Moment
    channels: list[_DeliveryForm]


def delivery_to(
    channel: ChannelSpec, content: Content, status: Status, *, problem: str = "", note: Note | None = None
) -> Delivery:
    """The delivery of a channel, of a note where there is one to send."""
    return Delivery(
        type=channel.type, connection=channel.connection, severity=channel.severity, owner=channel.owner,
        content=content, status=status, problem=problem, digest="" if note is None else _digest(note),
    )  # fmt: skip


def was_last_sent(deliveries: Sequence[Delivery], sent: Delivery) -> bool:
    """Whether this is what the channel was told last: a run whose second try said something else says it again."""
    same = [each for each in deliveries if replace(each, digest="") == replace(sent, digest="")]
    return bool(same) and same[-1] == sent


def store_deliveries(
    store: ArtifactStore, model: str, *, moment: datetime, manifest: str, deliveries: Sequence[Delivery]
) -> str:
    """Store what one try of the task did, and return its key.

    Args:
        store: the archive of the run.
        model: name of the model.
        moment: of the run (UTC).
        manifest: key of its manifest.
        deliveries: channel by channel.

    Raises:
        StoreUnreachable, StoreError: as `ArtifactStore.put_once`.
        ObjectConflict: the tries of a run are used up.
    """
    record = {
        "schema": DELIVERY_SCHEMA, "model": model, "logical_date": moment.isoformat(), "manifest": manifest,
        "at": datetime.now(UTC).isoformat(), "channels": [asdict(delivery) for delivery in deliveries],
    }  # fmt: skip
    content, folder = canonical_json(record), _folder(model, moment, manifest)
    for number in range(1, MOST_TRIES + 1):
        try:
            store.put_once(f"{folder}{number:02d}.json", content, media_type="application/json")
        except ObjectConflict:
            continue
        return f"{folder}{number:02d}.json"
    raise ObjectConflict(f"{store.locate(folder[:-1])}: holds {MOST_TRIES} tries of one run; nothing is added")


def deliveries_of(store: ArtifactStore, model: str, *, moment: datetime, manifest: str) -> list[Delivery]:
    """What all tries of a run did so far, the oldest first; what cannot be read is left out.

    Raises:
        StoreUnreachable: as `ArtifactStore.get`.
    """
    return [delivery for key in store.keys(_folder(model, moment, manifest)) for delivery in _read(store, key)]


def _read(store: ArtifactStore, key: str) -> Iterator[Delivery]:
    origin = store.locate(key)
    try:
        document = read_document(store.get(key), origin=origin, schema=DELIVERY_SCHEMA)
        require_form(document, _DeliveriesForm, origin=origin)
    except (EvidenceError, ObjectMissing):
        return  # no evidence: the worst that follows is a message too many
    yield from (Delivery(**record) for record in document["channels"])


def _digest(note: Note) -> str:
    """Of what a note says; the address of its page is another one for every try."""
    facts = {name: value for name, value in note.facts.items() if name != "link"}
    return hashlib.sha256(canonical_json(facts)).hexdigest()[:16]


def _folder(model: str, moment: datetime, manifest: str) -> str:
    """One for all tries of a run; its third part from the end names the run in the key of every manifest of it."""
    return f"{DELIVERIES}model={model}/run={moment_key(moment)}/{manifest.split('/')[-3]}/"

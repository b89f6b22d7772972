"""Anchors: a time stamp authority states that it saw a link (RFC 3161). They need the extra `tsa`.

An anchor is what a chain cannot give itself: proof of a moment by somebody else, and, where it outlives the link, proof that
the link was there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing, StoreUnreachable
from model_governance.evidence.chain import find_head, link_key, read_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cryptography.x509 import Certificate

    from model_governance.evidence.chain import Link
    from model_governance.store import ArtifactStore

MEDIA_TYPE = "application/timestamp-reply"
SECONDS = 30.0
_ANCHORS = "v1/anchors/"
_KEY = re.compile(r"v1/anchors/model=[^/]+/(?P<sequence>[0-9]{10})\.tsr")
_INSTALL = "install the extra: pip install 'airflow-model-governance[tsa]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A time stamp over the payload of a link: its number, its key, the moment that the authority states (UTC)."""

    sequence: int
    key: str
    moment: datetime


def anchor_head(store: ArtifactStore, model: str, *, authority: str, certificates: Sequence[Certificate]) -> Anchor:
    """Have an authority stamp the newest link, verify the stamp, and store it; a link that has one keeps it.

    Args:
        store: the archive.
        model: whose chain.
        authority: http(s) address of the time stamp authority.
        certificates: its root certificate first, then intermediate ones.

    Raises:
        EvidenceError: the chain is empty, its newest link is damaged, or the stamp does not verify.
        StoreUnreachable: the authority or the store does not answer.
    """
    head = find_head(store, model)
    if head.link is None:
        raise EvidenceError(
            f"{store.uri}: {model} has no sound newest link to anchor: {head.problem or 'no link at all'}"
        )
    key = anchor_key(model, head.sequence)
    try:
        token = store.get(key)
    except ObjectMissing:
        token = _stamped(head.link, authority)
        moment = moment_of(token, head.link, certificates, origin=authority)
        store.put_once(key, token, media_type=MEDIA_TYPE)
    else:
        moment = moment_of(token, head.link, certificates, origin=store.locate(key))
    return Anchor(sequence=head.sequence, key=key, moment=moment)


def anchor_key(model: str, sequence: int) -> str:
    """Where the anchor of a link is stored."""
    return f"{_ANCHORS}model={model}/{sequence:010d}.tsr"


def anchored(
    store: ArtifactStore, model: str, *, certificates: Sequence[Certificate]
) -> Iterator[Anchor | EvidenceError]:
    """Every anchor of a model, in the order of its links, or why one proves nothing.

    Raises:
        EvidenceError: the extra `tsa` is not installed.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    for key in store.keys(f"{_ANCHORS}model={model}/"):
        origin, match = store.locate(key), _KEY.fullmatch(key)
        if match is None:
            yield EvidenceError(f"{origin}: expected an anchor, NUMBER.tsr")
            continue
        sequence = int(match["sequence"])
        try:
            link = read_link(store, link_key(model, sequence))
            moment = moment_of(store.get(key), link, certificates, origin=origin)
        except ObjectMissing:
            yield EvidenceError(f"{origin}: link {sequence} of {model} was anchored and is not there: it was removed")
        except EvidenceError as error:
            yield error
        else:
            yield Anchor(sequence=sequence, key=key, moment=moment)


def moment_of(token: bytes, link: Link, certificates: Sequence[Certificate], *, origin: str) -> datetime:
    """The moment that a time stamp states, once it is shown to be one over this link by this authority.

    Raises:
        EvidenceError: it is none, or the extra `tsa` is not installed.
    """
    rfc3161 = _library()
    builder = rfc3161.VerifierBuilder().add_root_certificate(certificates[0])
    for intermediate in certificates[1:]:
        builder = builder.add_intermediate_certificate(intermediate)
    try:
        response = rfc3161.decode_timestamp_response(token)
        builder.build().verify_message(response, link.envelopes[0].payload)
        moment: datetime = response.tst_info.gen_time
    except (rfc3161.VerificationError, ValueError) as error:
        raise EvidenceError(
            f"{origin}: is no time stamp of this authority over link {link.sequence} of {link.model} ({error!s:.200})"
        ) from error
    return moment


def read_certificates(text: bytes, *, origin: str) -> list[Certificate]:
    """The certificates in a PEM file, the root first.

    Raises:
        EvidenceError: there is none.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(text)
    except ValueError as error:
        raise EvidenceError(f"{origin}: expected certificates in PEM, the root first; {error}") from error


def _stamped(link: Link, authority: str) -> bytes:
    """What the authority answers for the payload of a link."""
    import httpx

    rfc3161 = _library()
    request = (
        rfc3161.TimestampRequestBuilder().data(link.envelopes[0].payload)
        .hash_algorithm(rfc3161.HashAlgorithm.SHA256).nonce(nonce=True).cert_request(cert_request=True).build()
    )  # fmt: skip
    headers = {"Content-Type": "application/timestamp-query"}
    try:
        answer = httpx.post(authority, content=request.as_bytes(), headers=headers, timeout=SECONDS)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StoreUnreachable(
            f"time stamp authority {authority} does not answer ({error!r:.200}); try later"
        ) from error
    return answer.content


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise EvidenceError(f"anchors need rfc3161-client; {_INSTALL}") from error
    return rfc3161_client

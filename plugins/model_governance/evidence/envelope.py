"""DSSE envelopes: a payload, and signatures over its type and bytes (secure-systems-lab/dsse, protocol v1.0.2)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import to_json

from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_BEGIN = b'{"payload":"'
_MIDDLE = b'","payloadType":"' + PAYLOAD_TYPE.encode() + b'","signatures":['
_SIGNATURE = re.compile(rb'\{"keyid":"([0-9a-f]*)","sig":"([A-Za-z0-9+/=]*)"\}')


class Signer(Protocol):
    """Signs bytes with a private key that it does not show."""

    @property
    def keyid(self) -> str:
        """SHA-256 of the public key's SubjectPublicKeyInfo in DER, 64 hex digits."""

    @property
    def public_key(self) -> PublicKey:
        """The public key."""

    def sign(self, message: bytes) -> bytes:
        """The signature of a message.

        Raises:
            EvidenceError: the key cannot sign.
            StoreUnreachable: the service that holds it does not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature and the id of the key that made it."""

    keyid: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload with its signatures; without any it is unsigned."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()
    payload_type: str = PAYLOAD_TYPE

    @property
    def message(self) -> bytes:
        """The bytes that are signed: the pre-authentication encoding of type and payload."""
        return pre_authentication_encoding(self.payload_type, self.payload)

    def line(self) -> bytes:
        """The envelope as one line of JSON, without line end."""
        record = {
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": each.keyid, "sig": base64.b64encode(each.value).decode()} for each in self.signatures
            ],
        }
        rest = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        # Base64 has nothing to escape, and its key sorts first.
        return _BEGIN + base64.b64encode(self.payload) + b'",' + rest[1:]


def seal(payload: bytes, signer: Signer | None) -> Envelope:
    """The envelope of a payload, signed where there is a signer. Raises as `Signer.sign`."""
    bare = Envelope(payload=payload)
    if signer is None:
        return bare
    return Envelope(payload=payload, signatures=(Signature(keyid=signer.keyid, value=signer.sign(bare.message)),))


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """`DSSEv1 LENGTH TYPE LENGTH PAYLOAD`, lengths in bytes.

    >>> pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def read_envelope(line: bytes, *, origin: str) -> Envelope:
    """The envelope in one line of a bundle; `origin` names it in messages. No signature is checked here.

    Raises:
        EvidenceError: the line is no DSSE envelope of an in-toto statement, spelled as this package spells it.
    """
    plain = _plain_envelope(line)
    if plain is not None:
        return plain
    try:
        record = json.loads(line)
        envelope = Envelope(
            payload=_decoded(record["payload"]),
            payload_type=_text(record["payloadType"]),
            signatures=tuple(
                Signature(keyid=_text(each["keyid"]), value=_decoded(each["sig"])) for each in record["signatures"]
            ),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise EvidenceError(
            f"{origin}: expected a DSSE envelope (payload, payloadType, signatures), found other bytes ({error!r:.200}); "
            "restore the object from its oldest version"
        ) from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise EvidenceError(f"{origin}: the payload is {envelope.payload_type!r:.100}, expected {PAYLOAD_TYPE}")
    # One spelling only: bytes that mean nothing could otherwise be changed unseen.
    if envelope.line() != line:
        raise EvidenceError(f"{origin}: the envelope is spelled in another way than it was written; it was altered")
    return envelope


def _plain_envelope(line: bytes) -> Envelope | None:
    """The envelope in a line that is spelled exactly as `Envelope.line` spells one; None where another look is needed."""
    text, middle, rest = line.removeprefix(_BEGIN).partition(_MIDDLE)
    named = _SIGNATURE.findall(rest)
    try:
        signatures = tuple(Signature(keyid=keyid.decode(), value=binascii.a2b_base64(value)) for keyid, value in named)
        envelope = Envelope(payload=binascii.a2b_base64(text), signatures=signatures)
    except binascii.Error:
        return None
    return envelope if middle and envelope.line() == line else None


def statement_in(envelope: Envelope, *, origin: str) -> Mapping[str, Any]:
    """The statement that an envelope holds.

    Raises:
        EvidenceError: the payload is no JSON object in canonical form (RFC 8785).
    """
    fractions: list[str] = []

    def fraction(text: str) -> float:
        fractions.append(text)
        return float(text)

    try:
        statement = json.loads(envelope.payload, parse_float=fraction, parse_constant=fraction)
        # Of ASCII without a fraction, the json module writes the canonical form.
        write = canonical if fractions or not envelope.payload.isascii() else canonical_json
        is_canonical = isinstance(statement, dict) and write(statement) == envelope.payload
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{origin}: the payload is no JSON ({error})") from error
    if not is_canonical:
        raise EvidenceError(f"{origin}: the payload is no JSON object in canonical form (RFC 8785)")
    return dict(statement)


def canonical(statement: Mapping[str, Any]) -> bytes:
    """The canonical JSON of a statement (RFC 8785).

    Raises:
        ValueError: it holds what has no canonical form: NaN, an integer beyond 2^53.
    """
    if _is_plain(statement):
        return canonical_json(statement)
    import rfc8785

    return rfc8785.dumps(dict(statement))


def is_payload_of(payload: bytes, statement: Mapping[str, Any]) -> bool:
    """Whether a payload that is in canonical form is that of a statement."""
    # Equal bytes are the same JSON, however they were written. The first writer is the fastest, and does not sort.
    return to_json(statement) == payload or canonical_json(statement) == payload or canonical(statement) == payload


def _is_plain(value: Any) -> bool:
    """Whether the json module writes the canonical form, several times as fast: no fractions, and keys of ASCII.

    RFC 8785 sorts keys by UTF-16 units and spells fractions as ECMAScript does; all else is alike.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return abs(value) < 1 << 53
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(part) for key, part in value.items())
    return kind is list and all(map(_is_plain, value))


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(_text(text), validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value

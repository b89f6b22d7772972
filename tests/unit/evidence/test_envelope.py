"""DSSE envelopes: one spelling, one canonical payload, signatures over type and bytes."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace

import pytest

from model_governance.errors import EvidenceError
from model_governance.evidence.envelope import (
    Envelope,
    canonical,
    pre_authentication_encoding,
    read_envelope,
    seal,
    statement_in,
)
from model_governance.evidence.signing import is_signed, new_private_key, read_private_key

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "n": 3, "name": "Köln"}


@pytest.fixture(scope="module")
def pair():
    private, public = new_private_key()
    return read_private_key(private, origin="test"), public


def test_the_encoding_is_that_of_the_specification():
    # the example of the DSSE protocol document
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_what_is_sealed_is_read_and_signed(pair):
    signer, public = pair
    sealed = seal(canonical(STATEMENT), signer)
    read = read_envelope(sealed.line(), origin="here")
    assert read == sealed
    assert statement_in(read, origin="here") == STATEMENT
    (signature,) = read.signatures
    assert signature.keyid == signer.keyid
    assert is_signed(read.message, signature.value, public)


def test_a_signature_is_of_type_and_payload(pair):
    signer, public = pair
    sealed = seal(canonical(STATEMENT), signer)
    (signature,) = sealed.signatures
    other_type = Envelope(payload=sealed.payload, payload_type="text/plain")
    other_payload = Envelope(payload=sealed.payload.replace(b"3", b"4"))
    assert not is_signed(other_type.message, signature.value, public)
    assert not is_signed(other_payload.message, signature.value, public)


def test_without_a_signer_it_is_unsigned():
    assert seal(canonical(STATEMENT), None).signatures == ()


def test_canonical_json_is_that_of_rfc_8785():
    assert canonical({"b": 1, "a": "ä", "10": True}) == '{"10":true,"a":"ä","b":1}'.encode()
    with pytest.raises(ValueError, match="exceeds"):
        canonical({"a": 2**53 + 1})


@pytest.mark.parametrize(
    "line",
    [
        b"", b"[]", b"{}", b"null", b'{"payload":1}', b"\xff", b"[" * 100_000,
        b'{"payload":"?","payloadType":"application/vnd.in-toto+json","signatures":[]}',
        b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":1,"sig":""}]}',
        b'{"payload":"e30=","payloadType":"text/plain","signatures":[]}',
    ],
)  # fmt: skip
def test_other_bytes_are_refused_in_words(line):
    with pytest.raises(EvidenceError, match="here: "):
        read_envelope(line, origin="here")


def test_another_spelling_of_the_same_envelope_is_refused(pair):
    line = seal(canonical(STATEMENT), pair[0]).line()
    for altered in (line + b" ", line.replace(b":", b": ", 1), json.dumps(json.loads(line), indent=1).encode()):
        with pytest.raises(EvidenceError, match="spelled in another way"):
            read_envelope(altered, origin="here")


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1.0}'])
def test_a_payload_that_is_not_canonical_is_refused(payload):
    with pytest.raises(EvidenceError):
        statement_in(Envelope(payload=payload), origin="here")


def test_base64_with_spare_bits_is_refused():
    payload = base64.b64encode(canonical(STATEMENT)[:-1] + b"}").decode()
    assert payload.endswith("=") or len(payload) % 4 == 0
    record = {"payload": "e31=", "payloadType": "application/vnd.in-toto+json", "signatures": []}  # e30= is {}
    with pytest.raises(EvidenceError, match="spelled in another way"):
        read_envelope(json.dumps(record, sort_keys=True, separators=(",", ":")).encode(), origin="here")


@pytest.mark.parametrize("signatures", [0, 1, 2])
def test_the_fast_way_to_read_an_envelope_gives_what_the_slow_one_gives(pair, monkeypatch, signatures):
    signer, _ = pair
    sealed = seal(canonical(STATEMENT), signer)
    line, draw = replace(sealed, signatures=sealed.signatures * signatures).line(), random.Random(3)

    def outcome(content: bytes) -> Envelope | str:
        try:
            return read_envelope(content, origin="here")
        except EvidenceError as error:
            return str(error)

    lines = [line]
    for _ in range(1500):
        place = draw.randrange(len(line))
        other = bytes([draw.choice(b'AQgw=+/019af\\"{}[],: \n')])
        lines += [
            line[:place] + other + line[place + 1 :],
            line[:place] + other + line[place:],
            line[:place] + line[place + 1 :],
        ]
    fast = [outcome(each) for each in lines]
    monkeypatch.setattr("model_governance.evidence.envelope._plain_envelope", lambda line: None)
    assert fast == [outcome(each) for each in lines]
    assert any(isinstance(each, Envelope) for each in fast[1:])  # another letter of a signature is another envelope

"""Other implementations accept what we sign: securesystemslib (DSSE), in-toto-attestation (statements), openssl (ed25519)."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from model_governance.evidence.signing import keyid_of, public_pem
from signed_archive import ACCEPTED, FAILED, SignedArchive, link_file, signed_archive, stranger

OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


def lines(archive: SignedArchive, number: int) -> list[bytes]:
    return link_file(archive.folder, number).read_bytes().splitlines()


def key_of(public_key) -> SSlibKey:
    return SSlibKey.from_crypto(public_key, keyid=keyid_of(public_key))


@pytest.fixture(scope="module")
def key(archive) -> SSlibKey:
    return key_of(load_pem_public_key(archive.public_key.read_bytes()))


@pytest.mark.parametrize("number", [FAILED, ACCEPTED], ids=["run", "acceptance"])
def test_securesystemslib_verifies_every_line_of_a_link(archive, key, number):
    found = [Envelope.from_dict(json.loads(line)) for line in lines(archive, number)]
    assert len(found) == {FAILED: 2, ACCEPTED: 1}[number]
    for envelope in found:
        assert list(envelope.verify([key], threshold=1)) == [key.keyid]


@pytest.mark.parametrize("line", [0, 1])
def test_securesystemslib_refuses_an_altered_line_and_another_key(archive, key, line):
    envelope = Envelope.from_dict(json.loads(lines(archive, FAILED)[line]))
    with pytest.raises(VerificationError):
        envelope.verify([key_of(stranger().key.public_key())], threshold=1)
    envelope.payload = envelope.payload.replace(b"fail", b"pass").replace(b"FAILED", b"PASSED")
    with pytest.raises(VerificationError):
        envelope.verify([key], threshold=1)


@pytest.mark.parametrize("number", [FAILED, ACCEPTED], ids=["run", "acceptance"])
def test_in_toto_attestation_accepts_every_statement_and_loses_nothing_of_it(archive, number):
    for line in lines(archive, number):
        payload = Envelope.from_dict(json.loads(line)).payload
        message = Parse(payload, StatementMessage())
        Statement.copy_from_pb(message).validate()
        assert MessageToDict(message, preserving_proto_field_name=False) == json.loads(payload)


def test_in_toto_attestation_refuses_a_statement_without_digests(archive):
    statement = json.loads(Envelope.from_dict(json.loads(lines(archive, FAILED)[0])).payload)
    statement["subject"][0].pop("digest")
    with pytest.raises(ValueError, match="digest required"):
        Statement.copy_from_pb(Parse(json.dumps(statement), StatementMessage())).validate()


def test_the_second_line_is_the_vetted_predicate_of_a_test_result(archive):
    statement = json.loads(Envelope.from_dict(json.loads(lines(archive, FAILED)[1])).payload)
    message = Parse(json.dumps(statement["predicate"]), test_result_pb2.TestResult())
    assert (message.result, list(message.failed_tests), list(message.passed_tests)) == (
        "FAILED", ["quality"], ["validation"],
    )  # fmt: skip
    with pytest.raises(ParseError):
        Parse(json.dumps({**statement["predicate"], "verdict": "fail"}), test_result_pb2.TestResult())


@pytest.mark.skipif(OPENSSL is None, reason="needs the openssl command")
@pytest.mark.parametrize("line", [0, 1])
def test_openssl_verifies_the_signature_of_a_line_and_refuses_another(archive, tmp_path, line):
    envelope = Envelope.from_dict(json.loads(lines(archive, FAILED)[line]))
    signature = next(iter(envelope.signatures.values()))
    (tmp_path / "sig.bin").write_bytes(bytes.fromhex(signature.signature))
    (tmp_path / "pae.bin").write_bytes(envelope.pae())
    (tmp_path / "key.pub").write_bytes(archive.public_key.read_bytes())
    assert "Signature Verified Successfully" in openssl(tmp_path).stdout
    (tmp_path / "pae.bin").write_bytes(envelope.pae() + b" ")
    assert openssl(tmp_path).returncode == 1
    (tmp_path / "pae.bin").write_bytes(envelope.pae())
    (tmp_path / "key.pub").write_text(public_pem(stranger().key.public_key()))
    assert openssl(tmp_path).returncode == 1


def openssl(folder):
    command = "openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in pae.bin -sigfile sig.bin"
    return subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False)

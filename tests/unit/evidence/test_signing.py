"""Keys that sign: where they come from, what is refused, and that no message shows them."""

from __future__ import annotations

import base64

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from moto import mock_aws

from model_governance.contract.connections import PlainConnections
from model_governance.errors import EvidenceError, StoreUnreachable, SubjectError
from model_governance.evidence.signing import (
    is_signed,
    keyid_of,
    new_private_key,
    open_signer,
    public_pem,
    read_private_key,
    read_public_key,
)


class Connections(PlainConnections):
    """One secret and one KMS client."""

    def __init__(self, *, secret: str = "", kms=None) -> None:
        self._secret, self._kms = secret, kms

    def secret(self, name: str) -> str:
        return self._secret

    def kms(self, name: str | None):
        return self._kms


@pytest.fixture(scope="module")
def pair():
    return new_private_key()


def one_line(private: bytes) -> str:
    key = load_pem_private_key(private, password=None)
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def test_the_same_key_comes_from_file_variable_and_connection(pair, tmp_path, monkeypatch):
    private, public = pair
    (tmp_path / "key.pem").write_bytes(private)
    monkeypatch.setenv("SIGNING", one_line(private))
    connections = Connections(secret=private.decode().replace("\n", "\\n"))
    for source in ("file:key.pem", "env:SIGNING", "connection:signing"):
        signer = open_signer(source, folder=tmp_path, connections=connections)
        assert signer.keyid == keyid_of(public)
        assert is_signed(b"message", signer.sign(b"message"), public)


def test_a_signature_of_another_message_or_key_does_not_count(pair):
    signer = read_private_key(pair[0], origin="test")
    assert not is_signed(b"other", signer.sign(b"message"), pair[1])
    assert not is_signed(b"message", signer.sign(b"message"), new_private_key()[1])
    assert not is_signed(b"message", b"", pair[1])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("file:missing.pem", "cannot be read"),
        ("env:NOT_SET_ANYWHERE", "the variable is not set"),
        ("vault:x", "expected file:PATH"),
        ("file:", "expected file:PATH"),
        ("key.pem", "expected file:PATH"),
    ],
)
def test_a_missing_key_is_named_with_the_cure(source, told, tmp_path):
    with pytest.raises(EvidenceError, match=told):
        open_signer(source, folder=tmp_path, connections=PlainConnections())


def test_a_connection_outside_airflow_is_refused(tmp_path):
    with pytest.raises(SubjectError, match="file:PATH or env:VARIABLE"):
        open_signer("connection:signing", folder=tmp_path, connections=PlainConnections())


def other_keys():
    secret = b"hunter2-not-a-key"
    elliptic = ec.generate_private_key(ec.SECP256R1())
    pem = {"encoding": Encoding.PEM, "format": PrivateFormat.PKCS8, "encryption_algorithm": NoEncryption()}
    return {"text": secret, "empty": b"", "elliptic": elliptic.private_bytes(**pem), "base64": base64.b64encode(secret)}


@pytest.mark.parametrize("kind", ["text", "empty", "elliptic", "base64"])
def test_another_kind_of_key_is_refused_and_not_shown(kind):
    with pytest.raises(EvidenceError, match="expected an ed25519 private key") as refusal:
        read_private_key(other_keys()[kind], origin="env:SIGNING")
    assert "hunter2" not in str(refusal.value)


def test_a_signer_does_not_show_its_key(pair):
    signer = read_private_key(pair[0], origin="test")
    assert one_line(pair[0])[-20:] not in repr(signer)
    assert repr(signer) == "Ed25519Signer()"


def test_public_keys_of_two_kinds_are_read(pair):
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    for key in (pair[1], elliptic):
        assert keyid_of(read_public_key(public_pem(key).encode(), origin="here")) == keyid_of(key)
    for other in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        with pytest.raises(EvidenceError, match="expected an ed25519 or P-256 public key"):
            read_public_key(public_pem(other.public_key()).encode(), origin="here")
    with pytest.raises(EvidenceError, match="expected a public key in PEM"):
        read_public_key(b"nothing", origin="here")


@pytest.fixture
def kms(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("kms", region_name="eu-central-1")


def new_kms_key(kms, spec: str) -> str:
    return kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]


class KmsThatHashesOnce:
    """Signs as AWS documents it: a message of type DIGEST is not hashed again, as moto 5.2 does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def get_public_key(self, *, KeyId: str) -> dict:  # noqa: N803 - the spelling of AWS
        spki = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": KeyId, "PublicKey": spki}

    def sign(self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict:  # noqa: N803
        assert (len(Message), MessageType, SigningAlgorithm) == (32, "DIGEST", "ECDSA_SHA_256")
        return {"Signature": self._key.sign(Message, ec.ECDSA(Prehashed(SHA256())))}


def test_a_key_of_kms_signs_without_leaving_it(tmp_path):
    signer = open_signer("kms:alias/evidence", folder=tmp_path, connections=Connections(kms=KmsThatHashesOnce()))
    message = b"x" * 100_000  # longer than what KMS signs at once
    assert is_signed(message, signer.sign(message), signer.public_key)
    assert not is_signed(message[1:], signer.sign(message), signer.public_key)
    assert signer.keyid == keyid_of(signer.public_key)


def test_kms_is_asked_as_its_api_wants_it(kms, tmp_path):
    key = new_kms_key(kms, "ECC_NIST_P256")
    signer = open_signer(f"kms:{key}", folder=tmp_path, connections=Connections(kms=kms))
    assert isinstance(signer.sign(b"message"), bytes)


def test_another_key_of_kms_is_refused(kms, tmp_path):
    with pytest.raises(EvidenceError, match="ECC_NIST_P256"):
        open_signer(f"kms:{new_kms_key(kms, 'ECC_NIST_P384')}", folder=tmp_path, connections=Connections(kms=kms))
    with pytest.raises(EvidenceError, match="AWS KMS refuses"):
        open_signer("kms:none", folder=tmp_path, connections=Connections(kms=kms))


def test_kms_that_does_not_answer_is_infrastructure(tmp_path):
    client = boto3.client(
        "kms", region_name="eu-central-1", endpoint_url="http://127.0.0.1:9", aws_access_key_id="k",
        aws_secret_access_key="s",
    )  # fmt: skip
    client.meta.config.retries = {"total_max_attempts": 1}
    with pytest.raises(StoreUnreachable, match="try later"):
        open_signer("kms:any", folder=tmp_path, connections=Connections(kms=client))

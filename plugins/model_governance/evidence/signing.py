"""Keys that sign evidence: from a file, an environment variable, an Airflow connection or AWS KMS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.contract.connections import PlainConnections
from model_governance.errors import EvidenceError, StoreUnreachable

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from model_governance.contract.connections import Connections
    from model_governance.evidence.envelope import PublicKey, Signer
    from model_governance.policy import Policy

SOURCES = ("file", "env", "connection", "kms")
EXPECTED = "expected file:PATH, env:VARIABLE, connection:NAME or kms:KEY"
_NEW_PAIR = "make a pair with: model-governance keys init FOLDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ed25519Signer:
    """Signs with an ed25519 private key in memory (RFC 8032)."""

    key: Ed25519PrivateKey = field(repr=False)

    @property
    def keyid(self) -> str:
        """As `Signer.keyid`."""
        return keyid_of(self.public_key)

    @property
    def public_key(self) -> PublicKey:
        """As `Signer.public_key`."""
        return self.key.public_key()

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.key.sign(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsSigner:
    """Signs with an asymmetric key of AWS KMS (ECC_NIST_P256, ECDSA with SHA-256); the private key never leaves it."""

    client: Any = field(repr=False)
    key: str
    public_key: PublicKey

    @property
    def keyid(self) -> str:
        """As `Signer.keyid`."""
        return keyid_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature of the message's SHA-256, in DER. Raises as `Signer.sign`."""
        digest = hashlib.sha256(message).digest()
        answer = _asked(
            self.client.sign, key=self.key, KeyId=self.key, Message=digest, MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )  # fmt: skip
        return bytes(answer["Signature"])


def open_signer(source: str, *, folder: Path, connections: Connections) -> Signer:
    """The signer that a policy names.

    Args:
        source: `file:PATH` (relative to `folder`) or `env:VARIABLE`, each an ed25519 private key in PKCS#8 PEM;
            `connection:NAME`, an Airflow connection whose password is such a key; `kms:KEY`, id, alias or ARN of a key of
            AWS KMS, reached as boto3 finds its credentials, or `kms:KEY@CONNECTION` with an Airflow aws connection.
        folder: where a relative path starts.
        connections: gives secrets and clients.

    Raises:
        EvidenceError: there is no such key, or it is of another kind.
        SubjectError: there is no such connection.
        StoreUnreachable: KMS does not answer.
    """
    kind, _, name = source.partition(":")
    if kind not in SOURCES or not name:
        raise EvidenceError(f"signing key {source!r}: {EXPECTED}")
    if kind == "kms":
        key, _, connection = name.partition("@")
        return _kms_signer(key, connections.kms(connection or None))
    if kind == "file":
        return read_private_key(_file(folder / name), origin=source)
    if kind == "env":
        return read_private_key(_variable(name).encode(), origin=source)
    return read_private_key(connections.secret(name).encode(), origin=source)


def signer_of(policy: Policy, connections: Connections | None = None) -> Signer | None:
    """The signer of a policy's evidence: `archive.signing_key`, else that of the installation; None without either.

    Raises: as `open_signer`.
    """
    connections = connections or PlainConnections()
    source, folder = policy.archive.signing_key, policy.folder
    if source is None:
        source, folder = connections.keys.signing_key, connections.keys.folder
    return None if source is None else open_signer(source, folder=folder, connections=connections)


def read_private_key(text: bytes, *, origin: str) -> Ed25519Signer:
    """The signer of a private key: PKCS#8 in PEM, or its base64 on one line, as a connection's password holds it.

    Raises:
        EvidenceError: the text is no ed25519 private key without passphrase. It never shows the text.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    problem = ""
    try:
        if b"-----BEGIN" in text:
            key = load_pem_private_key(text.replace(b"\\n", b"\n"), password=None)
        else:
            key = load_der_private_key(base64.b64decode(text.strip(), validate=True), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error) as error:
        problem = type(error).__name__  # its words could repeat the key
    else:
        if isinstance(key, Ed25519PrivateKey):
            return Ed25519Signer(key=key)
        problem = type(key).__name__
    raise EvidenceError(
        f"signing key {origin}: expected an ed25519 private key in PKCS#8 (PEM, or base64 of the DER) without passphrase, "
        f"found something else ({problem}); {_NEW_PAIR}"
    )


def read_public_key(text: bytes, *, origin: str) -> PublicKey:
    """A public key in SubjectPublicKeyInfo PEM: ed25519 or ECDSA on P-256.

    Raises:
        EvidenceError: the text is no such key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceError(f"{origin}: expected a public key in PEM, found something else ({error})") from error
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise EvidenceError(f"{origin}: expected an ed25519 or P-256 public key, found {type(key).__name__}")


def is_signed(message: bytes, signature: bytes, key: PublicKey) -> bool:
    """Whether the signature of a message was made with the private part of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def keyid_of(key: PublicKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo in DER, 64 hex digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_pem(key: PublicKey) -> str:
    """The key as SubjectPublicKeyInfo PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_private_key() -> tuple[bytes, PublicKey]:
    """A new ed25519 pair: the private key as PKCS#8 PEM, and the public key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), key.public_key()


def _kms_signer(key: str, client: Any) -> KmsSigner:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    answer = _asked(client.get_public_key, key=key, KeyId=key)
    found = load_der_public_key(bytes(answer["PublicKey"]))
    if not (isinstance(found, EllipticCurvePublicKey) and isinstance(found.curve, SECP256R1)):
        # An ed25519 key of KMS signs 4,096 bytes at most, and a digest only in a variant that few verifiers know.
        kind = getattr(getattr(found, "curve", None), "name", type(found).__name__)
        raise EvidenceError(
            f"signing key kms:{key}: expected a key of spec ECC_NIST_P256 for SIGN_VERIFY, found {kind}; make such a key"
        )
    return KmsSigner(client=client, key=key, public_key=found)


def _asked(call: Any, *, key: str, **arguments: Any) -> dict[str, Any]:
    """What KMS answers to a call. Raises EvidenceError where it refuses, StoreUnreachable where it does not answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = call(**arguments)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise EvidenceError(
            f"signing key kms:{key}: AWS KMS refuses ({code}); let the role kms:Sign and kms:GetPublicKey on this key"
        ) from error
    except BotoCoreError as error:
        raise StoreUnreachable(
            f"signing key kms:{key}: AWS KMS does not answer ({type(error).__name__}); try later"
        ) from error
    return answer


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"signing key file:{path}: cannot be read ({error.strerror}); {_NEW_PAIR}") from error


def _variable(name: str) -> str:
    text = os.environ.get(name)
    if not text:
        raise EvidenceError(f"signing key env:{name}: the variable is not set in this process; {_NEW_PAIR}")
    return text

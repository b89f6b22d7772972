"""The verifier for auditors agrees with `verify` on a sound archive and on every case of tampering."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

from auditor import OPENSSL, SCRIPT, audit
from model_governance.evidence.signing import keyid_of, public_pem
from signed_archive import MODEL, PASSED, SignedArchive, restate, signed_archive, stranger
from tampering import TAMPERINGS, Tampering

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the verifier for auditors needs the openssl command")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def archive(made, tmp_path) -> SignedArchive:
    """A copy that a test may alter."""
    return made.copied(tmp_path)


def head(archive: SignedArchive) -> list[str]:
    return ["--expect-head", f"{MODEL}={archive.head}"]


def test_it_is_shorter_than_200_lines_and_imports_the_standard_library_only():
    text = SCRIPT.read_text()
    assert len(text.splitlines()) < 200
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert modules <= set(sys.stdlib_module_names)


def test_the_archive_as_it_was_written_is_sound(archive):
    answer = audit(archive.folder, archive.public_key, options=head(archive))
    assert (answer.code, answer.problems) == (0, set())
    assert f"{MODEL}: head 5 sha256 {archive.head}" in answer.output
    assert "5 links, 34 objects, 0 not in the export" in answer.output


@pytest.mark.parametrize("case", TAMPERINGS, ids=lambda case: case.name.replace(" ", "_"))
def test_it_finds_what_verify_finds(archive, case: Tampering):
    case.tamper(archive.folder, archive.keys)
    answer = audit(archive.folder, archive.public_key, options=head(archive))
    assert answer.code == 1
    assert case.codes <= answer.problems


def test_the_key_of_another_vouches_for_nothing(archive, tmp_path):
    (tmp_path / "other.pub").write_text(public_pem(stranger().key.public_key()))
    answer = audit(archive.folder, tmp_path / "other.pub")
    assert (answer.code, answer.problems) == (1, {"link.signature"})
    assert audit(archive.folder, tmp_path / "other.pub", archive.public_key).code == 0


@dataclass(frozen=True)
class P256Signer:
    """Signs as AWS KMS does with a key of spec ECC_NIST_P256."""

    key: EllipticCurvePrivateKey

    @property
    def keyid(self) -> str:
        return keyid_of(self.key.public_key())

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ECDSA(SHA256()))


def test_signatures_of_a_key_in_kms_are_verified(archive, tmp_path):
    signer = P256Signer(generate_private_key(SECP256R1()))
    (tmp_path / "kms.pub").write_text(public_pem(signer.key.public_key()))
    for line in (0, 1):
        restate(archive.folder, PASSED, lambda _: None, line=line, signer=signer)
    assert audit(archive.folder, archive.public_key).problems == {"link.signature"}
    assert audit(archive.folder, archive.public_key, tmp_path / "kms.pub").code == 0


def test_a_folder_without_an_archive_is_no_sound_archive(archive, tmp_path):
    assert audit(tmp_path, archive.public_key).code == 1
    answer = audit(tmp_path, archive.public_key, options=head(archive))
    assert (answer.code, answer.problems) == (1, {"chain.empty"})


def test_wrong_usage_is_told_from_a_problem(archive):
    assert audit(archive.folder).code == 2

"""Whatever is changed in a signed archive, a byte or a field of a link signed anew, both verifiers find it."""

from __future__ import annotations

import importlib.util
import random

import pytest

from auditor import OPENSSL, SCRIPT
from model_governance.evidence.envelope import read_envelope, statement_in
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.store.local import LocalStore
from signed_archive import LAST, MODEL, SignedArchive, insider, link_file, restate, signed_archive, write

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the verifier for auditors needs the openssl command")
MUTATIONS = 60
NO_EVIDENCE = {"hints", "announced", "begun", "index"}
VALUES = (None, "x", 3, [], {})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SignedArchive:
    return signed_archive(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def archive(made, tmp_path) -> SignedArchive:
    return made.copied(tmp_path)


def auditors_module():
    specification = importlib.util.spec_from_file_location("verify_archive", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def problems(archive: SignedArchive) -> tuple[list[str], list[str]]:
    """The codes that each of the two verifiers reports."""
    trust = read_trust(archive.trust)
    found = verify_model(LocalStore(str(archive.folder)), MODEL, trust=trust, expected_head=archive.head)
    keys = {keyid: ["-pubin", "-inkey", archive.public_key] for keyid in trust.keys}
    verifier = auditors_module().Verifier(archive.folder, keys, ("0", "9"))
    verifier.model(MODEL, archive.head)
    return [each.code for each in found.problems if each.severity == "error"], [code for code, *_ in verifier.problems]


def test_every_flipped_bit_is_found(archive):
    draw = random.Random(1)
    files = sorted(path for path in archive.folder.rglob("*") if path.is_file() and not NO_EVIDENCE & {*path.parts})
    for _ in range(MUTATIONS):
        file = draw.choice(files)
        content = bytearray(before := file.read_bytes())
        place = draw.randrange(len(content))
        content[place] ^= 1 << draw.randrange(8)
        write(file, bytes(content))
        assert all(problems(archive)), f"byte {place} of {file}"
        write(file, before)
    assert problems(archive) == ([], [])


def places(value, place=()):
    """The place of every part of a JSON document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*place, name)
        yield from places(part, (*place, name))


def test_every_field_that_an_insider_changes_in_a_link_is_found(archive):
    draw = random.Random(2)
    for _ in range(MUTATIONS):
        number, line = draw.randrange(1, LAST + 1), draw.randrange(2)
        before = link_file(archive.folder, number).read_bytes()
        line = min(line, before.count(b"\n") - 1)
        statement = statement_in(read_envelope(before.splitlines()[line], origin="case"), origin="case")
        *folder, name = draw.choice(list(places(statement)))
        value = draw.choice(VALUES)

        def edit(statement, folder=folder, name=name, value=value):
            for part in folder:
                statement = statement[part]
            statement[name] = value

        restate(archive.folder, number, edit, line=line, signer=insider(archive.keys))
        if link_file(archive.folder, number).read_bytes() != before:
            assert all(problems(archive)), f"link {number}, line {line}: {folder} {name} is {value!r}"
        write(link_file(archive.folder, number), before)
    assert problems(archive) == ([], [])

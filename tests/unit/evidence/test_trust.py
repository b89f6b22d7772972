"""The trust file: which keys count, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from model_governance.errors import EvidenceError
from model_governance.evidence.envelope import Envelope, seal
from model_governance.evidence.signing import keyid_of, new_private_key, public_pem, read_private_key
from model_governance.evidence.trust import read_trust, trust_text

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def pair():
    private, public = new_private_key()
    return read_private_key(private, origin="test"), public


@pytest.fixture
def file(tmp_path, pair):
    path = tmp_path / "trust.yaml"
    path.write_text(trust_text(keyid_of(pair[1]), public_pem(pair[1]), owner='Ops "A"', valid_from=START))
    return path


def change(path, **fields):
    raw = yaml.safe_load(path.read_text())
    raw["keys"][0] |= fields
    path.write_text(yaml.safe_dump(raw))
    return path


def test_a_signature_of_a_named_key_vouches(file, pair):
    trust = read_trust(file)
    assert trust.problem_of(seal(b"{}", pair[0]), moment=START) == ""
    assert trust.keys[pair[0].keyid].owner == 'Ops "A"'


def test_rotation_a_key_counts_only_in_its_time(file, pair):
    change(file, valid_to=(START + 10 * DAY).isoformat())
    trust, sealed = read_trust(file), seal(b"{}", pair[0])
    assert trust.problem_of(sealed, moment=START + 10 * DAY - timedelta(seconds=1)) == ""
    for moment in (START - timedelta(seconds=1), START + 10 * DAY):
        assert "which is valid from 2026-01-01 until 2026-01-11" in trust.problem_of(sealed, moment=moment)


def test_two_keys_may_overlap(file, pair):
    private, public = new_private_key()
    raw = yaml.safe_load(file.read_text())
    raw["keys"].append(
        {"keyid": keyid_of(public), "public_key": public_pem(public), "owner": "B", "valid_from": START.isoformat()}
    )
    file.write_text(yaml.safe_dump(raw))
    trust = read_trust(file)
    for signer in (pair[0], read_private_key(private, origin="test")):
        assert trust.problem_of(seal(b"{}", signer), moment=START + DAY) == ""


def test_what_does_not_vouch_is_said(file, pair):
    trust = read_trust(file)
    assert trust.problem_of(Envelope(payload=b"{}"), moment=START) == "it is unsigned"
    stranger = read_private_key(new_private_key()[0], origin="test")
    assert "does not name" in trust.problem_of(seal(b"{}", stranger), moment=START)
    borrowed = Envelope(payload=b"[]", signatures=seal(b"{}", pair[0]).signatures)
    assert "is not one of key" in trust.problem_of(borrowed, moment=START)


@pytest.mark.parametrize(
    "fields",
    [
        {"keyid": "0" * 64},
        {"keyid": "xyz"},
        {"public_key": "nothing"},
        {"owner": ""},
        {"valid_from": "2026-01-01T00:00:00"},
        {"valid_to": "2025-01-01T00:00:00+00:00"},
        {"more": 1},
    ],
)
def test_a_wrong_key_is_refused(file, fields):
    with pytest.raises(EvidenceError, match="trust file"):
        read_trust(change(file, **fields))


@pytest.mark.parametrize("text", ["", "keys: []", "schema: model-governance/trust/v2\nkeys: []", "a: [", "&a [*a]"])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "trust.yaml"
    path.write_text(text)
    with pytest.raises(EvidenceError, match="expected schema model-governance/trust/v1"):
        read_trust(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_trust(tmp_path / "trust.yaml")

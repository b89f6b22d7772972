"""The fast way to canonical JSON gives the bytes of RFC 8785."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from model_governance.errors import EvidenceError
from model_governance.evidence.envelope import Envelope, canonical, statement_in

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2**52), 2**52)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(SCALARS, lambda part: st.lists(part) | st.dictionaries(KEYS, part), max_leaves=20)


@given(st.dictionaries(KEYS, VALUES))
def test_it_is_that_of_the_reference_and_is_read_back(statement):
    expected = rfc8785.dumps(statement)
    assert canonical(statement) == expected
    assert statement_in(Envelope(payload=expected), origin="here") == json.loads(expected)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a":-0}',
        b'{"a":"\\u00e9"}',
        b'{"a":1,"a":1}',
        b"[1]",
    ],
)
def test_another_spelling_is_refused(payload):
    with pytest.raises(EvidenceError, match=r"canonical|no JSON"):
        statement_in(Envelope(payload=payload), origin="here")


@pytest.mark.parametrize("value", [float("nan"), 2**53, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        canonical({"a": value})

"""Stored documents: strict JSON, fields as they stand, and a fault with its path."""

from __future__ import annotations

import json
import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from model_governance.contract.documents import (
    Count,
    Form,
    Moment,
    OpenForm,
    Probability,
    read_document,
    require_form,
    strict_json,
)
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError


class Part(Form):
    rows: Count
    share: Probability
    at: Moment
    names: Annotated[list[str], Field(min_length=1)]


class Whole(OpenForm):
    parts: list[Part]
    title: str = ""


PART = {"rows": 3, "share": 0.5, "at": "2026-03-01T00:00:00+00:00", "names": ["a"]}


def read(text: str) -> dict:
    return read_document(text.encode(), origin="s3://b/x.json", schema="x/v1")


def test_a_document_is_read_as_it_stands():
    assert read('{"schema": "x/v1", "n": 1, "f": 1.5e300}') == {"schema": "x/v1", "n": 1, "f": 1.5e300}


@pytest.mark.parametrize(
    "text",
    ['{"schema": "x/v1", "schema": "x/v1"}', '{"schema": "x/v1", "a": {"b": 1, "b": 2}}', '{"schema": "x/v1", "n": NaN}',
     '{"schema": "x/v1", "n": -Infinity}', '{"schema": "x/v1", "n": 1e999}', '{"schema": "x/v1", "n": 1E+4000}',
     '{"schema": "x/v1", "n": ' + "9" * 400 + ".5}", '{"schema": "x/v1", "n": ' + "9" * 5000 + "}", '{"schema": "x/v1"'],
)  # fmt: skip
def test_what_has_no_one_meaning_as_json_is_refused(text):
    with pytest.raises(EvidenceError, match=r"^s3://b/x\.json: .*no JSON of one meaning.*oldest version"):
        read(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
KEYS = st.sampled_from(["a", "b", "e-0", "e-", "e+", "\\", '"']) | st.text(max_size=4)
VALUES = st.recursive(SCALARS, lambda part: st.lists(part) | st.dictionaries(KEYS, part), max_leaves=12)


def outcome(read_json, content: bytes) -> str:
    """What a reader makes of bytes: `repr` tells 1 from 1.0 and True, and shows the order of keys."""
    try:
        return repr(read_json(content))
    except (ValueError, RecursionError):
        return "refused"


def spelled(value, draw) -> str:
    """A value as JSON in one of many spellings, some of which name a key twice or no finite number."""
    space = draw(st.sampled_from(["", "", "", " "]))
    if isinstance(value, dict):
        pairs = [f"{json.dumps(key)}:{space}{spelled(part, draw)}" for key, part in value.items()]
        return "{" + ",".join([*pairs, *pairs[: draw(st.integers(0, 1))]]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spelled(part, draw) for part in value) + "]"
    if isinstance(value, float):
        return draw(
            st.sampled_from([repr(value), f"{value:e}", f"{value:E}", f"{value}0" if "." in str(value) else "1e999"])
        )
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@given(VALUES, st.data())
def test_the_fast_way_to_read_json_means_what_the_strict_one_means(value, data):
    def refusing(text):
        raise ValueError(text)

    def finite(text):
        return float(text) if math.isfinite(float(text)) else refusing(text)

    def once(pairs):
        return dict(pairs) if len(dict(pairs)) == len(pairs) else refusing(pairs)

    strict = json.JSONDecoder(parse_constant=refusing, parse_float=finite, object_pairs_hook=once)
    content = spelled(value, data.draw).encode(errors="surrogatepass")
    for each in (
        content,
        content.lower(),
        canonical_json(value) if "refused" not in outcome(canonical_json, value) else content,
    ):
        assert outcome(strict_json, each) == outcome(lambda content: strict.decode(content.decode()), each)


def test_a_schema_that_is_no_text_is_named_without_a_type_error():
    for schema in ("[]", "{}", "3", "null"):
        with pytest.raises(EvidenceError, match="expected a document x/v1"):
            read(f'{{"schema": {schema}}}')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": "3"}, r"parts\[0\]\.rows: expected a valid integer, found '3'"),
        ({"rows": True}, r"parts\[0\]\.rows: expected a valid integer, found True"),
        ({"rows": 3.0}, r"parts\[0\]\.rows: expected a valid integer, found 3\.0"),
        ({"rows": -1}, r"parts\[0\]\.rows: expected greater than or equal to 0, found -1"),
        ({"rows": 10**30}, r"parts\[0\]\.rows: expected less than or equal to"),
        ({"share": 1.5}, r"parts\[0\]\.share: expected less than or equal to 1, found 1\.5"),
        ({"share": float("nan")}, r"parts\[0\]\.share: expected a finite number"),
        ({"at": "2026-02-30"}, r"parts\[0\]\.at: .*found '2026-02-30'"),
        ({"names": []}, r"parts\[0\]\.names: "),
        ({"unheard_of": 1}, r"parts\[0\]\.unheard_of: expected no such field, found 1"),
    ],
)
def test_a_fault_has_its_path_what_was_expected_and_what_was_found(change, message):
    with pytest.raises(EvidenceError, match=rf"^s3://b/x\.json: {message}"):
        require_form({"parts": [PART | change]}, Whole, origin="s3://b/x.json")


def test_a_missing_field_is_named_and_many_faults_are_counted():
    with pytest.raises(EvidenceError, match=r"parts\[0\]\.rows: expected a value, found no such field; .*and 1 more;"):
        require_form({"parts": [{}]}, Whole, origin="x")


def test_an_unknown_field_beside_the_others_is_kept():
    assert require_form({"parts": [PART], "sequence": 7}, Whole, origin="x").parts[0].rows == 3


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(EvidenceError) as caught:
        require_form({"parts": [PART | {"rows": "x" * 10_000}]}, Whole, origin="x")
    assert len(str(caught.value)) < 500

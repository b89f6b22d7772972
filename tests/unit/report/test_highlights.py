"""What the checks saw, shown on the page of the run."""

from __future__ import annotations

import pytest

from model_governance.contract.result import Artifact
from model_governance.errors import EvidenceError
from model_governance.report.highlights import read_highlights
from model_governance.store import put_blob
from model_governance.store.local import LocalStore

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt"><path id="a" d="M0 0"/></svg>'


@pytest.fixture
def store(tmp_path):
    return LocalStore(str(tmp_path))


def record(store, *, highlights=("AGEP moved.",), content=SVG):
    drawn = Artifact(name="drift.svg", media_type="image/svg+xml", content=content, title="Drift")
    stored = put_blob(store, drawn)
    listed = {"name": "drift.svg", "media_type": "image/svg+xml", "sha256": drawn.sha256, "title": "Drift"}
    result = {"highlights": list(highlights), "artifacts": [listed]}
    return {"check": "drift", "title": "Data drift", "result": result, "stored": [stored.record()]}


def test_a_story_is_the_sentences_and_the_first_picture(store):
    (highlights,) = read_highlights([record(store)], store)
    assert highlights.sentences == ("AGEP moved.",)
    assert "<path" in highlights.picture.svg


def test_pictures_of_two_checks_share_no_id(store):
    one, other = read_highlights([record(store), record(store)], store)
    assert one.picture.svg != other.picture.svg


def test_checks_without_sentences_or_records_tell_nothing(store):
    assert read_highlights([None, record(store, highlights=()), {"check": "x", "result": None}], store) == []


def test_a_picture_that_was_altered_is_not_shown(store):
    altered = record(store)
    path = store.root / altered["stored"][0]["key"]
    path.chmod(0o644)
    path.write_bytes(SVG + b" ")
    with pytest.raises(EvidenceError, match="altered"):
        read_highlights([altered], store)

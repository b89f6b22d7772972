"""Words of libraries are quoted as text: bytes of data never reach a log, a record or a page."""

from __future__ import annotations

import logging

import project
import synthetic
from model_governance.contract.text import MOST_WORDS, library_words


def test_words_of_a_library_are_one_short_printable_line():
    error = OSError("don't know what type: \x0e\x00\n  größer\ufffd" + "x" * 5000)
    words = library_words(error)
    assert words.startswith("don't know what type: ?? größer?x")
    assert "\n" not in words
    assert len(words) == MOST_WORDS + len(" [...]")


def test_a_damaged_file_is_one_line_of_the_log_without_its_bytes(tmp_path, caplog):
    small = project.small_project(tmp_path)
    path = tmp_path / "current.parquet"
    synthetic.rows(seed=3).to_parquet(path, index=False)
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(range(196))
    path.write_bytes(bytes(content))
    with caplog.at_level(logging.ERROR):
        found = small.check("quality")
    assert found.verdict.outcome == "error"
    assert [record.exc_info for record in caplog.records] == [None]
    assert caplog.text.replace("\n", "").isprintable()
    assert len(caplog.text) < 1000

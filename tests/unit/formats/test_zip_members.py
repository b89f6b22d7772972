from __future__ import annotations

import io
import warnings
import zipfile

import pytest

from model_governance.formats.zip_members import (
    bytes_after,
    bytes_before,
    is_ambiguous,
    is_link,
    leaves_folder,
    overlapping,
    repeated_names,
)


def zipped(*members):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return sink.getvalue()


def members_of(content):
    return zipfile.ZipFile(io.BytesIO(content)).infolist()


@pytest.mark.parametrize("name", ["/etc/passwd", "\\windows", "a/../../b", "a\\..\\b", "C:\\x", "c:x", "x\0y"])
def test_names_that_leave_the_folder(name):
    assert leaves_folder(name)


@pytest.mark.parametrize("name", ["a/b.txt", "a/", "..a", "a..b/c", ".hidden"])
def test_names_that_stay(name):
    assert not leaves_folder(name)
    assert not is_ambiguous(name)


@pytest.mark.parametrize("name", ["a/./b", "a//b", "a\\b", "./a"])
def test_names_that_programs_read_differently(name):
    assert is_ambiguous(name)


def test_frames_of_archives():
    plain = zipped(("a", b"1"), ("b", b"2"))
    assert (bytes_before(members_of(plain)), bytes_after(plain)) == (0, 0)
    assert bytes_before(members_of(b"12345" + plain)) == 5
    assert bytes_after(plain + b"123") == 3
    assert bytes_after(b"no archive") == -1
    assert repeated_names(members_of(plain)) == []
    assert repeated_names(members_of(zipped(("a", b"1"), ("a", b"2")))) == ["a"]
    assert overlapping(members_of(plain)) is None


def test_members_that_share_bytes_and_links():
    first, second = members_of(zipped(("a", b"1" * 50), ("b", b"2")))
    second.header_offset = first.header_offset + 40
    assert overlapping([second, first]) is second
    first.external_attr = 0o120777 << 16
    assert is_link(first)
    assert not is_link(second)

"""What the members of a zip archive claim, judged without unpacking anything (PKWARE APPNOTE.TXT)."""

from __future__ import annotations

import posixpath
import re
import stat
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence

START_OF_MEMBER = b"PK\x03\x04"
END_OF_DIRECTORY = b"PK\x05\x06"
LENGTH_OF_END = 22  # bytes of the end record without a comment
LENGTH_OF_HEADER = 30  # bytes of a member's header without its name
DRIVE = re.compile(r"^[A-Za-z]:")


def leaves_folder(name: str) -> bool:
    """Whether a member's name leads out of the folder that the archive is unpacked to, on any system."""
    parts = name.replace("\\", "/").split("/")
    return name.replace("\\", "/").startswith("/") or ".." in parts or "\0" in name or DRIVE.match(name) is not None


def is_ambiguous(name: str) -> bool:
    """Whether programs read a member's name differently: backslashes, `./`, doubled slashes."""
    return "\\" in name or posixpath.normpath(name) != name.rstrip("/")


def is_link(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a symbolic link."""
    return stat.S_ISLNK(member.external_attr >> 16)


def repeated_names(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Names that occur more than once, sorted: readers may take either member."""
    counts = Counter(member.filename for member in members)
    return sorted(name for name, count in counts.items() if count > 1)


def overlapping(members: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """The first member that lies inside another one, None where all lie side by side."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    for member, after in pairwise(ordered):
        if member.header_offset + LENGTH_OF_HEADER + member.compress_size > after.header_offset:
            return after
    return None


def bytes_before(members: Sequence[zipfile.ZipInfo]) -> int:
    """Bytes ahead of the first member: a file of two formats has some."""
    return min((member.header_offset for member in members), default=0)


def bytes_after(content: bytes) -> int:
    """Bytes behind the end record of an archive without a comment; -1 where there is no end record."""
    end = content.rfind(END_OF_DIRECTORY)
    return -1 if end < 0 else len(content) - end - LENGTH_OF_END

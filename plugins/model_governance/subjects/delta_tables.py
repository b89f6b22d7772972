"""Delta Lake tables: the log says which files are the table at a version, and these are read as any files are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from model_governance.engine.stored import PartFile, Spool, StoredFiles
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.subjects.file_sets import manifest_of
from model_governance.subjects.partitions import prune
from model_governance.subjects.places import list_names
from model_governance.subjects.sources import local_path, scheme_of, store_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec

LOG = "_delta_log"
EXTRA = "delta"
KNOWN_FEATURES = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "appendOnly", "invariants"})
"""Features of a table that change nothing about how its Parquet files are read."""
MAX_READER_VERSION, FEATURES_VERSION = 1, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeTable:
    """The files of a table at one version, their manifest, and what names the version as JSON types."""

    files: StoredFiles
    manifest: bytes
    origin: Mapping[str, Any]


def open_delta(spec: DatasetSpec, *, folder: Path, connections: Connections) -> LakeTable:
    """The files of a Delta Lake table at the version or moment that the policy names, or the newest.

    Raises:
        SubjectError: the package is not installed, there is no table or version, or its files cannot be read without more of the
            protocol (deletion vectors, column mapping).
        DigestMismatch: the policy pins a sha256 and the files are others.
        SubjectUnreachable: the place does not answer.
    """
    uri = spec.uri or ""
    root = uri if uri.endswith("/") else f"{uri}/"
    table, spool = _opened(root, spec, folder=folder, connections=connections)
    _require_plain(uri, table)
    actions = _actions(uri, table)
    keys = table.metadata().partition_columns
    names = prune(uri, {name: {key: values[key] for key in keys} for name, values in actions.items()}, spec)
    parts = tuple(
        PartFile(
            name=name,
            file=store_source(f"{root}{name}", folder=folder, connections=connections, connection=spec.connection, expected=None),
            partition=actions[name],
        )
        for name in names
    )  # fmt: skip
    if not parts:
        raise SubjectError(
            f"{uri}: the table has no files at version {table.version()}; an empty dataset is never a pass"
        )
    manifest = manifest_of(parts)
    sha256 = hashlib.sha256(manifest).hexdigest()
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DigestMismatch(
            f"{uri}: version {table.version()} has other files than those pinned: expected sha256 {spec.sha256} of their manifest, "
            f"found {sha256}; review the change and pin the new one, or pin `version` too"
        )
    schema, first = _schema(table), parts[0].file
    files = StoredFiles(
        uri=uri, path=first.path, sha256=sha256, stamp=first.stamp, spool=spool, parts=parts, schema=schema,
        partition_types={key: str(schema.field(key).type) for key in keys},
    )  # fmt: skip
    origin = {"files": len(parts), "format": "delta", "version": table.version(), "committed": _committed(table)}
    return LakeTable(files=files, manifest=manifest, origin=origin)


def _opened(root: str, spec: DatasetSpec, *, folder: Path, connections: Connections) -> tuple[Any, Spool | None]:
    """The table at its version; of one in an object store the log is copied first, so that credentials are those of every source."""
    try:
        import deltalake
        from deltalake.exceptions import DeltaError, TableNotFoundError
    except ImportError as error:
        raise SubjectError(
            f"{spec.uri}: format delta needs the package deltalake, which is not installed; "
            f"pip install 'airflow-model-governance[{EXTRA}]'"
        ) from error
    place, spool = local_path(root, folder) if scheme_of(root) == "file" else None, None
    try:
        if place is None:
            spool = Spool()
            place = _copied_log(root, spool.folder / "table", connections=connections, connection=spec.connection)
        table = deltalake.DeltaTable(str(place), version=spec.version)
        if spec.timestamp is not None:
            table.load_as_version(_version_at(spec, table))
    except TableNotFoundError as error:
        raise SubjectError(
            f"{spec.uri}: there is no Delta Lake table (no {LOG}/ with commits); correct the uri"
        ) from error
    except (DeltaError, OSError, ValueError) as error:
        wanted = "" if spec.version is None else f" at version {spec.version}"
        raise SubjectError(
            f"{spec.uri}: the Delta Lake table cannot be opened{wanted}: {_first_line(error)}"
        ) from error
    return table, spool


def _copied_log(root: str, target: Path, *, connections: Connections, connection: str | None) -> Path:
    log = f"{root}{LOG}/"
    (target / LOG).mkdir(parents=True)
    for name in list_names(log, folder=target, connections=connections, connection=connection):
        if "/" in name or name.endswith(".crc"):
            continue
        stored = store_source(
            f"{log}{name}", folder=target, connections=connections, connection=connection, expected=None
        )
        (target / LOG / name).write_bytes(stored.path.read_bytes())
    return target


def _version_at(spec: DatasetSpec, table: Any) -> int:
    """The last version committed at or before the moment, by the times that the commits themselves hold."""
    try:
        moment = datetime.fromisoformat((spec.timestamp or "").strip())
    except ValueError:
        raise SubjectError(f"{spec.uri}: `timestamp` is no moment of ISO 8601: {spec.timestamp!r}") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    commits = {int(commit["version"]): int(commit["timestamp"]) for commit in table.history() if "timestamp" in commit}
    before = [version for version, at in commits.items() if at <= moment.timestamp() * 1000]
    if not before:
        first = _spell(min(commits.values())) if commits else "never"
        raise SubjectError(
            f"{spec.uri}: the table had no version at {moment.isoformat()}; its first known commit is of {first}"
        )
    return max(before)


def _require_plain(uri: str, table: Any) -> None:
    protocol = table.protocol()
    features = set(protocol.reader_features or ())
    if protocol.min_reader_version >= FEATURES_VERSION:
        unknown = sorted(features - KNOWN_FEATURES)
    else:
        unknown = ["column mapping"] if protocol.min_reader_version > MAX_READER_VERSION else []
    if unknown:
        raise SubjectError(
            f"{uri}: the table uses {', '.join(unknown)}, which is not read here; read it through a query of its engine, or "
            "rewrite it without (for deletion vectors: REORG TABLE ... APPLY (PURGE))"
        )


def _actions(uri: str, table: Any) -> dict[str, dict[str, str | None]]:
    """The values of partitions by file, ascending; a file outside the table's folder is refused."""
    import pyarrow as pa

    rows = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    found = {}
    for row in sorted(rows, key=lambda action: str(action["path"])):
        name = unquote(str(row["path"]))  # the log holds uris
        if "://" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise SubjectError(f"{uri}: the table names a file outside its folder ({name}); such tables are not read")
        found[name] = {
            key.removeprefix("partition."): _text(value) for key, value in row.items() if key.startswith("partition.")
        }
    return found


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _schema(table: Any) -> Any:
    """The columns, with the types that pyarrow reads from the files."""
    import pyarrow as pa

    schema = pa.schema(table.schema().to_arrow())
    plain = {pa.string_view(): pa.string(), pa.large_string(): pa.string(), pa.binary_view(): pa.binary()}
    return pa.schema([pa.field(field.name, plain.get(field.type, field.type)) for field in schema])


def _committed(table: Any) -> str | None:
    """When the version was committed, where its commit says so."""
    times = [int(commit["timestamp"]) for commit in table.history(1) if "timestamp" in commit]
    return _spell(times[0]) if times else None


def _spell(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _first_line(error: Exception) -> str:
    return json.dumps(str(error).strip().splitlines()[0])[1:-1] if str(error).strip() else type(error).__name__

"""Iceberg tables: one snapshot, read through pyiceberg, which applies deletes and renamed columns, into a file here."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import canonical_json
from model_governance.contract.text import first_line
from model_governance.engine.stored import Spool, Stamp, StoredFile
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.subjects.digests import digest_bytes
from model_governance.subjects.sources import PIECE, SCHEME, local_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from model_governance.policy import DatasetSpec

CATALOG = "iceberg://"
EXTRA = "iceberg"
METADATA = re.compile(r"(?:v|0*)(\d+)(?:-[0-9a-f-]+)?(?:\.gz)?\.metadata\.json(?:\.gz)?")


def open_iceberg(spec: DatasetSpec, *, folder: Path) -> tuple[StoredFile, bytes, Mapping[str, Any]]:
    """The rows of an Iceberg table at the snapshot or moment that the policy names, or the newest.

    With them come the manifest of the snapshot's files, of data and of deletes, whose digest is that of the dataset, and what names the
    snapshot as JSON types. Catalogs, credentials and regions are those of
    pyiceberg's own configuration (`.pyiceberg.yaml`, PYICEBERG_*).

    Raises:
        SubjectError: the package is not installed, there is no table or snapshot, or it cannot be read.
        DigestMismatch: the policy pins a sha256 and the rows are others.
        SubjectUnreachable: the catalog or store does not answer.
    """
    uri = spec.uri or ""
    if spec.connection is not None:
        raise SubjectError(
            f"{uri}: Iceberg takes catalog and credentials from pyiceberg's configuration; leave `connection` out"
        )
    _require_package(uri)
    with _readable(uri):
        table = _table(uri, folder)
        snapshot = _snapshot(spec, table)
        manifest = _manifest(table, snapshot.snapshot_id)
        sha256 = digest_bytes(manifest)
        if spec.sha256 is not None and sha256 != spec.sha256:
            raise DigestMismatch(
                f"{uri}: snapshot {snapshot.snapshot_id} has other files than those pinned: expected sha256 {spec.sha256} of their "
                f"manifest, found {sha256}; review the change and pin the new one, or pin `version` too"
            )
        stored = _spooled(uri, table, snapshot.snapshot_id, sha256)
    origin = {
        "files": len(json.loads(manifest)), "format": "iceberg", "version": snapshot.snapshot_id, "committed": _spell(snapshot.timestamp_ms),
        "table_uuid": str(table.metadata.table_uuid),
    }  # fmt: skip
    return stored, manifest, origin


def require_snapshot(spec: DatasetSpec, *, folder: Path) -> None:
    """Nothing where the table has the snapshot that the policy names, or any. Raises as `open_iceberg`."""
    uri = spec.uri or ""
    _require_package(uri)
    with _readable(uri):
        _snapshot(spec, _table(uri, folder))


def _require_package(uri: str) -> None:
    try:
        import pyiceberg  # noqa: F401
    except ImportError as error:
        raise SubjectError(
            f"{uri}: format iceberg needs the package pyiceberg, which is not installed; "
            f"pip install 'airflow-model-governance[{EXTRA}]'"
        ) from error


@contextmanager
def _readable(uri: str) -> Iterator[None]:
    """What pyiceberg raises, as errors of a dataset."""
    try:
        yield
    except SubjectError:
        raise
    except (OSError, ConnectionError) as error:
        if isinstance(error, FileNotFoundError):
            raise SubjectError(f"{uri}: there is no Iceberg table: {first_line(error)}; correct the uri") from error
        raise SubjectUnreachable(f"{uri}: cannot be read: {first_line(error)}; try again") from error
    except Exception as error:
        raise SubjectError(
            f"{uri}: the Iceberg table cannot be read: {type(error).__name__}: {first_line(error)}"
        ) from error


def _table(uri: str, folder: Path) -> Any:
    from pyiceberg.catalog import load_catalog
    from pyiceberg.table import StaticTable

    if uri.startswith(CATALOG):
        catalog, _, name = uri[len(CATALOG) :].partition("/")
        if not catalog or not name:
            raise SubjectError(f"{uri}: names no table; write iceberg://CATALOG/NAMESPACE.TABLE")
        return load_catalog(catalog).load_table(name)
    match = SCHEME.match(uri)
    if match is not None and match.group(1).lower() != "file":
        return StaticTable.from_metadata(uri)
    path = local_path(uri, folder)
    return StaticTable.from_metadata(str((_newest_metadata(uri, path) if path.is_dir() else path).absolute()))


def _newest_metadata(uri: str, table: Path) -> Path:
    """The metadata file of the highest version in a folder."""
    found = [
        (int(match[1]), path)
        for path in (table / "metadata").glob("*.metadata.json*")
        if (match := METADATA.fullmatch(path.name))
    ]
    if not found:
        raise SubjectError(f"{uri}: there is no Iceberg table (no metadata/*.metadata.json); correct the uri")
    newest = max(version for version, _ in found)
    highest = [path for version, path in found if version == newest]
    if len(highest) > 1:
        raise SubjectError(
            f"{uri}: {len(highest)} metadata files are of version {newest}, of commits that raced; name one of them, or read the table "
            "through its catalog (iceberg://CATALOG/NAMESPACE.TABLE)"
        )
    return highest[0]


def _snapshot(spec: DatasetSpec, table: Any) -> Any:
    if spec.version is not None:
        snapshot = table.snapshot_by_id(spec.version)
        wanted = f"snapshot {spec.version}"
    elif spec.timestamp is not None:
        try:
            moment = datetime.fromisoformat(spec.timestamp.strip())
        except ValueError:
            raise SubjectError(f"{spec.uri}: `timestamp` is no moment of ISO 8601: {spec.timestamp!r}") from None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        snapshot = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
        wanted = f"snapshot at {moment.isoformat()}"
    else:
        snapshot, wanted = table.current_snapshot(), "snapshot at all; an empty dataset is never a pass"
    if snapshot is None:
        held = ", ".join(f"{one.snapshot_id} ({_spell(one.timestamp_ms)})" for one in list(table.snapshots())[-5:])
        raise SubjectError(f"{spec.uri}: the table has no {wanted}; found {held or 'none'}")
    return snapshot


def _manifest(table: Any, snapshot: int) -> bytes:
    """The files of a snapshot with the digests of their bytes."""
    root = f"{table.location().rstrip('/')}/"
    paths = set()
    for task in table.scan(snapshot_id=snapshot).plan_files():
        paths |= {task.file.file_path, *(deleted.file_path for deleted in task.delete_files)}
    entries = []
    for path in sorted(paths):
        digest, size = hashlib.sha256(), 0
        with table.io.new_input(path).open() as content:
            while piece := content.read(PIECE):
                digest.update(piece)
                size += len(piece)
        entries.append({"name": path.removeprefix(root), "sha256": digest.hexdigest(), "size": size})
    return canonical_json(entries)


def _spooled(uri: str, table: Any, snapshot: int, sha256: str) -> StoredFile:
    """The rows of a snapshot as a Parquet file, written piece by piece."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    spool = Spool()
    path = spool.folder / "rows.parquet"
    reader = table.scan(snapshot_id=snapshot).to_arrow_batch_reader()
    # Field numbers of Iceberg are no part of the rows, and large texts are texts.
    schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in reader.schema])
    with ParquetWriter(path, schema, compression="lz4") as writer:
        for batch in reader:
            columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    return StoredFile(uri=uri, path=path, sha256=sha256, stamp=Stamp.from_stat(path.stat()), spool=spool)


def _plain(kind: Any) -> Any:
    import pyarrow as pa

    return {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}.get(kind, kind)


def _spell(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")

"""Datasets: files parsed from the bytes whose digest was taken. Queries live in `queries`."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Literal

from model_governance.errors import SubjectError
from model_governance.subject import Dataset
from model_governance.subjects.queries import run_query
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from model_governance.connections import Connections
    from model_governance.policy import DatasetSpec
    from model_governance.subject import Role

ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".ipc": "arrow",
}
GZIP = b"\x1f\x8b"


def load_dataset(role: Role, spec: DatasetSpec, *, folder: Path, connections: Connections) -> Dataset:
    """The rows of one role. Column names are text and unique; rows keep the order of the source.

    The digest is that of the file's bytes, or of the query's result as `queries.run_query` says.

    Raises:
        SubjectError: nothing there, unreadable, of unknown format, without rows, or with a column name twice.
        DigestMismatch: the policy pins a sha256 and the data is other data.
        SubjectUnreachable: the place does not answer.
    """
    if spec.query is not None:
        uri, sha256, frame = run_query(spec, folder=folder, connections=connections)
    else:
        uri = spec.uri or ""
        read = READERS[_format(spec, uri)]
        content, sha256 = read_source(
            uri, folder=folder, connections=connections, connection=spec.connection, expected=spec.sha256
        )
        try:
            frame = read(content)
        except Exception as error:
            kind = _format(spec, uri)
            raise SubjectError(
                f"{uri}: dataset {role!r} cannot be read as {kind}: {error}; "
                "correct `format`, or have the file written again"
            ) from error
    return Dataset(role=role, uri=uri, sha256=sha256, frame=_checked(frame, uri=uri, role=role))


def _format(spec: DatasetSpec, uri: str) -> str:
    if spec.format is not None and spec.format != "sql":
        return spec.format
    matches = [kind for ending, kind in ENDINGS.items() if uri.lower().endswith(ending)]
    if not matches:
        raise SubjectError(
            f"{uri}: the ending says no format; rename the file to one of {', '.join(ENDINGS)} "
            "or set `format` to parquet, csv or arrow"
        )
    return matches[0]


def _checked(frame: pd.DataFrame, *, uri: str, role: Role) -> pd.DataFrame:
    if len(frame) == 0:
        raise SubjectError(f"{uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
    frame.columns = frame.columns.map(str)
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise SubjectError(f"{uri}: column(s) {', '.join(twice)} of dataset {role!r} occur more than once; rename them")
    return frame


def _read_parquet(content: bytes) -> pd.DataFrame:
    import pandas as pd

    return _flat(pd.read_parquet(BytesIO(content), engine="pyarrow"))


def _read_arrow(content: bytes) -> pd.DataFrame:
    from pyarrow import BufferReader, ipc

    if content.startswith(b"FEA1"):
        raise ValueError("Feather version 1 is not supported; write version 2")
    opened = ipc.open_file if content.startswith(b"ARROW1") else ipc.open_stream
    with opened(BufferReader(content)) as reader:
        return _flat(reader.read_all().to_pandas())


def _read_csv(content: bytes) -> pd.DataFrame:
    """Comma-separated UTF-8 with one header line; what pandas would repair in silence is refused."""
    import warnings

    import pandas as pd

    compression: Literal["gzip"] | None = "gzip" if content.startswith(GZIP) else None
    header = pd.read_csv(BytesIO(content), compression=compression, header=None, nrows=1, dtype=str).iloc[0]
    twice = sorted(set(header[header.duplicated()].dropna()))
    if twice:
        raise ValueError(f"the header names {', '.join(twice)} more than once")
    with warnings.catch_warnings():
        # Rows with more cells than the header would lose the rest.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            BytesIO(content), compression=compression, index_col=False, low_memory=False, float_precision="round_trip"
        )


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """An index that pandas stored beside the data becomes a column again when it has a name."""
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(drop=not named)


READERS: dict[str, Callable[[bytes], pd.DataFrame]] = {
    "parquet": _read_parquet,
    "csv": _read_csv,
    "arrow": _read_arrow,
}

"""The child process that reads an Arrow file: every batch is validated completely before it is written again as Parquet.

A file may be crafted so that the C++ reader ends the process or reads foreign memory; this process holds nothing of value, is
limited, and tells its parent one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


def main(source: str, target: str, limits: str) -> None:
    """Read the file `source`, write the Parquet file `target`, print why where that fails.

    Args:
        source: an Arrow file or stream.
        target: where the rows go.
        limits: JSON with `memory`, `cpu_seconds`, `written`, `unpacked` and `columns`.
    """
    allowed = json.loads(limits)
    _limit(allowed)
    try:
        _copy(source, target, allowed)
    except Exception as error:
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        print(json.dumps({"error": reason}))


def _limit(allowed: dict[str, int]) -> None:
    for name, value in (
        ("RLIMIT_DATA", allowed["memory"]),
        ("RLIMIT_CPU", allowed["cpu_seconds"]),
        ("RLIMIT_FSIZE", allowed["written"]),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name)
        _, most = resource.getrlimit(kind)
        wanted = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (wanted, most))


def _copy(source: str, target: str, allowed: dict[str, int]) -> None:
    from pyarrow.parquet import ParquetWriter

    unpacked = 0
    with _batches(source) as (schema, batches):
        if len(schema) > allowed["columns"]:
            raise ValueError(f"it has {len(schema):,} columns, and at most {allowed['columns']:,} are read")
        with ParquetWriter(target, schema, compression="lz4") as writer:
            for batch in batches:
                batch.validate(full=True)
                unpacked += batch.nbytes
                if unpacked > allowed["unpacked"]:
                    raise ValueError(
                        f"it unpacks to more than {allowed['unpacked'] >> 20:,} MiB, which is taken for a compressed bomb"
                    )
                writer.write_batch(batch)


@contextmanager
def _batches(source: str) -> Iterator[tuple[pa.Schema, Iterator[Any]]]:
    from pyarrow import OSFile, ipc

    with open(source, "rb") as opened:  # noqa: PTH123 - no more imports than needed
        start = opened.read(6)
    if start.startswith(b"FEA1"):
        raise ValueError("Feather version 1 is not supported; write version 2")
    with OSFile(source) as content:
        if start == b"ARROW1":
            with ipc.open_file(content) as reader:
                yield reader.schema, (reader.get_batch(place) for place in range(reader.num_record_batches))
        else:
            with ipc.open_stream(content) as reader:
                yield reader.schema, iter(reader)


if __name__ == "__main__":
    main(*sys.argv[1:])

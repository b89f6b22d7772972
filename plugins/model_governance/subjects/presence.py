"""Whether the data of a dataset are there, asked without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import SubjectError
from model_governance.policy.subject_spec import LAKE_FORMATS
from model_governance.subjects.delta_tables import open_delta
from model_governance.subjects.file_sets import is_many, names_of
from model_governance.subjects.iceberg_tables import require_snapshot
from model_governance.subjects.places import list_names
from model_governance.subjects.sources import local_path, scheme_of
from model_governance.subjects.tables import require_rows

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec


def missing_data(spec: DatasetSpec, *, folder: Path, connections: Connections) -> str:
    """Why a dataset cannot be read yet, in one sentence; empty where it is there.

    There is: a file, a file of the partition, a table of a lake with the version or partition that is asked for, or a table of a
    database with at least one row. Queries are not asked.

    Raises:
        SubjectUnreachable: the place does not answer.
    """
    uri = spec.uri or ""
    try:
        if spec.query is not None:
            return ""
        if spec.table is not None:
            require_rows(spec, folder=folder, connections=connections)
            return ""
        if spec.format in LAKE_FORMATS:
            _require_lake_table(spec, folder=folder, connections=connections)
            return ""
        if is_many(uri, folder):
            names_of(spec, folder=folder, connections=connections)
            return ""
        if scheme_of(uri) == "file":
            return "" if local_path(uri, folder).exists() else f"{uri}: no such file"
        # Below the whole key as a prefix lies the object itself, under what is left of its name.
        names = list_names(uri, folder=folder, connections=connections, connection=spec.connection)
        is_there = "" in names if scheme_of(uri) == "s3" else bool(names)
        return "" if is_there else f"{uri}: no such object"
    except SubjectError as error:
        if error.infrastructure:
            raise
        return str(error)


def _require_lake_table(spec: DatasetSpec, *, folder: Path, connections: Connections) -> None:
    """Nothing where the table has what is asked for; of a Delta Lake table the log says it, and no file is read."""
    if spec.format == "iceberg":
        require_snapshot(spec, folder=folder)
    else:
        open_delta(spec, folder=folder, connections=connections)

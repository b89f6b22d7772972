"""Whether the files of a dataset are there, asked without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import SubjectError
from model_governance.policy.subject_spec import LAKE_FORMATS
from model_governance.subjects.file_sets import is_many, names_of
from model_governance.subjects.places import list_names
from model_governance.subjects.sources import local_path, scheme_of

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec


def missing_data(spec: DatasetSpec, *, folder: Path, connections: Connections) -> str:
    """Why a dataset cannot be read yet, in one sentence; empty where its file, or a file of its partition, is there.

    Queries and tables have no file of their own, and are not asked for.

    Raises:
        SubjectUnreachable: the place does not answer.
    """
    uri = spec.uri
    if uri is None or spec.query is not None or spec.table is not None or spec.format in LAKE_FORMATS:
        return ""
    try:
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

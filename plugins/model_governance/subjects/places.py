"""What lies below a place, whatever holds it: a folder, a prefix of S3, or one of another object store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from model_governance.errors import SubjectError
from model_governance.subjects.object_stores import OBJECT_STORES, list_below
from model_governance.subjects.sources import list_objects, local_path, scheme_of

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.contract.connections import Connections


def list_names(uri: str, *, folder: Path, connections: Connections, connection: str | None) -> list[str]:
    """The names of all files below a uri that ends with `/`, without it.

    Raises:
        SubjectError: there is no such place, or it may not be listed.
        SubjectUnreachable: the place does not answer.
    """
    scheme = scheme_of(uri)
    if scheme == "s3":
        return list_objects(uri, connections=connections, connection=connection)
    if scheme in OBJECT_STORES:
        return list_below(uri, connection=connection)
    return _local_names(uri, local_path(uri, folder))


def _local_names(uri: str, root: Path) -> list[str]:
    def fail(error: OSError) -> None:
        raise SubjectError(
            f"{uri}: cannot be listed: {error.strerror} ({error.filename}); correct the uri or the permissions"
        )

    names = []
    for parent, _, files in os.walk(root, onerror=fail):
        below = os.path.relpath(parent, root).replace(os.sep, "/")
        names += [name if below == "." else f"{below}/{name}" for name in files]
    return names

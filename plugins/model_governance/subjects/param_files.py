"""Files that the params of a check name (a suite, a profile): read once, digested from those very bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.contract.subject import ParamFile
from model_governance.errors import CheckError
from model_governance.subjects.digests import digest_bytes

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject


def read_param_file(name: str, path: str) -> ParamFile:
    """Read and digest the file that a param names.

    Args:
        name: the param, for instance `suite`.
        path: the path of the file, absolute or relative to the working directory.

    Raises:
        CheckError: the file cannot be read.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CheckError(
            f"params.{name}: {path} cannot be read ({error.strerror}); "
            f"params.{name} is a path relative to the policy's folder"
        ) from error
    return ParamFile(name=name, uri=path, sha256=digest_bytes(content), content=content)


def param_file(subject: Subject, name: str, path: str) -> ParamFile:
    """The file of a param: the one that the subject already holds, read and digested now where it holds none.

    Args:
        subject: may hold the file in `param_files`.
        name: the param.
        path: the value of the param.

    Raises:
        CheckError: the file cannot be read.
    """
    return subject.param_files.get(name) or read_param_file(name, path)

"""Files that the params of a check name (a suite, a profile, a report): read once, digested from those very bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.contract.subject import ParamFile
from model_governance.errors import CheckError, SubjectError
from model_governance.subjects.digests import digest_bytes
from model_governance.subjects.sources import SCHEME, read_source
from model_governance.subjects.templates import render_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Subject
    from model_governance.policy import Policy


def absolute(path: str, folder: Path) -> str:
    """A path of a param as an absolute path; an address (`s3://bucket/key`) as it is."""
    return path if SCHEME.match(path) else str(folder / path)


def load_param_files(
    policy: Policy, name: str, params: Collection[str], *, variables: Mapping[str, Any], connections: Connections
) -> dict[str, ParamFile]:
    """The files that a check's params name, with the templates of their paths rendered.

    Args:
        policy: relative paths start in its folder; an object of S3 is read with the connection of its `artifacts`.
        name: the check.
        params: those of its params that name a file; the ones that the policy does not set are left out.
        variables: what a template may use, as `run_variables` gives it.
        connections: gives S3 clients.

    Raises:
        PolicyError: a template uses a variable that is not given.
        CheckError: a file cannot be read.
        SubjectUnreachable: the store does not answer.
    """
    files = {}
    for param in params:
        spelled = policy.checks[name].params.get(param)
        if spelled is None:
            continue
        path = absolute(render_text(f"checks.{name}.params.{param}", spelled, variables), policy.folder)
        if SCHEME.match(path):
            files[param] = _read_object(param, path, policy=policy, connections=connections)
        else:
            files[param] = read_param_file(param, path)
    return files


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
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CheckError(
            f"params.{name}: {path} cannot be read ({reason}); params.{name} is a path relative to the policy's folder"
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


def _read_object(name: str, uri: str, *, policy: Policy, connections: Connections) -> ParamFile:
    try:
        content, sha256 = read_source(
            uri, folder=policy.folder, connections=connections, connection=policy.artifacts.connection, expected=None
        )
    except SubjectError as error:
        if error.infrastructure:
            raise
        raise CheckError(f"params.{name}: {error}") from error
    return ParamFile(name=name, uri=uri, sha256=sha256, content=content)

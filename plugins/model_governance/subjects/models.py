"""Models: bytes read once, compared with the approved digest, and only then given to the loader of their format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from model_governance.errors import GovernanceError, SubjectError
from model_governance.subject import ModelFile
from model_governance.subjects.loaders import LOADERS
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.connections import Connections
    from model_governance.policy import ModelSpec
    from model_governance.subject import Columns, Model


def read_model_file(spec: ModelSpec, *, folder: Path, connections: Connections) -> ModelFile:
    """The bytes of the model of a policy, compared with the approved digest; nothing is deserialised.

    Raises:
        SubjectError: nothing there.
        DigestMismatch: the bytes are not the approved ones.
        SubjectUnreachable: the place does not answer.
    """
    content, found = read_source(
        spec.uri, folder=folder, connections=connections, connection=spec.connection, expected=spec.sha256
    )
    return ModelFile(uri=spec.uri, format=spec.format, sha256=found, content=content)


def load_model(spec: ModelSpec, columns: Columns, *, folder: Path, connections: Connections) -> Model:
    """The model of a policy. Not one byte is deserialised before the digest has matched.

    Raises:
        SubjectError: nothing there, corrupt, of another format, for another task or other columns.
        DigestMismatch: the bytes are not the approved ones.
        UntrustedModel: loading would run code, or needs types or an opt-in that the policy lacks.
        SubjectUnreachable: the place does not answer.
    """
    content, _ = read_source(
        spec.uri, folder=folder, connections=connections, connection=spec.connection, expected=spec.sha256
    )
    if spec.format not in LOADERS:
        raise SubjectError(f"{spec.uri}: no loader for format {spec.format!r}; there are {', '.join(LOADERS)}")
    loader = import_module(LOADERS[spec.format])
    try:
        model: Model = loader.load(content, spec, columns)
    except GovernanceError:
        raise
    except Exception as error:
        # Half-read native files fail in every way there is.
        raise SubjectError(
            f"{spec.uri}: cannot be read as a {spec.format} model: {type(error).__name__}: {error}; "
            "correct `model.format`, or save the model again"
        ) from error
    return model

"""Models: bytes read once, compared with the approved digest, and only then given to the loader of their format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from model_governance.contract.subject import ModelFile
from model_governance.contract.text import library_words
from model_governance.errors import DigestMismatch, GovernanceError, SubjectError
from model_governance.subjects.approved_answers import check_approval
from model_governance.subjects.digests import digest_bytes
from model_governance.subjects.loaders import LOADERS, inference_endpoint, mlflow_folder
from model_governance.subjects.loaders.trial import try_reading
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec


def read_model_file(spec: ModelSpec, *, folder: Path, connections: Connections) -> ModelFile:
    """Read the bytes of a model and compare them with the approved digest; nothing is deserialised.

    Args:
        spec: the model of a policy, with uri, format and sha256.
        folder: where relative paths start.
        connections: gives S3 clients, and the tokens of endpoints.

    Returns:
        The bytes with their format and digest: of a model of MLflow the file that MLmodel names, in that file's own
        format; of an inference endpoint its metadata.

    Raises:
        SubjectError: nothing there.
        DigestMismatch: the bytes are not the approved ones.
        UntrustedModel: a model of MLflow names files outside its folder.
        SubjectUnreachable: the place does not answer.
    """
    if spec.format == "http":
        return _described(spec, connections)
    if spec.format == "mlflow":
        with mlflow_folder.model_file(spec.uri, folder=folder) as (path, form):
            content, sha256 = read_source(
                path.name, folder=path.parent, connections=connections, connection=None, expected=spec.sha256
            )
        return ModelFile(uri=spec.uri, format=form, sha256=sha256, content=content)
    content, sha256 = read_source(
        spec.uri, folder=folder, connections=connections, connection=spec.connection, expected=spec.sha256
    )
    return ModelFile(uri=spec.uri, format=spec.format, sha256=sha256, content=content)


def load_model(
    spec: ModelSpec, columns: Columns, *, folder: Path, connections: Connections, try_first: bool = False
) -> Model:
    """Load a model. No byte is deserialised before the digest has matched.

    Args:
        spec: the model of a policy, with uri, format and sha256.
        columns: the features in the order that the model is given.
        folder: where relative paths start.
        connections: gives S3 clients, and the tokens of endpoints.
        try_first: let a process of its own read a file that could end this one (`loaders.trial`).

    Returns:
        The loaded model, checked against the columns and the task of the policy; its labels are those of
        `decision_threshold` where the policy sets one.

    Raises:
        SubjectError: nothing there, corrupt, of another format, for another task or other columns; or its answers are not
            those that `model.approval` holds.
        DigestMismatch: the bytes are not the approved ones.
        UntrustedModel: loading would run code, or needs types or an opt-in that the policy lacks.
        SubjectUnreachable: the place does not answer.
    """
    file = read_model_file(spec, folder=folder, connections=connections)
    if file.format == "http":
        model = inference_endpoint.connect(file.content, spec, columns, connections=connections)
    else:
        if try_first:
            try_reading(file, features=len(columns.names), connections=connections)
        model = _deserialised(file, spec, columns)
    check_approval(model, spec, columns, folder=folder, connections=connections)
    if spec.decision_threshold is None:
        return model
    return model.deciding(spec.decision_threshold, positive=columns.positive)


def _deserialised(file: ModelFile, spec: ModelSpec, columns: Columns) -> Model:
    if file.format not in LOADERS:
        raise SubjectError(f"{spec.uri}: no loader for format {file.format!r}; there are {', '.join(LOADERS)}")
    loader = import_module(LOADERS[file.format])
    try:
        model: Model = loader.load(file.content, spec.model_copy(update={"format": file.format}), columns)
    except GovernanceError:
        raise
    except Exception as error:
        # Half-read native files fail in every way there is.
        raise SubjectError(
            f"{spec.uri}: cannot be read as a {file.format} model: {type(error).__name__}: {library_words(error)}; "
            "correct `model.format`, or save the model again"
        ) from error
    return model


def _described(spec: ModelSpec, connections: Connections) -> ModelFile:
    content = inference_endpoint.read_metadata(spec, connections)
    sha256 = digest_bytes(content)
    if sha256 != spec.sha256:
        raise DigestMismatch(
            f"{spec.uri}: the endpoint does not describe itself as approved: expected sha256 {spec.sha256}, found "
            f"{sha256}, of {content.decode()[:2000]}. No row was sent. If the change is intended, review it and put the new "
            "sha256 into the policy; otherwise find who deployed it"
        )
    return ModelFile(uri=spec.uri, format="http", sha256=sha256, content=content)

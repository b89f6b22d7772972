"""Retraining, from the request to a challenger: the window is screened, the model is trained, its file becomes evidence."""

from __future__ import annotations

import importlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_governance.authoring.decisions import refuse
from model_governance.authoring.retraining import AFTER, Retraining, open_retraining
from model_governance.checks import find
from model_governance.contract.documents import describe_faults
from model_governance.contract.result import Artifact
from model_governance.errors import SubjectError
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import Version, champion_version, trainings_without_gain
from model_governance.evidence.record import read_record
from model_governance.run import run_check
from model_governance.store import put_blob
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from model_governance.contract.connections import Connections
    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.promotions import Promotion
    from model_governance.evidence.trust import Trust
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

MOST_FINDINGS = 3
OF_ONE_FILE = ("sha256", "approval", "accept_version")
"""Keys of a model that belong to its very bytes."""


def screen_window(retraining: Retraining, store: ArtifactStore, connections: Connections) -> list[dict[str, Any]]:
    """Run the checks of the policy that compare `previous_train` with `train`, on the champion's rows and the window.

    Returns:
        Their summaries; none where the policy has no such check.

    Raises: as `run_check`.
    """
    policy = retraining.champion.of(retraining.policy)
    rows = Version(model=retraining.champion.model, datasets=retraining.datasets_of_window()).dataset_specs()
    policy = policy.with_version(policy.model, rows)
    names = [name for name, spec in policy.checks.items() if "previous_train" in find(spec.kind).roles_for(spec.params)]
    sources = retraining.sources_of(policy)
    return [
        run_check(policy, name, run=retraining.run, store=store, connections=connections, sources=sources).summary()
        for name in names
    ]


def screened_sha256(store: ArtifactStore, summaries: Iterable[Mapping[str, Any]]) -> str | None:
    """The digest of the window that the checks screened, from their records; None where none did.

    Args:
        store: the archive.
        summaries: of the checks, as `screen_window` returns them.

    Raises:
        SubjectError: they screened different rows.
        EvidenceError: a record is another one or damaged.
    """
    records = [read_record(store, summary["record"]) for summary in summaries]
    found = {each["sha256"] for record in records for each in record["datasets"] if each["role"] == "train"}
    if len(found) > 1:
        raise SubjectError(
            f"the window changed while it was screened: found {', '.join(sorted(found))}; let it stay the same"
        )
    return next(iter(found), None)


def train(
    retraining: Retraining, store: ArtifactStore, connections: Connections, *, connection: str | None = None
) -> Version:
    """Call the policy's training function; its file goes into the archive, where nothing can change it.

    The function is given the request (`model`, `findings`, `manifest`, `logical_date`, `window`, `champion`) and an empty
    folder, and returns the keys of `model` that the new version changes, at least `uri`.

    Args:
        retraining: what is trained.
        store: the archive.
        connections: gives S3 clients.
        connection: name of the connection of the archive.

    Raises:
        SubjectError: the function cannot be imported, or returned no model that a policy could name.
    """
    spec = retraining.policy.retraining
    name = spec.train.callable if spec and spec.train else None
    if name is None:
        raise SubjectError(
            f"{retraining.policy.name}: the policy names no retraining.train.callable; add module:function"
        )
    function = _imported(name)
    with TemporaryDirectory(prefix="model-governance-training-") as folder:
        made = function(training_request(retraining), Path(folder))
        return register(retraining, made, store, connections, folder=Path(folder), connection=connection)


def stop_training(
    policy: Policy, store: ArtifactStore, manifest: Mapping[str, str], *, signer: Signer | None = None,
    trust: Trust | None = None,
) -> Promotion | None:  # fmt: skip
    """The finding "training does not help" of a run that would request one more, stored as evidence; None while it helps.

    It is raised where as many trainings in a row as `retraining.max_without_gain` ended without a better model. Who edits the
    policy has looked, and training starts again.

    Raises: as `open_retraining`, `promotions` and `store_document`.
    """
    archive, spec = Archive(store, policy.name, trust=trust), policy.retraining
    count = trainings_without_gain(archive, policy)
    if spec is None or count < spec.max_without_gain:
        return None
    retraining = open_retraining(policy, store, manifest, champion=champion_version(archive, policy))
    reason = (
        f"training does not help: {count} trainings in a row ended without a better model, and the policy allows "
        f"max_without_gain: {spec.max_without_gain}. Look at the data and the training code; any edit of the policy lets "
        f"training start again. This run: {' '.join(retraining.findings[:MOST_FINDINGS])}"
    )
    return refuse(retraining, reason, store, moment=retraining.logical_date + AFTER, signer=signer, decision="stopped")


def training_request(retraining: Retraining) -> dict[str, Any]:
    """What a training function, or the conf of a training DAG, is given, as JSON types; paths are absolute."""
    window = retraining.window().model_dump(mode="json", exclude_none=True)
    return {
        "model": retraining.policy.name,
        "findings": list(retraining.findings),
        "manifest": dict(retraining.manifest),
        "logical_date": retraining.logical_date.isoformat(),
        "window": _absolute(window, retraining.policy),
        "champion": _absolute(retraining.champion.model, retraining.policy),
    }


def _absolute(source: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    uri = source.get("uri")
    if uri is None or ":" in uri:
        return dict(source)
    return {**source, "uri": str(policy.folder / uri)}


def register(
    retraining: Retraining, made: Any, store: ArtifactStore, connections: Connections, *, folder: Path,
    connection: str | None = None,
) -> Version:  # fmt: skip
    """The challenger that training made; a local file is copied into the archive under its digest.

    Args:
        retraining: what was trained.
        made: keys of `model` that the new version changes, at least `uri`.
        store: the archive.
        connections: gives S3 clients.
        folder: where a relative uri starts.
        connection: name of the connection of the archive.

    Raises:
        SubjectError: it is no model that a policy could name, or there is no file.
    """
    what = f"{retraining.policy.name}: training returned {made!r:.300}"
    if not isinstance(made, dict) or not isinstance(made.get("uri"), str):
        raise SubjectError(f"{what}; expected the keys of `model` that change, at least uri")
    model = {name: value for name, value in retraining.champion.model.items() if name not in OF_ONE_FILE} | made
    if not model["uri"].startswith("mlflow:"):
        content, sha256 = read_source(
            model["uri"], folder=folder, connections=connections, connection=model.get("connection"),
            expected=made.get("sha256"),
        )  # fmt: skip
        model["sha256"] = sha256
        if "://" not in model["uri"] or model["uri"].startswith("file://"):
            name = f"model{Path(model['uri']).suffix}"
            stored = put_blob(store, Artifact(name=name, media_type="application/octet-stream", content=content))
            model |= {"uri": store.locate(stored.key)} | ({"connection": connection} if connection else {})
    version = Version(model=model, datasets=retraining.datasets_of_window())
    try:
        version.model_spec()
    except ValidationError as error:
        raise SubjectError(f"{what}; expected keys of `model`: {describe_faults(error)}") from error
    return version


def _imported(name: str) -> Callable[[dict[str, Any], Path], Any]:
    module, _, function = name.partition(":")
    try:
        found: Callable[[dict[str, Any], Path], Any] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise SubjectError(
            f"retraining.train.callable {name}: cannot be imported on this machine ({error}); install the module where the "
            "task that trains runs, or correct the name"
        ) from error
    return found

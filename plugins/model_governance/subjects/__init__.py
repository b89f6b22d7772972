"""The model and the datasets of a policy: templates rendered, bytes read once, digested, and only then parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from model_governance.contract.images import DISCLOSED
from model_governance.contract.subject import Role, Subject
from model_governance.errors import SubjectError
from model_governance.subjects.datasets import load_dataset
from model_governance.subjects.image_columns import with_pixel_columns
from model_governance.subjects.maturity import load_judged
from model_governance.subjects.models import load_model, read_model_file
from model_governance.subjects.templates import render_sources, run_variables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec, Policy

__all__ = [
    "load_dataset",
    "load_judged",
    "load_model",
    "load_subject",
    "read_model_file",
    "render_sources",
    "run_variables",
]


def load_subject(
    policy: Policy,
    *,
    roles: Collection[Role],
    with_model: bool,
    sources: Mapping[Role, DatasetSpec],
    connections: Connections,
    with_model_file: bool = False,
) -> Subject:
    """The subject of a policy: the datasets of these roles only, and the model or its bytes where they are asked for.

    `sources` are the datasets of the policy with their templates rendered (`render_sources`, or Airflow).

    Raises:
        SubjectError: a role has no source, or the bytes cannot be taken as described.
        DigestMismatch: the bytes are not the approved ones.
        UntrustedModel: the model file would run code.
        SubjectUnreachable: a place does not answer.
    """
    spec = policy.model
    missing = [role for role in roles if role not in sources]
    if missing:
        raise SubjectError(
            f"{policy.name}: no source for dataset(s) {', '.join(sorted(missing))} "
            f"(given: {', '.join(sorted(sources)) or 'none'}); add datasets.{sorted(missing)[0]} to the policy"
        )
    labels = policy.columns.of_kind("category", "text")
    datasets = {
        role: with_pixel_columns(
            load_dataset(role, sources[role], folder=policy.folder, connections=connections, labels=labels),
            policy.columns,
        )
        for role in get_args(Role)
        if role in roles
    }
    model = (
        load_model(spec, policy.columns, folder=policy.folder, connections=connections, try_first=True)
        if with_model
        else None
    )
    file = read_model_file(spec, folder=policy.folder, connections=connections) if with_model_file else None
    late = policy.datasets.get("labels")
    return Subject(
        name=spec.name, task=spec.task, columns=policy.columns, datasets=datasets, model=model,
        labels_mature_in=late.maturity_days if late else None, model_file=file, threat_model=policy.threat_model,
        disclose=_disclosed(policy), decision_threshold=spec.decision_threshold,
    )  # fmt: skip


def _disclosed(policy: Policy) -> tuple[str, ...]:
    """The features whose values may be shown: `image` means all pixels."""
    given = policy.report.disclose
    return policy.columns.names if policy.columns.image is not None and DISCLOSED in given else given

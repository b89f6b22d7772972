"""The champion in the place of the model: on the same rows, loaded and digested like it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.errors import GovernanceError, SubjectError
from model_governance.subjects.models import load_model, read_model_file

if TYPE_CHECKING:
    from model_governance.contract.check import Check
    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Subject
    from model_governance.policy import Policy


def beside_champion(
    check: Check, policy: Policy, subject: Subject, *, connections: Connections
) -> tuple[Subject, GovernanceError | None]:
    """The subject with the champion, or why there is none: the model itself is measured all the same."""
    if not check.compares_champion or policy.champion is None:
        return subject, None
    try:
        other = load_model(
            policy.champion, policy.columns, folder=policy.folder, connections=connections, try_first=True
        )
    except GovernanceError as error:
        if error.infrastructure:
            raise
        return subject, error
    return replace(subject, champion=other), None


def champion_subject(check: Check, policy: Policy, subject: Subject, *, connections: Connections) -> Subject:
    """The same datasets with the champion as the model, for thresholds on a change against it.

    Raises: as `load_model`, and SubjectError where the policy names no champion.
    """
    if policy.champion is None:
        raise SubjectError(f"{policy.name}: the policy names no champion; add `champion:` with uri, sha256 and task")
    spec, folder = policy.champion, policy.folder
    model = subject.champion
    if model is None and check.needs_model:
        model = load_model(spec, policy.columns, folder=folder, connections=connections, try_first=True)
    file = read_model_file(spec, folder=folder, connections=connections) if check.reads_model_file else None
    return replace(subject, name=spec.name, task=spec.task, model=model, model_file=file, champion=None)

"""What a policy needs besides itself: files beside it, waivers that still hold and, when asked, the model and the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.moments import end_of
from model_governance.errors import GovernanceError, PolicyError
from model_governance.evidence.controls import control_map
from model_governance.policy import load_policy
from model_governance.policy.load import located
from model_governance.policy.position import spell
from model_governance.policy.templates import is_template
from model_governance.policy.yaml_text import read_yaml
from model_governance.subjects import load_dataset, load_model, render_sources, run_variables
from model_governance.subjects.param_files import read_param_file
from model_governance.subjects.sources import SCHEME

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from model_governance.contract.check import Check
    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Dataset, Role
    from model_governance.policy import DatasetSpec, Policy
    from model_governance.policy.position import Path as Place

    Problem = tuple[Place, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A policy without a mistake, and what could not be looked at."""

    policy: Policy
    notes: tuple[str, ...]


def lint(
    path: str | os.PathLike[str], catalogue: Mapping[str, Check], *, moment: datetime, online: Connections | None = None
) -> Linted:
    """Read a policy as a run does and look at what it names.

    Args:
        path: the policy.
        catalogue: the checks there are.
        moment: the time that waivers are compared with and templates are rendered for.
        online: reaches the model and the datasets, which are then read too; None leaves them alone.

    Raises:
        PolicyError: lists every mistake of the policy, of the files that its params name and, with `online`, every
            disagreement with the model's features and the columns of the datasets.
    """
    policy = load_policy(path, catalogue)
    position, _ = read_yaml(policy.source, str(path))
    control_map(policy, catalogue)
    problems = [*_expired(policy, moment), *_files(policy, catalogue)]
    notes = list(_not_compared(policy, catalogue))
    if online is not None:
        problems += [*_model(policy, online, notes), *_datasets(policy, online, notes, moment=moment)]
    if problems:
        raise PolicyError(located([(position.line(at), f"{spell(at)}: {text}") for at, text in problems], str(path)))
    return Linted(policy=policy, notes=tuple(notes))


def _expired(policy: Policy, moment: datetime) -> Iterator[Problem]:
    for number, waiver in enumerate(policy.waivers):
        if not waiver.is_live(moment):
            yield (
                ("waivers", number, "expires"),
                f"the waiver ended on {waiver.expires}, at {end_of(waiver.expires):%Y-%m-%d %H:%M} UTC; remove it, or have it approved anew",
            )


def _not_compared(policy: Policy, catalogue: Mapping[str, Check]) -> Iterator[str]:
    """What a challenger is not asked before it replaces the champion: allowed, and worth knowing."""
    if policy.promotion is None:
        return
    for name, spec in policy.checks.items():
        if catalogue[spec.kind].needs_model and name not in policy.promotion.margins:
            yield f"promotion.margins: no margin for {name}: a challenger may be worse there, up to the thresholds"
    screens = [
        name for name, spec in policy.checks.items() if "previous_train" in catalogue[spec.kind].roles_for(spec.params)
    ]
    if policy.retraining is not None and policy.retraining.train is not None and not screens:
        yield "retraining.window: no check compares it with datasets.previous_train: a poisoned window would be trained on"


def _files(policy: Policy, catalogue: Mapping[str, Check]) -> Iterator[Problem]:
    """Files that params name, as their check reads them; those in a store or of a single run are left to the run."""
    for name, spec in policy.checks.items():
        check = catalogue[spec.kind]
        for param in check.file_params:
            path = spec.params.get(param)
            if path is None or check.read_file is None or is_template(path) or SCHEME.match(path):
                continue
            try:
                check.read_file(read_param_file(param, str(policy.folder / path)))
            except GovernanceError as error:
                yield ("checks", name, "params", param), str(error)


def _model(policy: Policy, connections: Connections, notes: list[str]) -> Iterator[Problem]:
    """The models, loaded for the features and the task of the policy."""
    for key, spec in (("model", policy.model), ("champion", policy.champion)):
        if spec is None:
            continue
        try:
            load_model(spec, policy.columns, folder=policy.folder, connections=connections)
        except GovernanceError as error:
            if error.infrastructure:
                notes.append(f"{key}: not looked at: {error}")
            else:
                yield (key,), str(error)


def _datasets(policy: Policy, connections: Connections, notes: list[str], *, moment: datetime) -> Iterator[Problem]:
    """The datasets, opened; those of a run that is named by a template may not be there yet."""
    try:
        sources = render_sources(policy, run_variables(moment))
    except PolicyError as error:
        notes.extend(f"not looked at: {problem}" for problem in error.problems)
        sources = {role: spec for role, spec in policy.datasets.items() if "{" not in f"{spec.uri}{spec.query}"}
    for role, spec in sources.items():
        try:
            dataset = load_dataset(role, spec, folder=policy.folder, connections=connections)
        except GovernanceError as error:
            if error.infrastructure or _is_of_a_run(policy, role, spec):
                notes.append(f"datasets.{role}: not looked at: {error}")
            else:
                yield ("datasets", role), str(error)
        else:
            yield from _columns(policy, role, dataset)


def _is_of_a_run(policy: Policy, role: Role, rendered: DatasetSpec) -> bool:
    return policy.datasets[role] != rendered


def _columns(policy: Policy, role: Role, dataset: Dataset) -> Iterator[Problem]:
    """Columns that the policy names and the dataset lacks; late labels have a file of their own."""
    held = set(dataset.source.names if dataset.source is not None else dataset.frame.columns)
    named: dict[Place, str] = {}
    if role != "labels":
        named = {("columns", "features", name): name for name in policy.columns.features}
        if policy.columns.image is not None and policy.columns.image.column is not None:
            named = {("columns", "image", "column"): policy.columns.image.column}
    if policy.columns.target is not None and role in ("train", "reference", "labels"):
        named["columns", "target"] = policy.columns.target
    for at, name in named.items():
        if name not in held:
            there = ", ".join(sorted(map(str, held))[:20])
            yield at, f"dataset {role!r} has no column {name!r}; there are {there}"

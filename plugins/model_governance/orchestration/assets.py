"""The Airflow assets of a model: what a check reads, and what a run tells the DAGs that wait for it.

Their scheme starts with `x-` and is taken as it is. For any other, Airflow imports the handlers of all providers while it parses
the DAG file, and with the one of amazon boto3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset

from model_governance.checks import catalogue

if TYPE_CHECKING:
    from model_governance.contract.subject import Role
    from model_governance.policy import Policy


def accepted_asset(model: str) -> Asset:
    """The asset whose events say that a run of a model was judged and not stopped; serving or promotion can wait for it.

    The event's `extra` holds `outcome` (`pass`, `waived`, `warn`, `uncertain`, or `fail` under `fail_on: never`), `sentence`, `outcomes` by check, `manifest` and
    `report_url`.
    """
    return _asset("accepted", model)


def evidence_asset(model: str) -> Asset:
    """The asset whose events say that a run of a model was archived, whatever its outcome; `extra` names its manifest."""
    return _asset("evidence", model)


def model_asset(model: str) -> Asset:
    """The model itself, an inlet of the checks that load it; a training DAG may have it as outlet, and `schedule.assets` name it."""
    return _asset("model", model)


def dataset_asset(model: str, role: Role) -> Asset:
    """A dataset of a model's policy, an inlet of the checks that read it; the DAG that writes the rows may have it as outlet."""
    return _asset(f"dataset_{role}", model)


def inlets_of(policy: Policy, check: str) -> list[Asset]:
    """What a check of a policy reads: datasets, and the model where it is asked or scanned; of a check in a DAG file nothing is known."""
    spec = policy.checks[check]
    kind = catalogue().get(spec.kind)
    if kind is None:
        return []
    roles = [*kind.roles_for(spec.params), *kind.optional_roles]
    named = [dataset_asset(policy.name, role) for role in roles if role in policy.datasets]
    return [*named, *([model_asset(policy.name)] if kind.needs_model or kind.reads_model_file else [])]


def retraining_asset(model: str) -> Asset:
    """The asset whose events request a new version of a model; schedule a retraining DAG on it."""
    return _asset("retraining", model)


def _asset(what: str, model: str) -> Asset:
    return Asset(name=f"governance_{what}_{model}", uri=f"x-governance://{what.replace('_', '/')}/{model}")

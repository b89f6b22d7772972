"""Templates in dataset uris and queries, for runs outside Airflow (Airflow renders its own)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import as_moment
from model_governance.errors import PolicyError
from model_governance.policy.subject_spec import TEMPLATED
from model_governance.policy.templates import environment as make_environment
from model_governance.policy.templates import spell_ds, spell_ds_nodash, spell_ts, spell_ts_nodash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from jinja2.sandbox import SandboxedEnvironment

    from model_governance.contract.subject import Role
    from model_governance.policy import DatasetSpec, Policy

INTERVAL = ("data_interval_start", "data_interval_end")


def render_sources(
    policy: Policy, variables: Mapping[str, Any], *, roles: Collection[Role] | None = None
) -> dict[Role, DatasetSpec]:
    """The datasets of a policy with `uri`, `query`, `interval` and `timestamp` rendered, those of `roles` or all; no variable is ever blank.

    The filters `ds`, `ds_nodash`, `ts` and `ts_nodash` are those of Airflow, so that a policy reads
    the same in both places.

    Raises:
        PolicyError: a template is wrong or uses a variable that is not given; every one is listed.
    """
    environment = make_environment()
    problems: list[str] = []
    rendered = {
        role: _rendered(environment, role, spec, variables=variables, problems=problems)
        for role, spec in policy.datasets.items()
        if roles is None or role in roles
    }
    if problems:
        raise PolicyError(problems)
    return rendered


def run_variables(logical_date: datetime, *, data_interval: tuple[datetime, datetime] | None = None) -> dict[str, Any]:
    """What a template may use outside Airflow, in UTC.

    `ds`, `ds_nodash`, `ts`, `ts_nodash` and `logical_date` of a run, and `data_interval_start` and `data_interval_end`
    where it has a data interval.
    """
    moment = as_moment(logical_date)
    spelled = {
        "ds": spell_ds(moment),
        "ds_nodash": spell_ds_nodash(moment),
        "ts": spell_ts(moment),
        "ts_nodash": spell_ts_nodash(moment),
    }
    interval = {} if data_interval is None else dict(zip(INTERVAL, map(as_moment, data_interval), strict=True))
    return {**spelled, "logical_date": moment, **interval}


def render_text(where: str, template: str, variables: Mapping[str, Any]) -> str:
    """One text of a policy rendered.

    Args:
        where: its place in the policy, for the error.
        template: the text as the policy spells it.
        variables: what it may use.

    Raises:
        PolicyError: the template is wrong or uses a variable that is not given.
    """
    try:
        return _render(make_environment(), template, variables)
    except ValueError as error:
        raise PolicyError([f"{where}: {error}; the template is {template!r}"]) from error


def _rendered(
    environment: SandboxedEnvironment,
    role: Role,
    spec: DatasetSpec,
    *,
    variables: Mapping[str, Any],
    problems: list[str],
) -> DatasetSpec:
    texts: dict[str, str] = {}
    for key in TEMPLATED:
        template = getattr(spec, key)
        if template is None:
            continue
        try:
            texts[key] = _render(environment, template, variables)
        except ValueError as error:
            problems.append(f"datasets.{role}.{key}: {error}; the template is {template!r}")
    return spec.model_copy(update=texts)


def _render(environment: SandboxedEnvironment, template: str, variables: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError, UndefinedError, meta

    try:
        return environment.from_string(template).render(variables)
    except UndefinedError as error:
        missing = sorted(meta.find_undeclared_variables(environment.parse(template)) - set(variables))
        given = ", ".join(sorted(variables)) or "none"
        what = f"variable(s) {', '.join(missing)} not given" if missing else str(error.message)
        raise ValueError(f"{what} (available: {given})") from error
    except TemplateError as error:
        raise ValueError(f"not a valid template: {error.message}") from error
    except Exception as error:
        raise ValueError(f"the template raised {type(error).__name__}: {error}") from error

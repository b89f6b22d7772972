"""The pools of this Airflow: a task of a pool that does not exist is never started, and Airflow fails nothing for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from model_governance.errors import PolicyError
from model_governance.orchestration.stores import configured_names
from model_governance.policy.position import closest, spell
from model_governance.policy.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.policy import Policy
    from model_governance.policy.position import Path

DEFAULT_POOL = "default_pool"
"""Airflow makes it, and nobody can remove it."""


def require_pools(policy: Policy, *, file: str | os.PathLike[str] | None = None) -> None:
    """Nothing, where every pool that a policy names exists, or where nobody can say which pools exist.

    Raises:
        PolicyError: a pool is missing; names policy, key, the pools there are and what to do.
    """
    named = list(_named(policy))
    there = known_pools() if named else None
    missing = [] if there is None else [(path, pool) for path, pool in named if pool not in there]
    if not missing or there is None:
        return
    origin = os.fspath(file) if file is not None else f"policy {policy.name}"
    position, _ = read_yaml(policy.source, origin)
    raise PolicyError(
        [
            f"{origin}:{position.line(path)} {spell(path)}: this Airflow has no pool {pool!r}, so the task would wait for "
            f"ever{closest(pool, there)}; correct the name, or add the pool (airflow pools set '{pool}' SLOTS DESCRIPTION)"
            for path, pool in missing
        ]
    )


def known_pools() -> frozenset[str] | None:
    """The names of the pools, as `[model_governance] pools` lists them, else as the metadata database has them.

    None where neither can be read: Airflow gives its DAG processor and its tasks no access to that database.
    """
    if listed := configured_names("pools"):
        return frozenset({DEFAULT_POOL, *listed})
    from airflow import settings

    open_session = getattr(settings, "NonScopedSession", None)
    if open_session is None:
        return None
    from airflow.models.pool import Pool
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with open_session() as session:
            return frozenset({DEFAULT_POOL, *session.scalars(select(Pool.pool))})
    except SQLAlchemyError:  # a database that is not migrated yet
        return None


def _named(policy: Policy) -> Iterator[tuple[Path, str]]:
    if policy.schedule.pool:
        yield ("schedule", "pool"), policy.schedule.pool
    for name, spec in policy.checks.items():
        if spec.pool:
            yield ("checks", name, "pool"), spec.pool

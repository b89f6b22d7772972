"""The archive of a policy, as commands open it: `--policy FILE` and, where it is elsewhere, `--artifacts URI`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.errors import PolicyError
from model_governance.policy import load_policy
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse

    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore


def add_policy_archive(command: argparse.ArgumentParser, *, text: str = "policy of the model") -> None:
    """Declare the two options; `text` says what the policy is for."""
    command.add_argument("--policy", type=Path, required=True, help=text)
    command.add_argument("--artifacts", metavar="URI", help="where evidence is instead of the policy's artifacts.uri")


def open_policy_archive(options: argparse.Namespace) -> tuple[Policy, ArtifactStore]:
    """The policy that the options name, and its archive.

    Raises:
        PolicyError: the policy is wrong, or nothing says where the archive is.
        StoreError: no store has such a uri.
    """
    policy = load_policy(options.policy, catalogue())
    store = open_store(
        archive_uri(policy, options), folder=policy.folder, connections=PlainConnections(),
        connection=policy.artifacts.connection, protection=policy.protection,
    )  # fmt: skip
    return policy, store


def archive_uri(policy: Policy, options: argparse.Namespace) -> str:
    """Where evidence goes: `--artifacts`, else the policy's `artifacts.uri`. Raises PolicyError without either."""
    uri: str | None = options.artifacts or policy.artifacts.uri
    if uri is None:
        raise PolicyError([f"{options.policy}: no artifacts.uri; add it to the policy or pass --artifacts URI"])
    return uri

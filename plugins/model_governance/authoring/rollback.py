"""`model-governance rollback`: put the former champion back, as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.authoring.policy_archive import add_policy_archive, open_policy_archive
from model_governance.authoring.promote import roll_back
from model_governance.contract.connections import PlainConnections
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of

if TYPE_CHECKING:
    import argparse


def add_rollback(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    rollback = commands.add_parser(
        "rollback", help="put the version back that the present champion replaced; stored as evidence"
    )
    rollback.add_argument("--reason", required=True, metavar="TEXT", help="why the promotion is taken back")
    rollback.add_argument("--by", required=True, metavar="NAME", help="who asks for it")
    add_policy_archive(rollback)
    rollback.set_defaults(command=_rollback)


def _rollback(options: argparse.Namespace) -> int:
    policy, store = open_policy_archive(options)
    back = roll_back(
        policy, store, reason=options.reason, by=options.by, signer=signer_of(policy),
        trust=trust_of(policy, PlainConnections()),
    )  # fmt: skip
    print(f"{back.sentence}\nrolled back  {store.locate(back.key)}")
    return 0

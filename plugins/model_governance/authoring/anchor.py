"""`model-governance archive anchor`: have a time stamp authority stamp the newest link of each model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.authoring.verify import certificates_in
from model_governance.contract.connections import PlainConnections
from model_governance.contract.moments import spell_moment
from model_governance.errors import PolicyError
from model_governance.evidence.anchors import anchor_head
from model_governance.evidence.chain import models_with_chain
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse


def add_anchor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    anchor = commands.add_parser(
        "anchor", help="have a time stamp authority (RFC 3161) stamp the newest link of each model"
    )
    anchor.add_argument("store", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    anchor.add_argument("--model", action="append", metavar="NAME", help="only this model (repeatable)")
    anchor.add_argument("--tsa", required=True, metavar="URL", help="address of the time stamp authority")
    anchor.add_argument(
        "--tsa-certificate", type=Path, required=True, metavar="FILE", help="its certificates (PEM, root first)"
    )
    anchor.set_defaults(command=_anchor)


def _anchor(options: argparse.Namespace) -> int:
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    models = options.model or models_with_chain(store)
    if not models:
        raise PolicyError([f"{store.uri}: expected an archive, found no model in it; name its folder or bucket"])
    certificates = certificates_in(options.tsa_certificate)
    for model in models:
        made = anchor_head(store, model, authority=options.tsa, certificates=certificates)
        print(f"{model}: link {made.sequence} stamped at {spell_moment(made.moment.replace(microsecond=0))}")
    return 0

"""`model-governance archive`: what is done with an archive as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.authoring.anchor import add_anchor
from model_governance.authoring.export import add_export
from model_governance.authoring.retention import add_retention
from model_governance.authoring.violations import add_violations

if TYPE_CHECKING:
    import argparse


def add_archive(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    archive = commands.add_parser(
        "archive", help="export evidence, hold it, and remove what nobody has to keep"
    ).add_subparsers(required=True, metavar="COMMAND")
    add_export(archive)
    add_violations(archive)
    add_retention(archive)
    add_anchor(archive)

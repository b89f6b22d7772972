"""`model-governance import`: start a policy from the files of another monitor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.authoring.imports import FORMATS, import_files
from model_governance.authoring.imports.written import SUITE, checks_lines, suite_text, write
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    import argparse

    from model_governance.authoring.imports.imported import Imported


def add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    formats = "; ".join(f"{name}: {text}" for name, (text, _) in FORMATS.items())
    command = commands.add_parser(
        "import", help="turn the demands of another monitor into a suite and the checks of a policy", epilog=formats
    )
    command.add_argument("format", metavar="FORMAT", choices=FORMATS, help=f"one of {', '.join(FORMATS)}")
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where suite and policy are written; else none is"
    )
    command.add_argument("--model", metavar="URI", help="model file: write a whole policy, not only its checks")
    command.add_argument("--reference", metavar="URI", help="reference data of the whole policy")
    command.add_argument("--target", help="label column of the whole policy")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    command.set_defaults(command=_import)


def _import(options: argparse.Namespace) -> int:
    if (options.model is None) != (options.reference is None):
        raise PolicyError(["--model and --reference: expected both or none; a whole policy needs the two"])
    if options.model is not None and options.output is None:
        raise PolicyError(["--model: expected --output FOLDER, too; the policy is written there"])
    imported = import_files(options.format, options.files)
    written = write(options.output, _texts(imported, options)) if options.output is not None else []
    if options.json:
        print(canonical_json(_record(imported, written)).decode())
        return 0
    print("\n".join(map(str, imported.lines)))
    states = [line.state for line in imported.lines]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("taken", "adapted", "not taken"))
    print(f"\n{len(states)} lines: {counts}")
    print("\n".join([f"written  {path}" for path in written] or checks_lines(imported)))
    return 0


def _texts(imported: Imported, options: argparse.Namespace) -> dict[str, str]:
    """The files to write, by name."""
    suite = {SUITE: suite_text(imported, name=f"imported from {options.format}")} if imported.expectations else {}
    if options.model is None:
        return {**suite, "checks.yaml": "\n".join(checks_lines(imported)) + "\n"}
    from model_governance.authoring.column_roles import Asked
    from model_governance.authoring.suggest import suggest_policy

    policy = suggest_policy(
        model=options.model, reference=options.reference, task=None, name=None, folder=options.output.resolve(),
        asked=Asked(target=options.target), checks=tuple(checks_lines(imported)),
    )  # fmt: skip
    return {**suite, "policy.yaml": policy}


def _record(imported: Imported, written: list[Path]) -> dict[str, object]:
    lines = [{"part": line.part, "state": line.state, "text": line.text} for line in imported.lines]
    return {"lines": lines, "written": [str(path) for path in written]}

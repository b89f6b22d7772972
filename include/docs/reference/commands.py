"""The command line, from its argparse parser."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from model_governance import cli
from reference.markdown import cell, code, sentence, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "model-governance"


def page() -> str:
    """The page of the commands, with every argument and the exit codes."""
    parser = command_parser()
    sections = "\n".join(_section(name, command, words) for name, command, words in commands(parser))
    return f"""# Command line

`{PROGRAM}` does the same work as the DAG, without Airflow. `python -m model_governance` is the same program.

```text
{(parser.epilog or "").strip()}
```

Options of the program itself, before the command:

{_arguments(parser)}
{sections}"""


def command_parser() -> argparse.ArgumentParser:
    """The parser of the program."""
    make = getattr(cli, "parser", None) or cli._parser  # noqa: SLF001 - the only place where the commands are declared
    return make()


def commands(
    parser: argparse.ArgumentParser, before: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Every command with its parser and its help sentence; groups of commands are followed into their members."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list its commands
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
        for name, command in action.choices.items():
            path = (*before, name)
            inner = list(commands(command, path))
            yield from inner or [(" ".join(path), command, helps.get(name, ""))]


def _section(name: str, command: argparse.ArgumentParser, words: str) -> str:
    usage = " ".join(command.format_usage().split()).removeprefix("usage: ")
    return f"## `{name}`\n\n{sentence(cell(words))}\n\n```text\n{usage}\n```\n\n{_arguments(command)}"


def _arguments(command: argparse.ArgumentParser) -> str:
    rows = [
        (code(" ".join(_spelling(action))), cell(_help(command, action)))
        for action in command._actions  # noqa: SLF001
        if not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))  # noqa: SLF001
    ]
    return table(("argument", "meaning"), rows)


def _spelling(action: argparse.Action) -> Iterator[str]:
    yield ", ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.option_strings and action.nargs != 0:
        yield str(action.metavar or action.dest.upper())


def _help(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default, "prog": command.prog, "dest": action.dest}
    return f"{text} (required)" if action.required and action.option_strings else text

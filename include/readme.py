"""Keeps README.md true: runs the commands between its markers and compares, or writes, what they print.

    python include/readme.py            compare; exit code 1 and a diff when they differ
    python include/readme.py --write    put the true output into README.md

A block is

    <!-- shows: COMMAND -->
    ```text
    output
    ```
    <!-- end -->

`shows-file: PATH` instead of `shows:` quotes a file. `shows-part: COMMAND` shows a part of the output: a line `…` stands for the
lines that are left out, and `--write` leaves such a block as it is. What changes from run to run (seconds, digests, paths of
content-addressed files) is compared as `…`.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(
    r"(?P<head><!-- (?P<how>shows|shows-file|shows-part): (?P<what>.+?) -->\n```(?P<language>\w*)\n)(?P<body>.*?)(?P<tail>```\n<!-- end -->)",
    re.DOTALL,
)
VARYING = (
    (re.compile(r"\d+\.\d s\b"), "… s"),
    (re.compile(r"governed in \d+ s"), "governed in … s"),
    (re.compile(r" +… s"), " … s"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "…"),
)
TASK = re.compile(r"^    \w+ +(ok|FAILED|skipped) ")
OMISSION = "…"
FIRST_TIME = ("making .venv", "installing ", "make[")
"""Lines that only a first run prints."""


def blocks(text: str, *, command: str | None = None) -> list[re.Match[str]]:
    """The marked blocks of a README; only those that show this command, where one is given."""
    return [one for one in BLOCK.finditer(text) if command is None or one["what"] == command]


def truth(block: re.Match[str]) -> str:
    """What the block should hold now."""
    if block["how"] == "shows-file":
        return (ROOT / block["what"]).read_text()
    bin_folder = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": bin_folder + os.pathsep + os.environ["PATH"], "COLUMNS": "124"}
    done = subprocess.run(
        ["bash", "-c", block["what"]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return "\n".join(line.rstrip() for line in (done.stdout + done.stderr).splitlines()) + "\n"


def settled(text: str) -> str:
    """The text with what varies from run to run replaced; tasks that ran side by side in alphabetical order."""
    for pattern, stand_in in VARYING:
        text = pattern.sub(stand_in, text)
    lines = [one for line in text.strip().splitlines() if not (one := line.rstrip()).startswith(FIRST_TIME)]
    groups = itertools.groupby(lines, key=lambda line: bool(TASK.match(line)))
    return "\n".join("\n".join(sorted(group) if tasks else group) for tasks, group in groups)


def difference(block: re.Match[str], output: str | None = None) -> str:
    """A diff between the block and the truth, or a given output of its command; empty when they agree."""
    shown = settled(block["body"]).splitlines()
    true = settled(truth(block) if output is None else output).splitlines()
    if block["how"] == "shows-part":
        true = shown_part(shown, true)
    return "\n".join(difflib.unified_diff(shown, true, "README.md", block["what"], lineterm=""))


def shown_part(shown: list[str], true: list[str]) -> list[str]:
    """The true lines with everything left out that the block leaves out; all of them from the first line that it lacks."""
    part: list[str] = []
    rest = true
    for number, line in enumerate(shown):
        if line == OMISSION:
            following = shown[number + 1] if number + 1 < len(shown) else None
            rest = rest[rest.index(following) :] if following in rest else ([] if following is None else rest)
            part.append(line)
        elif rest[:1] == [line]:
            part.append(line)
            rest = rest[1:]
        else:
            return part + rest
    return part + rest


def rewritten(block: re.Match[str]) -> str:
    """The block with what is true now; one that shows a part is for its author to cut."""
    if block["how"] == "shows-part":
        return block[0]
    return block["head"] + truth(block).strip("\n") + "\n" + block["tail"]


def main() -> int:
    text = README.read_text()
    if "--write" in sys.argv:
        README.write_text(BLOCK.sub(rewritten, text))
        return 0
    differences = [found for one in blocks(text) if (found := difference(one))]
    print("\n\n".join(differences))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

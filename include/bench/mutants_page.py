"""Pages of several scripts, each of which replaces its own section and leaves the others as they are: MUTANTS.md by default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).with_name("MUTANTS.md")
TITLE = "# Mutants of what the product reads"


def write_section(
    title: str, about: str, rows: Sequence[Mapping[str, object]], *, page: Path = PAGE, heading: str = TITLE
) -> str:
    """Put a section with a table in place of the one of this title, or at the end.

    Args:
        title: names the section; one script writes it.
        about: what was measured, and how.
        rows: cells by head; at least one row, all with the heads of the first.
        page: the page, which need not exist.
        heading: of the page.

    Returns:
        The section.
    """
    heads = list(rows[0])
    table = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    section = "\n".join([f"## {title}", "", about, "", *(f"| {' | '.join(cells)} |" for cells in table), ""])
    others = sections(page.read_text()) if page.exists() else {}
    page.write_text("\n".join([heading, "", *(others | {title: section}).values()]))
    return section


def sections(text: str) -> dict[str, str]:
    """The sections of the page by title, each with its heading."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.splitlines()[0].removeprefix("## "): part.strip("\n") + "\n" for part in parts}

"""The decision records and the stored measurements of the repository as pages of the site."""

from __future__ import annotations

from pathlib import Path

INCLUDE = Path(__file__).resolve().parents[2]


def pages() -> dict[str, str]:
    """Every decision record and every measurement by its path on the site."""
    decisions = {f"decisions/{file.name}": file.read_text() for file in sorted((INCLUDE / "adr").glob("*.md"))}
    measurements = {
        f"measurements/{file.stem.lower()}.md": file.read_text() for file in sorted((INCLUDE / "bench").glob("*.md"))
    }
    return decisions | measurements


def navigation(folder: str) -> list[dict[str, str]]:
    """The entries of a folder of the site, each under the title of its page."""
    return [{_title(text): path} for path, text in pages().items() if path.startswith(f"{folder}/")]


def _title(text: str) -> str:
    return text.splitlines()[0].removeprefix("# ").replace("`", "")

"""What mkdocs runs while it builds the site: adds the pages that are generated from declarations."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "plugins")]

import reference  # noqa: E402 - the two folders above must be on the path
from mkdocs.exceptions import PluginError  # noqa: E402
from mkdocs.structure.files import File  # noqa: E402

from model_governance.checks import catalogue  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = HERE.parents[1]
FOREIGN = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*"
    r"|<link\b(?=[^>]*rel=[\"']?(?:stylesheet|preload|icon|preconnect))[^>]*href=[\"']?(?:https?:)?//[^>]*"
    r"|(?:url\(|@import )[\"']?(?:https?:)?//[^)\"']*"
)
"""What a browser fetches by itself; links that a reader follows are no such thing."""
PACKAGE = re.compile(r"<!-- package: (?P<path>\S+) -->")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the sections that mkdocs.yml leaves empty with the generated pages."""
    generated = reference.navigation(catalogue())
    navigation: list[Any] = config.nav or []
    config.nav = [{name: generated.get(name, entries) for name, entries in entry.items()} for entry in navigation]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the files of the site."""
    for path, text in reference.pages(catalogue()).items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show the modules of a package of the repository where a page names it in a comment."""
    return PACKAGE.sub(lambda comment: modules_of(ROOT / comment["path"]), markdown)


def modules_of(package: Path) -> str:
    """Every module as a block under its name, the declaration in `__init__.py` first."""
    return "\n\n".join(f'```python title="{file.name}"\n{file.read_text()}```' for file in sorted(package.glob("*.py")))


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that asks another host for a script, style, picture or font while it is read.

    Raises:
        PluginError: a page or style of the built site does.
    """
    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix in (".html", ".css") and (load := FOREIGN.search(path.read_text())):
            raise PluginError(f"{path}: loads {load[0]}; the site is read without a network")

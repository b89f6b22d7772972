"""Takes the documentation's picture of a coverage report: what the command prints about the archive of the demo.

make demo && python include/demo/coverage_picture.py
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from model_governance.evidence.coverage import coverage
from model_governance.evidence.period import Period
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import models_of
from model_governance.report.coverage_page import coverage_table
from model_governance.store.local import LocalStore
from project import BUILD

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pages" / "images" / "coverage.svg"
CATALOGS = ("EU-AI-ACT", "SR-26-2", "OWASP-ML")
WIDTH = 128
# No font is fetched from another host.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Coverage of controls">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "Liberation Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main(archive: Path, trust: Path | None) -> int:
    store = LocalStore(str(archive))
    period = Period(first=date(2016, 1, 1), last=date(2018, 12, 31))
    record = coverage(store, models_of(store)[:1], period=period, trust=read_trust(trust) if trust else None)
    (model,) = record["models"]
    model["catalogs"] = [catalog for catalog in model["catalogs"] if catalog["catalog"] in CATALOGS]
    console = Console(record=True, width=WIDTH, file=open("/dev/null", "w"), highlight=False)  # noqa: SIM115, PTH123
    console.print(coverage_table(record, model))
    PICTURE.write_text(
        console.export_svg(
            title="model-governance coverage", theme=DEFAULT_TERMINAL_THEME, code_format=FORMAT, unique_id="coverage"
        )
    )
    print(PICTURE)
    return 0


if __name__ == "__main__":
    keys = BUILD / "keys" / "trust.yaml"
    sys.exit(main(BUILD / "archive", keys if keys.exists() else None))

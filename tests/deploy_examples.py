"""The examples of a cluster in include/deploy, read, and the options of Airflow that they set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "include" / "deploy" / "cluster"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))
SETTING = re.compile(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+)")


def named_settings() -> set[tuple[str, str]]:
    """Section and option of every setting in them."""
    environment = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    environment |= {each["name"] for each in VALUES["env"]}
    named = {(match[1].lower(), match[2].lower()) for name in environment if (match := SETTING.fullmatch(name))}
    return named | {(section, option) for section, found in VALUES["config"].items() for option in found}

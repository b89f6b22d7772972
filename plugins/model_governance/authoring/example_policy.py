"""A complete example policy for one check, from what the check itself suggests for a small reference."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from model_governance.contract.subject import Columns, Feature

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.check import Check

FEATURES: dict[str, dict[str, Any]] = {
    "age": {"kind": "integer", "minimum": 18, "maximum": 100},
    "income": {"kind": "numeric", "minimum": 0},
    "region": {"kind": "category"},
}
COLUMNS = {"target": "late", "identifier": "loan_id", "features": FEATURES}


def example_policy(check: Check) -> str:
    """YAML of a policy with this one check; `policy lint` accepts it."""
    suggestion = check.suggest(loans(), Columns(**{**COLUMNS, "features": _features()}))
    params, thresholds = dict(suggestion.params), list(suggestion.thresholds)
    if not thresholds:
        params, thresholds = dict(check.self_test.params), [dict(check.self_test.threshold)]
    roles = dict.fromkeys((*check.roles_for(params), "reference", "current"))
    policy = {
        "version": 1,
        "owner": "risk@example.com",
        "model": {
            "name": "loans",
            "task": next(iter(check.tasks)),
            "uri": "loans.skops",
            "sha256": "0" * 64,
        },
        "datasets": {role: {"uri": _uri(role)} for role in roles},
        "columns": COLUMNS,
        "checks": {check.kind: {**({"params": params} if params else {}), "thresholds": thresholds}},
    }
    return yaml.safe_dump(_plain(policy), sort_keys=False, default_flow_style=None, width=64)


def _uri(role: str) -> str:
    return "current/{{ ds }}.parquet" if role == "current" else f"{role}.parquet"


def _features() -> dict[str, Feature]:
    return {name: Feature(**feature) for name, feature in FEATURES.items()}


@cache
def loans() -> pd.DataFrame:
    """400 generated loans, the reference that suggestions are made from."""
    import numpy as np
    import pandas as pd

    generator = np.random.default_rng(0)
    rows = 400
    return pd.DataFrame(
        {
            "loan_id": np.arange(rows),
            "age": generator.integers(18, 80, rows),
            "income": generator.integers(900, 9000, rows).astype(float),
            "region": generator.choice(["north", "south", "west"], rows),
            "late": (generator.uniform(size=rows) < 0.3).astype(int),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.item() if hasattr(value, "item") else value

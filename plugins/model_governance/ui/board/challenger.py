"""Champion against challenger: the numbers behind the newest decision on a version of the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import label_of
from model_governance.contract.text import difference, interval, quantity
from model_governance.ui.board.dumbbells import End, Pair, dumbbells
from model_governance.ui.board.metric_names import plain_name_of, unit_of
from model_governance.ui.board.portfolio import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def challenger_view(model: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the newest decision compared; None where no decision compared anything.

    Args:
        model: its row of the index.
        documents: what was decided about it, in the order of the chain.
    """
    decision = next((each for each in reversed(documents) if each.get("comparisons")), None)
    if decision is None:
        return None
    kinds = {check["name"]: check["kind"] for check in json.loads(model["checks"])}
    rows = [_row(each, kinds.get(each["check"])) for each in decision["comparisons"]]
    pairs = [row["pair"] for row in rows if row["pair"] is not None]
    return {
        "decided": f"{decision['text']} by {decision['by']}, {spelled(decision['moment'])}: {decision['reason']}",
        "picture": dumbbells(pairs, older="champion", newer="challenger"),
        "rows": rows,
    }


def _row(compared: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    unit = unit_of(kind, compared["metric"])
    champion, challenger, gain, low, high = (
        None if compared[name] is None else float(compared[name])
        for name in ("champion", "challenger", "gain", "low", "high")
    )
    label = label_of(compared["metric"], compared["key"])
    name = plain_name_of(kind, compared["metric"], compared["key"])
    pair = None
    if champion is not None and challenger is not None:
        ends = [
            End(value=value, low=None, high=None, text=quantity(value, unit, digits=3, beside=[other]))
            for value, other in ((champion, challenger), (challenger, champion))
        ]
        pair = Pair(name=name, older=ends[0], newer=ends[1], outcome=compared["outcome"])
    return {
        "check": compared["check"], "label": label, "plain_name": name, "outcome": compared["outcome"], "pair": pair,
        "gain": "—" if gain is None else difference(gain, unit, digits=3), "interval": interval(low, high, unit, digits=3) or "—",
        "margin": difference(float(compared["margin"]), unit, digits=3).removeprefix("+"),
    }  # fmt: skip

"""What stands around the evidence of a run: how its policy differs from that of the run before, and which channel was told."""

from __future__ import annotations

import difflib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.reading import read_archived
from model_governance.notify.deliveries import deliveries_of
from model_governance.store import read_verified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

MOST_LINES = 200
"""Lines of a difference that are shown at most."""
CONTEXT_LINES = 2


def policy_difference(
    store: ArtifactStore, manifest: Mapping[str, Any], before: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """The lines in which the policy of a run differs from that of the run before, each with `kind` (`+`, `-`, `@` or space).

    Empty where both ran under the same policy, there is no run before, or one of the policies cannot be read.

    Args:
        store: the archive.
        manifest: of the run.
        before: row of the run before.

    Raises:
        StoreUnreachable: the archive does not answer.
    """
    if before is None or before["policy_sha256"] == manifest["policy"]["sha256"]:
        return []
    try:
        earlier = read_archived(store, str(before["manifest"])).content["policy"]
        old, new = (read_verified(store, stored).decode() for stored in (earlier, manifest["policy"]))
    except (EvidenceError, ObjectMissing, UnicodeDecodeError) as error:
        log.warning("the policies of two runs cannot be compared: %s", error)
        return []
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=CONTEXT_LINES, lineterm="")
    shown = [line for line in lines if not line.startswith(("---", "+++"))]
    more = [{"kind": "@", "text": f"and {len(shown) - MOST_LINES} lines more"}] if len(shown) > MOST_LINES else []
    return [{"kind": line[0], "text": line} for line in shown[:MOST_LINES]] + more


def channels_told(store: ArtifactStore, model: str, run: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    """The last word on each channel of a run: `channel`, `status` and `problem`, failed ones first.

    Raises:
        StoreUnreachable: the archive does not answer.
    """
    moment = datetime.fromtimestamp(run["moment"], UTC)
    last = {
        (each.type, each.connection, each.content): each
        for each in deliveries_of(store, model, moment=moment, manifest=str(run["manifest"]))
    }
    told = [
        {"channel": f"{each.type} ({each.connection})", "status": each.status, "problem": each.problem}
        for each in last.values()
    ]
    return sorted(told, key=lambda each: each["status"] != "failed")

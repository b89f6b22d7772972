"""modelscan as an oracle: what it calls an issue, ours calls dangerous, and where it says nothing the reason is known.

It lives in an environment of its own (include/bench/security_scanners.py says how it is made), so that this is skipped without.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "include" / "bench"))

from security_scanners import PEER, REASONS, Verdicts, compared, reason_of


@pytest.mark.skipif(not PEER.exists(), reason="modelscan is not installed in .venv-peer-modelscan")
def test_modelscan_agrees_or_the_difference_has_a_reason():
    """Must-show 5: 60 malicious files, 37 benign models as pickle and joblib files."""
    rows = compared()
    assert sum(row.theirs == "issues" for row in rows) >= 10  # an oracle that says nothing proves nothing
    assert [row.name for row in rows if not reason_of(row)] == []
    assert sum(row.malicious for row in rows) >= 60
    assert not [row.name for row in rows if row.malicious and row.ours == "clean"]


def test_a_difference_without_a_reason_is_seen():
    """A malicious file that only modelscan names, one that nobody has explained, and an accused honest model."""
    known = next(iter(REASONS.values()))[0]
    parts = {"named": (), "malicious": True, "ours": "dangerous", "theirs": "clean"}
    assert reason_of(Verdicts(name=known, **parts)) in REASONS
    assert reason_of(Verdicts(name="new", **parts)) == ""
    assert reason_of(Verdicts(name="new", **parts | {"ours": "clean", "theirs": "issues"})) == ""
    assert reason_of(Verdicts(name="new", **parts | {"malicious": False})) == ""
    assert reason_of(Verdicts(name="new", **parts | {"malicious": False, "ours": "clean"})) == "-"

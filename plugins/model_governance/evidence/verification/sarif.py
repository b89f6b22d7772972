"""Problems of a verification as SARIF 2.1.0 (OASIS), which code scanning and issue trackers read."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from model_governance.evidence.verification.problems import CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.evidence.verification.problems import Verification

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_of(verifications: Sequence[Verification]) -> dict[str, Any]:
    """One SARIF run with a rule for each code and a result for each problem."""
    codes = list(CODES)
    results = [
        {
            "ruleId": problem.code,
            "ruleIndex": codes.index(problem.code),
            "level": problem.severity,
            "message": {"text": f"{verification.model}: {problem.sentence}"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": problem.where}}}],
        }
        for verification in verifications
        for problem in verification.problems
    ]
    rules = [{"id": code, "shortDescription": {"text": text}} for code, text in CODES.items()]
    driver = {"name": "model-governance", "version": version("airflow-model-governance"), "rules": rules}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}

"""Verifies a decision on a version: the records that it names, and what their numbers give under its margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from model_governance.contract.stored_result import read_result
from model_governance.errors import EvidenceError
from model_governance.evidence.promotions import as_promotion
from model_governance.evidence.record import as_record
from model_governance.policy import PromotionSpec
from model_governance.verdict.non_inferiority import compare_models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.result import CheckResult
    from model_governance.evidence.promotions import Promotion
    from model_governance.evidence.verification.problems import Findings
    from model_governance.evidence.verification.reader import Reader


def verify_promotion(content: bytes, where: str, reader: Reader, findings: Findings) -> None:
    """Compare challenger and champion again, from the records that the decision names.

    Raises:
        EvidenceError: the bytes are no decision, or a record is none.
    """
    promotion = as_promotion(content, origin=where)
    results: dict[str, dict[str, CheckResult | None]] = {"challenger": {}, "champion": {}, "window": {}}
    for named in promotion.measured:
        found = reader.verified(named)
        if found is None:
            return  # the link names it: said where its objects are compared
        record = as_record(found, origin=reader.store.locate(named["key"]))
        if (record["check"], record["verdict"]["outcome"]) != (named["check"], named["outcome"]):
            findings.add(
                "verdict.differs", where,
                f"{named['check']} of the {named['of']} is said to be {named['outcome']}, its record says "
                f"{record['check']} {record['verdict']['outcome']}",
            )  # fmt: skip
        result = record["result"]
        results[named["of"]][named["check"]] = read_result(result, origin=named["key"]) if result else None
    if results["challenger"]:
        _compare(promotion, results, where, findings)


def _compare(
    promotion: Promotion, results: Mapping[str, Mapping[str, CheckResult | None]], where: str, findings: Findings
) -> None:
    try:
        margins = PromotionSpec.model_validate({"margins": promotion.margins})
    except ValidationError as error:
        raise EvidenceError(f"{where}: its margins are none that a policy can hold: {error!s:.300}") from error
    again = compare_models(margins, results["challenger"], results["champion"])
    if [each.record() for each in again] != list(promotion.comparisons):
        findings.add("verdict.differs", where, "its comparisons are not what the records and the margins give")
    if promotion.decision == "promoted" and any(each.outcome != "pass" for each in again):
        findings.add(
            "verdict.differs", where, "the version was promoted, and its records do not show that it is no worse"
        )

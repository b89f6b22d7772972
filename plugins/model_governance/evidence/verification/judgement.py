"""Judges the numbers of a record again, from what the record says that its verdict rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.contract.stored_result import read_result
from model_governance.errors import EvidenceError
from model_governance.evidence.baselines import numbers_of, read_baseline
from model_governance.evidence.damage import read_damage
from model_governance.evidence.manifest import as_manifest
from model_governance.evidence.record import as_record
from model_governance.evidence.waivers import named_waivers
from model_governance.verdict import judge, trusted_verdict, with_damage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.evidence.verification.reader import Reader
    from model_governance.policy import Policy
    from model_governance.verdict import Baseline, Verdict


class LostBasisError(EvidenceError):
    """What a verdict rests on was pruned, or is damaged, which is reported where it is.

    Cause: a tombstone names the record of an earlier run, or that record is missing or altered.
    Cure: restore a damaged record from its oldest version; what was pruned is gone.
    """


def judged_again(policy: Policy, record: Mapping[str, Any], manifest: Mapping[str, Any], reader: Reader) -> Verdict:
    """The verdict that the policy gives the numbers of a record.

    Args:
        policy: of the run.
        record: of a check that measured, with what its verdict rests on.
        manifest: of the run.
        reader: reads the records of earlier runs, their digests verified.

    Raises:
        LostBasisError: what the verdict rests on was pruned, or was there and is damaged now.
        EvidenceError: no link before it states what the verdict is said to rest on.
        KeyError: the policy lacks the check.
    """
    judged, check = record["judged"], record["check"]
    policy = policy.as_judged(check)
    baselines: dict[str, Mapping[str, Baseline]] = {
        against: numbers_of(_record_of(named["manifest"], check, reader))
        for against, named in record["baselines"].items()
        if named is not None
    }
    if judged["champion"] is not None:
        baselines["champion"] = {
            label: read_baseline(number, name=label) for label, number in judged["champion"].items()
        }
    earlier = [_verdict_of(stored, reader) for stored in judged["earlier"]]
    granted = named_waivers(record, read=lambda stored: _content(stored, reader, "the decision on a waiver"))
    asked = {threshold.metric for threshold in policy.checks[check].thresholds}
    verdict = judge(
        check, read_result(record["result"], origin=check, wanted=asked), policy, moment=parse_moment(manifest["run"]["logical_date"]),
        baselines=baselines, earlier=earlier, basis=judged["basis"],
        granted=[each.waiver for each in granted or ()],
    )  # fmt: skip
    return with_damage(verdict, check, [read_damage(each).sentence for each in record.get("damaged", ())])


def _record_of(stored: Mapping[str, Any], check: str, reader: Reader) -> dict[str, Any]:
    """The record of a check in an earlier run."""
    content = _content(stored, reader, "the manifest of the baseline")
    manifest = as_manifest(content, origin=reader.store.locate(stored["key"]))
    row = next((row for row in manifest["checks"] if row["name"] == check and row["record"]), None)
    if row is None:
        raise EvidenceError(f"the baseline {stored['key']} has no record of {check}")
    return _document(row["record"], reader)


def _verdict_of(stored: Mapping[str, Any], reader: Reader) -> Verdict:
    """The verdict of an earlier record; the same record is named by as many later runs as a verdict reads."""
    if stored["sha256"] not in reader.recent:
        reader.remember(stored["sha256"], trusted_verdict(_document(stored, reader)["verdict"]))
    return reader.recent[stored["sha256"]]


def _document(stored: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    content = _content(stored, reader, "the record of an earlier run")
    return as_record(content, origin=reader.store.locate(stored["key"]))


def _content(stored: Mapping[str, Any], reader: Reader, what: str) -> bytes:
    content = reader.verified(stored)
    if content is not None:
        return content
    if reader.pruned.get(stored["key"]) == stored["sha256"]:
        raise LostBasisError(f"{what}, {stored['key']}, was pruned")
    if (stored["key"], stored["sha256"]) in reader.stated:
        raise LostBasisError(f"{what}, {stored['key']}, is missing or altered")
    raise EvidenceError(f"{what}, {stored['key']}, is missing or altered, and no link before states it")

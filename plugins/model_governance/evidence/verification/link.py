"""Verifies what one link is about: its objects, its statement, and the verdicts of its run."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.errors import (
    EvidenceError,
    GovernanceError,
    ObjectMissing,
    StoreUnreachable,
)
from model_governance.evidence.acceptance import as_acceptance
from model_governance.evidence.consistency import disagreements, file_digest
from model_governance.evidence.controls import FILE as CONTROLS_FILE
from model_governance.evidence.envelope import is_payload_of
from model_governance.evidence.manifest import as_manifest
from model_governance.evidence.record import as_record
from model_governance.evidence.statement import Place, RunEvidence, document_statement, run_statements
from model_governance.evidence.verification.judgement import LostBasisError, judged_again
from model_governance.evidence.verification.promotion import verify_promotion
from model_governance.evidence.waivers import GrantedWaiver, as_decision, in_force, named_waivers
from model_governance.verdict import Verdict, combine, fail_policy_of, trusted_fail_policy, trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.evidence.chain import Link
    from model_governance.evidence.verification.problems import Findings
    from model_governance.evidence.verification.reader import Reader
    from model_governance.policy import Policy


PACKAGE = "airflow-model-governance"


def verify_link(link: Link, reader: Reader, findings: Findings) -> None:
    """Verify what a link is about; problems are added to `findings`."""
    reader.contents.clear()
    is_whole = _objects(link, reader, findings)
    content = reader.verified(link.about)
    if content is None or not is_whole:
        return  # said by `_objects`, pruned, or left out of an export
    where = reader.store.locate(link.about["key"])
    try:
        if link.kind == "run":
            _run(link, content, reader, findings)
        else:
            _document(link, content, where, reader, findings)
    except (EvidenceError, ObjectMissing) as error:
        findings.add("object.damaged", where, str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        findings.add("object.damaged", where, f"lacks fields that this release reads ({type(error).__name__}: {error})")


def _objects(link: Link, reader: Reader, findings: Findings) -> bool:
    """Whether no object was left out; what is missing otherwise, or altered, is a problem."""
    is_whole = True
    for subject in link.statement["subject"]:
        key, stated = subject.get("uri"), subject["digest"]["sha256"]
        if key is None:
            continue  # the model: it is not in the archive
        reader.stated.add((key, stated))
        found = reader.digest(key)
        if found is None and reader.pruned.get(key) == stated:
            is_whole = False
        elif found is None and reader.may_lack_objects_of(link):
            reader.left_out.add(key)
            is_whole = False
        elif found is None:
            findings.add(
                "object.missing", reader.store.locate(key), f"link {link.sequence} names it ({subject['name']})"
            )
        elif found != stated:
            findings.add(
                "object.altered", reader.store.locate(key),
                f"has sha256 {found[:16]}…, link {link.sequence} states {stated[:16]}… ({subject['name']})",
            )  # fmt: skip
    return is_whole


def _document(link: Link, content: bytes, where: str, reader: Reader, findings: Findings) -> None:
    document = json.loads(content)
    if link.kind == "acceptance":
        as_acceptance(content, origin=where)
    if link.kind == "waiver":
        as_decision(content, origin=where)
    if link.kind == "promotion":
        verify_promotion(content, where, reader, findings)
    address = {**link.about, "size": len(content)}
    rebuilt = document_statement(link.kind, document, _place(link), address=address)
    _compare(link, rebuilt, where, findings)


def _run(link: Link, content: bytes, reader: Reader, findings: Findings) -> None:
    where = reader.store.locate(link.about["key"])
    manifest = as_manifest(content, origin=where)
    records: dict[str, dict[str, Any] | None] = {}
    for row in manifest["checks"]:
        found = reader.verified(row["record"]) if row["record"] else None
        if row["record"] and found is None:
            return  # said by `_objects`, or pruned
        origin = reader.store.locate(row["record"]["key"]) if row["record"] else where
        records[row["name"]] = None if found is None else as_record(found, origin=origin)
    policy = reader.policy(manifest["policy"])
    _statement(link, manifest, records, policy, content, where, reader, findings)
    recorded = _verdicts(manifest, records, where, reader, findings)
    if policy is None:
        findings.add(
            "verdict.baseless",
            where,
            "this release cannot read the policy of the run: verify with the one that wrote it",
        )
    else:
        _demands(policy, manifest, where, findings)
        _judgements(policy, manifest, records, recorded, reader, findings)


def _statement(
    link: Link, manifest: dict[str, Any], records: dict[str, dict[str, Any] | None], policy: Policy | None,
    content: bytes, where: str, reader: Reader, findings: Findings,
) -> None:  # fmt: skip
    """Whether the statement is the one that manifest and records give."""
    predicate = link.predicate
    page, stored_map = _subject_of(link, "report.html"), _subject_of(link, CONTROLS_FILE)
    waivers, granted = predicate["waivers"], _granted(records, reader)
    if policy is not None and granted is not None:
        moment = parse_moment(manifest["run"]["logical_date"])
        waivers = [*policy.waivers_at(moment), *in_force(granted, moment)]
    controls = None if stored_map is None else reader.control_map(stored_map)
    if stored_map is not None and controls is None:
        return  # said by `_objects`
    kinds = {row["kind"] for row in manifest["checks"] if row["kind"]} if controls is not None else set()
    evidence = RunEvidence(
        manifest=manifest, records=records, waivers=waivers,
        address={**link.about, "size": len(content)},
        page=page, control_map=stored_map,
        controls={kind: controls.controls_of(kind) for kind in kinds} if controls is not None else {},
    )  # fmt: skip
    seen = {
        (each["role"], each["sha256"]): each for record in records.values() if record for each in record["datasets"]
    }
    if manifest["datasets"] != [seen[name] for name in sorted(seen)]:
        findings.add("statement.differs", where, "the run is said to be about other datasets than its checks read")
    rebuilt, test_result = run_statements(evidence, _place(link))
    _compare(link, rebuilt, where, findings)
    if not is_payload_of(link.envelopes[1].payload, test_result):
        findings.add(
            "statement.differs", where, f"the test result beside link {link.sequence} is not that of the manifest"
        )


def _granted(records: Mapping[str, Mapping[str, Any] | None], reader: Reader) -> list[GrantedWaiver] | None:
    """The granted waivers that the records name; None where one is missing or altered, which its own link says."""
    found = [named_waivers(record, read=reader.verified) for record in records.values()]
    if any(each is None for each in found):
        return None
    return [waiver for each in found for waiver in each or ()]


def _subject_of(link: Link, name: str) -> dict[str, Any] | None:
    """The address of the subject of this name; None where a link has none."""
    subject = next((each for each in link.statement["subject"] if each["name"] == name), None)
    if subject is None:
        return None
    stored = {"key": subject["uri"], "sha256": subject["digest"]["sha256"], "media_type": subject.get("mediaType")}
    return stored | {"size": (subject.get("annotations") or {}).get("size")}


def _place(link: Link) -> Place:
    problem = (link.predicate["previous"] or {}).get("problem", "")
    return Place(
        model=link.model, sequence=link.sequence, previous=link.previous, recorded_at=link.recorded_at, problem=problem
    )


def _compare(link: Link, rebuilt: Mapping[str, Any], where: str, findings: Findings) -> None:
    if is_payload_of(link.envelopes[0].payload, rebuilt):
        return
    stated, given = link.statement, dict(rebuilt)
    differing = [name for name in ("subject", "predicateType") if stated.get(name) != given.get(name)]
    names = {*stated["predicate"], *given["predicate"]}
    differing += sorted(name for name in names if stated["predicate"].get(name) != given["predicate"].get(name))
    findings.add(
        "statement.differs", where,
        f"link {link.sequence} states another {', '.join(differing) or 'statement'} than the objects that it names",
    )  # fmt: skip


def _verdicts(
    manifest: Mapping[str, Any], records: Mapping[str, Mapping[str, Any] | None], where: str, reader: Reader,
    findings: Findings,
) -> dict[str, Verdict]:  # fmt: skip
    """Whether the verdict of the run and the rows of its checks are those of the records; gives the recorded ones by check."""
    stated, rules = trusted_verdict(manifest["verdict"]), trusted_fail_policy(manifest["verdict"])
    verdicts, recorded = [], {}
    for row in manifest["checks"]:
        record = records[row["name"]]
        if record is None:
            silent = tuple(finding for finding in stated.findings if finding.check == row["name"])
            if row["outcome"] != "error" or not silent or any(finding.outcome != "error" for finding in silent):
                findings.add(
                    "verdict.differs", where, f"{row['name']} never reported and is said to be {row['outcome']}"
                )
            else:
                verdicts.append(Verdict(name=row["name"], findings=silent, fail_policy=rules))
            continue
        recorded[row["name"]] = verdict = trusted_verdict(record["verdict"])
        reader.remember(row["record"]["sha256"], verdict)
        verdicts.append(verdict)
        said = (row["outcome"], row["stops"], row["sentence"], record["check"], record["verdict"]["stops"])
        if said != (verdict.outcome, verdict.stops, verdict.sentence, row["name"], verdict.stops):
            findings.add(
                "verdict.differs", where,
                f"{row['name']} is said to be {row['outcome']}, its record says {verdict.outcome} (stops: {verdict.stops})",
            )  # fmt: skip
    problems = disagreements(file_digest(manifest["policy"]), records)
    # Its outcome and whether it stops follow from its findings, which its form has shown.
    if combine(stated.name, verdicts, fail_policy=rules, problems=problems) != stated:
        findings.add("verdict.differs", where, "the verdict of the run is not what the verdicts of its checks give")
    return recorded


def _demands(policy: Policy, manifest: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Whether the run answers for every check of its policy, and stops where the policy says so."""
    names = [row["name"] for row in manifest["checks"]]
    if sorted(names) != sorted(policy.checks):
        findings.add(
            "verdict.differs",
            where,
            f"the policy has the checks {', '.join(policy.checks)}; the run has {', '.join(names)}",
        )
    if trusted_fail_policy(manifest["verdict"]) != fail_policy_of(policy):
        findings.add(
            "verdict.differs", where, "the verdict counts by another fail_on or on_uncertain than the policy's"
        )


def _judgements(
    policy: Policy, manifest: Mapping[str, Any], records: Mapping[str, Mapping[str, Any] | None],
    recorded: Mapping[str, Verdict], reader: Reader, findings: Findings,
) -> None:  # fmt: skip
    """Judge the numbers of every record again."""
    for name, record in records.items():
        if record is None:
            continue
        where = next(reader.store.locate(row["record"]["key"]) for row in manifest["checks"] if row["name"] == name)
        if record["result"] is None or not record.get("judged"):
            # Only a check that could not measure, or not be compared, leaves such a record.
            if record["verdict"]["outcome"] != "error":
                findings.add(
                    "verdict.baseless", where,
                    f"{name}: is said to be {record['verdict']['outcome']}, and its record lacks the numbers, or what they "
                    "were compared with",
                )  # fmt: skip
            continue
        judged_by, archived = (file_digest(part["policy"]) for part in (record, manifest))
        if judged_by != archived:
            # The verdict of the run is an error for this very reason, or `_verdicts` says that it is not.
            text = f"{name}: judged by the policy with sha256 {judged_by}, which is not the one that is archived with the run"
            findings.add("verdict.unchecked", where, text)
            continue
        try:
            verdict = judged_again(policy, record, manifest, reader)
        except StoreUnreachable:
            raise
        except LostBasisError as error:
            findings.add("verdict.unchecked", where, f"{name}: {error}")
            continue
        except (GovernanceError, KeyError) as error:
            findings.add("verdict.baseless", where, f"{name}: cannot be judged again: {error}")
            continue
        reader.verdicts += 1
        if verdict != recorded[name]:
            wrote, runs = manifest["environment"]["packages"].get(PACKAGE), version(PACKAGE)
            findings.add(
                "verdict.differs" if wrote == runs else "verdict.unchecked", where,
                f"{name}: recorded {record['verdict']['outcome']}, but its numbers and the policy give {verdict.outcome}"
                + ("" if wrote == runs else f" under release {runs}; verify with release {wrote}, which judged it"),
            )  # fmt: skip

"""`model-governance reproduce`: measure an archived run again and say which numbers are the same to the byte."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.authoring.accept import find_run
from model_governance.authoring.policy_archive import add_policy_archive, open_policy_archive
from model_governance.contract.connections import PlainConnections
from model_governance.contract.moments import spell_moment
from model_governance.contract.result import canonical_json, label_of
from model_governance.contract.run import Run
from model_governance.errors import GovernanceError
from model_governance.evidence.history import Archive
from model_governance.evidence.record import read_record
from model_governance.evidence.trust import trust_of
from model_governance.policy.load import archived_policy
from model_governance.run import run_check
from model_governance.store import read_verified
from model_governance.store.overlay import OverlayStore
from model_governance.subjects import render_sources, run_variables

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from model_governance.contract.connections import Connections
    from model_governance.evidence.history import ArchivedManifest
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

Answer = Literal["same", "other numbers", "not reproduced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What measuring a check again gave.

    Attributes:
        check: name of the check in the policy.
        answer: `same`: every number, interval and finding is the recorded one to the byte; `other numbers`;
            `not reproduced`: it could not be measured, or inputs have changed.
        same: number of metrics that are the same to the byte.
        metrics: number of metrics of the record.
        differences: what differs, a sentence each: inputs, versions of libraries, metrics.
    """

    check: str
    answer: Answer
    same: int
    metrics: int
    differences: tuple[str, ...] = ()


def add_reproduce(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    reproduce = commands.add_parser(
        "reproduce", help="measure an archived run again and say which numbers are the same to the byte; stores nothing"
    )
    reproduce.add_argument("run", metavar="RUN", help="logical date in UTC (ISO 8601), or run id")
    add_policy_archive(reproduce, text="policy of the model: says where inputs are; judged is by the archived one")
    reproduce.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    reproduce.set_defaults(command=_reproduce)


def reproduce_run(
    policy: Policy, run: str, *, store: ArtifactStore, connections: Connections
) -> tuple[ArchivedManifest, list[Reproduction]]:
    """Measure every check of an archived run again, with the archived policy; nothing is stored.

    Args:
        policy: of the model; its folder is where relative paths start.
        run: logical date (ISO 8601, UTC) or run id.
        store: the archive.
        connections: reach the inputs.

    Raises:
        PolicyError: there is no such run, or this release cannot read its policy.
        EvidenceError: the run is damaged.
        StoreUnreachable, SubjectUnreachable: infrastructure; try again.
    """
    archive = Archive(store, policy.name, trust=trust_of(policy, connections))
    manifest = find_run(archive, run)
    content = manifest.content
    origin = store.locate(content["policy"]["key"])
    then = archived_policy(read_verified(store, content["policy"]), origin=origin).at(folder=policy.folder)
    again = Run.of_record(content["run"])
    sources = render_sources(then, run_variables(again.logical_date, data_interval=again.data_interval))
    found = []
    for row in content["checks"]:
        record = archive.record(manifest, row["name"])
        if record is None or record["result"] is None:
            found.append(_not_measured(row["name"], "the run did not measure it"))
            continue
        overlay = OverlayStore(store)
        try:
            done = run_check(then, row["name"], run=again, store=overlay, connections=connections, sources=sources)
        except (KeyError, GovernanceError) as error:
            if isinstance(error, GovernanceError) and error.infrastructure:
                raise
            found.append(_not_measured(row["name"], str(error)))
            continue
        found.append(compare_records(record, read_record(overlay, done.record.record())))
    return manifest, found


def compare_records(then: Mapping[str, Any], now: Mapping[str, Any]) -> Reproduction:
    """Two records of one check, compared number by number."""
    differences = [
        f"{each['role']} has sha256 {each['sha256'][:16]}…, had {_digest(then, each['role'])[:16]}…"
        for each in now["datasets"]
        if each["sha256"] != _digest(then, each["role"])
    ]
    if (then["model"] or {}).get("sha256") != (now["model"] or {}).get("sha256"):
        differences.append("the model has another digest")
    recorded = {label_of(metric["name"], metric["key"]): metric for metric in then["result"]["metrics"]}
    if now["result"] is None:
        return Reproduction(
            check=then["check"], answer="not reproduced", same=0, metrics=len(recorded),
            differences=(*differences, now["problem"]),
        )  # fmt: skip
    measured = {label_of(metric["name"], metric["key"]): metric for metric in now["result"]["metrics"]}
    same = [label for label, metric in recorded.items() if _bytes(metric) == _bytes(measured.get(label))]
    differences += _versions(then, now)
    differences += [
        f"{label} was {metric['value']!r}, is {measured.get(label, {}).get('value')!r}"
        for label, metric in recorded.items()
        if label not in same
    ]
    differences += [f"{label} was not measured then" for label in measured if label not in recorded]
    differences += _differing(then["verdict"], now["verdict"])
    whole = len(same) == len(recorded) == len(measured) and then["verdict"] == now["verdict"]
    return Reproduction(
        check=then["check"], answer="same" if whole else "other numbers", same=len(same), metrics=len(recorded),
        differences=tuple(differences),
    )  # fmt: skip


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two verdicts of a check: the outcome, what it counts by, and each finding."""
    found = [f"the verdict was {then['outcome']}, is {now['outcome']}"] if then["outcome"] != now["outcome"] else []
    found += [
        f"{rule} was {then[rule]}, is {now[rule]}" for rule in ("fail_on", "on_uncertain") if then[rule] != now[rule]
    ]
    before, after = _by_threshold(then["findings"]), _by_threshold(now["findings"])
    for name in {**before, **after}:
        if name not in after:
            found.append(f"the finding on {name[0]} was {before[name]['outcome']}, there is none now")
        elif name not in before:
            found.append(f"the finding on {name[0]} is {after[name]['outcome']}, there was none")
        elif before[name] != after[name]:
            fields = [field for field, value in before[name].items() if value != after[name].get(field)]
            found.append(
                f"the finding on {name[0]} was {before[name]['outcome']}, is {after[name]['outcome']}: "
                f"{', '.join(fields)} differ{'s' if len(fields) == 1 else ''}"
            )
    return found


def _by_threshold(findings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    """Findings by metric and condition; where several share both, by their order."""
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for finding in findings:
        name = label_of(finding["metric"] or finding["check"], finding["key"]), str(finding["condition"])
        place = sum(each[:2] == name for each in found)
        found[(*name, place)] = finding
    return found


def _not_measured(check: str, reason: str) -> Reproduction:
    return Reproduction(check=check, answer="not reproduced", same=0, metrics=0, differences=(reason,))


def _bytes(metric: Mapping[str, Any] | None) -> bytes:
    return canonical_json(metric)


def _digest(record: Mapping[str, Any], role: str) -> str:
    return next((str(each["sha256"]) for each in record["datasets"] if each["role"] == role), "none")


def _versions(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    before, after = then["result"]["tools"], now["result"]["tools"]
    return [
        f"{tool} {after.get(tool)} measured it, then {before.get(tool)}"
        for tool in sorted({*before, *after})
        if before.get(tool) != after.get(tool)
    ]


def _reproduce(options: argparse.Namespace) -> int:
    policy, store = open_policy_archive(options)
    manifest, found = reproduce_run(policy, options.run, store=store, connections=PlainConnections())
    code = 3 if any(each.answer == "not reproduced" for each in found) else 0
    code = 1 if any(each.answer == "other numbers" for each in found) else code
    if options.json:
        record = {"exit_code": code, "manifest": manifest.key, "checks": [asdict(each) for each in found]}
        print(canonical_json(record).decode())
        return code
    print(f"run {spell_moment(manifest.logical_date)} of {policy.name}, measured again")
    for each in found:
        print(f"  {each.check}: {each.answer} ({each.same} of {each.metrics} metrics the same to the byte)")
        for difference in each.differences:
            print(f"      {difference}")
    return code

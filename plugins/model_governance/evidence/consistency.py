"""One run: one policy, one version of every dataset, one model. What its records say is compared before it is archived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AGAIN = "the run is no single measurement: run all of its checks again"


def disagreements(policy_sha256: str, records: Mapping[str, Mapping[str, Any] | None]) -> tuple[str, ...]:
    """Why the records of a run do not belong together, one sentence each; empty where they do.

    Args:
        policy_sha256: of the file of the policy that is archived with the run: a DAG file may add checks to it.
        records: of the checks by name; None where a check left none.
    """
    known = {name: record for name, record in records.items() if record}
    return (*_names(known), *_policies(policy_sha256, known), *_versions(known))


def file_digest(policy: Mapping[str, Any]) -> str:
    """The digest of the policy's file, as a record or a manifest names it."""
    digest: str = policy.get("file_sha256", policy["sha256"])
    return digest


def _names(records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, record in records.items():
        if record["check"] != name:
            yield f"check {name} reported the record of another: expected {name}, found {record['check']}; {AGAIN}"


def _policies(archived: str, records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    found = _by_digest((file_digest(record["policy"]), name) for name, record in records.items())
    if set(found) - {archived}:
        yield (
            f"the run was not judged by one policy: expected sha256 {archived}, the policy that is archived with it, found "
            f"{_listed(found)}; {AGAIN} under one policy"
        )


def _versions(records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Models and datasets of which the checks used more than one version."""
    used: dict[str, list[tuple[str, str]]] = {}
    for name, record in records.items():
        for part in ("model", "champion"):
            if record.get(part):
                used.setdefault(f"the {part}", []).append((record[part]["sha256"], name))
        for dataset in record["datasets"]:
            used.setdefault(f"dataset {dataset['role']}", []).append((dataset["sha256"], name))
    for what, pairs in used.items():
        found = _by_digest(iter(pairs))
        if len(found) > 1:
            yield (
                f"the checks of the run used {len(found)} versions of {what}: {_listed(found)}; {AGAIN} while it stays the "
                "same, or pin its sha256 in the policy"
            )


def _by_digest(pairs: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for digest, name in pairs:
        found.setdefault(digest, []).append(name)
    return found


def _listed(found: Mapping[str, list[str]]) -> str:
    return " and ".join(f"{digest or 'none'} ({', '.join(names)})" for digest, names in found.items())

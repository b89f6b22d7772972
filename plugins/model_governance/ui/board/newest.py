"""What the index keeps of the newest run of a model beside its findings: evidence of each check, and metrics of slices."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from model_governance.checks import catalogue
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.control_evidence import MEASURED
from model_governance.evidence.controls import as_control_map, built_in_controls
from model_governance.evidence.record import read_record
from model_governance.evidence.verified_runs import control_map_address, stated_checks
from model_governance.store import read_verified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from model_governance.evidence.chain import Link
    from model_governance.evidence.controls import ControlMap
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

PARTS_OF_ROWS = ("slice", "column=group")
"""What a metric of a slice, or of a group of rows, is repeated over."""
WEAK_SLICES = "weak_slices"
"""Name of the table of slices that a search found."""
_OF_CHECK = ("sequence", "check", "check_outcome")
_OF_METRIC = ("name", "key", "value", "low", "high", "n", "unit", "better", "reason", "title", "key_title")


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What is kept of the newest run of a model, as JSON types.

    Attributes:
        evidence: how often and when each check measured, as `evidence_of` gives it; None where the newest link cannot be read.
        slices: metrics of slices, as `slices_of` gives them.
        controls: SHA-256 of the control map of the run; empty where it is that of this package, or cannot be read.
    """

    evidence: Mapping[str, Any] | None = None
    slices: Mapping[str, Any] = field(default_factory=lambda: {"metrics": [], "tables": [], "unread": []})
    controls: str = ""


@dataclass(slots=True)
class ControlMaps:
    """The control maps of an archive, read once for each digest; `contents` are the bytes of those that are not this package's."""

    store: ArtifactStore
    contents: dict[str, bytes] = field(default_factory=dict)

    def digest_of(self, link: Link) -> str:
        """SHA-256 of the map of a run, whose bytes are then among `contents`; empty for that of this package and a damaged one."""
        stored = control_map_address(link)
        if stored is None or stored["sha256"] == built_in_controls().sha256:
            return ""
        sha256 = stored["sha256"]
        if sha256 not in self.contents:
            try:
                content = read_verified(self.store, stored)
                as_control_map(content, origin=self.store.locate(stored["key"]))
            except (EvidenceError, ObjectMissing) as error:
                log.warning(
                    "the board shows the control map of this release in the place of %s: %s", stored["key"], error
                )
                return ""
            self.contents[sha256] = content
        return sha256


@lru_cache(maxsize=64)
def control_map_in(content: bytes) -> ControlMap:
    """The map in the bytes that the index keeps."""
    return as_control_map(content, origin="the index of the board")


def newest_of(
    store: ArtifactStore, link: Link, table: pa.Table, *, runs: Sequence[Mapping[str, Any]], kinds: Mapping[str, str],
    maps: ControlMaps,
) -> Newest:  # fmt: skip
    """What is kept of the newest run.

    Args:
        store: the archive.
        link: of the newest run.
        table: rows of the history index.
        runs: those of one DAG, the oldest first, as `runs_of` gives them.
        kinds: kind of each check of the newest policy, by name.
        maps: reads control maps of this store.

    Raises:
        StoreUnreachable, StoreError: the archive does not answer.
    """
    return Newest(
        evidence=evidence_of(table, runs=runs, link=link, kinds=kinds), slices=slices_of(store, link),
        controls=maps.digest_of(link),
    )  # fmt: skip


def evidence_of(
    table: pa.Table, *, runs: Sequence[Mapping[str, Any]], link: Link, kinds: Mapping[str, str]
) -> dict[str, Any]:
    """How often and when each check of the newest policy measured, from the history index, as JSON types.

    `signed` says whether the newest link is signed, `newest` is its run; `checks` have `name`, `kind`, `runs` (in which they
    measured), and as `newest` and `measured` the run (`sequence`, `run_id`, `moment`), outcome and sentence; null where there
    is none.
    """
    stated = {check.name: check for check in stated_checks(link)}
    known = dict(kinds) or {check.name: check.kind for check in stated.values() if check.kind is not None}
    outcomes: dict[str, dict[int, str]] = {name: {} for name in known}
    for sequence, check, outcome in zip(*(table[name].to_pylist() for name in _OF_CHECK), strict=True):
        if check in outcomes:
            outcomes[check][sequence] = outcome
    checks = []
    for name, kind in known.items():
        having = [run for run in runs if run["sequence"] in outcomes[name]]
        seen = [_occasion(run, outcomes[name][run["sequence"]]) for run in having]
        if seen and having[-1]["sequence"] == link.sequence and name in stated:
            seen[-1]["sentence"] = stated[name].sentence
        measured = [occasion for occasion in seen if occasion["outcome"] in MEASURED]
        last, last_measured = (each[-1] if each else None for each in (seen, measured))
        checks.append(
            {"name": name, "kind": kind, "runs": len(measured), "newest": last, "measured": last_measured}
        )  # fmt: skip
    return {
        "signed": link.is_signed, "runs": len(runs), "first": runs[0]["moment"], "checks": checks,
        "newest": _occasion(runs[-1], "archived"),
    }  # fmt: skip


def _occasion(run: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    return {name: run[name] for name in ("sequence", "run_id", "moment")} | {"outcome": outcome, "sentence": ""}


def slices_of(store: ArtifactStore, link: Link) -> dict[str, Any]:
    """The metrics of slices and groups in the records of a run, with and without threshold, as JSON types.

    Only records of checks are read whose kind has such metrics. `metrics` have `check`, `kind`, `outcome` (of their finding,
    empty without threshold), and what the record says of a metric; `whole` is the same metric over all rows, where there is
    one. `tables` are those of slices that a search found. `unread` names checks whose record is damaged or missing.
    """
    found: dict[str, Any] = {"metrics": [], "tables": [], "unread": []}
    for check in link.predicate["checks"]:
        names = _metrics_of_parts(check["kind"])
        if not names or not check.get("record"):
            continue
        try:
            result = read_record(store, check["record"])["result"] or {"metrics": [], "tables": []}
        except (EvidenceError, ObjectMissing) as error:
            log.warning("the board shows no slices of check %s of link %s: %s", check["name"], link.sequence, error)
            found["unread"].append(check["name"])
            continue
        outcomes = {(each["metric"], each["key"]): each["outcome"] for each in check["findings"]}
        whole = {metric["name"]: metric["value"] for metric in result["metrics"] if metric["key"] is None}
        found["metrics"] += [
            {name: metric.get(name) for name in _OF_METRIC}
            | {
                "check": check["name"], "kind": check["kind"],
                "outcome": outcomes.get((metric["name"], metric["key"]), ""),
                "whole": whole.get(metric["name"].removeprefix("slice_")),
            }
            for metric in result["metrics"]
            if metric["name"] in names and metric["key"] is not None
        ]  # fmt: skip
        found["tables"] += [
            {"check": check["name"], **{name: table[name] for name in ("title", "header", "rows")}}
            for table in result["tables"]
            if table["name"] == WEAK_SLICES
        ]
    return found


def _metrics_of_parts(kind: str | None) -> set[str]:
    """The metrics of a kind of check that are repeated over slices or groups of rows."""
    check = catalogue().get(kind or "")
    return {spec.name for spec in check.metrics if spec.per in PARTS_OF_ROWS} if check else set()

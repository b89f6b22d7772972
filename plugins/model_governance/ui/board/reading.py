"""Reads the chain of a model for the board: the rows of its history index, and the newest link of each of its DAGs."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import starmap
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from model_governance.contract.text import interval, quantity
from model_governance.errors import EvidenceError, ObjectMissing, PolicyError
from model_governance.evidence.chain import link_key, read_link
from model_governance.evidence.index import read_newer
from model_governance.evidence.index_rows import UNREADABLE
from model_governance.evidence.series import runs_of
from model_governance.policy.cron import next_firing
from model_governance.policy.load import archived_policy
from model_governance.store import read_verified
from model_governance.ui.board.documents import documents_of
from model_governance.ui.board.metric_names import plain_name_of, unit_of
from model_governance.ui.board.newest import Newest, newest_of
from model_governance.ui.board.standing import Standing, standing_of
from model_governance.verdict import RANK
from model_governance.verdict.words import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from model_governance.evidence.chain import Link
    from model_governance.store import ArtifactStore
    from model_governance.ui.board.newest import ControlMaps

log = logging.getLogger(__name__)

MOST_REASONS = 2
NOT_READ: dict[str, Any] = {
    "owner": "",
    "description": "",
    "tags": [],
    "cron": None,
    "timezone": "UTC",
    "grace": 0,
    "deadline": None,
    "kinds": {},
}
"""What is shown of a policy that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model in the archive as one DAG governs it: the unit that a user may or may not see.

    Attributes:
        dag_id: the DAG that ran it.
        standing: of its newest run.
        newest: the newest run, as `runs_of` gives it.
        runs: all runs in their order, `latest` being those that count.
        facts: what the newest link and its policy state: owner, tags, cron, reasons, waivers, checks.
        due_at: moment from which it is overdue (seconds since 1970); None without a schedule.
        damaged: links of the chain that are missing or damaged.
        kept: what is kept of the newest run beside its findings.
    """

    dag_id: str
    standing: Standing
    newest: Mapping[str, Any]
    runs: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]
    due_at: float | None
    damaged: int
    kept: Newest


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRead:
    """What was read of a chain: its head, the rows of its index, its documents, and a row for each DAG."""

    head: int
    history: bytes
    documents: Sequence[Mapping[str, Any]]
    models: Sequence[ModelRow]


@dataclass(slots=True)
class Policies:
    """What policies say that no link does, read once for each digest."""

    store: ArtifactStore
    _read: dict[str, dict[str, Any]] = field(default_factory=dict)

    def facts(self, policy: Mapping[str, str]) -> dict[str, Any]:
        """Of a stored policy: `description`, `tags`, `cron`, `timezone`, `grace` (minutes), `deadline` (seconds), `kinds` of checks by name."""
        sha256 = policy["sha256"]
        if sha256 not in self._read:
            self._read[sha256] = self._facts(policy)
        return self._read[sha256]

    def _facts(self, stored: Mapping[str, str]) -> dict[str, Any]:
        origin = self.store.locate(stored["key"])
        try:
            policy = archived_policy(read_verified(self.store, stored), origin=origin)
        except (EvidenceError, ObjectMissing, PolicyError) as error:
            log.warning("the board shows neither schedule nor tags of %s: %s", origin, error)
            return NOT_READ
        schedule = policy.schedule
        return {
            "description": policy.description, "tags": list(schedule.tags), "cron": schedule.cron,
            "timezone": schedule.timezone, "grace": schedule.timeout_minutes,
            "deadline": None if schedule.deadline_minutes is None else 60.0 * schedule.deadline_minutes,
            "kinds": {name: spec.kind for name, spec in policy.checks.items()},
        }  # fmt: skip


def read_chain(
    store: ArtifactStore, model: str, *, head: int, before: Callable[[], tuple[bytes, Sequence[Mapping[str, Any]]]],
    policies: Policies, maps: ControlMaps, home: Callable[[str], str],
) -> ChainRead | None:  # fmt: skip
    """What a chain holds; None where nothing is newer than what is known.

    Args:
        store: the archive.
        model: name of the model.
        head: the newest link that is known; 0 for none.
        before: gives rows and documents that were read before; asked for where there are any and something is newer.
        policies: reads policies of this store.
        maps: reads control maps of this store.
        home: the DAG whose readers see runs that no DAG ran, by the name of the model.

    Raises:
        StoreUnreachable, StoreError: the store cannot be read.
    """
    newer = read_newer(store, model, known=head)
    if newer.head == head:
        return None
    history, known_documents = before() if head else (b"", ())
    table = _joined(history, newer.table)
    documents = [*known_documents, *documents_of(store, model, newer.table)]
    rows = _by_dag(runs_of(table), home(model))
    damaged = table["kind"].to_pylist().count(UNREADABLE)
    models = [
        _model_row(store, model, table, dag_id=dag_id, runs=of_dag, policies=policies, maps=maps, damaged=damaged)
        for dag_id, of_dag in rows.items()
    ]
    return ChainRead(head=newer.head, history=_packed(table), documents=documents, models=models)


def unpacked(history: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows in the bytes that `read_chain` packed; all columns by default."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(history)).read(
        columns=None if columns is None else list(columns), use_threads=False
    )


def short_reason(finding: Mapping[str, Any], kind: str | None) -> str:
    """`accuracy 49.5% (49% to 50%), must be at least 80%`, from a finding of a link, whose numbers are decimal strings."""
    if finding["metric"] is None or finding["condition"] is None:
        return str(finding["sentence"]).partition(": ")[2] or str(finding["sentence"])
    decimals = {name: None if finding[name] is None else float(finding[name]) for name in ("value", "low", "high")}
    bound, unit = finding["bound"], unit_of(kind, finding["metric"])
    bounds: Any = tuple(map(float, bound)) if isinstance(bound, list) else float(bound)
    beside = [] if finding["against"] else [bounds] if isinstance(bounds, float) else [*bounds]
    seen = decimals["value"]
    value = "absent" if seen is None else quantity(seen, unit, digits=3, beside=beside)
    spread = interval(decimals["low"], decimals["high"], unit, digits=3, beside=beside)
    required = describe(finding["condition"], bounds, finding["against"], unit)
    label = plain_name_of(kind, finding["metric"], finding["key"])
    return f"{label} {value}{f' ({spread})' if spread else ''}, must be {required}"


def _joined(before: bytes, newer: pa.Table) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables([unpacked(before), newer]).combine_chunks() if before else newer.combine_chunks()


def _packed(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _by_dag(runs: Sequence[dict[str, Any]], home: str) -> dict[str, list[dict[str, Any]]]:
    """The runs of each DAG in their order, each with `name` and whether it is the last try of its moment."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        run["name"] = str(run["manifest"]).split("/")[-2] if "/" in str(run["manifest"]) else ""
        run["latest"] = True
        of_dag = found.setdefault(run["dag_id"] or home, [])
        if of_dag and of_dag[-1]["moment"] == run["moment"]:
            of_dag[-1]["latest"] = False
        of_dag.append(run)
    return found


def _model_row(
    store: ArtifactStore,
    model: str,
    table: pa.Table,
    *,
    dag_id: str,
    runs: Sequence[Mapping[str, Any]],
    policies: Policies,
    maps: ControlMaps,
    damaged: int,
) -> ModelRow:
    counted = [run for run in runs if run["latest"]]
    newest = counted[-1]
    kept = Newest()
    try:
        link = read_link(store, link_key(model, newest["sequence"]))
        facts = _facts(link, policies)
        kept = newest_of(store, link, table, runs=runs, kinds=facts["kinds"], maps=maps)
    except (EvidenceError, ObjectMissing) as error:
        facts = {**NOT_READ, "reasons": [str(error)], "waived_until": None, "checks": []}
    return ModelRow(
        dag_id=dag_id, standing=standing_of(counted), newest=newest, runs=runs, facts=facts,
        due_at=_due_at(facts, newest["moment"]), damaged=damaged, kept=kept,
    )  # fmt: skip


def _facts(link: Link, policies: Policies) -> dict[str, Any]:
    predicate = link.predicate
    findings = [(finding, check["kind"]) for check in predicate["checks"] for finding in check["findings"]]
    telling = [each for each in findings if each[0]["outcome"] not in ("pass", "skipped")]
    telling.sort(key=lambda each: -RANK.index(each[0]["outcome"]))
    silent = [check["name"] for check in predicate["checks"] if check["kind"] is None]
    reasons = [*([f"{', '.join(silent)}: never reported"] if silent else []), *starmap(short_reason, telling)]
    waived = {
        (check["name"], finding["metric"])
        for check in predicate["checks"] for finding in check["findings"] if finding["outcome"] == "waived"
    }  # fmt: skip
    ends = sorted(str(each["expires"]) for each in predicate["waivers"] if (each["check"], each["metric"]) in waived)
    return {
        **policies.facts(predicate["policy"]),
        "owner": predicate["policy"]["owner"],
        "reasons": reasons[:MOST_REASONS] + ([f"and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []),
        "waived_until": ends[0] if ends else None,
        "checks": [{name: check[name] for name in ("name", "kind", "outcome")} for check in predicate["checks"]],
    }  # fmt: skip


def _due_at(facts: Mapping[str, Any], moment: float) -> float | None:
    """When evidence of the next run is missing: its start and the longest time of a task behind it."""
    if facts["cron"] is None:
        return None
    start = next_firing(facts["cron"], datetime.fromtimestamp(moment, ZoneInfo(facts["timezone"])))
    return (start + timedelta(minutes=facts["grace"])).timestamp()

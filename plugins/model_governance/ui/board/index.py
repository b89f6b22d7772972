"""The board's index: models and runs of one or several archives, refreshed from what is newer than was read before."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.errors import GovernanceError
from model_governance.evidence.chain import models_with_chain
from model_governance.evidence.controls import built_in_controls
from model_governance.evidence.index import indexed_models
from model_governance.ui.board.database import connected, kept_open
from model_governance.ui.board.newest import ControlMaps, Newest, control_map_in
from model_governance.ui.board.reading import Policies, read_chain, unpacked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from model_governance.evidence.controls import ControlMap
    from model_governance.store import ArtifactStore
    from model_governance.ui.board.reading import ChainRead, ModelRow

log = logging.getLogger(__name__)

LIST_ALL_EVERY = 3600.0
"""Seconds after which every chain is listed; in between, models are found by the names that the index keeps."""
WORKERS, BATCH = 8, 64
"""Models that are read at the same time, and how many are read before the next ones are."""
_RUN_COLUMNS = (
    "sequence", "link", "manifest", "name", "run_id", "moment", "recorded", "outcome", "stops", "policy_sha256",
    "model_sha256", "latest",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveState:
    """How far an archive was read: when last (seconds since 1970), models still to be read, and why it could not be read."""

    uri: str
    read_at: float | None
    behind: int
    problem: str


class BoardIndex:
    """Models and runs of archives in a local database, which may be deleted: it is made from the archives again.

    Args:
        path: the database file.
        home: the DAG whose readers see runs of a model that no DAG ran.
    """

    def __init__(self, path: Path, *, home: Callable[[str], str]) -> None:
        self.path = path
        self.home = home

    def refresh(self, stores: Sequence[Callable[[], ArtifactStore]], *, rebuild: bool = False) -> int:
        """Read what is newer than what is known, of every archive; returns how many models were read.

        An archive that does not answer keeps its rows, and its state says why. One that is not among `stores` any more is
        forgotten.

        Args:
            stores: each opens an archive.
            rebuild: forget what is known before.
        """
        with kept_open(self.path):
            return self._refresh(stores, rebuild=rebuild)

    def _refresh(self, stores: Sequence[Callable[[], ArtifactStore]], *, rebuild: bool) -> int:
        if rebuild:
            with connected(self.path) as database:
                for table in ("archive", "chain", "model", "newest", "control_map", "run"):
                    database.execute(f"delete from {table}")  # noqa: S608 - names of our own
        found: dict[str, int] = {}
        unopened = False
        for opened in stores:
            try:
                store = opened()
            except GovernanceError as error:
                log.warning("an archive of the board cannot be opened: %s", error)
                unopened = True
                continue
            if store.uri not in found:
                found[store.uri] = self._refresh_archive(store)
        if not unopened:
            self._forget_others(found)
        return sum(found.values())

    def archives(self) -> list[ArchiveState]:
        """How far each archive was read."""
        with connected(self.path) as database:
            rows = database.execute("select uri, read_at, behind, problem from archive order by uri").fetchall()
        return [ArchiveState(**dict(row)) for row in rows]

    def models(self, *, dag_ids: Collection[str] | None = None) -> list[dict[str, Any]]:
        """The models of these DAGs, of all by default; JSON columns as they are stored."""
        if dag_ids is not None and len(dag_ids) == 1:
            query, values = "select * from model where dag_id = ?", tuple(dag_ids)
        else:
            query, values = "select * from model", ()
        with connected(self.path) as database:
            rows = database.execute(query, values).fetchall()
        return [dict(row) for row in rows if dag_ids is None or row["dag_id"] in dag_ids]

    def runs(self, model: int, *, latest_only: bool = True) -> list[dict[str, Any]]:
        """The runs of a model in the order of their moments."""
        query = "select * from run where model = ? and latest >= ? order by moment, sequence"
        with connected(self.path) as database:
            return [dict(row) for row in database.execute(query, (model, int(latest_only))).fetchall()]

    def run_named(self, name: str, *, dag_id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Model and run by the first 16 digits of the manifest's digest; None where this DAG has no such run."""
        return next(iter(self._runs_where("run.name = ?", name, dag_id)), None)

    def runs_with_id(self, run_id: str, *, dag_id: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Model and run of each policy that a run of a DAG governs, of each the last try."""
        found = {model["id"]: (model, run) for model, run in self._runs_where("run.run_id = ?", run_id, dag_id)}
        return list(found.values())

    def history(self, model: Mapping[str, Any], columns: Sequence[str]) -> pa.Table:
        """Columns of the history index for the runs of a model that count; `sequence` is one of them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        with connected(self.path) as database:
            row = database.execute(
                "select history from chain where archive = ? and model = ?", (model["archive"], model["model"])
            ).fetchone()
        sequences = [run["sequence"] for run in self.runs(model["id"])]
        table = unpacked(row["history"], columns)
        return table.filter(pc.is_in(table["sequence"], pa.array(sequences, pa.int64())))

    def documents(self, model: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Acceptances and requests about runs of a model, decisions on its versions and waivers, in the order of the chain.

        What is about a run of another DAG is not among them.
        """
        with connected(self.path) as database:
            row = database.execute(
                "select documents from chain where archive = ? and model = ?", (model["archive"], model["model"])
            ).fetchone()
        names = {run["name"] for run in self.runs(model["id"], latest_only=False)}
        return [
            document for document in json.loads(row["documents"]) if not document["name"] or document["name"] in names
        ]

    def newest(self, models: Sequence[Mapping[str, Any]]) -> dict[int, Newest]:
        """What is kept of the newest run of each of some models, by their id."""
        marks = ", ".join("?" for _ in models)
        query = f"select * from newest where model in ({marks})"  # noqa: S608 - marks only
        with connected(self.path) as database:
            rows = database.execute(query, [model["id"] for model in models]).fetchall()
        return {
            row["model"]: Newest(
                evidence=None if row["evidence"] is None else json.loads(row["evidence"]),
                slices=json.loads(row["slices"]), controls=row["controls"],
            )
            for row in rows
        }  # fmt: skip

    def control_map(self, sha256: str) -> ControlMap:
        """The control map with a digest, as `Newest.controls` names it."""
        if not sha256:
            return built_in_controls()
        with connected(self.path) as database:
            row = database.execute("select content from control_map where sha256 = ?", (sha256,)).fetchone()
        return built_in_controls() if row is None else control_map_in(bytes(row["content"]))

    def _runs_where(self, condition: str, value: str, dag_id: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        query = (
            f"select model.id as owner_id, run.* from run join model on model.id = run.model "  # noqa: S608 - a constant
            f"where {condition} and model.dag_id = ? order by run.moment, run.sequence"
        )
        with connected(self.path) as database:
            rows = database.execute(query, (value, dag_id)).fetchall()
            models = {
                row["owner_id"]: dict(
                    database.execute("select * from model where id = ?", (row["owner_id"],)).fetchone()
                )
                for row in rows
            }
        return [(models[row["owner_id"]], dict(row)) for row in rows]

    def _refresh_archive(self, store: ArtifactStore) -> int:
        read, policies, maps = 0, Policies(store), ControlMaps(store)
        try:
            names = self._names(store)
            heads = self._heads(store.uri)
            with ThreadPoolExecutor(WORKERS) as pool:
                for start in range(0, len(names), BATCH):
                    batch = names[start : start + BATCH]
                    chains = pool.map(partial(self._newer, store, heads, policies, maps), batch)
                    for behind, (name, chain) in enumerate(zip(batch, chains, strict=True), start=start + 1):
                        if chain is not None:
                            read += 1
                            self._write(store.uri, name, chain, maps=maps, behind=len(names) - behind)
            self._note(store.uri, behind=0, read_at=time.time())
        except GovernanceError as error:
            log.warning("the board cannot read %s: %s", store.uri, error)
            self._note(store.uri, problem=str(error))
        return read

    def _heads(self, uri: str) -> dict[str, int]:
        """The newest link that is known of each model of an archive."""
        with connected(self.path) as database:
            rows = database.execute("select model, head from chain where archive = ?", (uri,)).fetchall()
        return {row["model"]: row["head"] for row in rows}

    def _newer(
        self, store: ArtifactStore, heads: Mapping[str, int], policies: Policies, maps: ControlMaps, name: str
    ) -> ChainRead | None:
        def before() -> tuple[bytes, Sequence[Mapping[str, Any]]]:
            with connected(self.path) as database:
                row = database.execute(
                    "select history, documents from chain where archive = ? and model = ?", (store.uri, name)
                ).fetchone()
            return row["history"], json.loads(row["documents"])

        return read_chain(
            store, name, head=heads.get(name, 0), before=before, policies=policies, maps=maps, home=self.home
        )  # fmt: skip

    def _write(self, uri: str, name: str, chain: ChainRead, *, maps: ControlMaps, behind: int) -> None:
        with connected(self.path) as database:
            _write_chain(database, uri, name, chain)
            named = {row.kept.controls for row in chain.models} - {""}
            database.executemany(
                "insert or ignore into control_map values (?, ?)", [(each, maps.contents[each]) for each in named]
            )
            database.execute("update archive set behind = ?, problem = '' where uri = ?", (behind, uri))

    def _names(self, store: ArtifactStore) -> list[str]:
        """The models of an archive: those of the index, those known, and now and then those of every chain."""
        with connected(self.path) as database:
            row = database.execute("select listed_at from archive where uri = ?", (store.uri,)).fetchone()
            known = database.execute("select model from chain where archive = ?", (store.uri,)).fetchall()
            database.execute("insert or ignore into archive (uri) values (?)", (store.uri,))
        names = {*indexed_models(store), *(each["model"] for each in known)}
        if row is None or row["listed_at"] is None or time.time() - row["listed_at"] > LIST_ALL_EVERY:
            names |= set(models_with_chain(store))
            with connected(self.path) as database:
                database.execute("update archive set listed_at = ? where uri = ?", (time.time(), store.uri))
        return sorted(names)

    def _note(self, uri: str, *, behind: int | None = None, read_at: float | None = None, problem: str = "") -> None:
        with connected(self.path) as database:
            database.execute(
                "update archive set behind = coalesce(?, behind), read_at = coalesce(?, read_at), problem = ? where uri = ?",
                (behind, read_at, problem, uri),
            )

    def _forget_others(self, uris: Collection[str]) -> None:
        with connected(self.path) as database:
            gone = [row["uri"] for row in database.execute("select uri from archive") if row["uri"] not in uris]
            for uri in gone:
                for table in ("run", "newest"):
                    of_archive = "model in (select id from model where archive = ?)"
                    database.execute(f"delete from {table} where {of_archive}", (uri,))  # noqa: S608 - names of our own
                for table, column in (("model", "archive"), ("chain", "archive"), ("archive", "uri")):
                    database.execute(f"delete from {table} where {column} = ?", (uri,))  # noqa: S608 - names of our own


def _write_chain(database: sqlite3.Connection, uri: str, name: str, chain: ChainRead) -> None:
    """Replace what is known of a chain; models keep their ids."""
    documents = json.dumps(list(chain.documents))
    database.execute(
        "insert or replace into chain (archive, model, head, history, documents) values (?, ?, ?, ?, ?)",
        (uri, name, chain.head, chain.history, documents),
    )
    for row in chain.models:
        model = _write_model(database, uri, name, row, chain.documents)
        evidence = None if row.kept.evidence is None else json.dumps(row.kept.evidence)
        database.execute(
            "insert or replace into newest (model, evidence, slices, controls) values (?, ?, ?, ?)",
            (model, evidence, json.dumps(row.kept.slices), row.kept.controls),
        )
        known = database.execute("select coalesce(max(sequence), 0) from run where model = ?", (model,)).fetchone()[0]
        if any(not run["latest"] for run in row.runs):
            known = 0  # a repeated run takes the place of an earlier one
        database.executemany(
            f"insert or replace into run (model, {', '.join(_RUN_COLUMNS)}) "  # noqa: S608 - names of our own
            f"values (?, {', '.join('?' for _ in _RUN_COLUMNS)})",
            [
                (model, *(run[column] if run[column] is not None else "" for column in _RUN_COLUMNS))
                for run in row.runs
                if run["sequence"] > known
            ],
        )


def _write_model(
    database: sqlite3.Connection, uri: str, name: str, row: ModelRow, documents: Sequence[Mapping[str, Any]]
) -> int:
    facts, standing = row.facts, row.standing
    names = {run["name"] for run in row.runs}
    requests = [
        each["recorded"] for each in documents if each["kind"] == "retraining_request" and each["name"] in names
    ]
    values = {
        "archive": uri, "model": name, "dag_id": row.dag_id, "owner": facts["owner"], "description": facts["description"],
        "tags": json.dumps(facts["tags"]), "cron": facts["cron"], "outcome": standing.outcome,
        "stops": int(standing.stops), "since": standing.since, "streak": standing.streak, "strip": standing.strip,
        "runs": sum(run["latest"] for run in row.runs), "moment": row.newest["moment"],
        "recorded": row.newest["recorded"], "due_at": row.due_at, "deadline": facts["deadline"], "reasons": json.dumps(facts["reasons"]),
        "waived_until": facts["waived_until"], "checks": json.dumps(facts["checks"]),
        "manifest": row.newest["name"], "requested": max(requests, default=None),
        "damaged": row.damaged,
    }  # fmt: skip
    columns = ", ".join(values)
    updates = ", ".join(f"{column} = excluded.{column}" for column in values)
    (model,) = database.execute(
        f"insert into model ({columns}) values ({', '.join('?' for _ in values)}) "  # noqa: S608 - names of our own
        f"on conflict (archive, model, dag_id) do update set {updates} returning id",
        tuple(values.values()),
    ).fetchone()
    return int(model)

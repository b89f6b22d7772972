"""Measures the governance board on archives of many models, and writes include/bench/BOARD.md.

    make bench PART=board          some minutes on two cores; BENCH_FOLDER names the file system

The archive of 500 models is generated: for each model the blocks of its history index, as its links would give them, its newest
link and its policy. That is all that the board reads for its lists. Reports and manifests are left out. For 5,000 models the
rows of the 500 are copied in the database, ten times each.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model_governance.contract.result import Artifact
from model_governance.evidence.chain import link_key
from model_governance.evidence.envelope import canonical, seal
from model_governance.evidence.index import INDEX, block_key, cover
from model_governance.evidence.index_rows import table_of
from model_governance.evidence.statement import PREDICATE_TYPES, STATEMENT_TYPE, TEST_RESULT, Place
from model_governance.policy.names import dag_id_of
from model_governance.store import put_blob
from model_governance.store.local import LocalStore
from model_governance.ui.app import Guards, create_app
from model_governance.ui.board.board import Board
from model_governance.ui.board.database import connected
from model_governance.ui.board.index import BoardIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

RESULTS = Path(__file__).with_name("BOARD.md")
MODELS, COPIES = 500, 10
RUNS = 365
CHECKS = {
    "validation": ("data_validation", ("critical_failures", "warning_failures")),
    "drift": ("data_drift", tuple(f"psi[{name}]" for name in ("age", "income", "debt", "region", "channel", "tenure", "product", "term"))),
    "quality": ("model_quality", ("accuracy", "roc_auc", "calibration_error", "recall")),
    "robustness": ("evasion", ("attack_success_rate[all]", "robust_accuracy[all]")),
    "privacy": ("membership_inference", ("tpr_at_fpr[rmia@0.01]", "advantage[rmia]", "generalization_gap")),
    "fairness": ("fairness", tuple(f"recall_difference[{name}]" for name in ("sex", "region", "age"))),
}  # fmt: skip
OWNERS = ("risk@example.com", "growth@example.com", "fraud@example.com", "pricing@example.com")
NAMES = ("credit-limit", "churn", "fraud-eu", "pricing", "claims", "lead-score", "next-product", "late-payment")
ASKED = 100
POLICY = """\
version: 1
owner: {owner}
description: {description}
model: {{name: {model}, task: binary_classification, uri: model.skops, sha256: "{digest}"}}
columns: {{target: label, positive: 1, features: {{age: {{kind: integer}}}}}}
datasets: {{current: {{uri: current.parquet}}}}
checks: {{quality: {{kind: model_quality, thresholds: [{{metric: accuracy, geq_to: 0.8}}]}}}}
schedule: {{cron: "0 2 * * *", tags: [{tag}]}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How a model ends: the outcome of its newest runs, for how many, and how long ago the newest one was."""

    outcome: str = "pass"
    runs: int = 1
    days_ago: int = 0


STORIES = {
    0: Story(outcome="fail"), 1: Story(outcome="fail", runs=4), 2: Story(outcome="error"), 3: Story(days_ago=3),
    4: Story(outcome="uncertain", runs=2), 5: Story(outcome="warn"), 6: Story(outcome="waived", runs=9),
}  # fmt: skip
"""Models whose number is this one modulo STORIES_REPEAT do not hold."""
STORIES_REPEAT = 83


def main() -> int:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        rows = list(measure(Path(folder)))
    RESULTS.write_text(page(rows))
    return 0


def measure(folder: Path, models: int = MODELS, runs: int = RUNS) -> Iterator[dict[str, float]]:
    """Seconds and milliseconds of a board over so many generated models, and over COPIES times as many."""
    store = LocalStore(str(folder / "archive"))
    newest = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
    generate(store, models=models, runs=runs, newest=newest)
    index = BoardIndex(folder / "board.sqlite", home=dag_id_of)
    rebuilt, refreshed = (_seconds(lambda: index.refresh([lambda: store])) for _ in range(2))
    size = sum(path.stat().st_size for path in folder.glob("board.sqlite*"))
    yield {"models": models, "rebuild_s": rebuilt, "refresh_s": refreshed, "bytes": size, **_answers(index, store)}
    copied(index, COPIES)
    yield {"models": models * COPIES, **_answers(index, store)}


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def copied(index: BoardIndex, times: int) -> None:
    """Make every model and its runs so many, under other names."""
    with connected(index.path) as database:
        (last,) = database.execute("select max(id) from model").fetchone()
        names = {
            table: [row["name"] for row in database.execute(f"pragma table_info({table})")]
            for table in ("model", "newest", "run")
        }
        for copy in range(1, times):
            changed = {
                "id": f"id + {copy * last}",
                "model": f"model || '-copy-{copy}'",
                "dag_id": f"dag_id || '_copy_{copy}'",
            }
            cells = ", ".join(changed.get(name, f'"{name}"') for name in names["model"])
            database.execute(f"insert into model select {cells} from model where id <= {last}")  # noqa: S608
            for table in ("newest", "run"):
                cells = ", ".join(f"model + {copy * last}" if name == "model" else f'"{name}"' for name in names[table])
                database.execute(f"insert into {table} select {cells} from {table} where model <= {last}")  # noqa: S608


def board_of(index: BoardIndex, store: LocalStore) -> Board:
    """A board over one archive without a scheduler around it."""

    class Stores:
        def openers(self) -> list[Any]:
            return []

        def open(self, uri: str) -> LocalStore:
            return store

    class Surroundings:
        def ungoverned(self, dag_ids: Any, models: Any) -> list[Any]:
            return []

        def halts(self, models: Any) -> dict[str, Any]:
            return {}

        def run_state(self, dag_id: str, run_id: str) -> None:
            return None

        def task_states(self, dag_id: str, run_id: str) -> list[Any]:
            return []

        def reported(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> None:
            return None

    board = Board(index=index, stores=Stores(), surroundings=Surroundings())
    # The archive is not asked again while answers are timed.
    board._asked_at = time.monotonic() + 10**6  # noqa: SLF001
    board._first.set()  # noqa: SLF001
    return board


def _answers(index: BoardIndex, store: LocalStore) -> dict[str, float]:
    """The 95th percentile of the time to answer, in milliseconds, by page."""
    from fastapi.testclient import TestClient

    every = frozenset(model["dag_id"] for model in index.models())
    guards = Guards(dag=lambda dag_id: None, readable=lambda: every)
    client = TestClient(create_app(board_of(index, store), guards))
    model = index.models()[0]
    of_model = f"/dags/{model['dag_id']}/models/{model['model']}"
    names = [run["name"] for run in index.runs(model["id"])]
    addresses = {
        "portfolio": "/", "every model, page 3": "/?passes=1&page=3", "search": "/?q=credit&owner=risk@example.com",
        "CSV": "/models.csv", "API": "/api/v1/models", "model": of_model, "model, 365 runs": f"{of_model}?runs=365",
        "compare": f"/dags/{model['dag_id']}/compare?a={names[0]}&b={names[-1]}", "coverage": "/coverage",
    }  # fmt: skip
    return {name: _p95(client, address) for name, address in addresses.items()}


def _p95(client: Any, address: str) -> float:
    times = []
    for _ in range(ASKED):
        began = time.process_time()
        answer = client.get(address)
        times.append(1000 * (time.process_time() - began))
        if answer.status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code} {answer.text[:500]}")
    return statistics.quantiles(times, n=20)[-1]


def generate(store: LocalStore, *, models: int, runs: int, newest: datetime) -> None:
    """The index, the newest link and the policy of so many models."""
    for number in range(models):
        name = NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else f"-{number // len(NAMES)}")
        Generated(store=store, model=name, number=number, runs=runs, newest=newest).write()


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The chain of a model as the board reads it."""

    store: Any
    model: str
    number: int
    runs: int
    newest: datetime

    @property
    def story(self) -> Story:
        return STORIES.get(self.number % STORIES_REPEAT, Story())

    def write(self) -> None:
        table = self._named(_story_table(self.number % STORIES_REPEAT, self.runs, self.newest))
        each = len(table) // self.runs
        for first, size in cover(self.runs):
            self._put(block_key(self.model, 1, first, size), _parquet(table.slice((first - 1) * each, size * each)))
        self._put(f"{INDEX}models/{self.model}.json", b"{}")
        self._put_link(list(self.rows(self.runs, _values(self.number % STORIES_REPEAT, self.runs))))

    def _named(self, table: pa.Table) -> pa.Table:
        """The rows of a story as those of this model."""
        import pyarrow as pa

        for name in ("dag_id", "manifest"):
            place = table.schema.get_field_index(name)
            words = [
                word.replace("MODEL", self.model.replace("-", "_") if name == "dag_id" else self.model)
                for word in table[name].to_pylist()
            ]
            table = table.set_column(place, table.schema.field(place), pa.array(words, pa.string()))
        return table

    def rows(self, sequence: int, values: Any) -> Iterator[dict[str, Any]]:
        moment = self.newest - timedelta(days=self.story.days_ago + self.runs - sequence)
        in_story = sequence > self.runs - self.story.runs
        outcome = self.story.outcome if in_story else "warn" if (sequence + self.number) % 41 == 0 else "pass"
        digest = _digest("run", self.number * 1000 + sequence)
        run = {
            "sequence": sequence, "link": digest, "kind": "run", "recorded_at": moment + timedelta(minutes=9),
            "logical_date": moment, "run_id": f"scheduled__{moment.isoformat()}", "dag_id": dag_id_of(self.model),
            "manifest": f"v1/runs/model={self.model}/run={moment:%Y-%m-%dT%H%M%SZ}/{'0' * 16}/{digest[-16:]}/run_manifest.json",
            "outcome": outcome, "stops": outcome in ("fail", "error"),
            "policy_sha256": _digest("policy", sequence // 200), "model_sha256": _digest("model", sequence // 120),
        }  # fmt: skip
        for check, (kind, metrics) in CHECKS.items():
            worst = check == "drift" and outcome != "pass"
            for place, label in enumerate(metrics):
                metric, _, key = label.partition("[")
                value = float(values[check, label][sequence - 1]) + (0.4 if worst and place == 0 else 0.0)
                yield run | {
                    "check": check, "check_kind": kind, "check_outcome": outcome if worst else "pass", "metric": metric,
                    "key": key.rstrip("]") or None, "severity": "error", "condition": "less_than", "n": 40_000,
                    "value": value, "low": 0.9 * value, "high": 1.1 * value, "bound": 0.1 if sequence < 300 else 0.12,
                    "finding_outcome": outcome if worst and place == 0 else "pass",
                }  # fmt: skip

    def _put(self, key: str, content: bytes) -> None:
        path = self.store.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)  # not `put_once`: flushing a hundred thousand files is not what is measured

    def _put_link(self, rows: list[dict[str, Any]]) -> None:
        newest, owner = rows[0], OWNERS[self.number % len(OWNERS)]
        description = f"Which customers of {self.model}?"
        text = POLICY.format(
            model=self.model, owner=owner, description=description, digest="7" * 64, tag=OWNERS[self.number % 3][:4]
        )
        policy = put_blob(
            self.store, Artifact(name="policy.yaml", media_type="application/yaml", content=text.encode())
        )
        expires = (self.newest + timedelta(days=20)).date().isoformat()
        predicate = Place(
            model=self.model, sequence=self.runs, previous="0" * 64, recorded_at=newest["recorded_at"]
        ).record() | {
            "manifest": {"key": newest["manifest"], "sha256": newest["link"]},
            "run": {
                "run_id": newest["run_id"], "logical_date": newest["logical_date"].isoformat(),
                "orchestrator": {"dag_id": newest["dag_id"]},
            },
            "policy": {"name": self.model, "sha256": policy.sha256, "owner": owner, "key": policy.key},
            "model": {"sha256": newest["model_sha256"]},
            "verdict": {"outcome": newest["outcome"], "stops": newest["stops"]},
            "checks": [self._check(check, rows) for check in CHECKS],
            "waivers": [{"check": "drift", "metric": "psi", "expires": expires}],
        }  # fmt: skip
        statement = {
            "_type": STATEMENT_TYPE, "subject": [{"name": "run_manifest.json", "digest": {"sha256": newest["link"]}, "uri": newest["manifest"]}],
            "predicateType": PREDICATE_TYPES["run"], "predicate": predicate,
        }  # fmt: skip
        result = statement | {"predicateType": TEST_RESULT, "predicate": {"result": "PASSED"}}
        lines = [seal(canonical(each), None).line() for each in (statement, result)]
        self._put(link_key(self.model, self.runs), b"\n".join(lines) + b"\n")

    def _check(self, check: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        own = [row for row in rows if row["check"] == check]
        findings = [
            {name: row[name] for name in ("metric", "key", "condition", "n")}
            | {name: repr(row[name]) for name in ("value", "low", "high", "bound")}
            | {"outcome": row["finding_outcome"], "against": None, "sentence": f"{check}: {row['metric']}"}
            for row in own
        ]
        return {"name": check, "kind": own[0]["check_kind"], "outcome": own[0]["check_outcome"], "findings": findings}


def _digest(what: str, number: int) -> str:
    return hashlib.sha256(f"{what} {number}".encode()).hexdigest()


@cache
def _values(number: int, runs: int) -> dict[tuple[str, str], Any]:
    """A walk for every metric of a story."""
    draw = np.random.default_rng(number)
    steps = np.sqrt(np.arange(1, runs + 1))
    return {
        (check, metric): np.abs(0.05 + 0.004 * np.cumsum(draw.normal(size=runs)) / steps)
        for check, (_, metrics) in CHECKS.items()
        for metric in metrics
    }


@cache
def _story_table(number: int, runs: int, newest: datetime) -> pa.Table:
    """The rows of a story, of a model called MODEL."""
    told = Generated(store=None, model="MODEL", number=number, runs=runs, newest=newest)
    values = _values(number, runs)
    return table_of(row for sequence in range(1, runs + 1) for row in told.rows(sequence, values))


def _parquet(table: pa.Table) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return bytes(sink.getvalue().to_pybytes())


def page(rows: list[dict[str, float]]) -> str:
    """The results as a page of the documentation."""
    names = [name for name in rows[0] if name not in ("models", "rebuild_s", "refresh_s", "bytes")]
    lines = [
        "# The governance board over many models",
        "",
        (
            f"Written by `make bench PART=board`: {os.cpu_count()} cores, Python {platform.python_version()}. "
            f"Generated archives in a folder; each model has {RUNS} runs with {len(CHECKS)} checks and "
            f"{sum(len(metrics) for _, metrics in CHECKS.values())} findings. The machine had other work."
        ),
        "",
        "## The index",
        "",
        (
            f"{rows[0]['models']:,} models with {rows[0]['models'] * RUNS:,} runs. Making the local database from the history index "
            f"of every model took {rows[0]['rebuild_s']:.0f} CPU seconds; it has {rows[0]['bytes'] / 1e6:.0f} MB. A refresh, which asks "
            f"every model for a newer link and finds none, took {rows[0]['refresh_s']:.2f} CPU seconds."
        ),
        "",
        "## The pages",
        "",
        (
            f"A whole answer, in CPU milliseconds: 95th percentile of {ASKED} requests in one process, one after the other, through "
            "the app and its test client, which is in the time; without Airflow's own check of the login. For the larger number "
            f"the rows of the models were copied in the database, {COPIES} times each."
        ),
        "",
        "| page | " + " | ".join(f"{row['models']:,} models" for row in rows) + " |",
        "|---|" + "---|" * len(rows),
        *(f"| {name} | " + " | ".join(f"{row[name]:.0f}" for row in rows) + " |" for name in names),
        "",
        "Asked for was less than 300 ms for the portfolio of 500 models.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""An Airflow of its own for these tests: its home is made before anything imports airflow."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="governance-airflow-"))

os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": str(HOME / "evidence"),
}
if any(name == "airflow" or name.startswith("airflow.") for name in sys.modules):
    raise RuntimeError("airflow was imported before its test home was set; run tests/orchestration on their own")
(HOME / "dags").mkdir()
# skops asks every loaded module for names when it is imported, and modules of Airflow answer some with a warning.
import skops.io  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _home():
    yield
    import shutil

    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_db():
    """A migrated metadata database."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A small real model and its data: train, reference and two runs, one healthy and one spoiled."""
    import synthetic

    folder = tmp_path_factory.mktemp("project")
    frames = {
        "train": synthetic.rows(300, seed=1),
        "reference": synthetic.rows(300, seed=2),
        "healthy": synthetic.rows(300, seed=3),
    }
    frames["spoiled"] = frames["healthy"].assign(label=1 - frames["healthy"]["label"])
    frames["incomplete"] = frames["healthy"].drop(columns="debt")
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    model = skops.io.dumps(synthetic.pipeline(frames["train"]))
    (folder / "model.skops").write_bytes(model)
    return SimpleNamespace(folder=folder, sha256=hashlib.sha256(model).hexdigest(), columns=synthetic.COLUMNS)


@pytest.fixture
def policy_file(trained, tmp_path):
    """Writes a policy on the trained model; keyword arguments replace its top-level keys."""

    def write(name="tiny", *, run="healthy", accuracy=0.6, folder=None, **changes):
        policy = {
            "version": 1,
            "owner": "team@example.com",
            "model": {
                "name": name,
                "task": "binary_classification",
                "uri": str(trained.folder / "model.skops"),
                "sha256": trained.sha256,
            },
            "columns": trained.columns.model_dump(exclude_none=True),
            "datasets": {
                "train": {"uri": str(trained.folder / "train.parquet")},
                "reference": {"uri": str(trained.folder / "reference.parquet")},
                "current": {"uri": str(trained.folder / f"{run}.parquet")},
            },
            "checks": {
                "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": accuracy}]},
                "calibration": {
                    "kind": "model_quality",
                    "thresholds": [{"metric": "calibration_error", "leq_to": 0.9, "severity": "warn"}],
                },
            },
            "artifacts": {"uri": str(tmp_path / "evidence")},
            "schedule": {"cron": None, "retries": 2, "retry_delay_seconds": 0},
        }
        path = (folder or tmp_path) / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            yaml.safe_dump({key: one for key, one in (policy | changes).items() if one is not None}, sort_keys=False)
        )
        return path

    return write


@pytest.fixture(autouse=True)
def _archives_verify(request):
    """Whatever a test lets Airflow do, the archive that it leaves verifies, unless the test alters it."""
    folder = request.getfixturevalue("tmp_path") / "evidence" if "tmp_path" in request.fixturenames else None
    yield
    if folder is None or not (folder / "v1").exists() or request.node.get_closest_marker("alters_the_archive"):
        return
    from model_governance.evidence.verification import verify_archive
    from model_governance.store.local import LocalStore

    for found in verify_archive(LocalStore(str(folder))):
        assert found.is_sound, [(problem.code, problem.sentence) for problem in found.problems]


@pytest.fixture
def run_dag(airflow_db, request):
    """Runs a DAG of a DAG file, the first if none is named, under `dag.test()`; gives the run, with states and XComs at hand."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import timezone

    written = []

    def run(source, *, dag_id=None, logical_date="2025-06-01T02:00:00+00:00", conf=None):
        name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
        path = HOME / "dags" / f"{name}.py"
        path.write_text(source)
        written.append(path)
        bag = DagBag(path)
        assert [name for name in bag.import_errors if name.endswith(".py")] == []  # refused policies have their own
        dag = bag.dags[dag_id] if dag_id else next(iter(bag.dags.values()))
        moment = timezone.parse(logical_date)
        return DagResult(
            dag.test(run_after=moment, logical_date=moment, run_conf=conf)
        )  # the same moment is the same run

    yield run
    for path in set(written):
        path.unlink()


@pytest.fixture
def run_queued(airflow_db, request, monkeypatch):
    """Runs a DAG run that something else created: `create` makes it and gives its id, `before` hears of it, then its tasks run.

    Tasks that ended stay as they are, unless `create` clears them.
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models import dagrun
    from airflow.models.dagrun import DagRun
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.utils.session import create_session
    from sqlalchemy import select

    path = HOME / "dags" / f"{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]}.py"

    def run(source, create, *, dag_id, before=lambda run: None):
        path.write_text(source)
        bag = DagBag(path, bundle_path=HOME / "dags", bundle_name="dags-folder")
        assert bag.import_errors == {}
        DagBundlesManager().sync_bundles_to_db()
        sync_bag_to_db(bag, "dags-folder", None)
        run_id = create(bag)

        def queued(*, dag, session, **_):
            found = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).one()
            found.dag = dag
            found.set_state("running")
            session.commit()
            return found

        with create_session() as session:
            before(session.scalars(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).one())
        with monkeypatch.context() as patch:
            patch.setattr(dagrun, "get_or_create_dagrun", queued)
            patch.setattr(SerializedDAG, "clear_dags", lambda **_: None)
            return DagResult(bag.dags[dag_id].test(logical_date=None))

    yield run
    path.unlink(missing_ok=True)


@pytest.fixture
def clear_tasks():
    """Clears tasks of a run as the button does, all of them if none is named; gives the id of the run."""

    def clear(run, *task_ids):
        from airflow.models.taskinstance import TaskInstance, clear_task_instances
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            mine = select(TaskInstance).where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id)
            found = [task for task in session.scalars(mine) if not task_ids or task.task_id in task_ids]
            clear_task_instances(found, session)
        return run.run_id

    return clear


class DagResult:
    """A finished run and questions about it."""

    def __init__(self, run):
        self.run = run
        self.state = str(run.state)
        self.tasks = {(one.task_id, one.map_index): one for one in run.get_task_instances()}

    def task(self, task_id, map_index=-1):
        return self.tasks[task_id, map_index]

    def states(self):
        return {f"{name}[{index}]" if index >= 0 else name: str(one.state) for (name, index), one in self.tasks.items()}

    def xcom(self, task_id, key, map_index=-1):
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            found = session.scalars(
                XComModel.get_many(
                    run_id=self.run.run_id, dag_ids=self.run.dag_id, task_ids=task_id, key=key, map_indexes=map_index
                )
            ).first()
            return XComModel.deserialize_value(found) if found else None


@pytest.fixture
def add_pool(airflow_db):
    """Adds pools to this Airflow and takes them away again."""
    from airflow.models.pool import Pool

    added = []

    def add(name):
        Pool.create_or_update_pool(name, 2, "", include_deferred=False)
        added.append(name)

    yield add
    for name in added:
        Pool.delete_pool(name)


@pytest.fixture
def scheduled():
    """Writes a DAG file with the scheduled DAG of a policy."""
    return lambda policy: (
        "# airflow DAG\n"
        "from model_governance.orchestration.dags import governance_dag\n"
        "from model_governance.orchestration.operators import read_policy\n"
        f"dag = governance_dag(read_policy({str(policy)!r}))\n"
    )


@pytest.fixture
def read_uri():
    """The bytes behind a file:// uri."""
    return lambda uri: Path(unquote(urlsplit(uri).path)).read_bytes()


@pytest.fixture
def asset_events():
    """The events that Airflow has on record for an asset, oldest first."""

    def events(name):
        from airflow.models.asset import AssetEvent, AssetModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            query = (
                select(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id).where(AssetModel.name == name)
            )
            return [(one.source_task_id, one.extra) for one in session.scalars(query.order_by(AssetEvent.id))]

    return events


@pytest.fixture
def receiver(monkeypatch):
    """A webhook under the Airflow connection `hook`; its address is a secret."""
    from model_governance.orchestration import channels
    from model_governance.store.backoff import Backoff
    from webhook_receiver import webhook

    monkeypatch.setattr(channels, "TRIES", Backoff(attempts=2, first=0.01, longest=0.01))
    with webhook() as made:
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", made.connection)
        yield made

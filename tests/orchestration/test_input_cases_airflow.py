"""One policy's trouble is its own: whatever a policy file holds, the DAGs of the others are there, and its own is red."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from model_governance.orchestration import dags as dags_module
from model_governance.orchestration import governance_dags

REFUSED = ["policy_refused"]
DAG_FILE = "# airflow DAG\nfrom model_governance.orchestration import governance_dags\nglobals().update(governance_dags({!r}))\n"


@pytest.fixture
def parsed(policy_file, tmp_path):
    """Parses a folder of two sound policies and a broken one with the real DagBag; gives the bag."""

    def parse(broken: str | None, *, file="broken.yaml", text=None):
        folder = tmp_path / "policies"
        for name in ("first", "second"):
            policy_file(name, folder=folder, schedule={"cron": "*/2 * * * *"})
        (folder / file).write_text(broken if broken is not None else text, encoding="utf-8", errors="surrogatepass")
        dags = tmp_path / "dags"
        dags.mkdir(exist_ok=True)
        (dags / "governance.py").write_text(DAG_FILE.format(str(folder)))
        return DagBag(dags, bundle_path=dags, bundle_name="dags-folder")

    return parse


@pytest.fixture
def sound(policy_file, tmp_path):
    """The text of a sound policy of the model acs-light."""
    return lambda **changes: policy_file("acs-light", folder=tmp_path / "texts", **changes).read_text()


def assert_only_this_one_is_refused(bag, dag_id, *words):
    assert set(bag.dags) == {"governance_first", "governance_second", dag_id}
    assert all(bag.dags[f"governance_{name}"].task_ids != REFUSED for name in ("first", "second"))
    dag = bag.dags[dag_id]
    assert dag.task_ids == REFUSED
    assert dag.is_paused_upon_creation is False
    ((name, text),) = bag.import_errors.items()
    assert name.endswith(".yaml")
    for word in words:
        assert word in text
        assert any(word in problem for problem in dag.get_task("policy_refused").problems)


@pytest.mark.parametrize(
    "cron", ["every night", "0 2 * *", "", "0 0 30 2 *", "61 * * * *", "0 2 * * * *", "R R * * *", "@once"]
)
def test_a_cron_that_is_none_takes_no_other_dag_away(parsed, sound, cron):
    """A1: the others are untouched; this one is red and named."""
    bag = parsed(sound(schedule={"cron": cron}))
    assert_only_this_one_is_refused(bag, "governance_acs_light", "broken.yaml", "schedule.cron")


VALUES = {
    "long tag": lambda sound: sound(schedule={"tags": ["x" * 101]}),
    "empty tag": lambda sound: sound(schedule={"tags": [""]}),
    "delay beyond time": lambda sound: sound(schedule={"retry_delay_seconds": 10**15}),
    "timeout beyond time": lambda sound: sound(schedule={"timeout_minutes": 10**15}),
    "retries beyond an integer": lambda sound: sound(schedule={"retries": 10**12}),
    "maturity beyond the calendar": lambda sound: sound().replace(
        "current:", "labels: {uri: a.parquet, maturity_days: 99999999999}\n  current:"
    ),
    "long pool": lambda sound: sound(schedule={"pool": "p" * 257}),
    "first day before time": lambda sound: sound(schedule={"start_date": "0001-01-01"}),
    "first day after time": lambda sound: sound(schedule={"start_date": "9999-12-31"}),
    "deep nesting": lambda sound: sound() + "x: " + "[" * 3000 + "]" * 3000 + "\n",
    "waiver that never ends": lambda sound: (
        sound()
        + "waivers: [{check: quality, metric: accuracy, reason: known and accepted, approver: a, ticket: T, expires: 2026-02-30}]\n"
    ),
    "waiver of no check": lambda sound: (
        sound()
        + "waivers: [{check: {a: 1}, metric: accuracy, reason: known and accepted, approver: a, ticket: T, expires: 2027-01-01}]\n"
    ),
    "long number": lambda sound: sound().replace("geq_to: 0.6", "geq_to: " + "9" * 5000),
    "NUL": lambda sound: sound() + 'description: "a\\0b"\n',
    "half a character": lambda sound: sound() + 'description: "a\\ud800b"\n',
    "long owner": lambda sound: sound(owner="o" * 3000),
    "template": lambda sound: sound(datasets={"current": {"uri": "{{ ds "}}),
    "check named like a task": lambda sound: sound().replace("quality:", "archive:"),
    "check named gate": lambda sound: sound().replace("quality:", "gate:"),
}


@pytest.mark.parametrize("what", VALUES)
def test_a_value_that_airflow_or_python_refuses_takes_no_other_dag_away(parsed, sound, what):
    """A2: whatever the value is, the other DAGs are there and this one is red under its model's id."""
    assert_only_this_one_is_refused(parsed(VALUES[what](sound)), "governance_acs_light", "broken.yaml")


BROKEN_TEXTS = {
    "misspelled key": lambda text: text.replace("owner:", "ownr:"),
    "misspelled model": lambda text: text.replace("model:", "modl:"),
    "misspelled name": lambda text: text.replace("name:", "nmae:"),
    "bracket before the model": lambda text: "description: [\n" + text,
    "cut in the middle": lambda text: text[: len(text) // 2] + "\n  - [",
    "tab": lambda text: text + "\tx: 1\n",
    "key twice": lambda text: text + "fail_on: warn\nfail_on: warn\n",
    "not UTF-8": lambda text: text + "x: \udcff\n",
}


@pytest.mark.parametrize("how", BROKEN_TEXTS)
def test_a_refused_policy_keeps_the_dag_id_of_its_model(parsed, sound, how):
    """A3: the file has another name than the model, and its text is broken; the DAG that is live stays and fails."""
    bag = parsed(BROKEN_TEXTS[how](sound()), file="light_policy.yaml")
    assert_only_this_one_is_refused(bag, "governance_acs_light", "light_policy.yaml")


def test_a_file_that_names_no_model_is_refused_under_its_own_name(parsed):
    """A3: no model is named, so the file is."""
    assert_only_this_one_is_refused(parsed("- nothing\n", file="odd name!.yaml"), "governance_odd_name_")


def test_a_broken_copy_of_a_policy_never_takes_the_dag_of_its_model(parsed, policy_file, tmp_path):
    """A3: the copy sorts first and names the same model; the sound policy keeps the DAG."""
    text = policy_file("first", folder=tmp_path / "texts").read_text()
    bag = parsed(text.replace("owner:", "ownr:"), file="a_copy.yaml")
    assert_only_this_one_is_refused(bag, "governance_a_copy", "a_copy.yaml")


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling link", "unreadable", "too long"])
def test_what_is_no_file_is_refused_and_hangs_nothing(parsed, tmp_path, kind):
    """A2: a path with the ending of a policy may be anything."""
    odd = tmp_path / "policies" / "odd.yaml"
    odd.parent.mkdir()
    if kind == "folder":
        odd.mkdir()
    elif kind == "pipe":
        os.mkfifo(odd)
    elif kind == "dangling link":
        odd.symlink_to("nowhere")
    else:
        odd.write_text("a: b\n" * (1 if kind == "unreadable" else 300_000))
        odd.chmod(0 if kind == "unreadable" else 0o600)
    (tmp_path / "policies" / "ignored.txt").touch()
    bag = parsed("", file="ignored.txt")
    assert_only_this_one_is_refused(bag, "governance_odd", "odd.yaml")


def test_any_exception_of_one_policy_is_its_own(parsed, sound, monkeypatch):
    """A2: an exception that nobody thought of."""
    original = dags_module.load_policy

    def load(path, catalogue):
        if Path(path).name == "broken.yaml":
            raise ZeroDivisionError("unthought of")
        return original(path, catalogue)

    monkeypatch.setattr(dags_module, "load_policy", load)
    assert_only_this_one_is_refused(parsed(sound()), "governance_acs_light", "ZeroDivisionError: unthought of")


def test_other_dags_stay_in_the_database_and_the_refused_one_is_live(parsed, sound, airflow_db):
    """A1: as the DAG processor stores it: nobody is stale, the refused DAG is not paused, one import error is listed."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db
    from airflow.models import DagModel
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    DagBundlesManager().sync_bundles_to_db()
    text = sound(schedule={"cron": "0 2 * * *"})

    def stored():
        with create_session() as session:
            rows = session.scalars(select(DagModel).where(DagModel.relative_fileloc == "governance.py"))
            return {row.dag_id: (row.is_stale, row.has_import_errors, row.is_paused) for row in rows}

    def forget_errors():
        """Runs of other tests in this database leave errors of files that are called so."""
        with create_session() as session:
            session.execute(delete(ParseImportError).where(ParseImportError.filename.endswith("broken.yaml")))

    forget_errors()
    try:
        sync_bag_to_db(parsed(text), "dags-folder", None)
        assert set(stored()) == {"governance_first", "governance_second", "governance_acs_light"}
        with create_session() as session:
            session.get(DagModel, "governance_acs_light").is_paused = False
        sync_bag_to_db(parsed(text.replace("owner:", "ownr:")), "dags-folder", None)
        after = stored()
        assert after["governance_acs_light"] == (False, False, False)
        assert all(not stale and not errors for stale, errors, _ in after.values())
        with create_session() as session:
            mine = ParseImportError.filename.endswith("broken.yaml")
            texts = [error.stacktrace for error in session.scalars(select(ParseImportError).where(mine))]
            # Other tests may store errors of files that are called so.
            assert len([text for text in texts if "ownr: unknown key" in text]) == 1
    finally:
        forget_errors()
        with create_session() as session:
            for dag_id in stored():
                session.delete(session.get(DagModel, dag_id))


@pytest.fixture
def as_a_task(monkeypatch):
    """Parses as a task of a DAG does; gives the DAGs and the names of the files that were read as policies."""

    def parse(folder, dag_id):
        read = []
        original = dags_module.load_policy
        with monkeypatch.context() as patched:
            patched.setattr(
                dags_module, "load_policy", lambda path, known: read.append(path.name) or original(path, known)
            )
            patched.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
            dags = governance_dags(folder)
        return dags, read

    return parse


def test_a_task_parses_its_own_policy_only(policy_file, tmp_path, as_a_task):
    """A13: of many policies, those of models with similar names and texts that mention it included."""
    folder = tmp_path / "policies"
    names = ["m-1", "m-10", "m-1-b", "a", "model", *(f"other-{number}" for number in range(10))]
    for name in names:
        policy_file(name, folder=folder, description="about m-1 and the model").rename(folder / f"of_{name}.yaml")
    (folder / "broken.yaml").write_text("model: {name: broken-one, x: 1}\n")
    everything = governance_dags(folder)
    for name in names:
        dag_id = f"governance_{name.replace('-', '_')}"
        dags, read = as_a_task(folder, dag_id)
        assert read == [f"of_{name}.yaml"]
        assert list(dags) == [dag_id]
        assert dags[dag_id].task_ids == everything[dag_id].task_ids
    assert as_a_task(folder, "governance_broken_one")[0]["governance_broken_one"].task_ids == REFUSED
    assert as_a_task(folder, "by_hand") == ({}, [])


@pytest.mark.parametrize("dag_id", ["governance_same", "governance_second", "governance_escaped", "governance_aliased"])
def test_a_task_gets_the_dag_that_the_whole_folder_gives(policy_file, tmp_path, as_a_task, dag_id):
    """A13: also where two files name one model, and where the name is spelled in an unusual way."""
    folder = tmp_path / "policies"
    policy_file("same", folder=folder).rename(folder / "first.yaml")
    policy_file("same", folder=folder).rename(folder / "second.yml")
    (folder / "c.yaml").write_text(
        policy_file("escaped", folder=folder).read_text().replace("escaped", '"\\x65scaped"')
    )
    (folder / "escaped.yaml").unlink()
    raw = yaml.safe_load(policy_file("aliased", folder=folder).read_text())
    (folder / "aliased.yaml").unlink()
    model = raw.pop("model")
    text = f"champion: &it {json.dumps(model)}\nmodel: *it\n" + yaml.safe_dump(raw)
    (folder / "d.yaml").write_text(text)
    whole = governance_dags(folder)
    dags, _ = as_a_task(folder, dag_id)
    assert list(dags) == [dag_id]
    assert dags[dag_id].task_ids == whole[dag_id].task_ids

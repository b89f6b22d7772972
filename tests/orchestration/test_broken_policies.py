"""Must-show: broken policies one at a time beside five good ones, through the real DagBag; five stay, one is red."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import yaml
from airflow.dag_processing.dagbag import DagBag

BENCH = Path(__file__).resolve().parents[2] / "include" / "bench"
sys.path.insert(0, str(BENCH))

from policy_mutants import policy_mutants  # noqa: E402

GOOD = tuple(f"good-{number}" for number in range(5))
DAG_FILE = "# airflow DAG\nfrom model_governance.orchestration import governance_dags\nglobals().update(governance_dags({!r}))\n"


def test_sixty_broken_policies_take_no_good_one_away(policy_file, tmp_path):
    """Must-show 8: 60 here, 500 in include/bench/policies.py."""
    folder, dags = tmp_path / "policies", tmp_path / "dags"
    dags.mkdir()
    for name in GOOD:
        policy_file(name, folder=folder)
    (dags / "governance.py").write_text(DAG_FILE.format(str(folder)))
    text = policy_file("broken-one", folder=tmp_path / "texts").read_text()
    broken, kept = 0, 0
    for number, mutant in enumerate(policy_mutants(text, seed=8, count=90)):
        (folder / "mutant.yaml").write_bytes(mutant)
        bag = DagBag(dags, bundle_path=dags, bundle_name="dags-folder")
        ids = {f"governance_{name.replace('-', '_')}" for name in GOOD}
        assert ids <= set(bag.dags), number
        assert all(bag.dags[dag_id].task_ids != ["policy_refused"] for dag_id in ids), number
        (other,) = set(bag.dags) - ids
        dag = bag.dags[other]
        if dag.task_ids != ["policy_refused"]:
            assert bag.import_errors == {}, number
            continue
        broken += 1
        kept += other == "governance_broken_one"
        assert dag.is_paused_upon_creation is False
        (name,) = bag.import_errors
        assert name.endswith("mutant.yaml")
    assert broken >= 60
    # The others have no name left, or another one: a mutant may change the name itself.
    assert kept >= 0.8 * broken


def test_many_policies_of_one_folder_are_all_there(policy_file, tmp_path):
    """Must-show 8: half of them broken."""
    folder = tmp_path / "policies"
    draw = random.Random(5)
    for number in range(30):
        file = policy_file(f"m-{number}", folder=folder)
        if number % 2:
            raw = yaml.safe_load(file.read_text())
            raw.pop(draw.choice(["owner", "columns", "datasets", "checks"]))
            file.write_text(yaml.safe_dump(raw))
    (tmp_path / "all.py").write_text(DAG_FILE.format(str(folder)))
    bag = DagBag(tmp_path / "all.py")
    assert set(bag.dags) == {f"governance_m_{number}" for number in range(30)}
    assert len(bag.import_errors) == 15

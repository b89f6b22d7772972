"""`@task.governance_check`: a function of a DAG file is judged, stored and raised like any check."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import DAG, task

from model_governance.errors import PolicyError
from model_governance.evidence.verification import verify_model
from model_governance.store.local import LocalStore

HEAD = """
# airflow
from airflow.sdk import DAG, task
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.dags import governance_task_group
"""


def dag_file(policy, body, *, thresholds, name="added", extra=""):
    return f"""{HEAD}
POLICY = {str(policy)!r}

with DAG({name!r}):
    @task.governance_check(policy=POLICY, thresholds={thresholds!r}, retries=0{extra})
    def fairness(current, model):
        \"\"\"Is the model as often right in the north as elsewhere?\"\"\"
        right = model.predict(current) == current["label"]
        by_region = right.groupby(current["region"]).mean()
        {body}

    governance_task_group(POLICY, group_id="rest", also=[fairness()])
"""


@pytest.mark.parametrize(("limit", "outcome"), [(0.9, "pass"), (-1, "fail")])
def test_a_function_is_judged_by_its_thresholds_and_archived_with_the_policy(
    policy_file, run_dag, read_uri, tmp_path, limit, outcome
):
    body = 'return {"gap": by_region.max() - by_region.min(), "worst": by_region.min()}'
    source = dag_file(
        policy_file(name=f"fair-{outcome}"),
        body,
        thresholds=[{"metric": "gap", "leq_to": limit}],
        name=f"fair_{outcome}",
    )
    done = run_dag(source)

    assert done.states()["fairness"] == ("success" if outcome == "pass" else "failed")
    assert done.state == ("success" if outcome == "pass" else "failed")
    archived = done.xcom("rest.archive", "archive")
    assert archived["outcomes"]["fairness"] == outcome
    assert set(archived["outcomes"]) == {"quality", "calibration", "fairness"}
    record = json.loads((tmp_path / "evidence" / done.xcom("fairness", "verdict")["record"]["key"]).read_bytes())
    assert record["question"] == "Is the model as often right in the north as elsewhere?"
    assert {one["name"]: one["n"] for one in record["result"]["metrics"]} == {"gap": 300, "worst": 300}
    assert len(record["params"]["source_sha256"]) == 64
    manifest = json.loads(read_uri(archived["manifest"]["uri"]))
    stored_policy = json.loads((tmp_path / "evidence" / manifest["policy"]["key"]).read_bytes())
    assert stored_policy["checks"]["fairness"]["thresholds"][0]["leq_to"] == limit
    verification = verify_model(LocalStore(str(tmp_path / "evidence")), f"fair-{outcome}", trust=None)
    assert verification.is_sound, verification.problems
    assert verification.verdicts == len(archived["outcomes"])


def test_what_is_no_measurement_is_an_error(policy_file, run_dag):
    bodies = {
        "empty": ("return {}", "expected a mapping"),
        "nothing": ("return None", "expected a mapping"),
        "nan": ("return {'gap': float('nan')}", "finite"),
        "word": ("return {'gap': 'small'}", "expected a name and a finite number"),
        "other": ("return {'another': 0.1}", "gap was not measured"),
        "raises": ("raise KeyError('region')", "KeyError"),
    }
    functions = "\n".join(
        f"""
    @task.governance_check(policy=POLICY, thresholds=[{{"metric": "gap", "leq_to": 1}}])
    def {name}(current):
        {body}
"""
        for name, (body, _) in bodies.items()
    )
    done = run_dag(f"""{HEAD}
POLICY = {str(policy_file(name="unfair", schedule={"cron": None, "retries": 0}))!r}

with DAG("unfair"):
{functions}
    governance_task_group(POLICY, group_id="rest", also=[{", ".join(f"{name}()" for name in bodies)}])
""")

    archived = done.xcom("rest.archive", "archive")
    for name, (_, says) in bodies.items():
        assert done.states()[name] == "failed"
        assert archived["outcomes"][name] == "error"
        assert says in done.xcom(name, "verdict")["sentence"]


def test_mistakes_of_the_decorator_are_found_while_the_dag_is_parsed(policy_file):
    policy = policy_file()

    def declared(function, **arguments):
        with DAG("declared"):
            task.governance_check(**{"policy": policy, "thresholds": [{"metric": "gap", "leq_to": 1}]} | arguments)(
                function
            )()

    with pytest.raises(PolicyError, match="no thresholds"):
        declared(lambda current: {}, thresholds=[], task_id="gap")
    with pytest.raises(PolicyError, match=r"check gap: thresholds\.0 needs exactly one of"):
        declared(lambda current: {}, thresholds=[{"metric": "gap"}], task_id="gap")
    with pytest.raises(PolicyError, match="asks for no data"):
        declared(lambda model: {}, task_id="gap")
    with pytest.raises(PolicyError, match=r"has no datasets\.population"):
        declared(lambda population: {}, task_id="gap")
    with pytest.raises(PolicyError, match="'quality' is taken"):
        declared(lambda current: {}, task_id="gap", check="quality")
    with pytest.raises(PolicyError, match="a change of gap cannot be judged"):
        declared(lambda current: {}, task_id="gap", thresholds=[{"metric": "gap", "min_absolute_change": 0}])


def test_changed_code_is_a_changed_policy(policy_file):
    policy = policy_file()
    decorate = task.governance_check(policy=policy, thresholds=[{"metric": "gap", "leq_to": 1}])

    def gap(current):
        return {"gap": 0.0}

    before = gap

    def gap(current):
        return {"gap": 0.1}

    with DAG("one"):
        first = decorate(before)().operator
    with DAG("two"):
        second = decorate(gap)().operator
    assert first.policy.sha256 != second.policy.sha256
    assert first.policy.folder == second.policy.folder == policy.parent

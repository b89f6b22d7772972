"""Where a check runs that does not run in its task: what a policy must say of it."""

from __future__ import annotations

import pytest
import yaml

from model_governance.authoring.example_policy import example_policy
from model_governance.checks import catalogue
from model_governance.errors import PolicyError
from model_governance.policy.load import parse_policy

POD = {"service": "kubernetes", "image": "registry.example.com/governance:0.1.0"}
JOB = POD | {"service": "sagemaker", "template": {"RoleArn": "arn", "ProcessingResources": {}}}


def policy_with(run_on, **schedule):
    raw = yaml.safe_load(example_policy(catalogue()["evasion"]))
    raw["checks"]["evasion"]["run_on"] = run_on
    raw["schedule"] = {**raw.get("schedule", {}), **schedule}
    return parse_policy(yaml.safe_dump(raw).encode(), catalogue())


def test_a_check_runs_in_its_task_unless_the_policy_says_where():
    assert parse_policy(example_policy(catalogue()["evasion"]).encode(), catalogue()).checks["evasion"].run_on is None
    assert policy_with(POD).checks["evasion"].run_on.image == POD["image"]
    assert policy_with(JOB).checks["evasion"].run_on.service == "sagemaker"


@pytest.mark.parametrize(
    ("run_on", "problem"),
    [
        ({"service": "kubernetes"}, "image is missing"),
        ({"image": "a:1"}, "service is missing"),
        (POD | {"service": "docker"}, "'kubernetes' or 'sagemaker'; found 'docker'"),
        (POD | {"image": "two words"}, "checks.evasion.run_on.image"),
        (POD | {"img": "a"}, "unknown key"),
        (POD | {"template": {"kind": "Job"}}, "template.kind: expected Pod, found 'Job'"),
        (POD | {"template": {"spec": []}}, "template.spec: expected a mapping"),
        (POD | {"template": {"spec": {"containers": {"name": "base"}}}}, "expected a list of mappings"),
        (JOB | {"template": {"RoleArn": "arn"}}, "template lacks ProcessingResources"),
        (JOB | {"template": JOB["template"] | {"AppSpecification": "a"}}, "template.AppSpecification"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(run_on, problem):
    with pytest.raises(PolicyError, match=r"policy:\d+ ") as caught:
        policy_with(run_on)
    assert problem in str(caught.value)


def test_one_task_for_all_checks_runs_none_of_them_elsewhere():
    with pytest.raises(PolicyError, match=r"checks\.evasion\.run_on: with schedule\.layout one_task"):
        policy_with(POD, layout="one_task")

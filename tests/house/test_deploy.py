"""The examples of a write-once bucket parse, agree with one another, and make the bucket that the guide promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

FOLDER = Path(__file__).resolve().parents[2] / "include" / "deploy" / "s3"
ROLES = ("writer", "reader", "auditor")
TEMPLATE = FOLDER / "bucket.cloudformation.yaml"
TERRAFORM = (FOLDER / "bucket.tf").read_text(encoding="utf-8")


class Loader(yaml.SafeLoader):
    """Reads `!Sub x` and the like as their value."""


Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else loader.construct_sequence(node)
    ),
)


def template() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader=Loader)
    return parsed


def as_lists(statement: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value if key in ("Sid", "Effect") or isinstance(value, list) else [value]
        for key, value in statement.items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_the_roles_of_the_template_are_those_of_the_policies(role):
    names = {"${bucket}": "${BucketName}", "${prefix}": "${Prefix}", "${kms_key}": "${Key.Arn}"}
    text = (FOLDER / f"{role}.json").read_text(encoding="utf-8")
    for old, new in names.items():
        text = text.replace(old, new)
    document = json.loads(text)
    found = template()["Resources"][role.title()]["Properties"]["PolicyDocument"]
    assert found["Version"] == document["Version"]
    assert found["Statement"] == [as_lists(statement) for statement in document["Statement"]]


def test_the_template_is_what_cloudformation_reads():
    lint = pytest.importorskip("cfnlint.api")
    found = lint.lint_all(TEMPLATE.read_text(encoding="utf-8"))
    assert [str(each) for each in found if each.rule.id.startswith(("E", "W"))] == []


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy")
def test_the_template_makes_an_encrypted_bucket_and_the_policies_for_it():
    text = TEMPLATE.read_text(encoding="utf-8")
    with mock_aws():
        cloud = boto3.client("cloudformation", region_name="us-east-1")
        cloud.create_stack(
            StackName="evidence", TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": "BucketName", "ParameterValue": "evidence-of-models"}],
        )  # fmt: skip
        s3 = boto3.client("s3", region_name="us-east-1")
        rules = s3.get_bucket_encryption(Bucket="evidence-of-models")["ServerSideEncryptionConfiguration"]["Rules"]
        assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        iam = boto3.client("iam", region_name="us-east-1")
        policies = {each["PolicyName"]: each for each in iam.list_policies(Scope="Local")["Policies"]}
        assert set(policies) == {f"evidence-of-models-{role}" for role in ROLES}
        writer = policies["evidence-of-models-writer"]
        version = iam.get_policy_version(PolicyArn=writer["Arn"], VersionId=writer["DefaultVersionId"])
        writes = {each["Sid"]: each for each in version["PolicyVersion"]["Document"]["Statement"]}
        assert writes["AddAndReadEvidence"]["Resource"] == ["arn:aws:s3:::evidence-of-models/prod/v1/*"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in cloud.describe_stacks()["Stacks"][0]["Outputs"]}
        assert outputs["Artifacts"] == "s3://evidence-of-models/prod"
        assert outputs["KmsKey"].startswith("arn:aws:kms:")


def test_both_examples_lock_close_and_keep_the_bucket():
    bucket = template()["Resources"]["Bucket"]
    assert bucket["Properties"]["ObjectLockEnabled"] is True
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert "ObjectLockConfiguration" not in bucket["Properties"], "a default retention would lock canaries for years"
    assert re.search(r"^\s*object_lock_enabled = true$", TERRAFORM, re.MULTILINE)
    assert re.search(r"^\s*prevent_destroy = true$", TERRAFORM, re.MULTILINE)
    assert len(re.findall(r"^\s*(?:block|ignore|restrict)_public_\w+\s+= true$", TERRAFORM, re.MULTILINE)) == 4
    assert "aws_s3_bucket_object_lock_configuration" not in TERRAFORM


def test_what_may_expire_is_no_evidence():
    rules = template()["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule or "NoncurrentVersionExpiration" in rule}
    assert expiring == {"${Prefix}/v1/doctor/", "${Prefix}/v1/index/"}
    assert 'prefix = "${var.prefix}/v1/${rule.value}/"' in TERRAFORM
    assert re.search(r'for_each = toset\(\["doctor", "index"\]\)', TERRAFORM)


def test_terraform_uses_the_policies_themselves():
    assert re.search(r'for_each = toset\(\["writer", "reader", "auditor"\]\)', TERRAFORM)
    assert 'templatefile("${path.module}/${each.value}.json"' in TERRAFORM
    for role in ROLES:
        names = set(re.findall(r"\$\{(\w+)\}", (FOLDER / f"{role}.json").read_text(encoding="utf-8")))
        assert names == {"bucket", "prefix", "kms_key"}
    (given,) = re.findall(r"templatefile\(.*?\.json\", \{(.*?)\}\)", TERRAFORM, re.DOTALL)
    assert re.findall(r"^    (\w+) +=", given, re.MULTILINE) == ["bucket", "prefix", "kms_key"]


def test_terraform_refers_only_to_what_it_declares():
    declared = {".".join(pair) for pair in re.findall(r'^resource "(\w+)" "(\w+)"', TERRAFORM, re.MULTILINE)}
    used = set(re.findall(r"\b(aws_\w+\.\w+)\b", TERRAFORM))
    assert used <= declared
    variables = set(re.findall(r'^variable "(\w+)"', TERRAFORM, re.MULTILINE))
    assert set(re.findall(r"\bvar\.(\w+)", TERRAFORM)) == variables
    assert TERRAFORM.count("{") == TERRAFORM.count("}")


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs `terraform`, which parses and formats")
def test_terraform_parses_and_is_formatted():
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-"], input=TERRAFORM, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""One run, one policy, one version of everything (acceptance case A5), by digests of the bytes that were used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

import project
import synthetic
from model_governance.checks import find
from model_governance.evidence.consistency import disagreements
from model_governance.evidence.verification import verify_model
from model_governance.run import archive_run

QUALITY = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
CHECKS = {"first": QUALITY, "second": QUALITY}


@pytest.fixture
def small(tmp_path):
    return project.small_project(tmp_path, checks=CHECKS)


def archived(small, *runs):
    policy = small.policy()
    summaries = {run.name: run.summary() for run in runs}
    return archive_run(policy, summaries, run=small.night(), store=small.store)


def record(small, run) -> dict:
    return json.loads(small.store.get(run.record.key))


def stopping(ended) -> list[str]:
    return [finding.sentence for finding in ended.verdict.stopping]


def test_a_run_under_one_policy_on_one_version_of_everything_passes(small):
    ended = archived(small, small.check("first"), small.check("second"))
    assert (ended.verdict.outcome, ended.verdict.stops) == ("pass", False)


def test_a_policy_that_was_edited_between_two_checks_is_an_error_that_names_both_digests(small):
    before = small.policy().sha256
    first = small.check("first")
    small.change(owner="somebody.else@example.com")
    after = small.policy().sha256
    ended = archived(small, first, small.check("second"))
    assert (ended.verdict.outcome, ended.verdict.stops) == ("error", True)
    (sentence,) = stopping(ended)
    assert "not judged by one policy" in sentence
    assert f"{before} (first)" in sentence
    assert f"{after} (second)" in sentence
    manifest = json.loads(small.store.get(ended.manifest.key))
    assert (manifest["verdict"]["outcome"], manifest["verdict"]["stops"]) == ("error", True)
    assert sentence in small.store.get(ended.report.key).decode().replace("&#39;", "'")
    verification = verify_model(small.store, small.policy().name, trust=None)
    assert verification.is_sound, verification.problems
    (note,) = [problem for problem in verification.problems if problem.code == "verdict.unchecked"]
    assert note.sentence.startswith(f"first: judged by the policy with sha256 {before}")


def test_a_run_of_two_policies_that_is_said_to_pass_is_found(small):
    first = small.check("first")
    small.change(owner="somebody.else@example.com")
    second = small.check("second")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model_governance.archiving.disagreements", lambda *_: ())
        assert archived(small, first, second).verdict.outcome == "pass"
    verification = verify_model(small.store, small.policy().name, trust=None)
    assert "verdict.differs" in {problem.code for problem in verification.problems}


def test_a_policy_that_is_archived_but_judged_nothing_is_an_error(small):
    runs = [small.check("first"), small.check("second")]
    small.change(owner="somebody.else@example.com")
    (sentence,) = stopping(archived(small, *runs))
    assert f"expected sha256 {small.policy().sha256}, the policy that is archived" in sentence


def test_the_whole_run_again_under_one_policy_passes(small):
    first = small.check("first")
    small.change(owner="somebody.else@example.com")
    archived(small, first, small.check("second"))
    assert archived(small, small.check("first"), small.check("second")).verdict.outcome == "pass"


def test_two_versions_of_a_dataset_are_an_error_that_names_both(small):
    first = small.check("first")
    small.write_current(synthetic.rows(seed=9))
    second = small.check("second")
    ended = archived(small, first, second)
    (sentence,) = stopping(ended)
    for run in (first, second):
        (current,) = [dataset for dataset in record(small, run)["datasets"] if dataset["role"] == "current"]
        assert f"{current['sha256']} ({run.name})" in sentence
    assert "2 versions of dataset current" in sentence


def test_two_versions_of_the_model_or_the_champion_are_an_error():
    def of(model: str, champion: str | None = None, check: str = "a") -> dict:
        return {
            "check": check, "policy": {"sha256": "p"}, "model": {"sha256": model}, "datasets": [],
            "champion": {"sha256": champion} if champion else None,
        }  # fmt: skip

    assert disagreements("p", {"a": of("m"), "b": of("m", check="b"), "c": None}) == ()
    (model,) = disagreements("p", {"a": of("m"), "b": of("n", check="b")})
    assert "2 versions of the model: m (a) and n (b)" in model
    (champion,) = disagreements("p", {"a": of("m", "x"), "b": of("m", "y", "b"), "c": of("m", check="c")})
    assert "2 versions of the champion: x (a) and y (b)" in champion


def test_the_record_of_another_check_is_an_error(small):
    first, second = small.check("first"), small.check("second")
    policy, swapped = small.policy(), {"first": second.summary(), "second": first.summary()}
    ended = archive_run(policy, swapped, run=small.night(), store=small.store)
    assert ended.verdict.stops
    assert "check first reported the record of another: expected first, found second" in stopping(ended)[0]


def test_the_champion_is_in_the_record_by_the_digest_of_its_bytes(small):
    content = (small.folder / "model.skops").read_bytes()
    (small.folder / "before.skops").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    champion = small.raw["model"] | {"name": "synthetic-before", "uri": "before.skops"}
    change = {"metric": "accuracy", "min_absolute_change": -0.05, "against": "champion"}
    small.change(champion=champion, checks={"first": QUALITY | {"thresholds": [change]}, "second": QUALITY})
    first = record(small, small.check("first"))
    assert first["champion"] | {"written_by": ""} == {
        "name": "synthetic-before", "format": "skops", "sha256": sha256, "task": "binary_classification", "written_by": "",
    }  # fmt: skip
    assert first["champion"]["sha256"] == first["model"]["sha256"], "the same bytes here"


def test_a_check_without_a_champion_records_none(small):
    assert record(small, small.check("first"))["champion"] is None


def test_a_recorded_suite_is_the_one_that_was_used_whatever_happens_to_the_file_in_between(small):
    suite = {"expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income"}}]}
    path, used = small.folder / "suite.json", json.dumps(suite).encode()
    path.write_bytes(used)
    small.change(checks={"first": project.CHEAP_CHECKS["validation"] | {"params": {"suite": "suite.json"}}})
    check = find("data_validation")

    def replaced_meanwhile(subject, params, seed):
        path.write_bytes(b"{}")
        return check.measure(subject, params, seed)

    done = small.check("first", check=replace(check, measure=replaced_meanwhile))
    assert done.verdict.outcome == "pass"
    assert record(small, done)["params"]["suite"]["sha256"] == hashlib.sha256(used).hexdigest()

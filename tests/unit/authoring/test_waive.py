"""Waivers decided at run time: what may be asked, who may decide, and what the decision does to runs."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from model_governance.authoring.keys import PRIVATE, TRUST, make_keys
from model_governance.authoring.waive import (
    Person,
    WaiverRequest,
    decide_waiver,
    require_request,
    require_two_persons,
)
from model_governance.contract.connections import PlainConnections
from model_governance.errors import PolicyError
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.evidence.verification import verify_model
from project import DAY, small_project

CHECKS = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.999}]}}
ADA = Person(id="ada", name="Ada Byron")


def request(**changes) -> WaiverRequest:
    fields = {"check": "quality", "metric": "accuracy", "key": None, "reason": "known until the feed is repaired"}
    return WaiverRequest(**fields | {"ticket": "RISK-1", "expires": "2026-03-31", "requested_by": "bob"} | changes)


def decide(project, *, granted=True, moment=DAY, signer=None, **changes):
    return decide_waiver(
        project.policy(), project.store, request(**changes), granted=granted, by=ADA, moment=moment, signer=signer
    )


def run_of(project, moment=DAY, run_id="night-1"):
    done = project.run(moment, run_id)
    return done, json.loads(project.store.get(done.manifest.key))


def codes(project) -> set[str]:
    return {problem.code for problem in verify_model(project.store, "synthetic").problems}


@pytest.fixture
def project(tmp_path):
    return small_project(tmp_path, checks=CHECKS)


def test_a_granted_waiver_turns_fail_into_waived_in_verdict_manifest_page_and_link(project):
    before, _ = run_of(project)
    decision, uri = decide(project)
    after, manifest = run_of(project, run_id="night-2")

    assert (before.verdict.outcome, before.verdict.stops) == ("fail", True)
    assert (after.verdict.outcome, after.verdict.stops, manifest["verdict"]["outcome"]) == ("waived", False, "waived")
    page = project.store.get(after.report.key).decode()
    for text in ("Ada Byron (ada)", "RISK-1", "2026-03-31", "known until the feed is repaired"):
        assert text in page
    (stated,) = after.link.predicate["waivers"]
    assert (stated["ticket"], stated["decision"]["key"]) == ("RISK-1", decision.document)
    assert uri.endswith(decision.document)
    verified = verify_model(project.store, "synthetic")
    assert (verified.links, codes(project)) == (3, {"link.unsigned"})


@pytest.mark.parametrize(
    ("expires", "outcome"),
    [
        ("2026-03-01T00:00:01", "waived"), ("2026-03-01T00:00:00", "fail"), ("2026-03-01", "waived"),
        ("2026-02-28", "fail"),
    ],
)  # fmt: skip
def test_it_ends_at_the_second_that_it_names_and_is_shown_as_expired(project, expires, outcome):
    decide(project, expires=expires, moment=DAY - timedelta(days=30))
    done, _ = run_of(project)
    assert done.verdict.outcome == outcome
    assert ("has expired" in done.verdict.sentence) == (outcome == "fail")
    assert codes(project) == {"link.unsigned"}


def test_a_refused_waiver_is_evidence_and_covers_nothing(project):
    decision, _ = decide(project, granted=False)
    done, _ = run_of(project)
    assert done.verdict.outcome == "fail"
    assert "refused by Ada Byron (ada)" in decision.sentence
    assert verify_model(project.store, "synthetic").links == 2


def test_a_waiver_of_another_check_is_not_read(project):
    project.change(checks=CHECKS | {"other": CHECKS["quality"]})
    decide(project, check="other")
    done, _ = run_of(project)
    assert done.outcomes == {"quality": "fail", "other": "waived"}


def test_an_altered_decision_covers_nothing_and_is_reported(project, tmp_path):
    decision, _ = decide(project, expires="2026-02-28", moment=DAY - timedelta(days=30))
    path = tmp_path / "archive" / decision.document
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"2026-02-28", b"2030-02-28"))
    done, _ = run_of(project)
    assert done.verdict.outcome == "fail"
    assert "damaged and left out" in done.verdict.sentence
    assert "object.altered" in codes(project)


def test_with_trust_only_a_signed_decision_covers(project, tmp_path):
    make_keys(tmp_path / "keys", owner="risk", moment=DAY)
    archive = {"signing_key": f"file:{tmp_path / 'keys' / PRIVATE}", "trust": str(tmp_path / "keys" / TRUST)}
    project.change(archive=archive)
    decide(project, signer=None)
    done, _ = run_of(project)
    assert done.verdict.outcome == "fail"
    decide(project, signer=signer_of(project.policy()), moment=DAY + timedelta(seconds=1))
    done, _ = run_of(project, run_id="night-2")
    assert [finding.outcome for finding in done.verdict.findings] == ["waived", "warn"], "the unsigned one is reported"
    verified = verify_model(project.store, "synthetic", trust=trust_of(project.policy(), PlainConnections()))
    assert "verdict.differs" not in {problem.code for problem in verified.problems}


def test_the_same_decision_again_changes_nothing(project):
    assert decide(project) == decide(project)
    assert verify_model(project.store, "synthetic").links == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"check": "qualty"}, "check: 'qualty' is not a check of this policy; did you mean 'quality'?"),
        ({"metric": "acuracy"}, "metric: 'acuracy' is not a metric of quality; did you mean 'accuracy'?"),
        ({"key": "age"}, "key: accuracy of model_quality is one number"),
        ({"reason": "short"}, "reason: "),
        ({"ticket": ""}, "ticket: "),
        ({"ticket": " "}, "ticket: is blank"),
        ({"expires": "2026-02-28"}, "expires: 2026-02-28 has passed already"),
        ({"expires": "next week"}, "expires: expected a day"),
        ({"requested_by": " "}, "it is not known who asks"),
    ],
)
def test_what_the_policy_could_not_hold_is_refused_in_words(project, changes, said):
    with pytest.raises(PolicyError, match=re.escape(f"waiver of synthetic: {said}")):
        decide(project, **changes)


def test_a_waiver_may_be_asked_for_until_the_second_it_ends(project):
    policy = project.policy()
    require_request(policy, request(expires="2026-03-01T00:00:01"), moment=DAY)
    with pytest.raises(PolicyError, match="has passed already"):
        require_request(policy, request(expires="2026-03-01T00:00:00"), moment=DAY)


@pytest.mark.parametrize(
    ("by", "requested_by", "said"),
    [
        (ADA, "bob", ""),
        (ADA, "ada", "asked for it"),
        (ADA, "Ada Byron", "asked for it"),
        (ADA, " ADA ", "asked for it"),
        (Person(id="eve"), "bob", "eve is none of its approvers: ada, risk@example.com, carl"),
        (Person(id="risk@example.com"), "bob", "owns it"),
        (Person(id="7", name="Carl"), "bob", "owns it"),
        (Person(id="7", name="ada"), "bob", r"ada \(7\) is none of its approvers"),
        (ADA, "", "it is not known who asked"),
    ],
)
def test_a_named_approver_decides_who_neither_asked_nor_owns(project, by, requested_by, said):
    project.raw["checks"]["quality"]["owner"] = "carl"
    policy = project.change(approvers=["ada", "risk@example.com", "carl"]).policy()
    rule = {"approvers": policy.approvers, "requested_by": requested_by, "by": by, "check": "quality"}
    if not said:
        require_two_persons(policy, **rule)
        return
    with pytest.raises(PolicyError, match=said):
        require_two_persons(policy, **rule)


def test_an_owner_who_would_decide_alone_is_a_mistake_of_the_policy(project):
    with pytest.raises(PolicyError, match=r"the owner risk@example\.com cannot decide alone; name another person"):
        project.change(approvers=["Risk@example.com"]).policy()

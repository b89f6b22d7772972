from __future__ import annotations

import json

import pytest

from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError
from model_governance.report import render_run
from model_governance.verdict import unmeasured
from unit.report.reading import Reading


def render(manifest) -> bytes:
    return render_run(manifest, href=lambda key: f"../../../../{key}")


@pytest.fixture
def red(make):
    return render(make.failing_run())


@pytest.fixture
def page(red):
    return Reading(red)


def test_the_same_manifest_gives_the_same_bytes(make, red):
    assert render(json.loads(canonical_json(make.failing_run()))) == red


def test_the_first_lines_say_what_stopped(page):
    assert "acs-employment" in page.words[:80]
    assert "3 of 5 checks stop this run. " in page.words[:600]


def test_there_is_one_row_per_check_with_what_decided(page):
    assert (
        "Fail stops the run drift Data drift psi and 1 uncertain, 1 warn, 1 waived, 1 pass 1.93 1.9 to 1.96"
        in page.words
    )
    assert "accuracy and 1 pass 0.7912 0.7882 to 0.7942 at least 0.8" in page.words
    assert "Pass validation Data validation critical_failures 0 equal to 0" in page.words


def test_a_check_that_never_reported_is_an_error_with_its_reason(page):
    assert (
        "Error stops the run privacy never reported could not measure: s3://warehouse/acs/train.parquet" in page.words
    )
    assert "no record: the check never reported" in page.words


def test_links_go_where_href_says(make, page):
    targets = {target for tag, target in page.fetched if tag == "a"}
    assert f"../../../../v1/blobs/sha256/aa/{make.sha('drift')}.html" in targets
    assert f"../../../../v1/blobs/sha256/cc/{make.sha('policy')}.yaml" in targets
    assert all(one.startswith("../../../../v1/blobs/") for one in targets)


def test_a_waiver_is_in_the_open_with_who_why_and_until(page):
    block = page.words[page.words.index("Waived, not passed") :]
    assert "until 2018-04-30" in block
    assert "Approved by D. Okafor Ticket GOV-212 Because the 2018 questionnaire splits spouse" in block


def test_what_stops_the_run_is_listed_in_the_words_of_the_verdict(make, page):
    block = page.words[page.words.index("Findings that do not hold") : page.words.index("Waived, not passed")]
    for check in make.failing_run()["checks"]:
        if check["stops"]:
            assert f"{check['name']}: " in block
    assert (
        "drift: psi is 1.93 (largest at AGEP; 95% interval 1.9 to 1.96; n = 70,131), must be less than 0.2: fail"
        in block
    )


def test_it_says_what_to_do_next_in_a_sensible_order(page):
    block = page.words[page.words.index("What to do next") : page.words.index("Findings that do not hold")]
    steps = [
        "Make it measurable again.",
        "Find out what changed.",
        "Decide whether",
        "Collect more rows.",
        "Repair before",
    ]
    places = [block.index(one) for one in steps]
    assert places == sorted(places)


def test_it_needs_neither_network_nor_script(red, page):
    for forbidden in (b"http://", b"https://", b"@import", b"<script", b"<link", b"<iframe"):
        assert forbidden not in red
    assert {tag for tag, _ in page.fetched} == {"a"}
    assert page.handlers == []


def test_it_is_sound_html_for_people_who_cannot_see_it(page):
    assert page.unbalanced == []
    assert page.headers_without_scope == 0
    assert page.tags["main"] == page.tags["h1"] == 1
    assert page.tags["table"] == page.tags["caption"]
    assert [one for one, count in page.ids.items() if count > 1] == []


def test_a_passing_run_is_short_and_asks_for_nothing(make):
    page = Reading(render(make.passing_run()))
    assert "Pass The one check passes." in page.words
    assert "Nothing to do. Every threshold holds." in page.words
    assert "Findings that do not hold" not in page.words
    assert "Waived" not in page.words


def test_a_run_that_measured_nothing_is_an_error(make):
    from model_governance.verdict import Finding, Verdict

    skipped = Verdict(name="drift", findings=(Finding(check="drift", outcome="skipped", sentence="drift: skipped"),))
    page = Reading(render(make.run_manifest([("drift", "data_drift", "Data drift", skipped, True)])))
    assert "Error acs-employment: nothing was measured in this run; an empty run is never a pass" in page.words


def test_names_of_users_cannot_become_markup(make):
    from model_governance.verdict import FailPolicy

    hostile = "<script>alert(1)</script>"
    verdict = unmeasured(hostile, hostile, fail_policy=FailPolicy())
    manifest = make.run_manifest([(hostile, hostile, hostile, verdict, True)])
    manifest["run"] |= {"run_id": hostile, "orchestrator": {hostile: hostile}}
    manifest["policy"] |= {"owner": hostile, "description": hostile}
    manifest["environment"]["packages"] = {hostile: hostile}
    page = Reading(render_run(manifest, href=lambda key: f'x"><script>{key}'))
    assert page.tags["script"] == 0
    assert page.unbalanced == []
    assert page.words.count(hostile) >= 8


def test_a_hundred_stopping_findings_are_kept_short(make):
    metrics = tuple(make.metric("drift_score", 0.9, key=f"c{place:03}") for place in range(120))
    verdict = make.judged("drift", metrics, [{"metric": "drift_score", "less_than": 0.2}])
    content = render(make.run_manifest([("drift", "data_drift", "Data drift", verdict, True)]))
    assert content.count(b'<li class="finding') == 20
    assert b"These are the 20 worst. Not shown: 100 fail." in content


def test_another_schema_is_refused(make):
    with pytest.raises(EvidenceError, match="model-governance/run/v1"):
        render(make.failing_run() | {"schema": "model-governance/run/v9"})

from __future__ import annotations

import json
from itertools import pairwise
from typing import get_args

import pytest

from model_governance.contract.result import CheckResult, Table, canonical_json
from model_governance.errors import EvidenceError
from model_governance.report import render_check
from model_governance.report.formatting import OUTCOMES
from model_governance.verdict import FailPolicy, Finding, Outcome, Verdict, judge, unmeasured
from unit.report.reading import Reading

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def red(make):
    record, pictures = make.red_check()
    return render_check(record, pictures)


@pytest.fixture
def page(red):
    return Reading(red)


def error_page(make, problem: str) -> bytes:
    return render_check(
        make.check_record(None, unmeasured("drift", problem, fail_policy=FailPolicy()), problem=problem), {}
    )


def skipped_page(make, reason: str) -> bytes:
    result = CheckResult(kind="data_drift", seed=1, status="not_applicable", reason=reason)
    rules = make.policy({"drift": {"kind": "data_drift", "thresholds": make.DRIFT_THRESHOLDS}})
    return render_check(make.check_record(result, judge("drift", result, rules, moment=make.TODAY)), {})


def test_the_same_record_gives_the_same_bytes(make, red):
    assert render_check(*make.red_check()) == red


def test_a_record_read_from_its_archive_gives_the_same_page(make, red):
    record, pictures = make.red_check()
    assert render_check(json.loads(canonical_json(record)), pictures) == red


def test_the_answer_comes_before_the_evidence(page):
    assert [said for level, said in page.headings if level < 3] == [
        "Data drift",
        "Findings",
        "Pictures",
        "Metrics",
        "Tables",
        "Limits",
        "What was checked",
    ]


def test_every_finding_is_on_the_page_in_the_words_of_the_verdict(make, page):
    for finding in make.drift_verdict(make.drift_result()).findings:
        assert finding.sentence.removeprefix("drift: ") in page.words


def test_the_finding_that_stops_comes_first_and_says_so(page):
    findings = page.words.index("Findings")
    assert page.words[findings:].startswith("Findings Fail stops the run psi is 1.93")


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_an_outcome_is_a_word_and_a_shape_not_only_a_colour(make, outcome):
    finding = Finding(check="drift", outcome=outcome, sentence="drift: so it is", metric="psi", value=0.1, n=400)
    verdict = Verdict(name="drift", findings=(finding,))
    page = render_check(make.check_record(make.drift_result(), verdict), {}).decode()
    assert f'<p class="word">{OUTCOMES[outcome][0]}</p>' in page
    assert page.count('class="shape"') + page.count('class="outline"') >= 2


def test_icons_of_different_outcomes_differ_in_outline(make):
    from model_governance.report.page import HERE, _environment

    icon = _environment(HERE).get_template("parts.html").module.icon
    assert len({str(icon(one)).split('class="mark"')[0] for one in get_args(Outcome)}) == len(get_args(Outcome))


def test_it_needs_neither_network_nor_script(red, page):
    # The pictures are redrawn without their namespaces, so not even those addresses are left.
    for forbidden in (b"http://", b"https://", b"@import", b"<script", b"<link", b"<iframe"):
        assert forbidden not in red
    assert page.handlers == []
    fetched = [(tag, target) for tag, target in page.fetched if tag != "a"]
    assert {tag for tag, _ in fetched} <= {"use", "image"}
    assert all(target.startswith(("#", "data:image/png;base64,")) for _, target in fetched)


def test_links_lead_to_the_artifacts_beside_the_page_and_to_the_runs_of_its_moment(make):
    record, pictures = make.red_check()
    run = {"run_id": "night", "logical_date": "2018-03-14T00:00:00+00:00", "folder": "v1/runs/model=acs/run=x/"}
    page = Reading(render_check(record, pictures, run=run))
    links = {target for tag, target in page.fetched if tag == "a"}
    assert links == {f"../../../../{each['key']}" for each in record["stored"]} | {
        "../../../../v1/runs/model=acs/run=x/"
    }


def test_an_address_of_the_user_is_text_and_never_fetched(make):
    record, pictures = make.red_check()
    record["datasets"][0]["uri"] = "https://data.example.org/run.parquet"
    page = Reading(render_check(record, pictures))
    assert "https://data.example.org/run.parquet" in page.words
    assert all("example.org" not in target for _, target in page.fetched)


def test_what_users_name_cannot_become_markup(make):
    metrics = (make.metric("drift_score", 0.9, key=HOSTILE, detail=HOSTILE, unit=HOSTILE, meaning=HOSTILE),
               make.metric("drift_share", None, reason=HOSTILE))  # fmt: skip
    artifact = make.picture(title=HOSTILE)
    result = CheckResult(
        kind="data_drift", seed=1, metrics=metrics, notes=(HOSTILE,), tools={HOSTILE: HOSTILE}, artifacts=(artifact,),
        tables=(Table(name="t", title=HOSTILE, header=(HOSTILE,), rows=((HOSTILE,),)),),
    )  # fmt: skip
    verdict = make.judged("drift", metrics, [{"metric": "drift_score", "less_than": 0.2}])
    record = make.check_record(result, verdict, params={HOSTILE: HOSTILE, "x": [HOSTILE]}, title=HOSTILE)
    record |= {"question": HOSTILE, "problem": HOSTILE, "kind": HOSTILE}
    record["policy"] |= {"owner": HOSTILE, "name": HOSTILE, "description": HOSTILE}
    record["datasets"][0] |= {"uri": HOSTILE, "sha256": HOSTILE, "role": HOSTILE}
    record["model"] |= {"name": HOSTILE, "format": HOSTILE, "task": HOSTILE}
    content = render_check(record, {artifact.name: artifact.content})
    page = Reading(content)
    assert page.tags["script"] == page.tags["img"] == 0
    assert page.handlers == []
    assert page.unbalanced == []
    assert page.words.count("<script>alert(1)</script>") >= 20


def test_it_is_sound_html_for_people_who_cannot_see_it(page):
    assert page.unbalanced == []
    assert page.headers_without_scope == 0
    assert ("html", "lang", "en") in page.attributes
    assert page.tags["main"] == page.tags["h1"] == 1
    levels = [level for level, _ in page.headings]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.tags["table"] == page.tags["caption"] + sum(
        one[:2] == ("table", "aria-labelledby") for one in page.attributes
    )


def test_two_pictures_on_one_page_share_no_id(page):
    assert len(page.ids) > 20
    assert [one for one, count in page.ids.items() if count > 1] == []


def test_letters_of_a_picture_can_be_found(page):
    assert "population stability index" in page.text
    assert "NATIVITY" in page.text


def test_of_three_hundred_columns_the_worst_twenty_are_shown_and_the_rest_counted(make):
    page = render_check(make.wide_check(), {})
    assert page.count(b'<li class="finding') == 20
    assert b"These are the 20 worst. Not shown: 280 pass." in page
    assert page.index(b"drift_score[column_000]") < page.index(b"drift_score[column_006]")
    assert b"7 of 300 findings stop the run." in page


def test_a_long_table_of_metrics_begins_with_the_worst(make):
    page = Reading(render_check(make.wide_check(stopping=0), {}))
    assert "300 rows, worst first; the box scrolls." in page.words
    metrics = tuple(
        make.metric("recall", place / 100, key=f"c{place:02}", better="higher") for place in range(60, 0, -1)
    )
    verdict = make.judged("drift", metrics, [{"metric": "recall", "geq_to": 0}])
    result = CheckResult(kind="k", seed=1, metrics=metrics)
    words = Reading(render_check(make.check_record(result, verdict), {})).words
    table = words[words.index("Metrics") :]
    assert table.index("c01") < table.index("c02") < table.index("c60")


def test_three_hundred_columns_stay_a_light_page(make):
    assert len(render_check(make.wide_check(), {})) < 150_000


def test_what_could_not_be_measured_says_why_and_is_never_green(make):
    page = Reading(error_page(make, "b.parquet: lacks column(s) AGEP;\nfound SCHL"))
    assert "Why it could not measure b.parquet: lacks column(s) AGEP; found SCHL" in page.words
    assert "which is never a pass. This stops the run." in page.words
    assert "Pass" not in page.words
    assert "Metrics" not in page.words


def test_skipped_says_that_nothing_was_measured(make):
    page = Reading(skipped_page(make, "a ranking model has no classes"))
    assert "Skipped Nothing was measured: a ranking model has no classes" in page.words


def test_all_passing_says_all(make):
    verdict = make.judged("drift", (make.metric("m", 0.1), make.metric("o", 0.1)),
                          [{"metric": "m", "less_than": 1}, {"metric": "o", "less_than": 1}])  # fmt: skip
    page = Reading(render_check(make.check_record(make.drift_result(), verdict), {}))
    assert "Pass All 2 findings hold." in page.words


def test_a_picture_that_is_missing_is_reported_as_missing(make):
    page = Reading(render_check(make.red_check()[0], {}))
    assert page.words.count("This picture is not shown: it was not available") == 2


def test_a_picture_that_is_not_the_recorded_one_is_refused(make):
    record, pictures = make.red_check()
    pictures["drift_AGEP.svg"] += b"\n"
    with pytest.raises(EvidenceError, match=r"drift_AGEP\.svg: expected the recorded sha256"):
        render_check(record, pictures)


def test_a_picture_with_script_is_not_shown_and_named(make):
    from model_governance.contract.result import Artifact

    content = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
    artifact = Artifact(name="bad.svg", media_type="image/svg+xml", content=content, title="Bad")
    result = make.drift_result((artifact,))
    page = Reading(render_check(make.check_record(result, make.drift_verdict(result)), {"bad.svg": content}))
    assert page.tags["script"] == 0
    assert "This picture is not shown: it holds <script>" in page.words


def test_a_picture_that_shows_its_title_is_not_captioned_twice(make, page):
    assert page.tags["figcaption"] == 1
    assert page.words.count("AGEP: age in years, reference against current") == 1


def test_digests_are_whole_in_title_and_text(make, page):
    assert ("code", "title", make.sha("policy")) in page.attributes
    assert make.sha("policy") in page.words


def test_another_schema_is_refused(make):
    record, _ = make.red_check()
    with pytest.raises(EvidenceError, match="expected a record of schema 'model-governance/check/v1', found 'v0'"):
        render_check(record | {"schema": "v0"}, {})

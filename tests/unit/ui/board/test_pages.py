"""What model, run and comparison say: newness, changes, verification, and that nothing altered is shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from model_governance.notify.deliveries import Delivery, store_deliveries
from model_governance.ui.board import charts
from model_governance.ui.board.compare_page import comparison
from model_governance.ui.board.controls_page import controls_view
from model_governance.ui.board.model_page import model_view, streak_of
from model_governance.ui.board.run_page import ALTERED, MISSING, SAME, run_view

DAG = "governance_synthetic"


def view_of(board, store, number, *, all_objects=False):
    (model,) = board.index.models()
    return run_view(board.index, store, model, board.index.runs(model["id"])[number], all_objects=all_objects)


def alter(store, key):
    path = store.root / key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")


def states(view):
    return {proof.name: proof.state for proof in view["proofs"]}


def test_a_run_says_its_findings_first_and_since_when(board, store):
    view = view_of(board, store, 1)
    (finding,) = view["findings"]["notable"]
    assert finding["finding"].metric == "accuracy"
    assert finding["since"] == "new"
    assert view["sentence"] == "1 of 2 checks stop this run: quality."
    assert view["changes"][0] == "The outcome is fail; in the run of 2026-03-01 it was pass."
    assert [check["name"] for check in view["checks"]] == ["quality", "validation"]


def test_a_finding_that_goes_on_says_for_how_many_runs_and_a_waiver_who_answers(board, store):
    view = view_of(board, store, 2)
    (finding,) = view["findings"]["notable"]
    assert finding["since"] == "2 runs, since 2026-03-02"
    assert finding["waiver"].startswith("waived until 2026-03-31")
    assert any("policy is" in change for change in view["changes"])


def test_every_object_of_an_unaltered_run_has_the_same_bytes(board, store):
    view = view_of(board, store, 1, all_objects=True)
    assert set(states(view).values()) == {SAME}
    assert len(view["proofs"]) > 6
    assert not view["altered"]
    assert view["signed"].startswith("signed by key")


def test_an_altered_record_is_named_and_nothing_of_it_is_shown(board, store, client):
    row = view_of(board, store, 1)["manifest"]["checks"][1]
    alter(store, row["record"]["key"])
    view = view_of(board, store, 1)
    assert states(view)[f"{row['name']}/record"] == ALTERED
    (check,) = [each for each in view["checks"] if each["name"] == row["name"]]
    assert not check["shown"]
    page = client.get(f"/dags/{DAG}/evidence/{view['run']['name']}").text
    assert "Evidence of this run was altered" in page
    assert row["report"]["key"] not in page


def test_an_altered_report_is_found_by_verifying_every_object(board, store):
    report = view_of(board, store, 1)["manifest"]["checks"][0]["report"]
    alter(store, report["key"])
    assert not view_of(board, store, 1)["altered"]
    view = view_of(board, store, 1, all_objects=True)
    assert [proof.state for proof in view["proofs"]].count(ALTERED) == 1
    assert view["altered"]


def test_of_an_altered_manifest_nothing_is_shown(board, store, client):
    run = board.index.runs(1)[1]
    alter(store, run["manifest"])
    view = view_of(board, store, 1)
    assert view["manifest"] is None
    assert states(view)["run manifest"] == ALTERED
    page = client.get(f"/dags/{DAG}/evidence/{run['name']}")
    assert page.status_code == 200
    assert "accuracy" not in page.text


def test_a_missing_manifest_and_a_missing_link_are_said(board, store):
    run = board.index.runs(1)[1]
    (store.root / run["manifest"]).unlink()
    next((store.root / "v1/chain").rglob("0000000002*")).unlink()
    assert states(view_of(board, store, 1)) == {"link": MISSING, "run manifest": MISSING}


def test_a_model_page_has_a_mark_for_every_check_and_run(board, model):
    view = model_view(board.index, model, now=0.0, span=90, chosen="")
    assert {row["check"]: [cell["outcome"] for cell in row["cells"]] for row in view["heat"]} == {
        "quality": ["pass", "fail", "waived", "pass"], "validation": ["pass"] * 4,
    }  # fmt: skip
    assert view["sentence"] == "Pass since 2026-03-04, 1 run. Before: 1 fail, 1 waived, 1 pass in 3 runs."
    assert [event["letter"] for event in view["events"]] == ["P", "A"]


def test_a_trend_shows_the_chosen_metric_with_its_numbers_as_a_table(board, model):
    view = model_view(board.index, model, now=0.0, span=30, chosen="quality:accuracy")
    trend = view["trend"]
    assert trend["label"] == "accuracy"
    assert len(trend["rows"]) == 4
    assert {row["required"] for row in trend["rows"]} == {"≥ 60%"}
    assert 'class="bound"' in trend["svg"]
    assert 'class="event"' in trend["svg"]


def test_two_runs_differ_where_their_intervals_lie_apart(board, model):
    runs = board.index.runs(model["id"])
    view = comparison(board.index, model, runs[1], runs[0])
    assert (view["older"]["run_id"], view["newer"]["run_id"]) == ("night-1", "night-2")
    answers = {row["label"]: row["answer"] for row in view["rows"]}
    assert answers["accuracy"] == "differs"
    assert answers["critical_failures"] == "same"
    assert view["differs"] == []
    assert "policy" in comparison(board.index, model, runs[1], runs[2])["differs"][0]


def test_what_differs_between_two_runs_is_drawn_as_dumb_bells(board, model, client):
    runs = board.index.runs(model["id"])
    view = comparison(board.index, model, runs[0], runs[1])
    assert 'aria-label="accuracy: ' in view["picture"]
    assert "%, then " in view["picture"]
    assert view["pictured"] == view["counts"]["differs"] == 1
    page = client.get(f"/dags/{DAG}/compare?a={runs[0]['name']}&b={runs[1]['name']}").text
    assert '<svg class="dumbbells"' in page
    same = comparison(board.index, model, runs[0], runs[0])
    assert (same["picture"], same["pictured"]) == ("", 0)


def test_control_coverage_says_fresh_old_and_none_and_never_satisfied(board, model, client):
    now = model["moment"] + 3 * 86_400
    fresh = controls_view(board.index, [model], catalog="", now=now)
    old = controls_view(board.index, [model], catalog="", now=now + 60 * 86_400)
    cells = [row["cells"][0] for row in fresh["rows"]]
    assert {cell["state"] for cell in cells} == {"fresh", "none"}
    assert {row["cells"][0]["state"] for row in old["rows"]} == {"old", "none"}
    assert all(cell["why"] for cell in cells)
    assert "compliant" not in client.get("/coverage").text


@pytest.mark.parametrize(
    ("outcomes", "streak"),
    [([], 0), (["pass"], 0), (["fail", "pass"], 0), (["pass", "fail", "warn"], 2), (["fail", None, "fail"], 1)],
)
def test_a_streak_ends_at_a_pass_and_at_a_gap(outcomes, streak):
    assert streak_of(outcomes) == streak


def test_marks_differ_in_shape_and_a_strip_says_what_it_shows():
    shapes = {
        re.sub(r"-?[\d.]+ ", "", charts.mark(outcome).partition(' d="')[2])
        for outcome in ("pass", "warn", "fail", "error", "uncertain", "waived", "skipped", "")
    }
    assert len(shapes) == 8
    assert charts.strip_sentence("1115.") == "The last 5 runs: 1 fail, 3 pass, 1 unreadable. The newest: unreadable."
    assert charts.strip("") == ""


def point(value, low=None, high=None, bound=None, outcome="pass"):
    return {"value": value, "low": low, "high": high, "bound": bound, "outcome": outcome, "day": "2026-03-01"}


def coordinates(svg):
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg)]


def test_everything_of_a_trend_lies_within_the_picture():
    points = [point(0.5, 0.1, 0.9, 0.2), point(None), point(6.0, 5.0, 7.0, 0.1, "fail"), point(-1.0, -2.0, 0.0, 8.0)]
    svg = charts.trend(points, label="psi[<AGE>]", events=[(2, "P")])
    assert "<AGE>" not in svg
    assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in coordinates(svg))


def test_a_missing_value_leaves_a_gap_and_a_changed_bound_a_step():
    svg = charts.trend(
        [point(1.0, bound=2.0), point(None), point(1.0, bound=3.0), point(1.0, bound=4.0)], label="m", events=[]
    )
    line = re.search(r'class="line" d="([^"]+)"', svg)[1]
    assert (line.count("M"), line.count("L")) == (2, 1)
    bound = re.search(r'<path class="bound" d="([^"]+)"', svg)[1]
    assert bound.count("V") == 1


def test_there_is_no_trend_of_one_run_and_none_without_numbers():
    assert charts.trend([point(1.0)], label="m", events=[]) == ""
    assert charts.trend([point(None), point(None)], label="m", events=[]) == ""
    assert charts.sparkline([None, 1.0], None) == ""


def test_a_constant_metric_is_drawn():
    assert all(0 <= y <= charts.HEIGHT for _, y in coordinates(charts.trend([point(0.0)] * 3, label="m", events=[])))


def test_a_run_under_another_policy_shows_which_lines_of_it_changed(board, store, client):
    same, other = view_of(board, store, 1), view_of(board, store, 2)
    assert same["difference"] == []
    kinds = {line["kind"] for line in other["difference"]}
    assert {"+", "@"} <= kinds
    added = [line["text"] for line in other["difference"] if line["kind"] == "+"]
    assert any("2026-03-31" in line for line in added)
    (model,) = board.index.models()
    page = client.get(f"/dags/{DAG}/evidence/{board.index.runs(model['id'])[2]['name']}").text
    assert "What changed in the policy" in page
    assert '<span class="added">+' in page


def test_a_channel_that_failed_is_named_on_the_page_of_the_run(board, store, client):
    (model,) = board.index.models()
    run = board.index.runs(model["id"])[1]
    assert view_of(board, store, 1)["told"] == []
    shared = {"severity": "warn", "owner": None, "content": "run"}
    tries = [
        [Delivery(type="slack", connection="team", status="failed", problem="HTTP 500 at <b>hook</b>", **shared)],
        [
            Delivery(type="mail", connection="mail", status="sent", **shared),
            Delivery(type="slack", connection="team", status="failed", problem="HTTP 503 at <b>hook</b>", **shared),
        ],
    ]
    for deliveries in tries:
        moment = datetime.fromtimestamp(run["moment"], UTC)
        store_deliveries(store, "synthetic", moment=moment, manifest=run["manifest"], deliveries=deliveries)
    assert [(each["channel"], each["status"]) for each in view_of(board, store, 1)["told"]] == [
        ("slack (team)", "failed"), ("mail (mail)", "sent"),
    ]  # fmt: skip
    page = client.get(f"/dags/{DAG}/evidence/{run['name']}").text
    assert "HTTP 503 at &lt;b&gt;hook&lt;/b&gt;" in page
    assert "HTTP 500" not in page

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

import project
import synthetic
from model_governance.checks import find
from model_governance.contract.check import Check
from model_governance.contract.connections import PlainConnections
from model_governance.errors import CheckError, StoreUnreachable, SubjectUnreachable
from model_governance.report.terminal import run_table
from model_governance.run import derive_seed
from model_governance.verdict.violation import ThresholdViolation


@pytest.fixture
def small(tmp_path):
    return project.small_project(tmp_path)


def record_of(small, done) -> dict:
    return json.loads(small.store.get(done.record.key))


def test_a_good_night_passes_and_everything_is_stored(small):
    archived = small.run()
    assert archived.verdict.outcome == "pass"
    archived.raise_if_it_stops()
    manifest = json.loads(small.store.get(archived.manifest.key))
    assert [one["name"] for one in manifest["checks"]] == ["validation", "quality"]
    assert manifest["model"]["sha256"] == small.raw["model"]["sha256"]
    for check in manifest["checks"]:
        for stored in (check["record"], check["report"], *check["artifacts"]):
            assert small.store.get(stored["key"])
    assert small.store.get(manifest["policy"]["key"]) == small.policy_file.read_bytes()


def test_the_same_inputs_give_the_same_record_byte_for_byte(small):
    first, second = small.check("quality"), small.check("quality")
    assert first.record == second.record
    assert first.report == second.report
    assert first.artifacts == second.artifacts


def test_a_violation_is_recorded_before_anything_is_raised(small):
    small.write_current(synthetic.rows(seed=3).assign(label=lambda frame: 1 - frame["label"]))
    done = small.check("quality")
    assert record_of(small, done)["verdict"]["outcome"] == "fail"
    with pytest.raises(ThresholdViolation, match="accuracy"):
        done.raise_if_it_stops()


def test_a_check_that_cannot_measure_is_recorded_as_error_and_raised_with_its_cause(small):
    small.write_current(synthetic.rows(seed=3).drop(columns="income"))
    done = small.check("quality")
    record = record_of(small, done)
    assert record["verdict"]["outcome"] == "error"
    assert "income" in record["problem"]
    assert record["result"] is None
    with pytest.raises(CheckError, match="could not measure") as caught:
        done.raise_if_it_stops()
    assert caught.value.__cause__ is not None


def test_an_error_stops_even_a_policy_that_never_fails(small):
    small.change(fail_on="never")
    small.write_current(synthetic.rows(seed=3).drop(columns="income"))
    assert small.check("quality").verdict.stops


class Unreachable(PlainConnections):
    def s3(self, name):
        raise SubjectUnreachable("nobody there")

    def engine(self, name):
        raise SubjectUnreachable("nobody there")


def test_infrastructure_trouble_decides_nothing_and_is_raised(small):
    small.change(datasets=small.raw["datasets"] | {"current": {"uri": "s3://bucket/current.parquet"}})
    from model_governance.run import run_check

    with pytest.raises(SubjectUnreachable):
        run_check(small.policy(), "quality", run=small.night(), store=small.store, connections=Unreachable())
    assert list(small.store.keys("v1/")) == []


class FullStore:
    uri = "full://"

    def put_once(self, key, content, *, media_type):
        raise StoreUnreachable("no space")

    def get(self, key):
        raise StoreUnreachable("no space")

    def keys(self, prefix):
        return iter(())

    def locate(self, key):
        return key


def test_without_evidence_there_is_no_verdict(small):
    from model_governance.run import run_check

    with pytest.raises(StoreUnreachable):
        run_check(small.policy(), "quality", run=small.night(), store=FullStore(), connections=PlainConnections())


def test_a_check_that_never_reported_is_an_error_of_the_night(small):
    archived = small.archive(small.check("quality"))
    assert archived.verdict.stops
    assert archived.outcomes == {"validation": "error", "quality": "pass"}
    assert "left no verdict" in archived.verdict.sentence


def test_an_unexpected_exception_is_an_error_too(small):
    quality = find("model_quality")

    def explode(subject, params, seed):
        raise ZeroDivisionError("a bug")

    broken = Check(**{name: getattr(quality, name) for name in quality.__slots__} | {"measure": explode})
    done = small.check("quality", check=broken)
    assert done.verdict.outcome == "error"
    assert "unexpected ZeroDivisionError: a bug" in done.verdict.sentence


def test_the_archive_of_a_night_is_written_once(small):
    runs = [small.check(name) for name in ("validation", "quality")]
    first, second = small.archive(*runs), small.archive(*runs)
    assert first.manifest == second.manifest
    assert len([key for key in small.store.keys("v1/runs/") if key.endswith("run_manifest.json")]) == 1


def test_a_change_is_judged_against_the_approved_run(small):
    small.change(
        checks={
            "quality": {
                "kind": "model_quality",
                "thresholds": [
                    {"metric": "accuracy", "min_absolute_change": -0.05},
                    {"metric": "accuracy", "geq_to": 0.1},
                ],
            }
        }
    )
    first = small.run(datetime(2026, 3, 1, tzinfo=UTC))
    assert first.verdict.findings[0].outcome == "uncertain"
    half_wrong = synthetic.rows(seed=3)
    half_wrong.loc[half_wrong.index % 3 == 0, "label"] = 1 - half_wrong["label"]
    small.write_current(half_wrong)
    second = small.run(datetime(2026, 3, 2, tzinfo=UTC), "night-2")
    assert second.verdict.findings[0].outcome == "fail"
    assert second.verdict.findings[0].baseline == first.verdict.findings[0].value
    third = small.run(datetime(2026, 3, 3, tzinfo=UTC), "night-3")
    assert third.verdict.findings[0].baseline == second.verdict.findings[0].baseline, "a failed night is no baseline"


def test_a_change_is_judged_against_the_champion_on_the_same_rows(small):
    champion = small.raw["model"] | {"name": "champion"}
    small.change(
        champion=champion,
        checks={
            "quality": {
                "kind": "model_quality",
                "thresholds": [{"metric": "roc_auc", "min_absolute_change": 0.001, "against": "champion"}],
            }
        },
    )
    finding = small.check("quality").verdict.findings[0]
    assert finding.value == finding.baseline, "a model is as good as itself"
    assert finding.outcome in ("fail", "uncertain")


def test_the_seed_follows_from_what_is_measured(small):
    subject, other = synthetic.subject(), synthetic.subject()
    policy = small.policy()
    assert derive_seed(policy, subject, "drift") == derive_seed(policy, other, "drift")
    assert derive_seed(policy, subject, "drift") != derive_seed(policy, subject, "quality")
    changed = subject.with_frame("current", subject.datasets["current"].frame)
    assert derive_seed(policy, subject, "drift") != derive_seed(policy, changed, "drift")


def test_the_summary_between_tasks_is_small_and_plain(small):
    summary = small.check("quality").summary()
    assert len(json.dumps(summary)) < 5000
    assert set(summary) == {
        "name",
        "kind",
        "outcome",
        "stops",
        "sentence",
        "record",
        "report",
        "artifacts",
        "seconds",
        "started_at",
    }


def test_an_altered_record_is_not_archived(small):
    from model_governance.errors import EvidenceError

    done = small.check("quality")
    path = small.folder / "archive" / done.record.key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"pass"', b'"fail"'))
    with pytest.raises(EvidenceError, match="altered"):
        small.archive(small.check("validation"), done)


def test_what_was_measured_is_kept_although_it_could_not_be_judged(small):
    (small.folder / "champion.skops").write_bytes(b"no model")
    small.change(
        champion=small.raw["model"] | {"name": "champion", "uri": "champion.skops"},
        checks={
            "quality": {
                "kind": "model_quality",
                "thresholds": [{"metric": "roc_auc", "min_absolute_change": 0, "against": "champion"}],
            }
        },
    )
    done = small.check("quality")
    record = record_of(small, done)
    assert record["verdict"]["outcome"] == "error"
    assert "champion.skops" in record["problem"]
    assert {one["name"] for one in record["result"]["metrics"]} >= {"roc_auc", "accuracy"}
    assert "champion.skops" in small.store.get(done.report.key).decode()


def test_a_model_file_that_the_scan_refuses_is_loaded_by_no_check(small, tmp_path):
    bomb = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    scan = {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}
    small.change(checks=project.CHEAP_CHECKS | {"file": scan})
    small.write_model(bomb, "model.pkl", format="pickle", allow_pickle=True)
    archived = small.run()
    assert archived.outcomes == {"validation": "pass", "quality": "error", "file": "fail"}
    assert "quality: could not measure: its task left no verdict (not started" in archived.verdict.sentence
    assert not (tmp_path / "ran").exists()


def planted(*_args, **_kwargs):
    raise KeyError("min_absolute_change")


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("model_governance.report.check_page.draw_scale", id="a picture of a check's page"),
        pytest.param("model_governance.report.run_page.steps_of_run", id="a part of the run's page"),
    ],
)
def test_a_page_that_cannot_be_drawn_keeps_nothing_from_being_archived(small, monkeypatch, target):
    monkeypatch.setattr(target, planted)
    archived = small.run()
    assert archived.verdict.outcome == "pass"
    manifest = json.loads(small.store.get(archived.manifest.key))
    pages = [
        small.store.get(archived.report.key),
        *(small.store.get(one["report"]["key"]) for one in manifest["checks"]),
    ]
    plain = [page.decode() for page in pages if b"could not be drawn" in page]
    assert plain
    assert all("KeyError" in page and "must be" in page for page in plain)
    assert all(small.store.get(one["record"]["key"]) for one in manifest["checks"])


def test_a_change_of_a_metric_that_was_not_measured_is_drawn(small):
    thresholds = [{"metric": "slice_accuracy", "key": "region atlantis", "min_absolute_change": -0.02}]
    params = {"slices": [{"column": "region"}]}
    small.change(checks={"quality": {"kind": "model_quality", "params": params, "thresholds": thresholds}})
    done = small.check("quality")
    page = small.store.get(done.report.key).decode()
    assert "could not be drawn" not in page
    assert "slice_accuracy[region atlantis]</code> is absent" in page
    archived = small.archive(done)
    assert b"could not be drawn" not in small.store.get(archived.report.key)
    Console(file=StringIO(), width=200).print(run_table(json.loads(small.store.get(archived.manifest.key))))
    assert done.verdict.findings[0].requirement == "at most 2 percentage points worse than the approved run"

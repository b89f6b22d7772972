"""What is drawn and rendered of drift: no rows, no rare categories, the same bytes, and Evidently's own method unchanged."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import synthetic
from drift_cases import SEED, measure, with_current
from model_governance.checks.data.data_drift import CHECK, evidently_report
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.contract.result import canonical_json


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


@pytest.fixture(scope="module")
def calm(healthy):
    return CHECK.measure(healthy, DriftParams(), SEED)


def test_evidently_is_the_version_whose_private_parts_are_used():
    from evidently.metrics.column_statistics import ValueDriftCalculation

    assert version("evidently") == "0.7.23", "look at evidently_report.py before the pin moves: it calls _render"
    assert list(inspect.signature(ValueDriftCalculation._render).parameters) == [
        "self",
        "result",
        "options",
        "color_options",
    ]


def test_evidently_shows_what_was_measured_and_its_tests_follow_our_result(healthy):
    result = measure(with_current(healthy, age=healthy.frame("current")["age"] * 12))
    numbers = json.loads(artifact(result, "evidently.json"))
    values = {one["config"]["column"]: one["value"] for one in numbers["metrics"]}
    assert values["age"] == result.metric("psi", key="age").value
    assert values["prediction"] == result.metric("prediction_drift").value
    status = {one["name"]: one["status"] for one in numbers["tests"]}
    assert status["Drift of column age"] == "FAIL"
    assert status["Drift of column region"] == "SUCCESS"
    page = artifact(result, "evidently.html").decode()
    assert "corrected for chance" in page
    assert "north" in page


def test_a_wide_page_draws_the_largest_and_tests_every_column(healthy, monkeypatch):
    monkeypatch.setattr(evidently_report, "MAX_DRAWN", 2)
    result = measure(with_current(healthy, age=healthy.frame("current")["age"] * 12))
    numbers = json.loads(artifact(result, "evidently.json"))
    columns = {one["config"]["column"] for one in numbers["metrics"]}
    assert len(columns) == 6
    assert len(numbers["tests"]) == 6
    page = artifact(result, "evidently.html").decode()
    assert page.count("Drift detection method") == 2
    title = next(one.title for one in result.artifacts if one.name == "evidently.html")
    assert title == "Evidently's report, the 2 columns with the largest PSI"


def test_large_frames_never_reach_evidently(healthy, monkeypatch):
    from evidently import Dataset

    sizes = []
    whole = Dataset.from_pandas
    monkeypatch.setattr(Dataset, "from_pandas", lambda frame, **rest: sizes.append(len(frame)) or whole(frame, **rest))
    measure(healthy)
    assert sizes == [1]


def test_what_is_kept_of_fifty_features_is_small(healthy):
    draw = np.random.default_rng(1)
    features = {f"f{k}": synthetic.COLUMNS.features["income"] for k in range(50)}
    subject = replace(
        healthy, columns=healthy.columns.model_copy(update={"features": features}), model=_constant(healthy.model)
    )
    for role in ("reference", "current"):
        columns = {f"f{k}": draw.normal(50, 5, 2000) for k in range(50)}
        subject = subject.with_frame(role, synthetic.rows(2000, seed=1)[["row", "label"]].assign(**columns))
    result = measure(subject)
    assert len(canonical_json(result.record())) < 300_000
    pictures = [one for one in result.artifacts if one.media_type == "image/svg+xml"]
    assert sum(len(one.content) for one in pictures) < 1_000_000


def test_no_value_of_a_handful_of_rows_is_kept(healthy):
    frame = healthy.frame("current").head(12)
    result = measure(healthy.with_frame("current", frame))
    held = [repr(value) for value in frame["income"]]
    for one in result.artifacts:
        assert not any(value in one.content.decode() for value in held), one.name


def test_columns_of_few_rows_are_scored_with_the_interval_that_they_allow(healthy):
    result = measure(healthy.with_frame("current", healthy.frame("current").head(5)))
    assert "drift_scores.svg" in [drawn.name for drawn in result.artifacts]
    assert {row[4] > 0.5 for row in result.tables[0].rows} == {True}, "the upper limit of the PSI"


def test_rare_categories_are_in_nothing_that_is_kept(healthy):
    subject = replace(healthy, model=_constant(healthy.model))
    for role in ("reference", "current"):
        frame = subject.frame(role)
        subject = subject.with_frame(
            role,
            frame.assign(
                channel=[f"person-{k}" for k in range(400)], region=frame["region"].mask(frame.index < 4, "gnome")
            ),
        )
    result = measure(subject)
    assert b"north" not in canonical_json(result.record())
    for one in result.artifacts:
        assert b"person-1" not in one.content, one.name
        assert b"gnome" not in one.content, one.name
    assert b"all others" in artifact(result, "evidently.html")


# Many categories: another hash seed orders a set of strings in another way, which sums floats in another order.
DIGESTS = f"""
import hashlib, numpy, synthetic
from model_governance.contract.result import canonical_json
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.params import DriftParams

def digests():
    subject = synthetic.subject()
    draw = numpy.random.default_rng(1)
    for role in ("reference", "current"):
        regions = [f"region {{k}}" for k in draw.zipf(1.5, 400) % 61]
        subject = subject.with_frame(role, subject.frame(role).assign(region=regions))
    result = CHECK.measure(subject, DriftParams(), {SEED})
    return [hashlib.sha256(canonical_json(result.record())).hexdigest(), *[one.sha256 for one in result.artifacts]]
"""


def test_another_process_gives_the_same_bytes():
    here: dict = {}
    exec(DIGESTS, here)
    path = os.pathsep.join([str(Path(synthetic.__file__).parent), *filter(None, sys.path)])
    surroundings = os.environ | {"PYTHONHASHSEED": "97", "PYTHONPATH": path}
    command = [sys.executable, "-c", DIGESTS + "print(*digests())"]
    finished = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True)
    assert finished.stdout.split() == here["digests"]()


def test_the_seed_decides_the_ids_of_the_page(healthy, calm):
    other = CHECK.measure(healthy, DriftParams(), SEED + 1)
    assert artifact(other, "evidently.html") != artifact(calm, "evidently.html")
    assert artifact(other, "evidently.json") == artifact(calm, "evidently.json")


def test_a_category_cannot_run_in_the_readers_browser(healthy):
    evil = "</script><script>alert(1)</script>"
    subject = healthy
    for role in ("reference", "current"):
        frame = subject.frame(role)
        subject = subject.with_frame(role, frame.assign(region=frame["region"].replace("east", evil)))
    page = artifact(measure(subject), "evidently.html").decode()
    assert evil not in page
    assert "\\u003c/script>\\u003cscript>alert(1)" in page


def test_pictures_name_the_columns(calm):
    for name in ("drift_scores.svg", "distributions.svg"):
        picture = artifact(calm, name).decode()
        assert "income" in picture
        assert "prediction" in picture


def test_names_that_a_picture_could_misread_are_drawn_as_they_stand(healthy):
    regions = {"north": "$5_{-$10", "south": "\x00\x1b", "east": "<&>"}
    subject = healthy
    for role in ("reference", "current"):
        frame = subject.frame(role)
        subject = subject.with_frame(role, frame.assign(region=frame["region"].map(regions)))
    picture = artifact(measure(subject), "distributions.svg")
    names = {one.text for one in ET.fromstring(picture).iter() if one.text}
    assert {"$5_{-$10", "··", "<&>"} <= names


def artifact(result, name):
    return next(one.content for one in result.artifacts if one.name == name)


def _constant(model):
    """A model that takes any dtype: the columns are what these tests are about."""
    return replace(model, call_proba=lambda frame: np.full((len(frame), 2), 0.5))

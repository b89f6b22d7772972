"""Image columns: the arrays of one column of a Parquet file as pixels, in the subject of a policy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthetic
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Dataset
from model_governance.errors import PolicyError, SubjectError
from model_governance.subjects import load_subject
from model_governance.subjects.image_columns import with_pixel_columns
from project import Project

ARRAYS = np.random.default_rng(0).integers(0, 256, (5, 3, 2, 2)).astype(np.uint8)
COLUMNS = Columns.model_validate({"image": {"column": "scan", "shape": [3, 2, 2], "range": [0, 255]}, "target": "y"})


def dataset(cells, **more) -> Dataset:
    frame = pd.DataFrame({"y": range(len(cells)), "scan": cells, **more})
    return Dataset(role="current", uri="scans", sha256="abc", frame=frame)


def policy_in(folder, **keys):
    pd.DataFrame({"scan": [array.tolist() for array in ARRAYS], "y": range(5)}).to_parquet(folder / "current.parquet")
    raw = {
        "version": 1, "owner": "risk@example.com",
        "model": {"name": "scans", "task": "multiclass_classification", "uri": "m.pt", "sha256": "0" * 64, "format": "torchscript"},
        "datasets": {"current": {"uri": "current.parquet"}},
        "columns": {"image": {"column": "scan", "shape": [3, 2, 2], "range": [0, 255]}, "target": "y"},
        "checks": {"evasion": {"thresholds": [{"metric": "robust_accuracy", "geq_to": 0.5}]}},
    }  # fmt: skip
    return Project(folder=folder, raw=raw).change(**keys).policy()


@pytest.mark.parametrize("nested", [True, False])
def test_nested_and_flat_arrays_of_a_parquet_file_become_the_same_pixels(nested, tmp_path):
    cells = [(array if nested else array.ravel()).tolist() for array in ARRAYS]
    policy = policy_in(tmp_path)
    pd.DataFrame({"scan": cells, "y": range(5)}).to_parquet(tmp_path / "current.parquet")
    subject = load_subject(
        policy, roles=["current"], with_model=False, sources=policy.datasets, connections=PlainConnections()
    )
    frame = subject.features("current")
    assert tuple(frame.columns) == COLUMNS.names
    assert np.array_equal(frame.to_numpy(), ARRAYS.reshape(5, -1))
    assert subject.target("current").tolist() == [0, 1, 2, 3, 4]


def test_arrays_in_memory_keep_their_type_and_the_dataset_its_digest():
    wide = with_pixel_columns(dataset(list(ARRAYS)), COLUMNS)
    assert set(wide.frame.drop(columns="y").dtypes) == {np.dtype(np.uint8)}
    assert (wide.sha256, wide.uri, wide.rows) == ("abc", "scans", 5)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (ARRAYS[0][:2], r"row 1 holds an array of shape \(2, 2, 2\), and columns.image.shape \[3, 2, 2\]"),
        (ARRAYS[0].reshape(2, 2, 3), r"an array of shape \(2, 2, 3\)"),
        (b"\x89PNG", r"no array of numbers \(bytes\).*decode the images upstream"),
        (None, r"no array of numbers \(NoneType\)"),
        ([[1, 2], [3]], r"no array of numbers \(list\)"),
    ],
)
def test_a_cell_that_is_no_such_array_is_named_with_its_row(cell, words):
    with pytest.raises(SubjectError, match=words):
        with_pixel_columns(dataset([ARRAYS[0], cell]), COLUMNS)


def test_a_missing_column_and_a_taken_name_are_errors_and_labels_need_no_image():
    table = Dataset(role="current", uri="scans", sha256="abc", frame=pd.DataFrame({"y": [1]}))
    with pytest.raises(SubjectError, match=r"has no column 'scan', in which columns.image.column expects"):
        with_pixel_columns(table, COLUMNS)
    with pytest.raises(SubjectError, match=r"has the column 'scan_1' beside 'scan'"):
        with_pixel_columns(dataset([ARRAYS[0]], scan_1=[0]), COLUMNS)
    labels = Dataset(role="labels", uri="labels", sha256="abc", frame=pd.DataFrame({"y": [1]}))
    assert with_pixel_columns(labels, COLUMNS) is labels
    assert with_pixel_columns(table, synthetic.COLUMNS) is table


def test_disclosing_the_image_discloses_every_pixel_and_no_other_word_does(tmp_path):
    policy = policy_in(tmp_path, report={"disclose": ["image"]})
    subject = load_subject(
        policy, roles=["current"], with_model=False, sources=policy.datasets, connections=PlainConnections()
    )
    assert subject.disclose == COLUMNS.names
    with pytest.raises(PolicyError, match=r"'picture' is not in columns.features"):
        policy_in(tmp_path, report={"disclose": ["picture"]})


def test_a_threat_model_can_name_single_pixels_of_an_array_column(tmp_path):
    policy = policy_in(tmp_path, threat_model={"features": {"scan_3": {"mutable": False}}})
    assert not policy.threat_model.capability("scan_3", kind="numeric").moves
    with pytest.raises(PolicyError, match=r"scan_12"):
        policy_in(tmp_path, threat_model={"features": {"scan_12": {"mutable": False}}})

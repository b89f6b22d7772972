"""CSV files: what a cell says is what is compared, and the same rows as Parquet give the same numbers."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import project
from model_governance.authoring.compare import compare_files
from model_governance.contract.connections import PlainConnections
from model_governance.errors import PolicyError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset


def load(folder, content: str | bytes, *, csv: dict | None = None, name: str = "rows.csv", **more) -> pd.DataFrame:
    """The rows of a CSV file with this content."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    spec = DatasetSpec.model_validate({"uri": name} | ({"csv": csv} if csv else {}))
    return load_dataset("current", spec, folder=folder, connections=PlainConnections(), **more).frame


def compared(folder, monkeypatch, reference: pd.DataFrame, current: pd.DataFrame, *, ending: str):
    """The comparison of two frames that were written in this format."""
    monkeypatch.chdir(folder)
    for name, frame in (("reference", reference), ("current", current)):
        path = folder / f"{name}.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path, index=False)
    return compare_files(f"reference.{ending}", f"current.{ending}")


def test_na_in_a_csv_is_a_category_and_its_loss_drifts_as_in_parquet(tmp_path, monkeypatch):
    """D1: North America as NA in a quarter of the rows, and no longer there in the next run."""
    words = np.array(["NA", "EU", "AS", "None"])
    reference = pd.DataFrame({"region": words[np.arange(2000) % 4], "age": np.arange(2000) % 60})
    current = reference.assign(region=np.where(reference["region"] == "NA", "EU", reference["region"]))
    csv, parquet = (compared(tmp_path, monkeypatch, reference, current, ending=ending) for ending in ("csv", "parquet"))
    assert csv == parquet
    (region,) = [column for column in csv.columns if column.name == "region"]
    assert region.psi > 0.5
    assert region.p_value == pytest.approx(0, abs=1e-12)


def test_text_stays_text_and_only_the_words_of_the_policy_are_missing(tmp_path):
    """D5: leading zeros, NA, NO, nan and null are what they say; a number is one only where nothing is lost."""
    content = "code,answer,amount,gap,flag,big\n00501,NO,1.50,,True,1\nnan,null,2,7,False,2\n10001,N/A,-3e2,8,True,3\n"
    frame = load(tmp_path, content)
    assert frame["code"].tolist() == ["00501", "nan", "10001"]
    assert frame["answer"].tolist() == ["NO", "null", "N/A"]
    assert frame["amount"].tolist() == [1.5, 2.0, -300.0]
    assert frame["gap"].isna().tolist() == [True, False, False]
    assert frame["flag"].tolist() == [True, False, True]
    assert frame["big"].dtype == "int64"
    named = load(tmp_path, content, csv={"missing": ["", "nan", "N/A"]})
    assert named["code"].tolist() == ["00501", None, "10001"]
    assert named["answer"].isna().tolist() == [False, False, True]


def test_a_value_with_leading_zeros_that_must_not_occur_is_found(tmp_path):
    """D5: `not_in_set ["00501"]` fails where the file holds 00501."""
    small = project.small_project(tmp_path)
    frame = pd.read_parquet(tmp_path / "current.parquet").assign(
        plz=np.where(np.arange(len_of(tmp_path)) % 2, "00501", "10001")
    )
    frame.to_csv(tmp_path / "current.csv", index=False)
    expectation = {
        "type": "expect_column_values_to_not_be_in_set",
        "kwargs": {"column": "plz", "value_set": ["00501"]},
    }
    check = small.raw["checks"]["validation"] | {"params": {"expectations": [expectation]}}
    small.change(datasets=small.raw["datasets"] | {"current": {"uri": "current.csv"}}, checks={"validation": check})
    assert small.check("validation").verdict.outcome == "fail"


def len_of(folder) -> int:
    """Rows of the current data of a project."""
    return len(pd.read_parquet(folder / "current.parquet"))


@pytest.mark.parametrize("word", ["NO", "no", "off", "yes"])
def test_a_yaml_word_in_a_set_of_a_category_is_refused_with_the_cure(tmp_path, word):
    """D5: YAML reads NO as false, and a category never holds it."""
    small = project.small_project(tmp_path)
    column = small.policy().columns.of_kind("category")[0]
    text = small.policy_file.read_text().replace(
        "- type: expect_column_values_to_not_be_null\n        kwargs:\n          column: income",
        f"- type: expect_column_values_to_be_in_set\n        kwargs:\n          column: {column}\n          value_set: [{word}]",
    )
    small.policy_file.write_text(text)
    with pytest.raises(PolicyError) as error:
        small.policy()
    (problem,) = error.value.problems
    assert "quote it" in problem
    assert problem.startswith(f"{small.policy_file}:")
    small.policy_file.write_text(text.replace(f"[{word}]", f"['{word}']"))
    assert small.policy().name == "synthetic"


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        ("a,b\n1,2\n3\n4,5\n", 3, "1 cells"),
        ("a,b\n1,2\n3,4,5\n", 3, "3 cells"),
        ('a,b\n"1\n1",2\n\n3\n', 5, "1 cells"),
        ("a,b,c\n1,2\n3,4\n", 2, "2 cells"),
    ],
    ids=["short", "long", "after a cell of two lines and an empty line", "all short"],
)
def test_a_row_with_other_cells_than_the_header_is_refused_with_its_line(tmp_path, content, line, found):
    """D11: a short row is not filled with missing values."""
    with pytest.raises(SubjectError, match=rf"line {line} holds {found}"):
        load(tmp_path, content)
    with pytest.raises(SubjectError, match=rf"line {line} holds"):
        load(tmp_path, gzip.compress(content.encode(), mtime=0), name="rows.csv.gz")


def test_nineteen_digit_codes_stay_different_and_the_loss_of_one_drifts_as_in_parquet(tmp_path, monkeypatch):
    """D4: codes of a category that float64 would merge, with a gap, in CSV and in Parquet."""
    codes = [4611686018427387905, 4611686018427387906, 4611686018427387907]
    reference = pd.DataFrame({"code": pd.array([*codes * 700, None], dtype="Int64")})
    current = pd.DataFrame({"code": pd.array([*codes[:2] * 1050, None], dtype="Int64")})
    for ending in ("csv", "parquet"):
        path = {name: tmp_path / f"{name}.{ending}" for name in ("reference", "current")}
        for name, frame in (("reference", reference), ("current", current)):
            frame.to_csv(path[name], index=False) if ending == "csv" else frame.to_parquet(path[name], index=False)
        loaded = load_dataset(
            "reference", DatasetSpec(uri=f"reference.{ending}"), folder=tmp_path, connections=PlainConnections()
        )
        assert loaded.frame["code"].dropna().nunique() == 3


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["9223372036854775808", "1"], [9223372036854775808, 1]),
        (["9223372036854775808", "-1"], [9223372036854775808, -1]),
        (["99999999999999999999", "5"], [99999999999999999999, 5]),
        (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
        (["1", "01"], ["1", "01"]),
        (["+1", "2"], [1.0, 2.0]),
        (["inf", "2"], [float("inf"), 2.0]),
        (["inf", "up"], ["inf", "up"]),
        ([" 1.5", "2 "], [1.5, 2.0]),
        (["1e5", "1E-2"], [100000.0, 0.01]),
        (["true", "yes"], ["true", "yes"]),
        (["TRUE", "FALSE"], [True, False]),
    ],
)
def test_a_csv_column_is_a_number_only_where_every_cell_keeps_its_value(tmp_path, cells, values):
    """D4, D5: integers of any length are exact, and what no type holds exactly stays text."""
    frame = load(tmp_path, "x,y\n" + "".join(f"{cell},a\n" for cell in cells))
    assert [
        value if isinstance(value, str) else float(value) if isinstance(value, float) else int(value)
        for value in frame["x"]
    ] == values


def test_numerals_of_a_category_stay_as_they_are_written(tmp_path):
    """D4: versions 1.1 and 1.10 are two categories, and prices 1.1 and 1.10 one number."""
    content = "v,p\n1.1,1.1\n1.10,1.10\n2,2\n"
    frame = load(tmp_path, content, labels=("v",))
    assert frame["v"].tolist() == ["1.1", "1.10", "2"]
    assert frame["p"].tolist() == [1.1, 1.1, 2.0]


def test_delimiter_decimal_mark_and_encoding_are_the_policys(tmp_path):
    """D5: a German export: semicolons, decimal commas, cp1252."""
    content = "stadt;preis\nKöln;1,50\nMünchen;-2\n".encode("cp1252")
    frame = load(tmp_path, content, csv={"delimiter": ";", "decimal": ",", "encoding": "cp1252"})
    assert frame["stadt"].tolist() == ["Köln", "München"]
    assert frame["preis"].tolist() == [1.5, -2.0]
    with pytest.raises(SubjectError, match=r"csv\.encoding"):
        load(tmp_path, content, csv={"delimiter": ";"})


@pytest.mark.parametrize(
    ("csv", "sentence"),
    [
        ({"missing": [False]}, "quote it"),
        ({"delimiter": ",", "decimal": ","}, "are both"),
        ({"delimiter": "ab"}, "at most 1"),
        ({"encoding": "utf-12"}, "no text encoding"),
        ({"separator": ";"}, "Extra inputs"),
    ],
)
def test_a_csv_key_that_cannot_be_meant_is_refused(csv, sentence):
    """D5: the key is read strictly."""
    with pytest.raises(ValueError, match=sentence):
        DatasetSpec.model_validate({"uri": "rows.csv", "csv": csv})
    with pytest.raises(ValueError, match="none; remove it"):
        DatasetSpec.model_validate({"uri": "rows.parquet", "format": "parquet", "csv": {"delimiter": ";"}})


def test_a_large_csv_is_read_in_blocks_with_the_same_types(tmp_path, monkeypatch):
    """D4, D5: the type of a column is that of all its blocks, whether the rows stay in memory or not."""
    from model_governance.subjects import csv_rows, datasets

    rows = [
        f"{number},{number if number < 3000 else f'0{number}'},{'' if number % 7 else number},x"
        for number in range(4000)
    ]
    content = "n,late,gap,t\n" + "\n".join(rows) + "\n"
    whole = load(tmp_path, content)
    monkeypatch.setattr(csv_rows, "BLOCK", 1 << 12)
    monkeypatch.setattr(datasets, "MAX_IN_MEMORY", 10)
    blocks = load(tmp_path, content)
    pd.testing.assert_frame_equal(whole, blocks)
    assert whole["late"].map(type).eq(str).all()
    assert whole["n"].dtype == "int64"


def test_the_index_that_pandas_wrote_into_a_csv_is_no_column(tmp_path):
    """D9: an index that nobody named stands under an empty name; any other empty name is refused."""
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[5, 9])
    assert list(load(tmp_path, frame.to_csv()).columns) == ["a", "b"]
    with pytest.raises(SubjectError, match="column 2 of the header has no name"):
        load(tmp_path, "a,,b\n1,2,3\n")

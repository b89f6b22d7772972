"""`model-governance compare`: two files, no policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

import synthetic
from model_governance.authoring.compare import compare_files
from model_governance.authoring.comparison_table import DISTANCES
from model_governance.cli import main
from model_governance.contract.text import number
from model_governance.errors import SubjectError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sides")
    reference, current = synthetic.rows(3000, seed=2), synthetic.rows(2000, seed=3)
    current["debt"] += 8
    current["extra"] = 1
    for name, frame in (("reference", reference), ("current", current)):
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return str(folder / "reference.parquet"), str(folder / "current.parquet")


def test_every_column_of_both_is_compared_and_the_rest_is_named(files):
    found = compare_files(*files)
    assert {one.name for one in found.columns} == {"row", "income", "debt", "age", "region", "channel", "label"}
    assert found.not_compared == ("extra (in one dataset only)",)
    assert dict(found.rows) == {"reference": 3000, "current": 2000}


def test_the_numbers_are_those_of_the_field(files):
    reference, current = synthetic.rows(3000, seed=2)["debt"], synthetic.rows(2000, seed=3)["debt"] + 8
    line = next(one for one in compare_files(*files).columns if one.name == "debt")
    assert line.ks == pytest.approx(ks_2samp(reference, current).statistic, abs=1e-12)
    assert line.wasserstein == pytest.approx(wasserstein_distance(reference, current) / np.std(reference), abs=1e-9)
    assert line.psi > 0.1
    assert line.p_value < 1e-6


def test_quick_leaves_out_what_needs_the_values_in_order_and_says_the_same(files):
    full, quick = compare_files(*files), compare_files(*files, quick=True)
    assert [one.equal_width_psi for one in quick.columns] == [one.equal_width_psi for one in full.columns]
    assert all(one.ks is None and one.psi is None for one in quick.columns)


def test_the_command_shows_the_largest_change_first(files, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")  # where lines are narrow, names are folded
    assert main(["compare", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [one.split()[0] for one in lines if one.strip()]
    assert shown.index("row") < shown.index("debt") < shown.index("income")
    assert "not compared: extra (in one dataset only)" in lines


def test_files_without_a_common_column_are_refused(files, tmp_path):
    synthetic.rows(seed=1)[["row"]].rename(columns={"row": "key"}).to_parquet(tmp_path / "other.parquet", index=False)
    with pytest.raises(SubjectError, match="no column in common"):
        compare_files(files[0], str(tmp_path / "other.parquet"))


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_r17_no_number_is_cut_and_what_has_no_room_is_named(files, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    found = compare_files(*files)
    assert main(["compare", *files]) == 0
    written = capsys.readouterr().out
    assert "…" not in written
    assert max(map(len, written.splitlines())) <= width
    rows = [line.split() for line in written.splitlines()]
    for line in found.columns:
        (cells,) = [row for row in rows if row[:1] == [line.name] and len(row) > 2]
        assert number(line.psi, digits=3) == cells[1]
    titles = next(row for row in rows if row[:1] == ["column"])
    caption = " ".join(written.split()).partition("characters: ")[2].partition(", see --json")[0]
    assert {*titles, *caption.split(", ")} >= set(DISTANCES.values())
    assert set(titles).isdisjoint(caption.split(", "))
    assert bool(caption) == (width < 160)


def test_tables_of_a_database_are_named_behind_a_hash_and_give_the_numbers_of_their_files(files, tmp_path, capsys):
    import duckdb

    with duckdb.connect(tmp_path / "rows.duckdb") as connection:
        for role, path in zip(("reference", "current"), files, strict=True):
            connection.execute(f"create table {role} as select * from '{path}'")
    base = f"duckdb:///{tmp_path}/rows.duckdb"
    tables = compare_files(f"{base}#reference", f"{base}#current")
    assert tables.columns == compare_files(*files).columns
    assert main(["compare", f"{base}#reference", f"{base}#absent"]) != 0
    assert "no table absent" in capsys.readouterr().err


def test_a_hash_in_the_name_of_a_file_is_part_of_it(files, tmp_path):
    odd = tmp_path / "rows#1.parquet"
    odd.write_bytes(Path(files[0]).read_bytes())
    assert dict(compare_files(str(odd), files[1]).rows) == {"reference": 3000, "current": 2000}

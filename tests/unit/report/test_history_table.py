"""Lines of blocks over runs."""

from __future__ import annotations

from model_governance.report.history_table import WIDTH, history_table, outcome_line, sparkline
from model_governance.verdict import RANK


def test_a_line_goes_from_the_smallest_to_the_largest_value():
    assert sparkline([1, 2, 3]) == "▁▅█"
    assert sparkline([5, 5]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([None, 1.0, 2.0]) == " ▁█"


def test_many_runs_share_a_block_by_their_mean():
    assert sparkline([0, 0, 10, 10, None, None], width=3) == "▁█ "
    assert len(sparkline(list(range(10_000)))) == WIDTH


def test_one_bad_run_among_many_is_seen():
    line = outcome_line(["pass"] * 5000 + ["fail"] + ["pass"] * 4999)
    assert len(line) == WIDTH
    assert line.count("▇") == 1


def test_a_worse_outcome_is_higher():
    line = outcome_line(list(RANK))
    assert list(line) == sorted(line)


def test_a_history_without_runs_is_a_table_all_the_same():
    series = [{"check": None, "metric": None, "key": None, "outcomes": [], "values": None}]
    table = history_table({"model": "loans", "runs": 0, "first": None, "last": None, "series": series})
    assert table.row_count == 1

from __future__ import annotations

from model_governance.contract.slices import named_values


def test_values_of_ten_rows_are_named_and_rarer_ones_counted():
    assert named_values(["yes"] * 10 + ["no"] * 9) == "'yes' and 1 with fewer than 10 rows each"
    assert named_values(["no"] * 9) == "1 with fewer than 10 rows each"
    assert named_values([2, 3] * 10) == "2, 3"
    assert named_values(range(3)) == "3 with fewer than 10 rows each"


def test_of_many_values_the_first_are_named():
    assert named_values([*range(8)] * 10 + [9]) == "0, 1, 2, 3, 4 and 3 more and 1 with fewer than 10 rows each"

"""What follows spark:// in a uri, as Spark names its master."""

from __future__ import annotations

import pytest

from model_governance.subjects.tables import master_of


@pytest.mark.parametrize(
    ("address", "master"),
    [
        ("local", "local"),
        ("local[2]", "local[2]"),
        ("local-cluster[2,1,1024]", "local-cluster[2,1,1024]"),
        ("localhost:7077", "spark://localhost:7077"),
        ("first:7077,second:7077", "spark://first:7077,second:7077"),
    ],
)
def test_a_host_whose_name_begins_with_local_is_a_cluster(address, master):
    assert master_of(address) == master

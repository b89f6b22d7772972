"""Laws of adjusted p-values, and the published adjustment as an oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from model_governance.stats.multiplicity import adjusted

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(p_values)
def test_benjamini_hochberg_is_scipys(values):
    assert adjusted(values, "benjamini_hochberg") == pytest.approx(tuple(false_discovery_control(values, method="bh")))


@given(p_values, st.sampled_from(["benjamini_hochberg", "bonferroni"]))
def test_adjusting_never_adds_evidence_and_keeps_the_order(values, method):
    found = adjusted(values, method)
    assert all(after >= before or after == pytest.approx(before) for before, after in zip(values, found, strict=True))
    ranked = [one for _, one in sorted(zip(values, found, strict=True))]
    assert ranked == sorted(ranked)


@given(p_values)
def test_bonferroni_asks_for_at_least_as_much_as_benjamini_hochberg(values):
    pairs = zip(adjusted(values, "bonferroni"), adjusted(values, "benjamini_hochberg"), strict=True)
    assert all(strict >= loose or strict == pytest.approx(loose) for strict, loose in pairs)


def test_what_is_no_p_value_is_refused():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        adjusted([0.2, 1.2], "bonferroni")

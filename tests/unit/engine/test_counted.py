"""Many runs in one array must be the runs one by one, as the engine counts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counted import joined
from model_governance.engine.cells import Table, pool_neighbours, pool_rare
from model_governance.engine.distances import chi_square_p, population_stability

counts = st.lists(st.integers(0, 60), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), reference=counts, in_order=st.booleans())
def test_an_array_of_runs_gives_the_numbers_of_the_engine(data, reference, in_order):
    cells = len(reference)
    runs = data.draw(st.lists(st.lists(st.integers(0, 60), min_size=cells, max_size=cells), min_size=1, max_size=4))
    runs = [one for one in runs if sum(one)]
    if not runs or not sum(reference):
        return
    found = joined(np.array(reference), np.array(runs), in_order=in_order)
    psi, p_values = found.psi(), found.p_values()
    for place, run in enumerate(runs):
        held = np.array(reference), np.array(run)
        if not in_order:  # the engine's table holds only labels that one side has
            seen = held[0] + held[1] > 0
            held = held[0][seen], held[1][seen]
        table = Table(reference=held[0], current=held[1])
        table = pool_neighbours(table) if in_order else pool_rare(table)
        assert found.cells[place] == table.cells
        assert p_values[place] == pytest.approx(chi_square_p(table), rel=1e-9, abs=1e-300)
        assert psi[place] == pytest.approx(population_stability(table).value, rel=1e-9, abs=1e-12)


def test_every_run_may_have_a_reference_of_its_own():
    draw = np.random.default_rng(1)
    references, runs = (draw.multinomial(500, np.full(6, 1 / 6), size=3) for _ in range(2))
    alone = [joined(references[k], runs[[k]], in_order=True).p_values()[0] for k in range(3)]
    assert list(joined(references, runs, in_order=True).p_values()) == pytest.approx(alone)

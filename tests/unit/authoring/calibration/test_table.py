from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_governance.authoring.calibration.curve import Curve, Proposal
from model_governance.authoring.calibration.results import Calibrated
from model_governance.authoring.calibration.table import cells, detectable, false_fails, proposed, rounded
from model_governance.policy import Threshold


def calibrated(side: str = "upper", *, proposal=None, critical=(0.1, 0.2, 0.3)) -> Calibrated:
    condition = "less_than" if side == "upper" else "geq_to"
    return Calibrated(
        check="c", kind="k", place=0, threshold=Threshold(metric="m", **{condition: 0.5}), level=0.01, runs_per_year=365,
        passes=Curve(critical=np.array(critical), side=side), fails=Curve(critical=np.array(critical), side=side),
        detectable=None, detectable_now=None, seen_at_twice=None,
        proposal=proposal or Proposal(bound=None, method="none", reason="too few"),
    )  # fmt: skip


@given(st.floats(1e-6, 1e6), st.sampled_from([1, -1]), st.sampled_from(["upper", "lower"]))
def test_a_bound_is_rounded_outward_and_by_less_than_one_in_its_third_digit(size, sign, side):
    bound = sign * size
    written = rounded(calibrated(side), bound)
    assert written >= bound if side == "upper" else written <= bound
    assert abs(written - bound) <= 1.001 * 10 ** (math.floor(math.log10(size)) - 2)


def test_a_bound_just_past_a_step_is_not_rounded_back_onto_it():
    assert rounded(calibrated(), float(np.nextafter(0.6, 1))) == 0.601
    assert rounded(calibrated("lower"), 0.6) == 0.6


def test_a_cell_without_an_answer_is_a_dash():
    assert proposed(calibrated()) == detectable(calibrated()) == "-"


def test_false_fails_are_told_with_their_interval():
    assert false_fails(calibrated(critical=(0.1,) * 90 + (0.6,) * 10)) == "36 (18 to 64)"


def test_outcomes_of_unchanged_runs_are_told_under_the_current_bound():
    assert cells(calibrated(critical=(0.1,) * 90 + (0.6,) * 10))[3:6] == (
        "90.0% (82.4 to 95.1)",
        "0%",
        "10.0% (4.9 to 17.6)",
    )

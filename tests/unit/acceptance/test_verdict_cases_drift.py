"""Verdicts on data drift that hold in real life: the bound against the budget, rare things, one column among many.

Every case goes through the real check and the real judge. Columns are drawn independently, so that each stands for a
run of its own where a case asks for many runs: its metrics are then judged alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm, poisson

from drift_cases import numbers_only
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.contract.model import Model
from model_governance.contract.result import Metric
from model_governance.contract.subject import Columns, Dataset, Feature, Subject
from model_governance.policy import AlarmSpec
from model_governance.stats.limits import ExactShare
from verdict_cases import verdict

PSI = {"metric": "psi", "less_than": 0.1}
SHIFT_OF_PSI_009 = 0.3054
"""Mean shift of a normal column, in standard deviations, whose PSI over tenths is 0.09."""


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


def measured(reference: dict, current: dict, **params):
    """The result of the check on these columns; joint drift and the model have cases of their own."""
    frames = {"reference": pd.DataFrame(reference), "current": pd.DataFrame(current)}
    kinds = {name: _kind(frames["reference"][name]) for name in reference}
    model = Model(
        name="constant", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: np.zeros(len(frame)),
    )  # fmt: skip
    subject = Subject(
        name="case", task="regression", model=model,
        columns=Columns(features={name: Feature(kind=kind) for name, kind in kinds.items()}),
        datasets={
            role: Dataset(role=role, uri=role, sha256=f"{place:064x}", frame=frame)
            for place, (role, frame) in enumerate(frames.items())
        },
    )  # fmt: skip
    return CHECK.measure(subject, DriftParams(joint=False, **params), 3)


def _kind(column: pd.Series) -> str:
    if column.dtype == bool:
        return "boolean"
    return "numeric" if pd.api.types.is_numeric_dtype(column) else "category"


def outcomes(result, *thresholds) -> dict:
    """Outcome of each label, all columns judged together as a policy does."""
    return {finding.label: finding.outcome for finding in verdict(result.metrics, *thresholds).findings}


def each_alone(result, threshold=PSI) -> Counter:
    """How often each outcome comes when every column is the only one of its run."""
    alone = [metric for metric in result.metrics if metric.name == threshold["metric"]]
    return Counter(verdict([metric], threshold).outcome for metric in alone)


def flags(draw: np.random.Generator, rows: int, share: float) -> np.ndarray:
    return np.where(draw.random(rows) < share, "yes", "no")


def exactly(rows: int, share: float) -> np.ndarray:
    """A flag with exactly this share."""
    return np.where(np.arange(rows) < round(rows * share), "yes", "no")


# V1


@pytest.mark.parametrize("rows", [500, 3000])
def test_a_steady_change_within_the_bound_is_never_red(rows):
    """V1: the true PSI is .09 under a bound of .1. Beyond chance it has changed, beyond the bound it has not."""
    draw, runs = np.random.default_rng(1), 40
    reference = {f"x{run}": draw.normal(size=20_000) for run in range(runs)}
    current = {name: draw.normal(SHIFT_OF_PSI_009, 1, rows) for name in reference}
    found = each_alone(measured(reference, current))
    assert found["fail"] == 0
    assert found["error"] == 0


def test_twice_the_bound_is_red_at_the_first_chance():
    """The other side of V1: at 2,000 rows a PSI of .2 under a bound of .1 is red in at least 95 of 100 runs."""
    draw, runs = np.random.default_rng(2), 40
    reference = {f"x{run}": draw.normal(size=20_000) for run in range(runs)}
    current = {name: draw.normal(0.4585, 1, 2000) for name in reference}
    assert each_alone(measured(reference, current))["fail"] >= 0.93 * runs


@pytest.mark.parametrize("rows", [500, 3000])
def test_a_steady_change_within_the_bound_is_not_red_by_accumulated_evidence(rows):
    """V1: a hundred runs, one after the other, beside the one reference whose own error they all share."""
    draw, runs = np.random.default_rng(23), 100
    reference = draw.normal(size=20_000)
    columns = {f"x{run}": draw.normal(SHIFT_OF_PSI_009, 1, rows) for run in range(runs)}
    result = measured(dict.fromkeys(columns, reference), columns)
    found = _judged([replace(result.metric("psi", key=name), key="x") for name in columns], PSI)
    assert {finding.outcome for finding in found} <= {"pass", "uncertain"}


# V3, V4: rare things that rise


@pytest.mark.parametrize(
    ("n", "before", "m", "after"),
    [(200_000, 0.00025, 500, 0.6), (20_000, 0.0005, 1000, 0.06), (50_000, 0.0001, 2000, 0.05)],
    ids=["v3", "v4", "one-in-ten-thousand"],
)
@pytest.mark.parametrize("kind", ["text", "numbers", "boolean"])
def test_a_rare_flag_that_becomes_common_is_red(n, before, m, after, kind):
    """V3 and V4: whatever holds the flag, and although the reference hardly knows it."""
    holds = {
        "text": lambda flag: flag,
        "numbers": lambda flag: (flag == "yes") * 1.0,
        "boolean": lambda flag: flag == "yes",
    }
    reference, current = ({"flag": holds[kind](exactly(rows, share))} for rows, share in ((n, before), (m, after)))
    assert outcomes(measured(reference, current), PSI) == {"psi[flag]": "fail"}


def test_the_drafted_thresholds_see_a_rare_flag_that_becomes_common():
    """V3: under what `policy init` writes; and before, no finding says how small a change of the flag would show."""
    draw = np.random.default_rng(24)
    reference = {"flag": exactly(200_000, 0.00025), "x": draw.normal(size=200_000)}
    kinds = {"flag": Feature(kind="category"), "x": Feature(kind="numeric")}
    drafted = CHECK.suggest(pd.DataFrame(reference), Columns(features=kinds)).thresholds
    runs = {share: {"flag": exactly(500, share), "x": draw.normal(size=500)} for share in (0.6, 0.0)}
    results = {share: measured(reference, current) for share, current in runs.items()}
    thresholds = [one for one in drafted if one["metric"] in {metric.name for metric in results[0.6].metrics}]
    found = verdict(results[0.6].metrics, *thresholds).findings
    assert {finding.label for finding in found if finding.outcome == "fail"} >= {"psi[flag]"}
    assert {finding.outcome for finding in found if finding.key == "x"} <= {"pass", "uncertain"}
    before = {finding.label: finding for finding in verdict(results[0.0].metrics, PSI).findings}
    assert before["psi[flag]"].detectable is None
    assert before["psi[x]"].detectable > 0.1


def test_a_third_value_that_becomes_common_is_red():
    """Of the kind of V3: a column of three numbers whose third is rare."""
    values = {"before": [0.0, 1.0, 2.0], "after": [0.0, 1.0, 2.0]}
    reference = {"level": np.repeat(values["before"], [10_000, 9_990, 10])}
    current = {"level": np.repeat(values["after"], [450, 450, 100])}
    assert outcomes(measured(reference, current), PSI) == {"psi[level]": "fail"}


def test_a_label_that_vanishes_is_red():
    reference = {"town": np.repeat(["a", "b", "c"], [10_000, 8_000, 2_000])}
    current = {"town": np.repeat(["a", "b"], [1_100, 900])}
    assert outcomes(measured(reference, current), PSI) == {"psi[town]": "fail"}


def test_a_tail_that_moves_among_zeros_is_red():
    """Of the kind of V14: 3% of the amounts are above 0, and now 15% are."""
    draw = np.random.default_rng(3)
    reference = {"amount": np.where(draw.random(20_000) < 0.03, draw.exponential(size=20_000), 0.0)}
    current = {"amount": np.where(draw.random(2_000) < 0.15, draw.exponential(size=2_000), 0.0)}
    assert outcomes(measured(reference, current), PSI) == {"psi[amount]": "fail"}


# V5, V14: rare things that stay


@pytest.mark.parametrize("rows", [500, 1000])
@pytest.mark.parametrize("numbers", [False, True], ids=["text", "numbers"])
def test_an_unchanged_rare_flag_is_neither_red_nor_an_error(rows, numbers):
    """V5: a 1% flag."""
    draw, runs = np.random.default_rng(4), 40

    def drawn(n: int) -> np.ndarray:
        flag = flags(draw, n, 0.01)
        return (flag == "yes") * 1.0 if numbers else flag

    reference = {f"flag{run}": drawn(20_000) for run in range(runs)}
    found = each_alone(measured(reference, {name: drawn(rows) for name in reference}))
    assert set(found) <= {"pass", "uncertain"}
    assert found["pass"] >= 0.9 * runs


def test_four_amounts_above_zero_are_no_error():
    """V14."""
    draw, amounts = np.random.default_rng(5), np.zeros(640)
    amounts[[5, 100, 300, 500]] = draw.exponential(100, 4)
    for reference in (amounts, np.where(draw.random(20_000) < 4 / 640, draw.exponential(100, 20_000), 0.0)):
        found = outcomes(measured({"amount": reference}, {"amount": amounts[draw.permutation(640)]}), PSI)
        assert set(found.values()) <= {"pass", "uncertain"}


@pytest.mark.parametrize(("n", "m"), [(30, 30), (5, 2000), (200, 10)], ids=["both", "reference", "current"])
def test_tiny_datasets_are_uncertain_and_never_red(n, m):
    draw, runs = np.random.default_rng(6), 30
    reference = {f"x{run}": draw.normal(size=n) for run in range(runs)}
    reference |= {f"c{run}": draw.choice(["a", "b", "c"], n) for run in range(runs)}
    current = {
        name: draw.normal(size=m) if name.startswith("x") else draw.choice(["a", "b", "c"], m) for name in reference
    }
    found = each_alone(measured(reference, current))
    assert found["fail"] + found["error"] == 0
    assert found["uncertain"] >= runs


def test_an_unchanged_boolean_of_each_share_is_not_red():
    draw = np.random.default_rng(7)
    shares = {f"b{place}": share for place, share in enumerate(np.geomspace(0.0005, 0.5, 30))}
    reference, current = ({name: draw.random(rows) < share for name, share in shares.items()} for rows in (20_000, 700))
    assert set(each_alone(measured(reference, current))) <= {"pass", "uncertain"}


# V6, V7: what a maximum hid


def test_one_moved_column_is_red_among_sparse_ones():
    """V6: ten unchanged sparse columns beside one that moved .36 standard deviations."""
    draw, red = np.random.default_rng(8), 0
    for _ in range(8):
        reference = {f"sparse{place}": flags(draw, 5_000, 0.01) for place in range(10)}
        current = {name: flags(draw, 5_000, 0.01) for name in reference}
        reference["moved"], current["moved"] = draw.normal(size=5_000), draw.normal(0.36, 1, 5_000)
        found = outcomes(measured(reference, current), {"metric": "psi", "less_than": 0.05})
        assert {found[f"psi[sparse{place}]"] for place in range(10)} <= {"pass", "uncertain"}
        red += found["psi[moved]"] == "fail"
    assert red == 8


def test_missing_values_of_one_column_are_not_hidden_by_those_of_another():
    """V7: b went from 0 to 2% for sure, a from 50 to 52.3% perhaps."""

    def column(rows: int, missing: int) -> np.ndarray:
        return np.where(np.arange(rows) < missing, np.nan, np.random.default_rng(9).normal(size=rows))

    result = measured(
        {"a": column(5_000, 2_500), "b": column(5_000, 0)}, {"a": column(5_000, 2_615), "b": column(5_000, 100)}
    )
    found = outcomes(result, {"metric": "missing_increase", "less_than": 0.01})
    assert found["missing_increase[b]"] == "fail"
    assert found["missing_increase[a]"] == "uncertain"


# V20, V21


@pytest.mark.parametrize(("n", "m"), [(3_000, 1_000), (5_000, 2_000)])
def test_unchanged_labels_of_a_long_tail_are_not_new(n, m):
    """V20: a thousand Zipf labels, of which every run holds some that the reference never had."""
    draw, chances = np.random.default_rng(10), 1 / np.arange(1, 1001)
    labels = np.array([f"label{place}" for place in range(1000)])
    drawn = lambda rows: labels[draw.choice(1000, rows, p=chances / chances.sum())]  # noqa: E731
    result = measured({f"c{run}": drawn(n) for run in range(6)}, {f"c{run}": drawn(m) for run in range(6)})
    found = each_alone(result, {"metric": "new_category_share", "leq_to": 0.02})
    assert set(found) <= {"pass", "uncertain"}


def test_labels_that_are_really_new_are_red():
    """The other side of V20."""
    draw = np.random.default_rng(11)
    reference = {"c": np.array(["a", "b", "c"])[draw.integers(0, 3, 5_000)]}
    current = {"c": np.where(draw.random(2_000) < 0.08, "z", "a")}
    found = outcomes(measured(reference, current), {"metric": "new_category_share", "leq_to": 0.02})
    assert found == {"new_category_share[c]": "fail"}


def test_a_column_that_is_nearly_all_missing_is_named():
    """V21: with thresholds on distances only, the few values left are no silent pass."""
    draw = np.random.default_rng(12)
    reference = {"x": draw.normal(size=5_000), "y": draw.normal(size=5_000)}
    current = {"x": np.where(np.arange(5_000) < 10, draw.normal(size=5_000), np.nan), "y": draw.normal(size=5_000)}
    result = measured(reference, current)
    found = outcomes(result, PSI, {"metric": "drift_share", "less_than": 0.5})
    assert found["psi[x]"] == "uncertain"
    assert found["psi[y]"] == "pass"
    assert any("x" in note and "no value" in note for note in result.notes)


# V30


def test_the_stated_detectable_shift_is_red_in_95_of_100_runs():
    """V30: `Finding.detectable` is planted, and judged as any run is."""
    draw, rows, n, runs = np.random.default_rng(13), 2_000, 20_000, 90
    unchanged = measured({"x": draw.normal(size=n)}, {"x": draw.normal(size=rows)})
    metric = unchanged.metric("psi", key="x")
    (finding,) = verdict([metric], PSI).findings
    assert finding.detectable > 0.1
    shift = _shift_with(finding.detectable)
    reference = {f"x{run}": draw.normal(size=n) for run in range(runs)}
    red = each_alone(measured(reference, {name: draw.normal(shift, 1, rows) for name in reference}))["fail"]
    assert binom.isf(0.999, runs, 0.95) <= red <= binom.isf(0.01, runs, 0.95)


TOWNS = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}


def _gaps(draw: np.random.Generator, rows: int, more: float) -> np.ndarray:
    return np.where(draw.random(rows) < 0.05 + more, np.nan, draw.normal(size=rows))


def _towns(draw: np.random.Generator, rows: int, factor: float) -> np.ndarray:
    """Labels of which the rarest has that many times its share."""
    share = TOWNS["d"] * factor
    others = [chance * (1 - share) / (1 - TOWNS["d"]) for chance in list(TOWNS.values())[:-1]]
    return draw.choice(list(TOWNS), rows, p=[*others, share])


def _with_new(draw: np.random.Generator, rows: int, share: float) -> np.ndarray:
    return np.where(draw.random(rows) < share, "z", _towns(draw, rows, 1.0))


@pytest.mark.parametrize(
    ("metric", "bound", "drawn", "unchanged"),
    [
        ("missing_increase", 0.02, _gaps, 0.0),
        ("category_share_ratio", 2.0, _towns, 1.0),
        ("new_category_share", 0.01, _with_new, 0.0),
    ],
)
def test_what_is_stated_to_be_detectable_of_a_share_is_red_in_95_of_100_runs(metric, bound, drawn, unchanged):
    """V30, of missing values and labels; `drawn` gives rows whose true value of the metric is its last argument."""
    draw, rows, n, runs = np.random.default_rng(25), 2_000, 20_000, 60
    threshold = {"metric": metric, "less_than": bound}
    quiet = measured({"x": drawn(draw, n, unchanged)}, {"x": drawn(draw, rows, unchanged)})
    (finding,) = verdict([quiet.metric(metric, key="x")], threshold).findings
    assert bound < finding.detectable < 4 * bound
    reference = {f"x{run}": drawn(draw, n, unchanged) for run in range(runs)}
    current = {name: drawn(draw, rows, finding.detectable) for name in reference}
    assert each_alone(measured(reference, current), threshold)["fail"] >= binom.isf(0.999, runs, 0.95)


def _shift_with(psi: float) -> float:
    """The mean shift of a normal column with this PSI over tenths."""
    edges = norm.ppf(np.arange(11) / 10)

    def lacking(shift: float) -> float:
        after = np.diff(norm.cdf(edges - shift))
        return float(((after - 0.1) * np.log(after / 0.1)).sum()) - psi

    return float(brentq(lacking, 0.0, 3.0))


# What the release must show


def test_an_unchanged_run_with_rare_flags_among_fifty_columns_is_never_red():
    draw = np.random.default_rng(14)

    def frame(rows: int, times: float = 1.0) -> dict:
        rare = {f"flag{place}": flags(draw, rows, share * times) for place, share in enumerate((0.01, 0.001, 0.00025))}
        return rare | {f"x{place}": draw.normal(size=rows) for place in range(47)}

    reference = frame(20_000)
    thresholds = (PSI, {"metric": "missing_increase", "leq_to": 0.05}, {"metric": "drift_share", "less_than": 0.3})
    for _ in range(3):
        found = outcomes(measured(reference, frame(500)), *thresholds)
        assert set(found.values()) <= {"pass", "uncertain"}


def test_rare_flags_that_triple_are_red_at_twenty_thousand_rows():
    reference, current = (
        {f"flag{place}": exactly(rows, times * share) for place, share in enumerate((0.01, 0.001, 0.00025))}
        for rows, times in ((200_000, 1), (20_000, 3))
    )
    found = outcomes(measured(reference, current), {"metric": "psi", "less_than": 0.0002})
    assert (found["psi[flag0]"], found["psi[flag1]"]) == ("fail", "fail")
    assert found["psi[flag2]"] == "uncertain", "15 rows instead of 5 are not enough for an alarm budget"


# Accumulated evidence

AT_LEAST = {"metric": "accuracy", "geq_to": 0.8}


def _accuracy(right: int, n: int) -> Metric:
    limits = ExactShare(successes=right, n=n)
    low, high = limits.interval()
    return Metric(
        name="accuracy", value=right / n, low=low, high=high, n=n, better="higher", meaning="m", limits=limits
    )


def _judged(metrics: list, threshold: dict, **options) -> list:
    """The findings of runs in order, each judged with the verdicts before it."""
    earlier: list = []
    for metric in metrics:
        earlier.insert(0, verdict([metric], threshold, earlier=tuple(earlier), **options))
    return [run.findings[0] for run in reversed(earlier)]


def test_twenty_weak_runs_fail_by_accumulated_evidence():
    """An accuracy of .78 where .8 is asked: in a thousand rows one and a half standard errors, never red at once."""
    draw = np.random.default_rng(20)
    for _ in range(10):
        metrics = [_accuracy(int(right), 1000) for right in draw.binomial(1000, 0.78, 20)]
        found = _judged(metrics, AT_LEAST)
        red = [finding for finding in found if finding.outcome == "fail"]
        assert red
        assert any("accumulated evidence" in finding.sentence for finding in red) or len(red) > 1
        weak = [finding for finding in found if "a fail at most" in finding.sentence]
        assert all("not surely enough" in finding.sentence for finding in weak)


def test_weak_runs_of_drift_fail_by_accumulated_evidence():
    """A true PSI of .15 under a bound of .1, through the check; all runs share one reference."""
    draw, runs = np.random.default_rng(21), 20
    reference = draw.normal(size=50_000)
    columns = {f"x{run}": draw.normal(_shift_with(0.15), 1, 1_000) for run in range(runs)}
    result = measured(dict.fromkeys(columns, reference), columns)
    metrics = [replace(result.metric("psi", key=name), key="x") for name in columns]
    assert sum(verdict([metric], PSI).outcome == "fail" for metric in metrics) <= 8
    assert "fail" in [finding.outcome for finding in _judged(metrics, PSI)]


@pytest.mark.parametrize("truth", [0.8, 0.81, 0.9])
def test_accumulated_evidence_of_runs_within_the_bound_keeps_its_level(truth):
    """At the bound, the least favourable truth, and inside: at most as many red runs as the level explains."""
    alarms = AlarmSpec(false_fails_per_year=36, runs_per_year=365)  # one run in 200 may fail falsely
    draw, years, runs, red = np.random.default_rng(22), 12, 100, 0
    for _ in range(years):
        metrics = [_accuracy(int(right), 500) for right in draw.binomial(500, truth, runs)]
        red += sum(finding.outcome == "fail" for finding in _judged(metrics, AT_LEAST, alarms=alarms))
    assert red <= poisson.isf(1e-3, years * runs * (1 - 0.95) * 37 / 365)

"""Checks what `calibrate` promises on new runs of known laws, and writes include/bench/CALIBRATION.md.

    make bench PART=calibration            (--runs 200 --power 100 for a look)

Each metric has a population whose truth is known in closed form. References are drawn, bounds are calibrated on them,
and new runs are drawn from the population, never from the reference: unchanged ones to see whether the proposed bound
is as quiet as stated, changed ones to see whether a run fails where it is said to.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np  # a script of its own, imported by nobody
import pandas as pd
from kept import Kept
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "plugins")]

# Found through the path above.
from model_governance.authoring.calibration.cells import DrawnColumn, cell_estimates, drawable_columns  # noqa: E402
from model_governance.authoring.calibration.drift import calibrate_drift  # noqa: E402
from model_governance.authoring.calibration.resampling import calibrate_resampled  # noqa: E402
from model_governance.checks import find  # noqa: E402
from model_governance.checks.data.data_drift.metrics import METRICS  # noqa: E402
from model_governance.checks.quality.model_quality.error_growth import with_error_growth  # noqa: E402
from model_governance.checks.quality.model_quality.evaluation import Evaluation  # noqa: E402
from model_governance.checks.quality.model_quality.labels import labelled_rows  # noqa: E402
from model_governance.checks.quality.model_quality.measure import TASKS  # noqa: E402
from model_governance.contract.repetition import repeated  # noqa: E402
from model_governance.contract.result import CheckResult, declared  # noqa: E402
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject  # noqa: E402
from model_governance.engine import open_relation  # noqa: E402
from model_governance.engine.profiles import profile_of  # noqa: E402
from model_governance.policy import AlarmSpec, CheckSpec, Policy  # noqa: E402
from model_governance.stats.intervals import clopper_pearson  # noqa: E402
from model_governance.verdict import judge  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.authoring.calibration.results import Calibrated

RESULTS = Path(__file__).with_name("CALIBRATION.md")
MOMENT = pd.Timestamp("2026-06-01", tz="UTC").to_pydatetime()
ROWS = 2_000
REFERENCE_ROWS = 20_000
REFERENCES = 2
POWER_REFERENCES = 20
WINDOWS = 1_000
SEED = 20260601
COLUMNS = 5
BATCH = 100
SLOPE = 2.0
GRID = np.linspace(-9, 9, 20_001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A metric of a known population.

    Attributes:
        metric: name of the metric.
        kind: of the check that measures it.
        params: of the check, as in a policy.
        threshold: a customary one; its bound is the current one of the policy.
        unchanged: true value while nothing changes.
        change: gives, for a true value, what `draw` needs to draw from it.
        draw: rows of a run, from a number of rows, a generator and a change (None for no change).
    """

    metric: str
    kind: str
    params: dict
    threshold: dict
    unchanged: float
    change: Callable[[float], float]
    draw: Callable[[int, np.random.Generator, float | None], pd.DataFrame]

    def doubled(self, bound: float) -> float:
        """The true value twice as far from the unchanged one as a bound is."""
        return self.unchanged + 2 * (bound - self.unchanged)


def accuracy_at(scale: float) -> float:
    """Accuracy of the model on inputs of this standard deviation."""
    density = norm.pdf(GRID, scale=scale)
    return float((np.maximum(expit(SLOPE * GRID), expit(-SLOPE * GRID)) * density).sum() / density.sum())


def area() -> float:
    """ROC AUC of the model: E[(1 - p(x)) p(y) 1(y > x)] over two inputs, classes being balanced."""
    density = norm.pdf(GRID) / norm.pdf(GRID).sum()
    negatives = np.cumsum(density * expit(-SLOPE * GRID)) - density * expit(-SLOPE * GRID) / 2
    return float((density * expit(SLOPE * GRID) * negatives).sum() * 4)


def binary_rows(count: int, draw: np.random.Generator, *, flipped: float = 0.0, scale: float = 1.0) -> pd.DataFrame:
    """Inputs, their group, and labels of which a share is turned round."""
    x = draw.normal(0, scale, count)
    label = draw.random(count) < expit(SLOPE * x)
    turned = draw.random(count) < flipped
    return pd.DataFrame({"x": x, "group": draw.integers(0, 2, count), "label": (label ^ turned).astype(int)})


def grouped_rows(count: int, draw: np.random.Generator, gap: float) -> pd.DataFrame:
    """As `binary_rows`; the second group is selected more often by `gap`."""
    rows = binary_rows(count, draw)
    return rows.assign(x=rows["x"] + rows["group"] * norm.ppf(0.5 + gap))


def regression_rows(count: int, draw: np.random.Generator, scale: float) -> pd.DataFrame:
    """Inputs, which are the answers too, and targets with normal errors."""
    x = draw.normal(size=count)
    return pd.DataFrame({"x": x, "group": 0, "label": x + draw.normal(0, scale, count)})


def shifted_rows(count: int, draw: np.random.Generator, shift: float, *, columns: int) -> pd.DataFrame:
    """Normal columns, the first of them shifted."""
    values = draw.normal(size=(count, COLUMNS))
    values[:, :columns] += shift
    return pd.DataFrame({f"x{place}": values[:, place] for place in range(COLUMNS)})


def psi_of(shift: float) -> float:
    """Population stability index over tenths of a standard normal column that moved by `shift`."""
    ends = np.array([-np.inf, *norm.ppf(np.arange(1, 10) / 10), np.inf])
    moved = np.diff(norm.cdf(ends - shift))
    return float(((moved - 0.1) * np.log(moved / 0.1)).sum())


def laws() -> list[Law]:
    """The metrics that are checked."""
    accuracy, ranking, spread = accuracy_at(1.0), area(), np.sqrt(2 / np.pi)

    def flips(unchanged: float) -> Callable[[float], float]:
        # Turning round labels of balanced classes moves accuracy and area on a straight line to their complement.
        return lambda value: (unchanged - value) / (2 * unchanged - 1)

    def turned(count: int, draw: np.random.Generator, flipped: float | None) -> pd.DataFrame:
        return binary_rows(count, draw, flipped=flipped or 0.0)

    return [
        Law(metric="psi", kind="data_drift", params={}, threshold={"less_than": 0.1}, unchanged=0.0,
            change=lambda value: brentq(lambda shift: psi_of(shift) - value, 0, 3),
            draw=lambda count, draw, shift: shifted_rows(count, draw, shift or 0.0, columns=1)),
        Law(metric="drift_share", kind="data_drift", params={}, threshold={"less_than": 0.2}, unchanged=0.0,
            change=lambda value: value,
            draw=lambda count, draw, share: shifted_rows(count, draw, 0.5, columns=round((share or 0) * COLUMNS))),
        Law(metric="accuracy", kind="model_quality", params={"resamples": 100}, threshold={"geq_to": accuracy - 0.05},
            unchanged=accuracy, change=flips(accuracy), draw=turned),
        Law(metric="roc_auc", kind="model_quality", params={"resamples": 100}, threshold={"geq_to": ranking - 0.05},
            unchanged=ranking, change=flips(ranking), draw=turned),
        Law(metric="mae", kind="model_quality", params={}, threshold={"leq_to": 1.2 * spread}, unchanged=spread,
            change=lambda value: value / spread,
            draw=lambda count, draw, scale: regression_rows(count, draw, scale or 1.0)),
        Law(metric="demographic_parity_difference", kind="fairness", params={"groups": ["group"]},
            threshold={"less_than": 0.1}, unchanged=0.0, change=lambda value: value,
            draw=lambda count, draw, gap: grouped_rows(count, draw, gap or 0.0)),
        Law(metric="estimated_accuracy", kind="performance_estimation", params={"resamples": 50},
            threshold={"geq_to": accuracy - 0.05}, unchanged=accuracy,
            change=lambda value: brentq(lambda scale: accuracy_at(scale) - value, 0.02, 3),
            draw=lambda count, draw, scale: binary_rows(count, draw, scale=scale or 1.0)),
    ]  # fmt: skip


def subject_of(law: Law, reference: pd.DataFrame) -> Subject:
    """The reference with the model whose probabilities are the true ones."""
    features = [name for name in reference.columns if name.startswith("x")]
    columns = Columns(
        features={name: Feature(kind="numeric") for name in features}, target="label", positive=None
    )  # fmt: skip
    regression = law.metric == "mae"
    task = "regression" if regression else "binary_classification"
    model = Model(
        name="known", format="none", sha256="0" * 64, task=task, native=None, classes=() if regression else (0, 1),
        call=(lambda rows: rows["x"].to_numpy()) if regression else (lambda rows: (rows["x"] > 0).astype(int)),
        call_proba=None if regression else lambda rows: expit(SLOPE * np.outer(rows["x"], [-1.0, 1.0])),
    )  # fmt: skip
    return Subject(
        name="bench", task=task, columns=columns, model=model,
        datasets={"reference": Dataset("reference", "reference", f"reference {law.metric}", reference)},
    )  # fmt: skip


class Bench:
    """One law with one reference, and new runs judged beside it."""

    def __init__(self, law: Law, number: int) -> None:
        self.law, self.check = law, find(law.kind)
        self.draw = np.random.default_rng([SEED, number, sum(map(ord, law.metric))])
        self.subject = subject_of(law, law.draw(REFERENCE_ROWS, self.draw, None))
        self.columns: list = []
        self.params = self.check.params.model_validate(law.params)
        self.policy = Policy.model_construct(
            checks={"c": CheckSpec(kind=law.kind, thresholds=[{"metric": law.metric, **law.threshold}])}, waivers=(),
            fail_on="error", on_uncertain="warn", alarms=AlarmSpec(),
        )  # fmt: skip

    def calibrated(self, number: int) -> Calibrated:
        """The calibration of the threshold with this reference and this seed."""
        if self.law.kind == "data_drift":
            (found,) = calibrate_drift(
                self.policy, "c", [0], kind="data_drift", subject=self.subject, params=self.params, windows=WINDOWS,
                rows=ROWS, seed=number,
            )  # fmt: skip
        else:
            (found,) = calibrate_resampled(
                self.policy, "c", [0], check=self.check, subject=self.subject, params=self.params,
                windows=WINDOWS // 5, rows=ROWS, seed=number,
            )  # fmt: skip
        return found

    def outcomes(self, runs: int, *, bound: float, truth: float | None = None) -> list[str]:
        """Outcomes of new runs under a bound, drawn from the unchanged population or from one with this true value."""
        change = None if truth is None else self.law.change(truth)
        threshold = self.policy.checks["c"].thresholds[0]
        moved = threshold.model_copy(update={threshold.condition: bound})
        policy = self.policy.model_copy(
            update={"checks": {"c": self.policy.checks["c"].model_copy(update={"thresholds": (moved,)})}}
        )
        measure = {"data_drift": self._drift, "model_quality": self._quality}.get(self.law.kind, self._rows)
        found = []
        with repeated():
            for start in range(0, runs, BATCH):
                count = min(BATCH, runs - start)
                results = measure(self.law.draw(count * ROWS, self.draw, change), count)
                found += [judge("c", result, policy, moment=MOMENT).outcome for result in results]
        return found

    def _rows(self, rows: pd.DataFrame, count: int) -> list[CheckResult]:
        """The whole check, run by run."""
        return [
            self.check.measure(self._beside(rows.iloc[run * ROWS : (run + 1) * ROWS]), self.params, 1)
            for run in range(count)
        ]

    def _quality(self, rows: pd.DataFrame, count: int) -> list[CheckResult]:
        """The estimators that the check uses, for all runs at once: the model answers, then each run is a slice."""
        subject = self._beside(rows)
        evaluation = Evaluation(subject=subject, labelled=labelled_rows(subject), params=self.params, seed=1)
        whole = TASKS[subject.task](evaluation)
        run_of = np.arange(len(rows)) // ROWS
        return [
            CheckResult(
                kind=self.law.kind, seed=1,
                metrics=tuple(declared(self.check.metrics, with_error_growth(estimate)) for estimate in whole.on_rows(run_of == run)),
            )
            for run in range(count)
        ]  # fmt: skip

    def _drift(self, rows: pd.DataFrame, count: int) -> list[CheckResult]:
        """The distances of the check, without those that no threshold here asks for."""
        if not self.columns:
            families = dict.fromkeys(self.subject.columns.names, "numbers")
            self.columns = drawable_columns(self.subject, self.params)
            self.cells = profile_of(open_relation(self.subject.datasets["reference"]), families).cells
        results, wanted = [], frozenset({self.law.metric})
        for run in range(count):
            drawn = []
            for column in self.columns:
                edges = np.array(self.cells[column.name].inner)
                values = rows[column.name].to_numpy()[run * ROWS : (run + 1) * ROWS]
                counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
                pair = (np.append(number, [0, 0]) for number in (column.counts, counts))
                drawn.append(DrawnColumn(column, *pair))
            estimates = cell_estimates(drawn, self.params, wanted)
            metrics = tuple(declared(METRICS, estimate) for estimate in estimates)
            results.append(CheckResult(kind="data_drift", seed=1, metrics=metrics))
        return results

    def _beside(self, rows: pd.DataFrame) -> Subject:
        current = Dataset("current", "current", "drawn", rows.reset_index(drop=True))
        return replace(self.subject, datasets={**self.subject.datasets, "current": current})


def share(count: int, total: int) -> str:
    """`4.2% (3.4 to 5.2)`."""
    low, high = clopper_pearson(count, total)
    return f"{count / total:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def rows_of(law: Law, *, runs: int, power: int) -> tuple[str, str]:
    """The two table rows of one law."""
    benches = [Bench(law, number) for number in range(REFERENCES)]
    began = time.process_time()
    found = [bench.calibrated(number) for number, bench in enumerate(benches)]
    cost = (time.process_time() - began) / REFERENCES
    bounds = [calibrated.proposal.bound for calibrated in found]
    unchanged = [
        outcome
        for bench, bound in zip(benches, bounds, strict=True)
        for outcome in bench.outcomes(runs // REFERENCES, bound=bound)
    ]
    quiet = (
        f"| {law.metric} | {', '.join(f'{bound:.4g}' for bound in bounds)} | {len(unchanged):,} | "
        f"{share(len(unchanged) - unchanged.count('pass'), len(unchanged))} | "
        f"{share(unchanged.count('fail'), len(unchanged))} | {found[0].passes.windows} | {cost:.0f} |"
    )
    bound, least = found[0].seen_at_twice, found[0].detectable
    doubled = law.doubled(bound)
    stated = "-" if least is None else f"{least:.4g}"
    seen = "-" if least is None else share(failing(law, bound=bounds[0], truth=least, runs=power), power)
    strong = (
        f"| {law.metric} | {bound:.4g} | {doubled:.4g} | {share(failing(law, bound=bound, truth=doubled, runs=power), power)} | "
        f"{stated} | {seen} |"
    )
    return quiet, strong


def failing(law: Law, *, bound: float, truth: float, runs: int) -> int:
    """Of so many changed runs those that fail, beside `POWER_REFERENCES` references: one alone errs in all of its runs."""
    each = runs // POWER_REFERENCES
    benches = (Bench(law, 100 + number) for number in range(POWER_REFERENCES))
    return sum(bench.outcomes(each, bound=bound, truth=truth).count("fail") for bench in benches)


def page(quiet: list[str], strong: list[str], *, power: int) -> str:
    """The results as Markdown."""
    return "\n".join(
        [
            "# What calibrated bounds do on new runs",
            "",
            f"Written by `include/bench/calibration.py`: populations of known truth, {REFERENCES} references of {REFERENCE_ROWS:,}",
            f"rows each, runs of {ROWS:,} rows, one threshold in the policy, the default alarm budget.",
            "",
            "## Unchanged runs under the proposed bound (new runs, from the population)",
            "",
            "Stated: at most 5% of unchanged runs are uncertain, with 95% confidence for each reference, and false fails keep",
            "the alarm budget. `psi` and `drift_share` are not proposed below what matters in practice (0.02, and one column).",
            "",
            "| metric | proposed, by reference | new runs | not passed (95% interval) | failed (95% interval) | windows | CPU s a calibration |",
            "|---|---|---|---|---|---|---|",
            *quiet,
            "",
            f"## Changed runs (at most {power:,} runs a cell)",
            "",
            "Twice the bound: the true value lies twice as far from the unchanged one as the bound does, under the bound from",
            "which `calibrate` says that this is seen. The stated smallest visible value is that of `detects` under the proposed",
            f"bound. Both with the first reference; the runs stand beside {POWER_REFERENCES} others.",
            "",
            "`drift_share` counts: it shows one column more or none, so what it states it shows nearly always.",
            "",
            "| metric | twice is seen from | true value at twice the bound | failed in the first run (stated 95%) | stated smallest visible value | failed there (stated 95%) |",
            "|---|---|---|---|---|---|",
            *strong,
            "",
        ]
    )


def measured(options: argparse.Namespace, place: int) -> list[str]:
    """The two table rows of one law; those that are kept where a run broke off."""
    law = laws()[place]
    whole = options.whole if law.kind in ("fairness", "performance_estimation") else None
    runs, power = (min(count, whole or count) for count in (options.runs, options.power))
    return Kept(options.folder).once(f"{law.metric}-{runs}-{power}", partial(rows_of, law, runs=runs, power=power))


def main() -> None:
    """Measure, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2_000, help="new unchanged runs a metric")
    parser.add_argument("--power", type=int, default=1_000, help="changed runs a cell, a multiple of the references")
    parser.add_argument("--whole", type=int, help="runs of each kind where the whole check is measured run by run")
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench-calibration"), help="keeps what was measured")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with Pool(options.workers) as pool:
        rows = pool.map(partial(measured, options), range(len(laws())), chunksize=1)
    quiet, strong = map(list, zip(*rows, strict=True))
    RESULTS.write_text(page(quiet, strong, power=options.power))


if __name__ == "__main__":
    main()

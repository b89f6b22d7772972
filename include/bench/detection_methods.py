"""The methods of the detection bench, and the environment that each one runs in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detection_evidently import EvidentlyColumns
from detection_nannyml import DomainClassifier, RealisedPerformance, Reconstruction, Univariate
from detection_others import KernelDiscrepancy, RunMeans, TabularTests
from detection_ours import Ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from detection_runs import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One method: how it is made, in which environment, whether it sees labels, its number, and why it is not measured."""

    make: Callable[..., Method]
    peer: str = ""
    labels: bool = True
    number: str
    left_out: str = ""


METHODS = {
    "ours": Entry(make=Ours, number="level of the verdict's fail, of the run alone or of the runs so far"),
    "Evidently columns": Entry(make=EvidentlyColumns, number="largest drift score of the default preset's tests"),
    "NannyML univariate": Entry(
        make=Univariate, peer="nannyml", number="largest Jensen-Shannon distance, in its own limits"
    ),
    "NannyML PCA": Entry(
        make=Reconstruction, peer="nannyml", labels=False, number="PCA reconstruction error, in its own limits"
    ),
    "NannyML domain classifier": Entry(
        make=DomainClassifier,
        peer="nannyml",
        labels=False,
        number="ROC AUC of its domain classifier",
        left_out="it trains five classifiers for each run, several CPU seconds each time on this machine",
    ),
    "NannyML performance": Entry(
        make=RealisedPerformance, peer="nannyml", number="realised accuracy and ROC AUC, in their own limits"
    ),
    "alibi-detect KS, chi2": Entry(
        make=TabularTests, peer="alibi", number="smallest p-value of a column (Bonferroni over them)"
    ),
    "alibi-detect MMD": Entry(
        make=KernelDiscrepancy, peer="alibi", labels=False, number="squared MMD, Gaussian kernel"
    ),
    "river ADWIN": Entry(make=RunMeans.adwin, peer="river", number="smallest delta that rings, on the means of runs"),
    "river Page-Hinkley": Entry(
        make=RunMeans.page_hinkley, peer="river", number="largest threshold that rings, on the means of runs"
    ),
}

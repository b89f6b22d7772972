"""What reconstructions reveal of a class: distances compared with held-out rows and with the public centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.model_inversion.distance_ratio import SMOOTHING, nearest_distance_ratio
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.gower import GowerDistance
    from model_governance.checks.privacy.model_inversion.candidates import Candidates, ClassRows
    from model_governance.checks.privacy.model_inversion.distance_ratio import DistanceRatio
    from model_governance.checks.privacy.model_inversion.reconstruction import Reconstructions

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLeakage:
    """What one attack revealed of one class: distances, gain, and the confidence that it reached."""

    attack: str
    class_rows: ClassRows
    restarts: int
    confidence: float
    confidence_interval: Interval
    distance_ratio: DistanceRatio | None
    gain: float
    gain_interval: Interval
    truncated: bool

    @property
    def key(self) -> str:
        """Attack and class, as a threshold names them."""
        return f"{self.attack}@{self.class_rows.name}"


def compare(
    attack: str, reconstructions: Reconstructions, candidates: Candidates, *, resamples: int, seed: int
) -> list[ClassLeakage]:
    """Compare the reconstructions of every class with its training rows, held-out rows and public centre."""
    import numpy as np

    leaks = []
    for class_rows in candidates.classes:
        own = np.flatnonzero(reconstructions.classes == class_rows.number)
        rows, confidence = reconstructions.rows.iloc[own].reset_index(drop=True), reconstructions.confidence[own]
        generator = np.random.default_rng(seed)
        distance_ratio = nearest_distance_ratio(
            rows, class_rows, candidates.distance, resamples=resamples, generator=generator
        )
        gain, gain_interval = inversion_gain(
            rows, class_rows, candidates.distance, resamples=resamples, generator=generator
        )
        mean, interval = _mean(confidence, resamples=resamples, seed=seed)
        leaks.append(
            ClassLeakage(
                attack=attack, class_rows=class_rows, restarts=len(own), confidence=mean, confidence_interval=interval,
                distance_ratio=distance_ratio, gain=gain, gain_interval=gain_interval,
                truncated=reconstructions.truncated,
            )
        )  # fmt: skip
    return leaks


def estimates(leaks: Sequence[ClassLeakage]) -> tuple[Estimate, ...]:
    """Every metric of the check, in the order of the record."""
    metrics = []
    for leak in leaks:
        near, class_rows = leak.distance_ratio, leak.class_rows
        too_few = f"too few rows of class {class_rows.name!r} are held out ({len(class_rows.held_out):,})"
        centre = "the class" if class_rows.in_public else "all classes, as the public rows hold too few of this one"
        metrics += [
            Estimate(
                name="nearest_training_distance_ratio", value=near.ratio if near else None, n=near.rows if near else 0,
                interval=near.interval if near else None, key=leak.key,
                detail=f"nearest to {near.distinct} of {near.rows:,} rows" if near else "",
                reason="" if near else too_few, absence="error" if near else "uncertain", p_value=near.p_value if near else None,
            ),
            Estimate(
                name="inversion_gain", value=leak.gain, n=len(class_rows.trained), interval=leak.gain_interval,
                key=leak.key, detail=f"compared with the public centre of {centre}",
            ),
            Estimate(
                name="confidence_reached", value=leak.confidence, n=leak.restarts, interval=leak.confidence_interval,
                key=leak.key,
            ),
        ]  # fmt: skip
    return tuple(metrics)


def inversion_gain(
    reconstructed: pd.DataFrame,
    class_rows: ClassRows,
    distance: GowerDistance,
    *,
    resamples: int,
    generator: np.random.Generator,
) -> tuple[float, Interval]:
    """How much nearer reconstructions are to the training rows than the public centre is, as a share of its distance.

    The bootstrap interval resamples reconstructions and training rows together, so that equal reconstructions make it
    no narrower than the training rows allow.
    """
    import numpy as np

    distances = distance.pairwise(reconstructed, class_rows.trained)
    public = distance.pairwise(class_rows.centre, class_rows.trained)[0]

    def share(starts: np.ndarray, rows: np.ndarray) -> float:
        own = float(distances[starts].mean(axis=0)[rows].mean())
        return 1 - (own + SMOOTHING) / (float(public[rows].mean()) + SMOOTHING)

    restarts, members = distances.shape
    starts = generator.integers(0, restarts, (resamples, restarts))
    rows = generator.integers(0, members, (resamples, members))
    resampled = [share(starts[number], rows[number]) for number in range(resamples)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return share(np.arange(restarts), np.arange(members)), (float(low), float(high))


def _mean(values: np.ndarray, *, resamples: int, seed: int) -> tuple[float, Interval]:
    """Mean over restarts with its bootstrap interval."""
    mean = float(values.mean())
    interval = bootstrap(lambda rows: float(values[rows].mean()), len(values), seed=seed, resamples=resamples)
    return mean, interval or (mean, mean)

"""Predicts samples of both datasets once, and compares the predictions as one more column."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.column_drift import compare_columns, row_statistics
from model_governance.checks.data.data_drift.joint_clusters import clusters_of
from model_governance.checks.data.data_drift.row_dependence import RowDependence, noise_of, usable_runs
from model_governance.checks.data.data_drift.score_cells import score_cells
from model_governance.checks.data.data_drift.windows import PreviousProfiles
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.dependence import DesignEffect, combined, design_effect
from model_governance.engine.profiles import profile_of
from model_governance.engine.publishing import publishable_profile
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import numpy as np
    import pandas as pd

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.contract.subject import Model, Role, Subject
    from model_governance.engine import Relation
    from model_governance.engine.dependence import Dependence
    from model_governance.engine.profiles import ColumnProfile, Family

NAME = "prediction"
DEFAULT_THRESHOLD = 0.5
NO_PROFILES = PreviousProfiles(profiles=(), notes=())
PROFILE_ONLY = "a profile replaces the reference, so the model cannot predict its rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What the model answers on a seeded sample of each dataset.

    Attributes:
        name: of the column that the answers form; no feature has it.
        family: `numbers` for values and for probabilities of the positive class, `categories` for labels.
        reference: answers on the reference, (rows,); None where a profile replaces its rows.
        current: answers on current rows, (rows,); None with a `reason` where the model failed on them.
        reason: why there are no answers on current rows.
        positive: the positive class of a binary classifier, None for any other model.
        threshold: the probability from which a row is flagged, None where answers are no probabilities.
        clusters: what each predicted row belongs to, (rows,) by role; empty where no column says.
        model: digest of the model.
    """

    name: str
    family: Family
    reference: np.ndarray | None
    current: np.ndarray | None
    reason: str = ""
    positive: Any = None
    threshold: float | None = None
    clusters: Mapping[str, np.ndarray] = field(default_factory=dict)
    model: str = ""

    @property
    def rows(self) -> dict[str, int]:
        """Predicted rows by role."""
        answers = {"reference": self.reference, "current": self.current}
        return {role: len(values) for role, values in answers.items() if values is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionDrift:
    """The drift of the predictions, or the reason why it is absent, and how many rows were predicted by role.

    `stored` is the column of this run's predictions as its profile keeps it, for the runs after it.
    """

    drift: ColumnDrift | None
    reason: str
    rows: dict[str, int]
    stored: ColumnProfile | None = None


def predict(subject: Subject, comparison: Comparison, *, max_rows: int, seed: int) -> Predictions:
    """Let the model predict a seeded sample of each dataset, for everything that looks at its answers.

    A model that fails on the reference is broken and raises. One that fails on current rows leaves the predictions
    uncompared, which no threshold passes, so that the columns that made it fail are still shown.

    Args:
        subject: holds the model, its task, the positive class and the decision threshold.
        comparison: both datasets.
        max_rows: most rows of each dataset that the model predicts.
        seed: of the samples.

    Raises:
        ModelMisbehaved: the model fails on the reference.
        CheckError: the positive class is none of the model's, or there is a decision threshold and no probabilities.
    """
    import numpy as np
    import pandas as pd

    model = subject.require_model()
    answer, family = _answers(subject, model)
    positive = _positive(subject, model) if subject.task == "binary_classification" else None
    threshold = _threshold(subject, model)
    name = NAME
    while name in subject.columns.features:
        name += "_"

    names, entity = subject.columns.names, subject.columns.entity or subject.columns.batch
    read = names if entity is None or entity in names else (*names, entity)
    clusters: dict[str, np.ndarray] = {}

    def of(relation: Relation, own_seed: int) -> np.ndarray:
        answers, entities = [], []
        for frame in relation.sample_frames(max_rows, seed=own_seed, names=read):
            answers.append(answer(frame[list(names)]))
            entities += [] if entity is None else [frame[entity]]
        if entities:
            clusters[relation.role] = clusters_of(pd.concat(entities, ignore_index=True))
        return np.concatenate(answers)

    reference = None if comparison.reference is None else of(comparison.reference, seed)
    current, reason = None, ""
    try:
        current = of(comparison.current, seed + 1)
    except ModelMisbehaved as error:
        reason = str(error)
    return Predictions(
        name=name, family=family, reference=reference, current=current, reason=reason, positive=positive,
        threshold=threshold, clusters=clusters, model=model.sha256,
    )  # fmt: skip


def compare_predictions(predictions: Predictions, previous: PreviousProfiles = NO_PROFILES) -> PredictionDrift:
    """Compare the predictions as one column; scores count in cells that resolve their upper tail.

    Args:
        predictions: the model's answers on both datasets.
        previous: profiles of earlier runs. Predictions of the same model in them say how much its answers vary from run to run.
    """
    reference, current, name = predictions.reference, predictions.current, predictions.name
    if reference is None:
        return PredictionDrift(drift=None, rows=predictions.rows, reason=PROFILE_ONLY)
    if current is None:
        return PredictionDrift(drift=None, rows=predictions.rows, reason=predictions.reason)
    before, now = _relation(name, "reference", reference), _relation(name, "current", current)
    families: dict[str, Family] = {name: predictions.family}
    threshold = predictions.threshold
    cells = None if threshold is None else {name: score_cells(before, name, threshold=threshold)}
    frozen = profile_of(before, families, cells=cells)
    inner = frozen.cells[name].inner if predictions.family == "numbers" else None
    profile = profile_of(now, families, cells=frozen.cells, sketched=False)
    (drift,) = compare_columns(
        frozen, profile, dependence=RowDependence(values={name: prediction_dependence(predictions, inner, previous)}),
        statistics=row_statistics(before, now, families),
    )  # fmt: skip
    stored = publishable_profile(profile, now, reference=frozen).columns[name]
    return PredictionDrift(drift=drift, reason="", rows=predictions.rows, stored=stored)


def prediction_dependence(
    predictions: Predictions, inner: tuple[float, ...] | None, previous: PreviousProfiles
) -> Dependence:
    """What rows that belong together, and noise between runs, add to the variance of the predictions' cells, or labels.

    Args:
        predictions: the model's answers on both datasets.
        inner: edges of the cells of PSI; None for labels.
        previous: profiles of earlier runs.
    """
    name, rows = predictions.name, predictions.rows
    earlier = tuple(
        (moment, replace(profile, columns={name: profile.predictions}))
        for moment, profile in previous.profiles
        if profile.predictions is not None and profile.model == predictions.model
    )
    noise, _ = noise_of({name: usable_runs(name, PreviousProfiles(profiles=earlier, notes=()))})[name]
    own = _clustered(predictions, inner) if predictions.clusters else (DesignEffect(), DesignEffect())
    return combined(*own, rows=(rows["reference"], rows["current"]), noise=noise)


def _clustered(predictions: Predictions, inner: tuple[float, ...] | None) -> tuple[DesignEffect, DesignEffect]:
    import numpy as np
    import pandas as pd

    answers: dict[str, Any] = {"reference": predictions.reference, "current": predictions.current}
    effects: list[DesignEffect] = []
    for role, values in answers.items():
        codes = pd.factorize(values)[0] if inner is None else np.searchsorted(inner, values, side="right")
        effects.append(design_effect(codes, predictions.clusters[role]))
    return effects[0], effects[1]


def _relation(name: str, role: Role, predictions: np.ndarray) -> Relation:
    import pandas as pd

    frame = pd.DataFrame({name: predictions})
    return open_relation(Dataset(role=role, uri=f"predictions on {role}", sha256="derived", frame=frame))


def _answers(subject: Subject, model: Model) -> tuple[Callable[[pd.DataFrame], np.ndarray], Family]:
    """What is compared: the probability of the positive class, the label, or the value."""
    if subject.task in ("regression", "ranking", "forecasting"):
        return model.predict, "numbers"
    if subject.task == "multiclass_classification" or model.call_proba is None:
        return model.predict, "categories"
    place = model.classes.index(_positive(subject, model))
    return lambda frame: model.predict_proba(frame)[:, place], "numbers"


def _positive(subject: Subject, model: Model) -> Any:
    positive = model.classes[-1] if subject.columns.positive is None else subject.columns.positive
    if positive not in model.classes:
        raise CheckError(
            f"columns.positive is {positive!r} and the model's classes are {', '.join(map(repr, model.classes))}"
        )
    return positive


def _threshold(subject: Subject, model: Model) -> float | None:
    """The probability from which a row is flagged; None where the answers are no probabilities."""
    if subject.task != "binary_classification":
        return None
    if model.call_proba is not None:
        return DEFAULT_THRESHOLD if subject.decision_threshold is None else subject.decision_threshold
    if subject.decision_threshold is not None:
        raise CheckError(
            f"model.decision_threshold needs probabilities and model {model.name!r} offers none; remove it"
        )
    return None

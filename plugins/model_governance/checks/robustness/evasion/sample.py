"""The rows under attack: a seeded sample of complete rows of `current`, and real rows that attacks start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Role, Subject

DONORS = 2_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Sampled rows with predictions (n,); `correct` (n,) is None where there is no accuracy, `no_accuracy` says why.

    `chosen` (n,) are their places in `current`.
    """

    frame: pd.DataFrame
    predicted: np.ndarray
    correct: np.ndarray | None
    chosen: np.ndarray
    notes: tuple[str, ...]
    no_accuracy: str = ""

    @property
    def attacked(self) -> np.ndarray:
        """Numbers of the rows to attack: those classified correctly, or all without labels."""
        import numpy as np

        return np.arange(len(self.frame)) if self.correct is None else np.flatnonzero(self.correct)


def draw_sample(subject: Subject, size: int, generator: np.random.Generator) -> Sample:
    """At most `size` complete rows of `current`, drawn without replacement.

    Raises:
        CheckError: no row is complete, or the model classifies none of the sample correctly.
        SubjectError, ModelMisbehaved: as `Subject.features` and `Model.predict`.
    """
    import numpy as np

    model = subject.require_model()
    features = subject.features("current")
    usable = complete_rows(features)
    notes = []
    if not usable.all():
        notes.append(
            f"{int((~usable).sum()):,} of {len(usable):,} rows hold missing or infinite values and were not attacked"
        )
    labels = None if subject.task == "regression" else _labels(subject)
    no_accuracy = ""
    if subject.task == "regression":
        no_accuracy = "a regression has no accuracy; use attack_success_rate"
    elif labels is None:
        notes.append("no labels in current: attacks are scored against the model's own predictions")
        no_accuracy = "current holds no labels; use attack_success_rate, or give labels in columns.target"
    elif labels.isna().any():
        notes.append(f"{int(labels.isna().sum()):,} of {len(labels):,} rows have no label yet and were not attacked")
        usable &= labels.notna().to_numpy()
    if not usable.any():
        raise CheckError(
            f"{subject.datasets['current'].uri}: none of {len(usable):,} rows is complete (features and label); "
            "attacks need complete rows: impute upstream or take the empty column out of columns.features"
        )
    chosen = np.sort(generator.permutation(np.flatnonzero(usable))[:size])
    if len(chosen) < size:
        notes.append(f"{len(chosen):,} rows sampled instead of {size:,}: there are no more complete ones")
    frame = features.iloc[chosen].reset_index(drop=True)
    predicted = model.predict(frame)
    correct = None if labels is None else np.asarray(labels.iloc[chosen].to_numpy() == predicted, dtype=bool)
    if correct is not None and not correct.any():
        raise CheckError(
            f"model {model.name!r} classifies none of {len(chosen):,} sampled rows correctly, so nothing is left to "
            f"attack; compare the values of column {subject.columns.target!r} with the labels that the model returns"
        )
    return Sample(frame, predicted, correct, chosen, tuple(notes), no_accuracy)


def real_rows(subject: Subject) -> list[tuple[Role, pd.DataFrame]]:
    """Complete rows of `reference` (when given) and `current`: they define ranges and values, and serve as starts."""
    roles: list[Role] = ["reference", "current"] if "reference" in subject.datasets else ["current"]
    frames = []
    for role in roles:
        features = subject.features(role)
        complete = features[complete_rows(features)]
        if len(complete):
            frames.append((role, complete))
    return frames


def draw_donors(frame: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """At most DONORS rows of a frame, drawn without replacement."""
    return frame.iloc[generator.permutation(len(frame))[:DONORS]].reset_index(drop=True)


def complete_rows(features: pd.DataFrame) -> np.ndarray:
    """Mask (n,) of the rows without missing or infinite values."""
    import numpy as np
    import pandas as pd

    complete: np.ndarray = features.notna().all(axis=1).to_numpy()
    for name in features.columns:
        if pd.api.types.is_float_dtype(features[name].dtype):
            complete = complete & np.isfinite(features[name].to_numpy(dtype=np.float64, na_value=np.nan))
    return complete


def _labels(subject: Subject) -> pd.Series | None:
    """The labels of `current` as they are; None where no column or no value is there."""
    target = subject.columns.target
    if target is None or target not in subject.datasets["current"].names:
        return None
    labels = subject.frame("current", columns=[target])[target]
    return None if labels.isna().all() else labels

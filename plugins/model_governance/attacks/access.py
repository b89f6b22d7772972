"""What an attacker with query access sees: probabilities (optionally rounded) or labels only, as arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from model_governance.contract.check import Params
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model, Role, Subject


class AttackerAccess(Params):
    """What the model's endpoint returns to an attacker: probabilities or labels only, and with how many decimals."""

    outputs: Literal["probabilities", "label"] = Field(
        default="probabilities",
        description="what the endpoint returns: class probabilities where the model has them, or the label only",
    )
    decimals: int | None = Field(
        default=None,
        ge=0,
        le=12,
        description="decimals to which the endpoint rounds its numbers; all of them by default",
    )

    @property
    def limits(self) -> tuple[str, ...]:
        """A sentence that says how the outputs are limited; empty where the attacker sees everything."""
        if self.outputs == "probabilities" and self.decimals is None:
            return ()
        what = "only the label" if self.outputs == "label" else f"numbers rounded to {self.decimals} decimals"
        return (f"The attacker sees {what}, as the policy declares under attacker_access.",)


def restrict_outputs(model: Model, access: AttackerAccess) -> Model:
    """The model as an attacker with this access sees it.

    Args:
        model: the model under check.
        access: what its endpoint returns.

    Returns:
        The model without `call_proba` where only labels are returned; its probabilities, and the values of a
        regression, are rounded to `access.decimals`.
    """
    import numpy as np

    call, call_proba, decimals = model.call, model.call_proba, access.decimals
    if access.outputs == "label":
        call_proba = None
    if decimals is None:
        return replace(model, call_proba=call_proba)

    def rounded(predict: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
        return lambda frame: np.round(np.asarray(predict(frame), dtype=np.float64), decimals)

    return replace(
        model,
        call=call if model.classes else rounded(call),
        call_proba=None if call_proba is None else rounded(call_proba),
    )


def outputs(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """The output for each row: probabilities (n, k) where the model has them, else `predicted_labels` as (n, 1).

    Raises:
        ModelMisbehaved: as `Model.predict_proba`.
    """
    return model.predict_proba(frame) if model.call_proba is not None else predicted_labels(model, frame)[:, None]


def predicted_labels(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """The prediction for each row as numbers (n,).

    Returns:
        Class numbers (positions in `model.classes`), -1 for a class that the model does not declare; for a
        regression the predicted values.

    Raises:
        ModelMisbehaved: as `Model.predict`.
    """
    import numpy as np

    predictions = model.predict(frame)
    if not model.classes:
        return np.asarray(predictions, dtype=np.float64)
    numbers = {label: number for number, label in enumerate(model.classes)}
    return np.array([numbers.get(label, -1) for label in predictions.tolist()], dtype=np.float64)


def encode_labels(subject: Subject, role: Role) -> np.ndarray:
    """True labels of a dataset as numbers (n,): positions in the model's classes, or the values of a regression.

    Raises:
        CheckError: a label that the model does not know.
        SubjectError: as `Subject.target`.
    """
    import numpy as np

    model = subject.require_model()
    labels = subject.target(role)
    if not model.classes:
        return labels.to_numpy(dtype=np.float64)
    numbers = {label: number for number, label in enumerate(model.classes)}
    encoded = [numbers.get(label, -1) for label in labels.tolist()]
    unknown = sum(number < 0 for number in encoded)
    if unknown:
        raise CheckError(
            f"{subject.datasets[role].uri}: {unknown:,} of {len(encoded):,} labels in column {subject.columns.target!r} of "
            f"dataset {role!r} are none of the {len(model.classes)} classes of model {model.name!r}; use the labels "
            "that the model was trained on"
        )
    return np.array(encoded)

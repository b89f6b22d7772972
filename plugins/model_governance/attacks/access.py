"""A model as whoever may call it meets it: what its endpoint says of an answer, and answers and labels as numbers."""

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


class EndpointParams(Params):
    """What an attacker hears: less than the model knows, where its endpoint keeps something back."""

    hears: Literal["probabilities", "label"] = Field(
        default="probabilities",
        description="what the endpoint answers: class probabilities where the model has them, or the label alone",
    )
    decimals: int | None = Field(
        default=None,
        ge=0,
        le=12,
        description="decimals that the endpoint rounds its numbers to; all of them by default",
    )

    @property
    def heard(self) -> str:
        """What is kept back, in a sentence; empty where nothing is."""
        if self.hears == "probabilities" and self.decimals is None:
            return ""
        what = "the label alone" if self.hears == "label" else f"numbers of {self.decimals} decimals"
        return f"The attacker hears {what}: that is what the policy says of the endpoint."


def through_endpoint(model: Model, params: EndpointParams) -> Model:
    """The model as its endpoint lets it be heard: labels alone, or numbers to so many decimals."""
    import numpy as np

    call, call_proba, decimals = model.call, model.call_proba, params.decimals
    if params.hears == "label":
        call_proba = None
    if decimals is None:
        return replace(model, call_proba=call_proba)

    def rounded(answer: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
        return lambda frame: np.round(np.asarray(answer(frame), dtype=np.float64), decimals)

    return replace(
        model,
        call=call if model.classes else rounded(call),
        call_proba=None if call_proba is None else rounded(call_proba),
    )


def spoken(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """The answer to each row: probabilities (n, k) where there are some, else `said` (n, 1)."""
    return model.predict_proba(frame) if model.call_proba is not None else said(model, frame)[:, None]


def said(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """The prediction for each row (n,): the number of the class, -1 for one that the model does not declare, or a value."""
    import numpy as np

    answers = model.predict(frame)
    if not model.classes:
        return np.asarray(answers, dtype=np.float64)
    numbers = {value: number for number, value in enumerate(model.classes)}
    return np.array([numbers.get(one, -1) for one in answers.tolist()], dtype=np.float64)


def label_numbers(subject: Subject, role: Role) -> np.ndarray:
    """True labels (n,): positions in the model's classes, or the values of a regression.

    Raises:
        CheckError: a label that the model does not know.
        SubjectError: as `Subject.target`.
    """
    import numpy as np

    model = subject.require_model()
    values = subject.target(role)
    if not model.classes:
        return values.to_numpy(dtype=np.float64)
    numbers = {value: number for number, value in enumerate(model.classes)}
    found = [numbers.get(one, -1) for one in values.tolist()]
    strange = sum(one < 0 for one in found)
    if strange:
        raise CheckError(
            f"{subject.datasets[role].uri}: {strange:,} of {len(found):,} labels in column {subject.columns.target!r} of "
            f"dataset {role!r} are none of the {len(model.classes)} that model {model.name!r} answers; use the labels "
            "that the model was trained on"
        )
    return np.array(found)

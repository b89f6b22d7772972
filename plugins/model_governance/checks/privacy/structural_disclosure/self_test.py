"""The planted fault of `structural_disclosure`: a forest with more parameters than training rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

TREES = 40


def _overgrow(subject: Subject) -> Subject:
    """The subject with a forest whose trees are grown to single rows."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    model, columns = subject.require_model(), subject.columns
    trained, labels = subject.features("train"), subject.target("train")

    def numbers(frame: pd.DataFrame) -> np.ndarray:
        import pandas as pd

        coded = {
            name: pd.Categorical(frame[name], categories=sorted(trained[name].dropna().unique())).codes
            if name in columns.of_kind("category", "boolean")
            else frame[name].to_numpy(dtype=float)
            for name in columns.names
        }
        return pd.DataFrame(coded).to_numpy(dtype=float)

    forest = Pipeline([
        ("numbers", FunctionTransformer(numbers)),
        ("forest", RandomForestClassifier(n_estimators=TREES, random_state=0)),
    ])  # fmt: skip
    forest.fit(trained, labels)
    return replace(
        subject,
        model=replace(
            model, native=forest, call=forest.predict, call_proba=forest.predict_proba, call_logits=None,
            call_gradient=None, classes=tuple(forest.classes_.tolist()),
        ),
    )  # fmt: skip


SELF_TEST = SelfTest(
    description="a forest with more parameters than training rows",
    threshold={"metric": "residual_degrees_of_freedom", "geq_to": 10},
    apply=_overgrow,
)

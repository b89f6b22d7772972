"""NannyML as four methods of the detection bench. Each number is the distance from the reference's chunks in own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from detection_runs import Setting

CLASSIFIER_ROWS = 2_000


class _Calculator:
    """A calculator fitted on the reference; it remembers nothing from run to run."""

    memory = None

    def __init__(self, setting: Setting, *, seed: int) -> None:
        self.setting, self.seed = setting, seed
        self.names = (*setting.numbers, *setting.categories)
        self.calculator = self.fitted()

    def fork(self) -> _Calculator:
        """It remembers nothing."""
        return self

    def fitted(self) -> Any:
        """The calculator, fitted on the reference."""
        raise NotImplementedError

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """The largest distance over its limit, of each run."""
        import pandas as pd

        result = self.calculator.calculate(self.prepared(pd.concat(frames, ignore_index=True)))
        return [float(value) for value in excess(result.to_df())]

    def prepared(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows with the types that NannyML expects."""
        kinds = dict.fromkeys((*self.setting.categories, "right"), "category")
        return frame.astype(kinds).assign(
            answer=(frame["score"] >= 0.5).astype(int),
            outcome=frame["label"].map({0: "no", 1: "yes"}).astype("category"),
        )

    def chunks(self) -> dict[str, int]:
        """A chunk is a run."""
        return {"chunk_size": self.setting.rows}


def excess(table: pd.DataFrame) -> np.ndarray:
    """Over all metrics, the largest distance from the middle of the reference's chunks, as a share of that of the limit."""
    import numpy as np

    chunk = [name for name in table.columns if name[0] == "chunk"]
    period = table[next(name for name in chunk if name[-1] == "period")]
    names = {name[:-1] for name in table.columns if name[-1] == "value"}
    found = []
    for name in sorted(names):
        values = table[(*name, "value")].to_numpy(dtype=float)
        before = values[(period == "reference").to_numpy()]
        spread = max(float(np.std(before, ddof=1)), 1e-9)
        found.append(np.abs(values - before.mean())[(period == "analysis").to_numpy()] / (3 * spread))
    return np.max(found, axis=0)


class Univariate(_Calculator):
    """Its default: Jensen-Shannon distances of every column, score, label and right answers included."""

    def fitted(self) -> Any:
        import nannyml

        calculator = nannyml.UnivariateDriftCalculator(
            column_names=[*self.names, "score", "outcome", "right"], continuous_methods=["jensen_shannon"],
            categorical_methods=["jensen_shannon"], **self.chunks(),
        )  # fmt: skip
        return calculator.fit(self.prepared(self.setting.reference))


class Reconstruction(_Calculator):
    """The reconstruction error of a principal component analysis."""

    def fitted(self) -> Any:
        import nannyml

        calculator = nannyml.DataReconstructionDriftCalculator(column_names=list(self.names), **self.chunks())
        return calculator.fit(self.prepared(self.setting.reference))


class DomainClassifier(_Calculator):
    """ROC AUC of LightGBM between the reference and a run."""

    def fitted(self) -> Any:
        import nannyml

        calculator = nannyml.DomainClassifierCalculator(feature_column_names=list(self.names), **self.chunks())
        rows = self.setting.reference.sample(min(CLASSIFIER_ROWS, len(self.setting.reference)), random_state=1)
        return calculator.fit(self.prepared(rows.reset_index(drop=True)))

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        import pandas as pd

        table = self.calculator.calculate(self.prepared(pd.concat(frames, ignore_index=True))).filter(period="analysis")
        return [float(value) for value in table.to_df()[("domain_classifier_auroc", "value")]]


class RealisedPerformance(_Calculator):
    """Accuracy and ROC AUC of the labelled rows."""

    def fitted(self) -> Any:
        import nannyml

        calculator = nannyml.PerformanceCalculator(
            y_pred_proba="score", y_pred="answer", y_true="label", metrics=["accuracy", "roc_auc"],
            problem_type="classification_binary", **self.chunks(),
        )  # fmt: skip
        return calculator.fit(self.prepared(self.setting.reference))

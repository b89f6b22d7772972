"""scikit-learn models stored with skops: no code in the file, every type in it named and reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import SubjectError, UntrustedModel
from model_governance.subjects.loaders.estimator import wrap_estimator

if TYPE_CHECKING:
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

# Types that fitted scikit-learn models hold and skops does not trust by itself. They run no code; the two
# that scikit-learn indexes without bounds checks (Tree, TreePredictor) are checked by `tree_nodes` after loading.
HARMLESS = frozenset(
    {
        "builtins.object",
        "functools.partial",
        "numpy.dtype",
        "numpy.number",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.validation.check_array",
    }
)


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The estimator in a skops file.

    Raises:
        SubjectError: it is no skops file, or the estimator does not fit the policy.
        UntrustedModel: the file holds types that are neither harmless nor in `model.trusted`.
    """
    import skops.io

    if not content.startswith(b"PK"):
        raise SubjectError(
            f"{spec.uri}: is not a skops file (no zip archive); save the model with skops.io.dump or correct `model.format`"
        )
    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - HARMLESS - set(spec.trusted))
    if unknown:
        raise UntrustedModel(
            f"{spec.uri}: holds types that nobody has reviewed: {', '.join(unknown)}. Nothing was loaded. "
            "List under `model.trusted` those you have read and accept, or save the model without them"
        )
    return wrap_estimator(skops.io.loads(content, trusted=[*sorted(HARMLESS), *spec.trusted]), spec, columns)

"""The allow-list of names in pickles. The loaders refuse every other name, and the artifact scan calls no other name known.

A pickle names Python objects by module and name (Python documentation, "Restricting Globals"). The lists hold what fitted
models of scikit-learn, XGBoost, LightGBM, imbalanced-learn and category_encoders are built from, and what TorchScript writes. The decision needs the spelling
alone: nothing is imported on behalf of a file.
"""

from __future__ import annotations

import _compat_pickle
import re

from model_governance.formats.estimator_names import ESTIMATOR_NAMES
from model_governance.formats.optional_names import OPTIONAL_NAMES
from model_governance.formats.part_names import PART_NAMES

# Called while loading; each builds an inert value from its arguments.
CALLABLE = frozenset(
    {
        *(("builtins", name) for name in ("set", "frozenset", "complex", "bytes", "bytearray", "range", "slice")),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("_codecs", "encode"),
        ("copyreg", "_reconstructor"),
        ("functools", "partial"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
        ("numpy.random._pickle", "__bit_generator_ctor"),
        ("numpy.random._pickle", "__generator_ctor"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("sklearn.tree._tree", "Tree"),
    }
)
# Named as values or as the class of a plain object, never called with arguments.
PLAIN = frozenset(
    {
        ("builtins", "object"),
        *(("builtins", name) for name in ("bool", "int", "float", "str", "list", "dict", "tuple")),
        ("numpy.random._mt19937", "MT19937"),
        ("numpy.random._pcg64", "PCG64"),
        ("numpy.random.bit_generator", "SeedSequence"),
        ("lightgbm.basic", "Booster"),
        ("sklearn.compose._column_transformer", "make_column_selector"),
        ("sklearn.utils._bunch", "Bunch"),
        ("sklearn.utils.validation", "check_array"),
        ("xgboost.core", "Booster"),
    }
)
# Compiled search trees and distances, and splines: the loader builds them anew from their data, because their code trusts
# the numbers in the file.
REBUILT_MODULES = ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree", "sklearn.metrics._dist_metrics")
DISTANCES = ("Euclidean", "Manhattan", "Chebyshev", "Minkowski", "Hamming", "Canberra", "BrayCurtis", "Haversine")
REBUILT = frozenset(
    {
        *((module, "newObj") for module in REBUILT_MODULES),
        ("sklearn.neighbors._kd_tree", "KDTree"),
        ("sklearn.neighbors._ball_tree", "BallTree"),
        *(("sklearn.metrics._dist_metrics", f"{name}Distance64") for name in DISTANCES),
        ("numpy.ma.core", "_mareconstruct"),
        ("numpy.ma.core", "MaskedArray"),
        ("numpy.ma", "MaskedArray"),
        ("scipy.interpolate._bsplines", "BSpline"),
        ("scipy._lib.array_api_compat.numpy._aliases", "asarray"),
    }
)
# The loader puts objects of its own in place of these.
REPLACED = REBUILT | frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    }
)
CYTHON_LOSS = ("sklearn._loss._loss", "__pyx_unpickle_CyHalfMultinomialLoss")
NUMPY_MODULES = frozenset(
    {"numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath", "numpy._core.umath"}
)
PICKLE_NAMES = CALLABLE | PLAIN | REPLACED | ESTIMATOR_NAMES | OPTIONAL_NAMES | PART_NAMES | {CYTHON_LOSS}
# Types of fitted scikit-learn models that skops does not trust by itself. They run no code; the two that scikit-learn
# indexes without bounds checks (Tree, TreePredictor) are checked after loading.
SKOPS_NAMES = frozenset(
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
        *(f"{module}.{name}" for module, name in OPTIONAL_NAMES),
    }
)
# Spellings of the types that skops trusts by itself.
SKOPS_TRUSTED = re.compile(
    r"(sklearn|xgboost|lightgbm)\.([\w.]+\.)?(_?[A-Z]\w*|newObj)|scipy\.sparse\.(\w+\.)*[a-z]+_(matrix|array)"
    r"|numpy\.random\.(mtrand\.RandomState|_generator\.Generator)|numpy\.matrix"
)
TEST_CODE = re.compile(r"(^|\.)(tests?|conftest|_?testing|datasets|externals|spark|dask)\.")
TORCHSCRIPT_NAMES = re.compile(
    r"__torch__(\.\S+)? \S+|torch \w+Storage|torch device|torch per_(tensor|channel)_(affine|symmetric)"
    r"|torch per_channel_affine_float_qparams|collections OrderedDict|torch\.jit\._pickle \w+"
    r"|torch\._utils _rebuild_(tensor_v2|qtensor|sparse_tensor|parameter)"
)


def allowed_in_pickle(module: str, name: str) -> bool:
    """Whether a pickle or joblib file may name an object.

    Args:
        module: the module as the pickle writes it, in Python 3's spelling (`python3_name`).
        name: the name within the module.
    """
    return (module, name) in PICKLE_NAMES or (module in NUMPY_MODULES and _is_numpy_scalar_or_ufunc(name))


def allowed_in_torchscript(module: str, name: str) -> bool:
    """Whether a pickle inside a TorchScript archive may name an object."""
    return TORCHSCRIPT_NAMES.fullmatch(f"{module} {name}") is not None


def allowed_in_skops(module: str, name: str) -> bool:
    """Whether a skops file may name a type or function without `model.trusted`."""
    dotted = f"{module}.{name}"
    if allowed_in_pickle(module, name) or dotted in SKOPS_NAMES:
        return True
    return SKOPS_TRUSTED.fullmatch(dotted) is not None and TEST_CODE.search(dotted) is None


def python3_name(module: str, name: str, *, protocol: int) -> tuple[str, str]:
    """Module and name in Python 3's spelling: protocols 0 to 2 write the names of Python 2."""
    if protocol >= 3:
        return module, name
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, name]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


def _is_numpy_scalar_or_ufunc(name: str) -> bool:
    import numpy as np

    # vars, not getattr: numpy imports more of itself when asked for a name that it lacks.
    value = vars(np).get(name)
    return isinstance(value, np.ufunc) or (isinstance(value, type) and issubclass(value, np.generic))

"""Must-show 5: no malicious file is clean, and benign models load with equal answers or are refused with a plain reason."""

from __future__ import annotations

import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
import skops.io
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the next import possible
from sklearn.feature_selection import RFECV, SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from model_governance.errors import UntrustedModel
from model_governance.subjects.loaders.restricted_pickle import RestrictedUnpickler
from unit.acceptance.test_input_cases_scan import BOMBS, TWO_READINGS
from unit.checks.supply_chain.scanning import clean, scan, value
from unit.subjects.test_hostile_pickles import PLANTS, corpus

# The loader refuses these, and as data they do no harm: suspicious.
HARMLESS_AS_DATA = {"opcode OBJ", "append to what is no list", "item of what is no dict", "partial of anything"}
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(90, 4))
Y = (X[:, 0] + 0.3 * DRAW.normal(size=90) > 0).astype(int)
LINE = LogisticRegression()
BENIGN = {
    "line": LINE,
    "neighbours": KNeighborsClassifier(),
    "neighbours in balls": KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"),
    "neighbours of another power": KNeighborsClassifier(p=3, weights="distance"),
    "neighbours that differ": KNeighborsClassifier(metric="hamming"),
    "neighbours within a radius": RadiusNeighborsClassifier(radius=9.0),
    "grid": GridSearchCV(LINE, {"C": [0.1, 1.0]}, cv=2),
    "grid with a splitter and a scorer": GridSearchCV(LINE, {"C": [0.1, 1.0]}, cv=StratifiedKFold(2), scoring="roc_auc"),
    "grid of two scorers": GridSearchCV(LINE, {"C": [0.1]}, cv=2, scoring=["accuracy", "f1"], refit="f1"),
    "halving": HalvingGridSearchCV(LINE, {"C": [0.1, 1.0]}, cv=2),
    "random search over a list": RandomizedSearchCV(LINE, {"C": [0.1, 1.0]}, n_iter=1, cv=2, random_state=0),
    "splines": make_pipeline(SplineTransformer(), LINE),
    "best columns": make_pipeline(SelectKBest(k=2), LINE),
    "informative columns": make_pipeline(SelectKBest(mutual_info_classif, k=2), LINE),
    "eliminated columns": make_pipeline(RFECV(LINE, cv=2), LINE),
    "process": GaussianProcessClassifier(1.0 * RBF() + WhiteKernel()),
    "tuned threshold": TunedThresholdClassifierCV(LINE, cv=2),
    "fixed threshold": FixedThresholdClassifier(LINE),
    "crossed": LogisticRegressionCV(cv=2),
    "stack": StackingClassifier([("a", LINE), ("b", GaussianNB())], cv=2),
    "vote": VotingClassifier([("a", LINE), ("b", DecisionTreeClassifier(max_depth=2))], voting="soft"),
    "bag": BaggingClassifier(n_estimators=2),
    "targets": make_pipeline(TargetEncoder(cv=2), LINE),
    "powers": make_pipeline(PowerTransformer(), QuantileTransformer(n_quantiles=10), LINE),
    "bins": make_pipeline(KBinsDiscretizer(3), LINE),
    "columns": make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", OneHotEncoder(handle_unknown="ignore"), [2])]), LINE
    ),
    "imputed": make_pipeline(SimpleImputer(), KNNImputer(), LINE),
    "forest": RandomForestClassifier(3, max_depth=3),
    "extra trees": ExtraTreesClassifier(3, max_depth=3),
    "boosting": GradientBoostingClassifier(n_estimators=2),
    "histograms": HistGradientBoostingClassifier(max_iter=3),
    "adaptive": AdaBoostClassifier(n_estimators=2),
    "network": MLPClassifier((3,), max_iter=5),
    "descent": SGDClassifier(loss="log_loss"),
    "margins": make_pipeline(StandardScaler(), SVC()),
    "calibrated": CalibratedClassifierCV(SVC(), cv=2),
    "discriminant": LinearDiscriminantAnalysis(),
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: clone(model).fit(X, Y) for name, model in BENIGN.items()}


def answers(model) -> np.ndarray:
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def through_joblib(model, **keys) -> bytes:
    sink = io.BytesIO()
    joblib.dump(model, sink, **keys)
    return sink.getvalue()


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_pickle_is_clean_and_answers_as_before(fitted, name):
    """37 models that people deploy, as pickle and as joblib file."""
    model = fitted[name]
    for kind, content in (("pickle", pickle.dumps(model)), ("joblib", through_joblib(model, compress=1))):
        assert clean(scan(content, kind)), kind
    for content in (pickle.dumps(model, 4), through_joblib(model)):
        loaded = RestrictedUnpickler(io.BytesIO(content)).load()
        np.testing.assert_array_equal(answers(loaded), answers(model))


def test_a_benign_skops_file_is_never_dangerous(fitted):
    """Types that skops does not trust may be suspicious, never dangerous."""
    for name, model in fitted.items():
        result = scan(skops.io.dumps(model), "skops")
        assert value(result, "dangerous_findings") == 0, name
        assert value(result, "unscanned_parts") == 0, name


def test_what_is_refused_although_benign_is_told_without_an_accusation():
    """A search keeps the distributions that it drew from, whose own code would run while they load."""
    search = RandomizedSearchCV(LINE, {"C": loguniform(0.1, 1)}, n_iter=1, cv=2, random_state=0).fit(X, Y)
    with pytest.raises(UntrustedModel, match="best_estimator_") as caught:
        RestrictedUnpickler(io.BytesIO(pickle.dumps(search))).load()
    assert "malicious" not in str(caught.value)
    assert value(scan(pickle.dumps(search)), "dangerous_findings") == 0
    best = RestrictedUnpickler(io.BytesIO(pickle.dumps(search.best_estimator_))).load()
    np.testing.assert_array_equal(answers(best), answers(search.best_estimator_))


def forged_tree(**changes) -> bytes:
    """A search tree whose state says something else than its data."""
    from sklearn.neighbors import KDTree

    tree = KDTree(X, leaf_size=5)
    state = list(tree.__getstate__())
    for place, new in changes.items():
        state[int(place[1:])] = new
    function, arguments, _ = tree.__reduce__()

    class Forged:
        def __reduce__(self):
            return function, arguments, tuple(state)

    return pickle.dumps(Forged())


def test_the_indices_of_a_search_tree_are_made_anew():
    """scikit-learn follows them without bounds checks; rows and leaf size are all that is read of the file."""
    honest = RestrictedUnpickler(io.BytesIO(forged_tree())).load()
    outside = RestrictedUnpickler(io.BytesIO(forged_tree(_1=np.full(90, 10**9, dtype=np.intp)))).load()
    for one, other in zip(honest.query(X, k=3), outside.query(X, k=3), strict=True):
        np.testing.assert_array_equal(one, other)
    for wrong in ({"_0": np.zeros((2, 2), dtype=object)}, {"_4": "40"}, {"_11": 1.0}):
        with pytest.raises(UntrustedModel, match="no library writes"):
            RestrictedUnpickler(io.BytesIO(forged_tree(**wrong))).load()


def test_a_tree_that_lies_about_its_classes_is_refused():
    """scikit-learn copies as many numbers of classes as the file says there are outputs."""
    content = pickle.dumps(DecisionTreeClassifier(max_depth=1).fit(X, Y), 2)
    place = content.index(b"_tree\nTree")
    outputs = content.index(b"K\x01\x87", place)
    crafted = content[:outputs] + b"J\x00\x00\x00\x10\x87" + content[outputs + 3 :]
    with pytest.raises(UntrustedModel, match="disagree"):
        RestrictedUnpickler(io.BytesIO(crafted)).load()


def test_no_malicious_file_is_clean(tmp_path):
    """Hidden calls, two readings, foreign memory and bombs are dangerous or unscanned; none loads."""
    files = corpus(tmp_path) | {name: plant() for name, plant in PLANTS.items()} | BOMBS
    files |= {made.__name__: made(tmp_path / "marker") for made in TWO_READINGS}
    before = sorted(path.name for path in tmp_path.iterdir())
    passed = {
        name
        for name, content in files.items()
        if (result := scan(content, "joblib"))
        and value(result, "dangerous_findings") + value(result, "unscanned_parts") == 0
    }
    assert passed <= HARMLESS_AS_DATA
    assert not [name for name in passed if clean(scan(files[name], "joblib"))]
    assert len(files) >= 60
    assert sorted(path.name for path in tmp_path.iterdir()) == before

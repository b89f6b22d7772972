"""scikit-learn's trees: single trees, forests, gradient boosting and histogram gradient boosting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from model_governance.attacks.trees.ensemble import (
    LEAF,
    NO_SET,
    NoExactAnswer,
    Tree,
    TreeEnsemble,
    join_trees,
    numeric_tree,
)

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.ensemble import Link

LOG_LOSSES = ("poisson", "gamma")


def read_estimator(estimator: Any) -> TreeEnsemble | NoExactAnswer:
    """The trees of a fitted estimator. Of a forest the scores are vote shares, shape (n, classes)."""
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        GradientBoostingClassifier,
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if isinstance(estimator, (DecisionTreeClassifier, DecisionTreeRegressor)):
        return _votes([estimator], estimator)
    forests = (RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor)
    if isinstance(estimator, forests):
        return _votes(estimator.estimators_, estimator)
    if isinstance(estimator, (GradientBoostingClassifier, GradientBoostingRegressor)):
        return _boosted(estimator)
    if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        return _histogram(estimator)
    return NoExactAnswer(f"a {type(estimator).__name__} is not read as an ensemble of trees")


def _numeric(fitted: Any, values: np.ndarray) -> Tree:
    import numpy as np

    leaf = fitted.children_left == -1
    return numeric_tree(
        feature=np.where(leaf, LEAF, fitted.feature), threshold=fitted.threshold, left=fitted.children_left,
        right=fitted.children_right, values=np.where(leaf[:, None], values, 0.0),
        missing_left=np.asarray(fitted.missing_go_to_left, dtype=bool),
    )  # fmt: skip


def _votes(members: list[Any], whole: Any) -> TreeEnsemble | NoExactAnswer:
    import numpy as np
    from sklearn.base import is_classifier

    if whole.n_outputs_ > 1:
        return NoExactAnswer(f"a {type(whole).__name__} with several targets is not read")
    trees = [_numeric(tree.tree_, tree.tree_.value[:, 0, :]) for tree in members]
    return join_trees(
        trees, inputs=whole.n_features_in_, base=np.zeros(trees[0].values.shape[1]), single=True,
        divisor=float(len(trees)), decision="argmax" if is_classifier(whole) else "value",
    )  # fmt: skip


def _boosted(estimator: Any) -> TreeEnsemble | NoExactAnswer:
    """The start is a constant; it is what the estimator's own raw score holds above its trees."""
    import numpy as np
    from sklearn.base import is_classifier
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if estimator.init_ != "zero" and not isinstance(estimator.init_, (DummyClassifier, DummyRegressor)):
        return NoExactAnswer(
            f"a {type(estimator).__name__} that starts from a {type(estimator.init_).__name__} is no sum of trees"
        )
    if getattr(estimator, "loss", "") == "exponential":
        return NoExactAnswer("gradient boosting with the exponential loss is not read")
    scores = estimator.estimators_.shape[1]
    trees = []
    for step in estimator.estimators_:
        for score, tree in enumerate(step):
            values = np.zeros((tree.tree_.node_count, scores))
            values[:, score] = estimator.learning_rate * tree.tree_.value[:, 0, 0]
            trees.append(_numeric(tree.tree_, values))
    classifier = is_classifier(estimator)
    whole = join_trees(
        trees, inputs=estimator.n_features_in_, base=np.zeros(scores), single=True, tie_is_one=True,
        decision=("margin" if scores == 1 else "argmax") if classifier else "value",
    )  # fmt: skip
    probe = np.zeros((1, whole.inputs))
    candidate = raw_scores(estimator, probe) - whole.margin(probe)
    return join_trees(
        trees, inputs=whole.inputs, base=candidate[0], single=True, tie_is_one=True, decision=whole.decision
    )  # fmt: skip


def _histogram(estimator: Any) -> TreeEnsemble | NoExactAnswer:
    import numpy as np
    from sklearn.base import is_classifier

    rounds = cast("list[list[Any]]", estimator._predictors)  # noqa: SLF001 - scikit-learn shows these trees nowhere else
    base = np.ravel(estimator._baseline_prediction)  # noqa: SLF001
    trees = [_binned(tree, score=score, scores=len(base)) for step in rounds for score, tree in enumerate(step)]
    if not trees:
        return NoExactAnswer("the histogram gradient boosting has no trees")
    classifier = is_classifier(estimator)
    link: Link = "log" if not classifier and estimator.loss in LOG_LOSSES else "identity"
    return join_trees(
        trees, inputs=estimator.n_features_in_, base=base, link=link,
        decision=("margin" if len(base) == 1 else "argmax") if classifier else "value",
    )  # fmt: skip


def _binned(predictor: Any, *, score: int, scores: int) -> Tree:
    import numpy as np

    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    words = np.asarray(predictor.raw_left_cat_bitsets, dtype=np.int64).reshape(-1, 8)
    sets = ((words[:, :, None] >> np.arange(32)) & 1).reshape(len(words), 256) > 0
    values = np.zeros((len(nodes), scores))
    values[:, score] = np.where(leaf, nodes["value"], 0.0)
    categorical = nodes["is_categorical"].astype(bool) & ~leaf
    return Tree(
        feature=np.where(leaf, LEAF, nodes["feature_idx"]),
        threshold=nodes["num_threshold"],
        left=nodes["left"].astype(int),
        right=nodes["right"].astype(int),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        nan_is_zero=np.zeros(len(nodes), dtype=bool),
        values=values,
        member=np.where(categorical, nodes["bitset_idx"].astype(int), NO_SET),
        sets=np.concatenate([sets, np.zeros((len(sets), 1), dtype=bool)], axis=1),
    )


def raw_scores(estimator: Any, matrix: np.ndarray) -> np.ndarray:
    """The estimator's own raw scores of encoded rows, shape (n, scores)."""
    import warnings

    import numpy as np
    from sklearn.base import is_classifier
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    with warnings.catch_warnings():
        # Rows made here have no column names.
        warnings.simplefilter("ignore", UserWarning)
        if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
            scores = _histogram_scores(estimator, matrix)
        elif not is_classifier(estimator):
            scores = estimator.predict(matrix)
        elif hasattr(estimator, "decision_function"):
            scores = estimator.decision_function(matrix)
        else:
            scores = estimator.predict_proba(matrix)
    return np.asarray(scores, dtype=float).reshape(len(matrix), -1)


def _histogram_scores(estimator: Any, matrix: np.ndarray) -> np.ndarray:
    """Without the estimator's own encoding of categories, which comes before."""
    import numpy as np

    known, mapping = estimator._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001
    total = np.repeat(np.atleast_2d(np.ravel(estimator._baseline_prediction)), len(matrix), axis=0)  # noqa: SLF001
    ready = np.ascontiguousarray(matrix, dtype=np.float64)
    for step in estimator._predictors:  # noqa: SLF001
        for score, tree in enumerate(step):
            total[:, score] += tree.predict(ready, known, mapping, 1)
    return total

"""What fitted models name as values: metrics, kernels, splitters, scorers and score functions of scikit-learn.

None of them is called while a model is loaded, and none has a method that runs with its state.
"""

from __future__ import annotations

from model_governance.formats.estimator_names import pairs_of

PART_NAMES = pairs_of("""
sklearn.feature_selection._univariate_selection: chi2 f_classif f_oneway f_regression r_regression
sklearn.feature_selection._mutual_info: mutual_info_classif mutual_info_regression
sklearn.gaussian_process.kernels: CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern
    PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel
sklearn.metrics._classification: accuracy_score balanced_accuracy_score brier_score_loss d2_brier_score
    d2_log_loss_score f1_score jaccard_score log_loss matthews_corrcoef precision_score recall_score
sklearn.metrics._ranking: average_precision_score roc_auc_score top_k_accuracy_score
sklearn.metrics._regression: d2_absolute_error_score explained_variance_score max_error mean_absolute_error
    mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error mean_squared_log_error
    median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error
sklearn.metrics._scorer: _CurveScorer _MultimetricScorer _PassthroughScorer _Scorer
sklearn.model_selection._split: GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut
    LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold
    StratifiedShuffleSplit TimeSeriesSplit
sklearn.utils._metadata_requests: MetadataRequest MethodMetadataRequest
""")

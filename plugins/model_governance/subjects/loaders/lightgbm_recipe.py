"""How a LightGBM model was trained: its text keeps every parameter."""

from __future__ import annotations

from typing import Any

# What decides which trees grow. Paths, machines, devices, threads and seeds of the file stay with the file.
LEARNING = """
    boosting objective learning_rate num_leaves max_depth min_data_in_leaf min_sum_hessian_in_leaf tree_learner
    data_sample_strategy bagging_fraction pos_bagging_fraction neg_bagging_fraction bagging_freq bagging_by_query
    feature_fraction feature_fraction_bynode extra_trees max_delta_step lambda_l1 lambda_l2 linear_lambda
    min_gain_to_split drop_rate max_drop skip_drop xgboost_dart_mode uniform_drop top_rate other_rate
    min_data_per_group max_cat_threshold cat_l2 cat_smooth max_cat_to_onehot monotone_constraints
    monotone_constraints_method monotone_penalty path_smooth interaction_constraints linear_tree max_bin min_data_in_bin
    use_missing zero_as_missing num_class is_unbalance scale_pos_weight sigmoid boost_from_average reg_sqrt alpha fair_c
    poisson_max_delta_step tweedie_variance_power use_quantized_grad num_grad_quant_bins quant_train_renew_leaf
    stochastic_rounding
"""
FIXED = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True, "tree_learner": "serial"}


def recipe_of(booster: Any, *, seed: int) -> dict[str, Any] | None:
    """Parameters for `lightgbm.train`; None where the text lacks them. All seeds follow from the one given."""
    params = {name: value for name, value in booster.params.items() if name in LEARNING.split()}
    return {**params, **FIXED, "seed": seed} if "learning_rate" in params else None

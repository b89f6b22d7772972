"""Reference models: the recipe of the model under check, retrained on random halves of a pool of rows.

The pool holds every audited row, members and non-members alike, so that each reference model is trained on about half
of either group. The shared pool gives an attacker who knows it some power (the notes say so); it favours neither
group where the model does not depend on its training rows.
"""

from __future__ import annotations

import random
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.answer_cache import cache_key
from model_governance.checks.privacy.membership_inference.audit_groups import encode_labels
from model_governance.checks.privacy.membership_inference.references import draw_subsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.audit import Draw
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.subject import Model

# The training of these formats takes a seed. Other formats may use the global generators of the process, which
# threads would share: their reference models are trained one at a time.
SEEDED_FORMATS = frozenset({"skops", "xgboost", "lightgbm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Rows for the training of reference models: audited members, audited non-members, then others of both groups."""

    frame: pd.DataFrame
    labels: pd.Series
    fingerprints: np.ndarray
    audited: int


def draw_pool(draw: Draw, params: MembershipParams) -> Pool:
    """The audited rows and as many others as reference models need, drawn from both groups alike.

    Args:
        draw: all rows of both groups, and which of them are audited.
        params: `reference_rows` is the mean number of training rows, by default as many as train has.
    """
    import numpy as np
    import pandas as pd

    (members, non_members), chosen = draw.all_rows, draw.chosen
    frame = _stacked(members.frame, non_members.frame)
    labels = pd.concat([members.labels, non_members.labels], ignore_index=True)
    audited = np.concatenate([chosen[0], chosen[1] + len(members)])
    remaining = np.random.default_rng([draw.root_seed, 1]).permutation(np.setdiff1d(np.arange(len(frame)), audited))
    size = 2 * (params.reference_rows or len(members))
    rows = np.concatenate([audited, remaining[: max(0, size - len(audited))]])
    fingerprints = np.concatenate([members.fingerprints, non_members.fingerprints])[rows]
    return Pool(
        frame=frame.iloc[rows].reset_index(drop=True), labels=labels.iloc[rows].reset_index(drop=True),
        fingerprints=fingerprints, audited=len(audited),
    )  # fmt: skip


def reference_answers(
    model: Model, pool: Pool, params: MembershipParams, *, root_seed: int, cached: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Train N reference models and query them with the audited rows; those with cached outputs are not trained again.

    Returns:
        The probability of the true class, or the residual in regression, (N, n); whether each model was trained on the
        row, bool (N, n); and the outputs by cache key.

    Raises:
        ModelMisbehaved: a reference model could not be trained, or its outputs are invalid.
    """
    import numpy as np

    subsets, keys = _subsets_and_keys(model, pool, params, root_seed=root_seed)
    answers = {key: cached[key] for key in keys if _fits(cached.get(key), pool)}
    answers |= train_references(
        model, pool, params, root_seed=root_seed, numbers=range(params.reference_models), cached=answers
    )
    return np.array([answers[key] for key in keys]), subsets[:, : pool.audited], answers


def train_references(
    model: Model,
    pool: Pool,
    params: MembershipParams,
    *,
    root_seed: int,
    numbers: Iterable[int],
    cached: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Train the reference models of these numbers and query them; those with cached outputs are left out.

    Reference model k is the same for any number of them, of workers and of tasks that share them.

    Returns:
        By cache key, the outputs for the audited rows, shape (n,), of each model that was trained.

    Raises:
        ModelMisbehaved: a reference model could not be trained, or its outputs are invalid.
    """
    subsets, keys = _subsets_and_keys(model, pool, params, root_seed=root_seed)
    missing = [number for number in numbers if not _fits(cached.get(keys[number]), pool)]
    one_at_a_time = params.workers == 1 or model.format not in SEEDED_FORMATS

    def train(number: int) -> np.ndarray:
        seed = _training_seed(root_seed, number)
        with _single_threaded(), _seeded_globals(seed) if one_at_a_time else nullcontext():
            return _answer(model, pool, subsets[number], seed=seed)

    workers = 1 if one_at_a_time else params.workers
    # Trained on half of the rows, a reference model may warn of categories that the model itself knows.
    with warnings.catch_warnings(), _single_threaded_blas(), ThreadPoolExecutor(workers) as executor:
        warnings.simplefilter("ignore")
        trained = list(executor.map(train, missing))
    return {keys[number]: row for number, row in zip(missing, trained, strict=True)}


def _subsets_and_keys(
    model: Model, pool: Pool, params: MembershipParams, *, root_seed: int
) -> tuple[np.ndarray, list[str]]:
    """Which rows of the pool each reference model is trained on, bool (N, rows), and the cache key of each."""
    subsets = draw_subsets(params.reference_models, len(pool.frame), root_seed=root_seed)
    return subsets, [
        cache_key(model, pool.fingerprints, subset, seed=_training_seed(root_seed, number))
        for number, subset in enumerate(subsets)
    ]


def _fits(row: np.ndarray | None, pool: Pool) -> bool:
    return row is not None and row.shape == (pool.audited,)


def _answer(model: Model, pool: Pool, subset: np.ndarray, *, seed: int) -> np.ndarray:
    """Train one reference model and query it with the audited rows, shape (n,)."""
    import numpy as np

    rows = pool.frame[subset].reset_index(drop=True)
    reference = model.fit(rows, pool.labels[subset].reset_index(drop=True), seed=seed)
    audited, labels = pool.frame.iloc[: pool.audited], pool.labels.iloc[: pool.audited]
    if not model.classes:
        return np.asarray(labels, dtype=np.float64) - reference.predict(audited).astype(np.float64)
    probabilities, own = reference.predict_proba(audited), encode_labels(reference, labels)
    # A class that is missing in the subset has no probability in this reference model.
    return np.where(own >= 0, probabilities[np.arange(len(own)), np.maximum(own, 0)], 0.0)


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Both frames below one another; category columns stay so where the two do not list the same categories."""
    import pandas as pd

    frame = pd.concat([first, second], ignore_index=True)
    for name in frame.columns:
        parts = first[name], second[name]
        if frame[name].dtype == object and all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
            frame[name] = pd.api.types.union_categoricals(parts)
    return frame


def _training_seed(root_seed: int, number: int) -> int:
    """The seed of the training of a reference model, 31 bits."""
    import numpy as np

    return int(np.random.default_rng([root_seed, 2, number]).integers(2**31))


@contextmanager
def _single_threaded_blas() -> Iterator[None]:
    """One thread for each linear algebra call of the process while reference models are trained in parallel."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One OpenMP thread for the calling thread: sums of several differ in their last bits between machines."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        yield


@contextmanager
def _seeded_globals(seed: int) -> Iterator[None]:
    """Seed the global generators of the process for the block, and restore them afterwards."""
    import numpy as np

    with ExitStack() as after:
        after.callback(random.setstate, random.getstate())
        after.callback(np.random.set_state, np.random.get_state())
        random.seed(seed)
        np.random.seed(seed)
        torch = sys.modules.get("torch")
        if torch is not None:
            after.callback(torch.random.set_rng_state, torch.random.get_rng_state())
            torch.manual_seed(seed)
        yield

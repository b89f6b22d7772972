"""Reference models: copies of the model under check, each retrained on a random half of a pool of rows.

The pool holds every audited row, members and non-members alike, so that each copy knows about half of either side.
That the two sides share the pool gives an attacker who knows it some power (findings that say "shared pool");
it favours neither side where the model does not depend on its rows.
"""

from __future__ import annotations

import random
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.kept_answers import key_of
from model_governance.checks.privacy.membership_inference.references import draw_subsets
from model_governance.checks.privacy.membership_inference.sides import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.checks.privacy.membership_inference.sides import Rows
    from model_governance.contract.subject import Model

# Their training draws from a seed that is handed in. What else there is may draw from the generators of the
# process, which threads would share: it is trained one copy at a time.
SEEDED_FORMATS = frozenset({"skops", "xgboost", "lightgbm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Rows that copies are trained on: the audited ones first, members before non-members, then others of both sides."""

    frame: pd.DataFrame
    truth: pd.Series
    fingerprints: np.ndarray
    audited: int


def pool_of(
    members: Rows, others: Rows, chosen: tuple[np.ndarray, np.ndarray], params: MembershipParams, *, root: int, most: int
) -> Pool:  # fmt: skip
    """The audited rows and as many others, drawn from both sides alike, as copies of `most` rows on average need."""
    import numpy as np
    import pandas as pd

    frame = _stacked(members.frame, others.frame)
    truth = pd.concat([members.truth, others.truth], ignore_index=True)
    audited = np.concatenate([chosen[0], chosen[1] + len(members)])
    rest = np.random.default_rng([root, 1]).permutation(np.setdiff1d(np.arange(len(frame)), audited))
    size = 2 * (params.reference_rows or most)
    rows = np.concatenate([audited, rest[: max(0, size - len(audited))]])
    prints = np.concatenate([members.fingerprints, others.fingerprints])[rows]
    return Pool(
        frame=frame.iloc[rows].reset_index(drop=True), truth=truth.iloc[rows].reset_index(drop=True),
        fingerprints=prints, audited=len(audited),
    )  # fmt: skip


def reference_answers(
    model: Model, pool: Pool, params: MembershipParams, *, root: int, kept: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """What N copies say of the audited rows, (N, n); whether each was trained on them, bool (N, n); both to be kept.

    The answer is the probability of the true class, or the residual in regression. Copies whose answers are `kept`
    are not trained again. Copy k is the same whatever N and however many are trained at a time.

    Raises:
        ModelMisbehaved: a copy could not be trained, or answers badly.
    """
    import numpy as np

    subsets = draw_subsets(params.reference_models, len(pool.frame), root=root)
    keys = [key_of(model, pool.fingerprints, subset, seed=_seed(root, k)) for k, subset in enumerate(subsets)]
    missing = [k for k, key in enumerate(keys) if key not in kept or kept[key].shape != (pool.audited,)]

    alone = params.workers == 1 or model.format not in SEEDED_FORMATS

    def one(number: int) -> np.ndarray:
        seed = _seed(root, number)
        with _single_threaded(), _own_randomness(seed) if alone else nullcontext():
            return _answer(model, pool, subsets[number], seed=seed)

    # A copy sees half the rows and may warn of what the model itself never met; that is no news of the model.
    with warnings.catch_warnings(), _few_threads(), ThreadPoolExecutor(1 if alone else params.workers) as room:
        warnings.simplefilter("ignore")
        fresh = list(room.map(one, missing))
    found = {key: kept[key] for key in keys if key in kept} | {
        keys[k]: row for k, row in zip(missing, fresh, strict=True)
    }
    return np.array([found[key] for key in keys]), subsets[:, : pool.audited], found


def _answer(model: Model, pool: Pool, subset: np.ndarray, *, seed: int) -> np.ndarray:
    """Train one copy and ask it about the audited rows, shape (n,)."""
    import numpy as np

    rows = pool.frame[subset].reset_index(drop=True)
    copy = model.fit(rows, pool.truth[subset].reset_index(drop=True), seed=seed)
    asked, truth = pool.frame.iloc[: pool.audited], pool.truth.iloc[: pool.audited]
    if not model.classes:
        return np.asarray(truth, dtype=np.float64) - copy.predict(asked).astype(np.float64)
    chances, own = copy.predict_proba(asked), numbered(copy, truth)
    # A class that the half did not hold has no probability in this copy.
    return np.where(own >= 0, chances[np.arange(len(own)), np.maximum(own, 0)], 0.0)


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Both frames below one another; categories stay categories where the two do not list the same."""
    import pandas as pd

    frame = pd.concat([first, second], ignore_index=True)
    for name in frame.columns:
        parts = first[name], second[name]
        if frame[name].dtype == object and all(isinstance(one.dtype, pd.CategoricalDtype) for one in parts):
            frame[name] = pd.api.types.union_categoricals(parts)
    return frame


def _seed(root: int, number: int) -> int:
    """The seed of a copy's own training, 31 bits."""
    import numpy as np

    return int(np.random.default_rng([root, 2, number]).integers(2**31))


@contextmanager
def _few_threads() -> Iterator[None]:
    """One thread for each linear algebra call of the process while copies are trained side by side."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One OpenMP thread for the thread that calls: sums of several differ in their last bits between machines."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        yield


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed the generators of the process for the block, and put them back afterwards."""
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

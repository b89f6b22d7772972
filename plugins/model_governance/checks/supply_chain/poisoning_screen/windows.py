"""Two windows in one pool: the new training rows and those of the last accepted model.

Bins and groups are built from the pool without regard to the window of a row. If both windows come from one source,
which rows are new is then a random draw, and the hypergeometric distribution is exact for every count taken here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.contract.result import Estimate
    from model_governance.contract.subject import Role, Subject

MIN_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Both windows below one another, shape (n, columns): `new` says which rows are of the new one.

    `labels` are numbers of `classes`; `place` is the row number of each row in its own dataset.
    """

    frame: pd.DataFrame
    labels: np.ndarray
    classes: tuple[Any, ...]
    new: np.ndarray
    place: np.ndarray
    kinds: dict[str, str]

    @property
    def n(self) -> int:
        """Rows of both windows."""
        return len(self.labels)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of the new window and of the accepted one."""
        count = int(self.new.sum())
        return count, self.n - count


def pool_windows(subject: Subject, params: ScreenParams, generator: np.random.Generator) -> Pool:
    """Draw samples of both windows and put them below one another.

    Raises:
        SubjectError: as `Subject.features` and `Subject.target`.
        CheckError: a window has too few rows or an infinite number, or the labels are of one class only.
    """
    import numpy as np
    import pandas as pd

    frames, labels, places, sizes = [], [], [], []
    roles: tuple[Role, Role] = ("train", "previous_train")
    for role in roles:
        frame, target = subject.features(role), subject.target(role)
        if len(frame) < MIN_ROWS:
            raise CheckError(
                f"{subject.datasets[role].uri}: a screen needs {MIN_ROWS} rows of {role!r}; found {len(frame)}"
            )
        _refuse_infinite(subject, role, frame)
        chosen = np.sort(generator.permutation(len(frame))[: params.samples])
        frames.append(frame.iloc[chosen])
        labels.append(target.iloc[chosen])
        places.append(chosen)
        sizes.append(len(chosen))
    every = pd.concat(labels, ignore_index=True)
    classes = tuple(sorted(every.unique().tolist(), key=lambda value: (str(type(value)), value)))
    if len(classes) < 2:
        raise CheckError("both windows hold one class only; a screen compares classes: check the labels")
    numbers = {value: number for number, value in enumerate(classes)}
    return Pool(
        frame=pd.concat(frames, ignore_index=True),
        labels=np.array([numbers[value] for value in every.tolist()]),
        classes=classes,
        new=np.arange(sum(sizes)) < sizes[0],
        place=np.concatenate(places),
        kinds={name: column.kind for name, column in subject.columns.features.items()},
    )


def _refuse_infinite(subject: Subject, role: Role, frame: pd.DataFrame) -> None:
    """Raise CheckError where a column of numbers holds an infinite one."""
    import numpy as np

    for name in subject.columns.of_kind(*NUMBER_KINDS):
        count = int(np.isinf(frame[name].astype("float64").to_numpy(dtype=float, na_value=np.nan)).sum())
        if count:
            raise CheckError(
                f"{subject.datasets[role].uri}: column {name!r} of dataset {role!r} holds an infinite number in {count:,} of "
                f"{len(frame):,} rows; a screen compares finite ones: repair the feed, or leave the value empty"
            )


def encoded(pool: Pool) -> np.ndarray:
    """The features as numbers, shape (n, columns) float64: other values as the rank of their text."""
    import numpy as np
    import pandas as pd

    columns = []
    for name, kind in pool.kinds.items():
        values = pool.frame[name]
        if kind in NUMBER_KINDS:
            columns.append(values.astype("float64").to_numpy(dtype=float, na_value=np.nan))
            continue
        codes = pd.factorize(values.astype("string"), sort=True)[0].astype(float)
        columns.append(np.where(codes < 0, np.nan, codes))
    return np.column_stack(columns)


def surplus(inside_new: np.ndarray, inside: np.ndarray, new: int, n: int) -> np.ndarray:
    """One-sided exact p-values that a group got this many new rows by chance (Fisher, 1935), shape of the counts.

    Args:
        inside_new: new rows in each group.
        inside: rows of both windows in each group.
        new: new rows in all.
        n: rows in all.
    """
    import numpy as np
    from scipy.stats import hypergeom

    return np.minimum(1.0, np.asarray(hypergeom.sf(inside_new - 1, n, new, inside)))


def difference(
    name: str, first: tuple[int, int], second: tuple[int, int], *, key: str | None = None, two_sided: bool = False
) -> Estimate:
    """Difference of the shares of the new and the accepted window with Newcombe's limits and Fisher's exact test."""
    from scipy.stats import fisher_exact

    from model_governance.contract.result import Estimate
    from model_governance.stats.limits import DifferenceOfShares

    if min(first[1], second[1]) == 0:
        reason = "one window has no row of this kind"
        # Without a key it is the whole window that is empty.
        return Estimate(name=name, value=None, n=0, key=key, reason=reason, absence="uncertain" if key else "error")
    table = [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]
    p_value = float(fisher_exact(table, alternative="two-sided" if two_sided else "greater")[1])
    new, old = first[0] / first[1], second[0] / second[1]
    return Estimate(
        name=name, value=new - old, n=first[1] + second[1], key=key,
        limits=DifferenceOfShares(first=second, second=first),
        p_value=min(1.0, p_value), detail=f"{new:.2%} of the new window, {old:.2%} of the accepted one",
    )  # fmt: skip

"""What is public, what was trained on, what was held out, and how far two rows lie apart (Gower, 1971)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.access import encode_labels
from model_governance.checks.privacy.model_inversion.params import LEAST_CLASS, LEAST_PUBLIC
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.params import InversionParams
    from model_governance.contract.subject import Columns, Role, Subject

MIDDLE = (0.05, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Gower's distance: the mean over columns of differences that are 0 to 1, numbers in the spread of public rows."""

    numbers: tuple[str, ...]
    others: tuple[str, ...]
    spread: np.ndarray

    @classmethod
    def key(cls, public: pd.DataFrame, columns: Columns) -> Measure:
        """Spread is the middle 90% of public rows; a column that is constant there counts in full once it differs."""
        import numpy as np

        names = tuple(one for one in columns.names if columns.features[one].kind in NUMBER_KINDS)
        cells = public[list(names)].to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = np.nanquantile(cells, MIDDLE, axis=0) if names else (np.empty(0), np.empty(0))
        spread = np.where(high > low, high - low, 1e-9)
        return cls(numbers=names, others=tuple(one for one in columns.names if one not in names), spread=spread)

    def distances(self, rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
        """Distance of every row from every other, shape (rows, others), in [0, 1]."""
        import numpy as np

        total = np.zeros((len(rows), len(others)))
        for place, name in enumerate(self.numbers):
            first, second = (one[name].to_numpy(dtype=np.float64, na_value=np.nan) for one in (rows, others))
            apart = np.minimum(np.abs(first[:, None] - second[None, :]) / self.spread[place], 1.0)
            both_missing = np.isnan(first)[:, None] & np.isnan(second)[None, :]
            total += np.where(both_missing, 0.0, np.nan_to_num(apart, nan=1.0))
        for name in self.others:
            first, second = _codes(rows[name], others[name])
            total += first[:, None] != second[None, :]
        return (total / (len(self.numbers) + len(self.others))).round(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneClass:
    """One class: its number and name, rows trained on, rows held out, and the centre (1 row) of what is public of it.

    `known` says whether the public rows held any of the class; otherwise the centre is that of all of them.
    """

    number: int
    name: str
    trained: pd.DataFrame
    held_out: pd.DataFrame
    centre: pd.DataFrame
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything that reconstructions begin from and are compared with; `public` rows are the attacker's alone."""

    role: Role
    public: pd.DataFrame
    classes: tuple[OneClass, ...]
    measure: Measure


def survey(subject: Subject, params: InversionParams, generator: np.random.Generator) -> Ground:
    """Seeded parts: half of population (or of reference) is public, the other half is held out to compare with.

    Raises:
        CheckError: too few rows, no class with enough training rows, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    import numpy as np

    role: Role = "population" if "population" in subject.datasets else "reference"
    trained, trained_labels = subject.features("train"), encode_labels(subject, "train")
    outside, labels = subject.features(role), encode_labels(subject, role)
    if len(outside) < 2 * LEAST_PUBLIC:
        raise CheckError(
            f"{subject.datasets[role].uri}: model inversion needs at least {2 * LEAST_PUBLIC} rows of {role}, half of "
            f"which are public and half held out; found {len(outside):,}"
        )
    order = generator.permutation(len(outside))
    half = len(order) // 2
    own, held = order[:half], order[half:]
    public = outside.iloc[own].reset_index(drop=True)
    names = subject.require_model().classes
    counts = np.bincount(trained_labels, minlength=len(names))
    wanted = [one for one in np.argsort(-counts, kind="stable").tolist() if counts[one] >= LEAST_CLASS]
    if not wanted:
        raise CheckError(f"no class has {LEAST_CLASS} rows in train, so there is none whose rows could come back")
    classes = []
    for number in wanted[: params.most_classes]:
        members = generator.permutation(np.flatnonzero(trained_labels == number))[: params.samples]
        others = held[labels[held] == number][: params.samples]
        near = public[labels[own] == number]
        known = len(near) >= LEAST_CLASS
        classes.append(
            OneClass(
                number=number, name=str(names[number]), trained=trained.iloc[members].reset_index(drop=True),
                held_out=outside.iloc[others].reset_index(drop=True),
                centre=_centre(near if known else public, subject.columns), known=known,
            )
        )  # fmt: skip
    return Ground(role=role, public=public, classes=tuple(classes), measure=Measure.key(public, subject.columns))


def _centre(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The row of medians and most frequent categories: under Gower's distance no point lies nearer to all rows."""
    cells: dict[str, Any] = {}
    for name in rows.columns:
        if columns.features[name].kind == "numeric":
            cells[name] = [rows[name].median()]
        elif columns.features[name].kind == "integer":
            cells[name] = [rows[name].quantile(0.5, interpolation="lower")]
        else:
            counts = rows[name].value_counts()
            best = sorted(counts[counts == counts.max()].index.tolist(), key=str) if len(counts) else [None]
            cells[name] = best[:1]
    return like(cells, rows)


def like(cells: dict[str, Sequence[Any]], rows: pd.DataFrame) -> pd.DataFrame:
    """Cells as a frame with the column types of other rows, as far as they can hold them."""
    import pandas as pd

    frame = pd.DataFrame(cells)
    for name in frame.columns:
        try:
            frame[name] = frame[name].astype(rows[name].dtype)
        except (TypeError, ValueError):
            continue  # a missing value where the public rows have none
    return frame


def _codes(first: pd.Series, second: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as numbers, equal where the cells are; missing cells equal one another."""
    import pandas as pd

    together = pd.concat([first.astype(object), second.astype(object)], ignore_index=True)
    codes = pd.factorize(together, use_na_sentinel=True)[0]
    return codes[: len(first)], codes[len(first) :]

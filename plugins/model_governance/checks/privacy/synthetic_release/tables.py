"""The three tables of the comparison, with cells that compare equal whatever file they came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from model_governance.checks.privacy.synthetic_release.params import MIN_ROWS
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from model_governance.subjects.param_files import param_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.synthetic_release.params import ReleaseParams
    from model_governance.contract.subject import Columns, ParamFile, Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The released rows, the rows they were made from, and rows of the same people that the generator never saw.

    `train` and `held_out` have as many rows as one another: with more of one, its rows would be nearer by number alone.
    `whole` holds all released and all training rows, for exact copies.
    """

    release: pd.DataFrame
    train: pd.DataFrame
    held_out: pd.DataFrame
    whole: tuple[pd.DataFrame, pd.DataFrame]
    role: Role
    columns: Columns
    target: str | None


def draw_tables(subject: Subject, params: ReleaseParams, generator: np.random.Generator) -> Tables:
    """Read the release, and draw as many training rows as held-out rows.

    Args:
        subject: `train`, the rows that the generator was fitted on, and `reference`, rows that it never saw; or
            `population` in place of these, where it is given.
        params: the release and the number of rows.
        generator: draws the rows.

    Raises:
        CheckError: the release cannot be read, lacks a column, or a table has too few rows.
        SubjectError: as `Subject.features`.
    """
    role: Role = "population" if "population" in subject.datasets else "reference"
    train, held_out = _rows(subject, "train"), _rows(subject, role)
    file = param_file(subject, "release", params.release)
    release = _release(file, subject)
    target = subject.columns.target
    if target is not None and not all(target in frame.columns for frame in (train, held_out, release)):
        target = None
    for name, frame in (("the release", release), ("train", train), (role, held_out)):
        if len(frame) < MIN_ROWS:
            raise CheckError(
                f"{file.uri}: comparing a release needs at least {MIN_ROWS} rows of each table, found {len(frame)} of {name}; "
                "give more rows"
            )
    size = min(len(train), len(held_out), params.samples)
    kept = [*subject.columns.names, *([target] if target else [])]
    drawn = [
        frame[kept].iloc[generator.permutation(len(frame))[:count]].reset_index(drop=True)
        for frame, count in ((release, params.samples), (train, size), (held_out, size))
    ]
    return Tables(
        release=drawn[0], train=drawn[1], held_out=drawn[2], whole=(release[kept], train[kept]), role=role,
        columns=subject.columns, target=target,
    )  # fmt: skip


def _rows(subject: Subject, role: Role) -> pd.DataFrame:
    frame, target = subject.features(role), subject.columns.target
    if target is not None and target in subject.datasets[role].names:
        frame[target] = subject.frame(role, columns=[target])[target].to_numpy()
    return _comparable(frame, subject.columns, subject.datasets[role].uri)


def _release(file: ParamFile, subject: Subject) -> pd.DataFrame:
    """The released rows; they are read as a dataset is, from the bytes that were digested."""
    columns = subject.columns
    labels = [name for name in columns.names if columns.features[name].kind not in NUMBER_KINDS]
    name = PurePosixPath(file.uri).name
    with TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(file.content)
        try:
            spec = DatasetSpec(uri=name)
            frame = load_dataset(
                "current", spec, folder=Path(folder), connections=PlainConnections(), labels=labels
            ).frame
        except SubjectError as error:
            raise CheckError(
                f"params.release: {str(error).replace(chr(39) + 'current' + chr(39), 'of the release')}"
            ) from error
    missing = [name for name in columns.names if name not in frame.columns]
    if missing:
        raise CheckError(
            f"params.release: {file.uri} lacks column(s) {', '.join(missing)}; found {', '.join(map(str, frame.columns))}; "
            "name the table that was made from `train`, or take the columns out of columns.features"
        )
    return _comparable(frame, columns, file.uri)


def _comparable(frame: pd.DataFrame, columns: Columns, uri: str) -> pd.DataFrame:
    """Numbers as floats, all else as text, missing cells as NaN or None: 1, 1.0 and "1" are one value."""
    import numpy as np
    import pandas as pd

    cells: dict[str, Any] = {}
    for name in frame.columns:
        feature = columns.features.get(name)
        if feature is not None and feature.kind in NUMBER_KINDS:
            try:
                cells[name] = pd.to_numeric(frame[name]).to_numpy(dtype=np.float64, na_value=np.nan)
            except (ValueError, TypeError) as error:
                raise CheckError(
                    f"{uri}: column {name!r} is {feature.kind} in the policy and holds other values; correct the file or columns"
                ) from error
        elif feature is not None or name == columns.target:
            cells[name] = np.array([_text(cell) for cell in frame[name]], dtype=object)
    return pd.DataFrame(cells)


def _text(cell: Any) -> str | None:
    import pandas as pd

    if pd.isna(cell):
        return None
    is_whole = not isinstance(cell, str | bool) and hasattr(cell, "is_integer") and cell.is_integer()
    return str(int(cell)) if is_whole else str(cell)

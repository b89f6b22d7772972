"""Image columns: the array in every row of one column becomes one column for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.subject import Dataset
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.images import Image
    from model_governance.contract.subject import Columns


def with_pixel_columns(dataset: Dataset, columns: Columns) -> Dataset:
    """The dataset with the pixels of `columns.image.column` as columns in its place, the same digest; else as it is.

    Raises:
        SubjectError: the column is missing, a cell is no array of the stated size, or a pixel's name is taken.
    """
    image = columns.image
    if image is None or image.column is None or dataset.role == "labels":
        return dataset
    if image.column not in dataset.names:
        raise SubjectError(
            f"{dataset.uri}: dataset {dataset.role!r} has no column {image.column!r}, in which columns.image.column expects "
            f"the images; there are {', '.join(dataset.names[:20])}"
        )
    taken = sorted(set(image.names) & set(dataset.names))
    if taken:
        raise SubjectError(
            f"{dataset.uri}: dataset {dataset.role!r} has the column {taken[0]!r} beside {image.column!r}, whose pixels are "
            "called so; rename one of them"
        )
    return Dataset(
        role=dataset.role, uri=dataset.uri, sha256=dataset.sha256, frame=_expanded(dataset, image),
        manifest=dataset.manifest, origin=dataset.origin,
    )  # fmt: skip


def _expanded(dataset: Dataset, image: Image) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    frame = dataset.frame
    what = f"{dataset.uri}: column {image.column!r}"
    pixels = np.array(
        [_pixels(cell, image, what=what, row=row) for row, cell in enumerate(frame[image.column].tolist())]
    )
    wide = pd.DataFrame(pixels, columns=list(image.names), index=frame.index)
    return pd.concat([frame.drop(columns=[image.column]), wide], axis=1)


def _pixels(cell: Any, image: Image, *, what: str, row: int) -> np.ndarray:
    """The array of one row, shape (size,)."""
    import numpy as np

    try:
        array = np.array(_plain(cell))
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "iuf" or array.shape not in ((image.size,), image.shape):
        found = (
            f"an array of shape {array.shape}"
            if array.dtype.kind in "iuf"
            else f"no array of numbers ({type(cell).__name__})"
        )
        raise SubjectError(
            f"{what}: row {row:,} holds {found}, and columns.image.shape {list(image.shape)} expects that shape or "
            f"({image.size},); correct the shape, or decode the images upstream"
        )
    return array.ravel()


def _plain(cell: Any) -> Any:
    """Arrays of arrays, as files give them, as lists."""
    import numpy as np

    nested = isinstance(cell, (list, tuple)) or (isinstance(cell, np.ndarray) and cell.dtype == object)
    return [_plain(part) for part in cell] if nested else cell

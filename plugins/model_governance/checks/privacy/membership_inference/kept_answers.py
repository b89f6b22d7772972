"""What reference models said, kept from night to night: numbers only, so that nothing is ever unpickled.

One array per copy, under a digest of all that it depends on: the model, the pool's rows, the copy's half of them,
its seed, and the versions of the libraries that trained it. The copies themselves are thrown away: reading a model
back would mean trusting its bytes. An array holds the probability of the true class (or the residual) of each
audited row, by place; which row that is, and what is in it, is written nowhere.
"""

from __future__ import annotations

import hashlib
import io
import platform
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from model_governance.contract.result import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np

    from model_governance.contract.subject import Model, PreviousRun

FILE = "reference_answers.npz"
TRAINERS = ("numpy", "scipy", "scikit-learn", "xgboost", "xgboost-cpu", "lightgbm", "torch")


def key_of(model: Model, pool: np.ndarray, subset: np.ndarray, *, seed: int) -> str:
    """The digest of one copy: model, fingerprints of the pool (n,), which of them it was trained on, seed, libraries."""
    import numpy as np

    digest = hashlib.sha256(f"{model.sha256}\n{model.format}\n{seed}\n{_libraries()}\n".encode())
    digest.update(pool.astype("<u8").tobytes())
    digest.update(np.packbits(subset).tobytes())
    return digest.hexdigest()


def keep(answers: Mapping[str, np.ndarray]) -> Artifact:
    """The answers (n,) of every copy as an artifact; the same answers give the same bytes."""
    import numpy as np

    content = io.BytesIO()
    np.savez(content, **{key: answers[key].astype("<f8") for key in sorted(answers)})  # type: ignore[arg-type]
    return Artifact(
        name=FILE, media_type="application/octet-stream", content=content.getvalue(), title="Answers of the reference models"
    )  # fmt: skip


def kept_by(earlier: Iterable[PreviousRun]) -> dict[str, np.ndarray]:
    """The answers that the newest earlier night kept; the archive has verified their digest.

    What cannot be read counts as not kept: the copies are trained again.
    """
    import numpy as np

    newest = next((run for run in earlier if run.name == FILE), None)
    if newest is None:
        return {}
    try:
        with np.load(io.BytesIO(newest.content), allow_pickle=False) as stored:
            found = {key: stored[key] for key in stored.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
        return {}
    return {key: row for key, row in found.items() if row.dtype == np.float64 and np.isfinite(row).all()}


@cache
def _libraries() -> str:
    found = [f"python {platform.python_version()}"]
    for name in TRAINERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)

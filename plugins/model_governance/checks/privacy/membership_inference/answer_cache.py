"""A cache of the outputs of reference models, from run to run and from task to task: numbers only, nothing is ever unpickled.

One array per reference model, under a digest of all that it depends on: the model, the rows of the pool, the subset
it was trained on, its seed, and the versions of the training libraries. The models themselves are discarded: loading
one would mean trusting its bytes. An array holds the probability of the true class (or the residual) of each audited
row, by position; the rows themselves are not stored.
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


def cache_key(model: Model, pool: np.ndarray, subset: np.ndarray, *, seed: int) -> str:
    """The digest of one reference model.

    Args:
        model: the model under check.
        pool: fingerprints of the rows of the pool (n,).
        subset: which of them the reference model is trained on, bool (n,).
        seed: of its training.
    """
    import numpy as np

    digest = hashlib.sha256(f"{model.sha256}\n{model.format}\n{seed}\n{_libraries()}\n".encode())
    digest.update(pool.astype("<u8").tobytes())
    digest.update(np.packbits(subset).tobytes())
    return digest.hexdigest()


def to_artifact(answers: Mapping[str, np.ndarray], *, name: str = FILE) -> Artifact:
    """The outputs (n,) of reference models as an artifact; the same outputs give the same bytes."""
    import numpy as np

    content = io.BytesIO()
    np.savez(content, **{key: answers[key].astype("<f8") for key in sorted(answers)})  # type: ignore[arg-type]
    return Artifact(
        name=name, media_type="application/octet-stream", content=content.getvalue(), title="Outputs of the reference models"
    )  # fmt: skip


def from_earlier_runs(earlier: Iterable[PreviousRun]) -> dict[str, np.ndarray]:
    """The cached outputs of the newest earlier run; the archive has verified their digest.

    What cannot be read counts as not cached: the reference models are trained again.
    """
    newest = next((run for run in earlier if run.name == FILE), None)
    return {} if newest is None else _read(newest.content)


def from_mapped_tasks(prepared: Iterable[Artifact]) -> dict[str, np.ndarray]:
    """The outputs that mapped tasks of this run stored; their digests have been verified.

    A row counts only under the key that the check derives from its own inputs, so that outputs of another model, other
    rows, another seed or other libraries are never taken. What cannot be read counts as not prepared.
    """
    return {key: row for artifact in prepared for key, row in _read(artifact.content).items()}


def _read(content: bytes) -> dict[str, np.ndarray]:
    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            answers = {key: stored[key] for key in stored.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
        return {}
    return {key: row for key, row in answers.items() if row.dtype == np.float64 and np.isfinite(row).all()}


@cache
def _libraries() -> str:
    versions = [f"python {platform.python_version()}"]
    for name in TRAINERS:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(versions)

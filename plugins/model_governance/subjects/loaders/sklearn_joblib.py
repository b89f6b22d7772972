"""scikit-learn models in pickle and joblib files: only after an opt-in, and only through the restricted unpickler."""

from __future__ import annotations

import bz2
import lzma
import pickle
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import library_words
from model_governance.errors import SubjectError, UntrustedModel
from model_governance.subjects.loaders import missing_library
from model_governance.subjects.loaders.estimator import versions_noted, wrap_estimator
from model_governance.subjects.loaders.restricted_pickle import RestrictedUnpickler

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

# Magic number and the decompressor that joblib takes for it.
COMPRESSIONS: dict[bytes, Callable[[], Any]] = {
    b"\x78": zlib.decompressobj,
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
    b"\x5d\x00": lzma.LZMADecompressor,
}
# Models are compressed some ten times at most: a file that grows more fills the memory and holds no model.
LARGEST_GROWTH, ALWAYS_ALLOWED = 200, 64 << 20
FOREIGN = {
    b"PK": "a zip archive (a torch or skops file?)",
    b"\x93NUMPY": "a numpy file",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"ZF": "a file of joblib before 0.10",
}


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The estimator in a pickle or joblib file, compressed or not.

    Raises:
        SubjectError: it is damaged or no pickle, or the estimator does not fit the policy.
        UntrustedModel: the opt-in is missing, or the file names something no model needs.
    """
    if not spec.allow_pickle:
        raise UntrustedModel(
            f"{spec.uri}: a {spec.format} file can run code while loading; save the model with skops, "
            "or set model.allow_pickle: true"
        )
    for magic, what in FOREIGN.items():
        if content.startswith(magic):
            raise SubjectError(f"{spec.uri}: is {what}, not a {spec.format} file; correct `model.format`")
    with versions_noted() as versions:
        estimator, booster_versions = _unpickle(content, spec)
    return wrap_estimator(estimator, spec, columns, versions=versions, booster_versions=booster_versions)


def _unpickle(content: bytes, spec: ModelSpec) -> tuple[Any, set[str]]:
    """The object in the file, and the versions of XGBoost that wrote its boosters."""
    try:
        unpickler = RestrictedUnpickler(BytesIO(_plain(content)))
        return unpickler.load(), unpickler.booster_versions
    except UntrustedModel as error:
        raise UntrustedModel(f"{spec.uri}: {error}") from error
    except ImportError as error:
        raise missing_library(error, uri=spec.uri) from error
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise SubjectError(
            f"{spec.uri}: is damaged or no {spec.format} file: {type(error).__name__}: {library_words(error)}; save the model again"
        ) from error


def _plain(content: bytes) -> bytes:
    """The bytes of the pickle.

    Raises:
        UntrustedModel: it unpacks to more than a model does.
        ValueError: the compressed stream is damaged.
    """
    for magic, opened in COMPRESSIONS.items():
        if content.startswith(magic):
            limit, decompressor = LARGEST_GROWTH * len(content) + ALWAYS_ALLOWED, opened()
            try:
                plain: bytes = decompressor.decompress(content, limit + 1)
            except (OSError, zlib.error, lzma.LZMAError, EOFError) as error:
                raise ValueError(f"the compressed file is damaged: {error}") from error
            if len(plain) > limit:
                raise UntrustedModel(f"it unpacks to more than {limit:,} bytes, which no model does; it was not read")
            if not decompressor.eof:
                raise ValueError("the compressed file is damaged: it ends too early")
            return plain
    return content

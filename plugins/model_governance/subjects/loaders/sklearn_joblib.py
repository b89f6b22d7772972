"""scikit-learn models in pickle and joblib files: only after an opt-in, and only through the restricted unpickler."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError, UntrustedModel
from model_governance.subjects.loaders.estimator import wrap_estimator
from model_governance.subjects.loaders.restricted_pickle import RestrictedUnpickler

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

COMPRESSIONS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x78": zlib.decompress,
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x5d\x00": lzma.decompress,
}
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
    return wrap_estimator(_unpickle(content, spec), spec, columns)


def _unpickle(content: bytes, spec: ModelSpec) -> Any:
    try:
        return RestrictedUnpickler(BytesIO(_plain(content))).load()
    except UntrustedModel as error:
        raise UntrustedModel(f"{spec.uri}: {error}") from error
    except ImportError as error:
        raise SubjectError(f"{spec.uri}: needs a library that is not installed: {error}; install it here") from error
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise SubjectError(
            f"{spec.uri}: is damaged or no {spec.format} file: {type(error).__name__}: {error}; save the model again"
        ) from error


def _plain(content: bytes) -> bytes:
    for magic, decompress in COMPRESSIONS.items():
        if content.startswith(magic):
            try:
                return decompress(content)
            except (OSError, zlib.error, lzma.LZMAError, EOFError) as error:
                raise ValueError(f"the compressed file is damaged: {error}") from error
    return content

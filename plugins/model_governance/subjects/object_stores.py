"""Objects of Google Cloud Storage and Azure, reached through fsspec where its package for the store is installed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from model_governance.engine.stored import Spool
from model_governance.errors import SubjectError, SubjectUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OBJECT_STORES = {"gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "abfss": "adlfs"}
"""The package that reads each scheme; the extras `gcs` and `azure` install them."""
PIECE = 1 << 20  # bytes of an object in memory at a time


def fetch_object(uri: str, *, connection: str | None) -> tuple[Spool, Path]:
    """A copy of an object in a spool.

    Raises:
        SubjectError: the package is not installed, or there is no such object.
        SubjectUnreachable: the store does not answer.
    """
    with _reaching(uri, connection) as store:
        spool = Spool()
        path = spool.folder / "content"
        with store.open(uri, "rb") as remote, path.open("wb") as copy:
            while piece := remote.read(PIECE):
                copy.write(piece)
        return spool, path


def list_below(uri: str, *, connection: str | None) -> list[str]:
    """The names of the objects below a prefix that ends with `/`, without the prefix.

    Raises: as `fetch_object`.
    """
    with _reaching(uri, connection) as store:
        root = store._strip_protocol(uri).rstrip("/") + "/"  # noqa: SLF001 - fsspec offers no public form of a path
        return sorted(str(name).removeprefix(root) for name in store.find(uri))


@contextmanager
def _reaching(uri: str, connection: str | None) -> Iterator[Any]:
    """The file system of a uri; what it raises becomes an error that says what to do, without the server's own words."""
    scheme = uri.partition("://")[0].lower()
    if connection is not None:
        raise SubjectError(
            f"{uri}: {scheme}:// takes its credentials from the environment of the worker; leave `connection` out"
        )
    try:
        import fsspec

        store = fsspec.filesystem(scheme)
    except (ImportError, ValueError) as error:
        extra = "gcs" if OBJECT_STORES[scheme] == "gcsfs" else "azure"
        raise SubjectError(
            f"{uri}: {scheme}:// needs the package {OBJECT_STORES[scheme]}, which is not installed; "
            f"pip install 'airflow-model-governance[{extra}]'"
        ) from error
    try:
        yield store
    except SubjectError:
        raise
    except FileNotFoundError:
        raise SubjectError(f"{uri}: nothing is stored there; correct the uri or run what writes it") from None
    except PermissionError:
        raise SubjectError(
            f"{uri}: cannot be read: not allowed; give the worker's identity the right to read it"
        ) from None
    except Exception as error:
        raise SubjectUnreachable(f"{uri}: cannot be read: {type(error).__name__}; try again") from None

"""Creates objects in moto as a real S3 server does: the question "is it there?" and the write are one step."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from moto.s3.responses import S3Response

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic_puts() -> Iterator[None]:
    """Without this, two writers with `If-None-Match: *` can both win on a busy machine (moto 5.2 asks, then writes)."""
    lock, put_object = threading.Lock(), S3Response.put_object

    def one_at_a_time(response: S3Response) -> Any:
        with lock:
            return put_object(response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "put_object", one_at_a_time)
        yield

"""Object Lock on moto as a real server enforces it: moto 5.2 lets anybody shorten a lock."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from moto.s3.exceptions import AccessDeniedByLock
from moto.s3.models import S3Backend

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def enforced_locks() -> Iterator[None]:
    """A lock may be extended, never shortened or lowered from COMPLIANCE to GOVERNANCE."""
    put_object_retention = S3Backend.put_object_retention

    def refuse_less(
        backend: S3Backend, bucket_name: str, key_name: str, version_id: str | None, retention: tuple[Any, Any]
    ) -> None:
        key: Any = backend.get_object(bucket_name, key_name, version_id=version_id)
        mode, until = retention
        lowered = key.lock_mode == "COMPLIANCE" and mode != "COMPLIANCE"
        if key.lock_until and (lowered or datetime.fromisoformat(until) < datetime.fromisoformat(key.lock_until)):
            raise AccessDeniedByLock
        put_object_retention(backend, bucket_name, key_name, version_id, retention)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Backend, "put_object_retention", refuse_less)
        yield

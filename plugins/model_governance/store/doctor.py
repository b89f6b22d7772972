"""Finds out what a store really does, by trying on canary objects instead of asking."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from model_governance.store.doctor_bucket import BucketExam
from model_governance.store.doctor_folder import folder_trials
from model_governance.store.protected import utc_now
from model_governance.store.s3 import S3Store
from model_governance.store.worm import CANARIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.store.local import LocalStore
    from model_governance.store.trials import Trial


def examine(store: S3Store | LocalStore) -> Iterator[Trial]:
    """Try a store; its `protection` says what is required beyond create-only keys.

    Canaries are objects below `v1/doctor/` with a name of their own for every call. They are removed where the role may
    delete; a locked one stays for two days.

    Raises:
        StoreUnreachable: the store does not answer.
        StoreError: it refuses the very first requests.
    """
    folder = f"{CANARIES}{utc_now():%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(4)}"
    return BucketExam(store, folder).trials() if isinstance(store, S3Store) else folder_trials(store, folder)

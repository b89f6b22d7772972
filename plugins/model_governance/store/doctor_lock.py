"""Whether a bucket enforces Object Lock and legal holds, tried as somebody who wants evidence to disappear."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.errors import ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.protected import utc_now
from model_governance.store.s3_answers import NOT_ALLOWED
from model_governance.store.s3_bucket import code_of
from model_governance.store.trials import Outcome, Trial
from model_governance.store.worm import (
    CANARY,
    LOCKED_FOR,
    SHORTER,
    delete_version,
    is_refused,
    locked_until,
    put_locked,
    set_lock,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.contract.protection import LockMode, Protection
    from model_governance.store.s3_bucket import Bucket

ROLE_REFUSES = "this role may delete nothing, locked or not: run doctor as an administrator to try the lock itself"
GONE = "the server does not enforce the lock: evidence can be deleted before its time"


class LockExam:
    """Tries the locks of a bucket on one locked object, which stays until its lock ends or is lifted."""

    def __init__(
        self, bucket: Bucket, name: str, *, protection: Protection, params: dict[str, Any], may_delete: bool
    ) -> None:
        self.bucket, self.name, self.params, self.may_delete = bucket, name, params, may_delete
        self.protection, self.required = protection, protection.object_lock is not None
        self.mode: LockMode = protection.object_lock or "GOVERNANCE"

    def trials(self) -> Iterator[Trial]:
        """The tries; none after the first where the bucket has no Object Lock."""
        lock, version = self._lock()
        yield lock
        if lock.outcome != "pass" or version is None:
            return
        yield self._marker(version)
        deletion = self._deletion(version)
        yield deletion
        if deletion.outcome == "fail":
            return
        yield self._enforced("shorten", "shorten a lock", refused=self._shorten_refused(version))
        yield self._hold()
        yield self._bypass(version)

    def _lock(self) -> tuple[Trial, str | None]:
        trial = Trial(
            name="lock", tried=f"create an object with a lock in mode {self.mode}", expected="locked",
            found="locked", outcome="pass", meaning="new evidence is locked",
        )  # fmt: skip
        version, found = None, None
        try:
            version = put_locked(self.bucket, self.name, protection=self.protection, mode=self.mode)
            found = locked_until(self.bucket, self.name, version, mode=self.mode)
        except StoreUnreachable:
            raise
        except StoreError as error:
            code = code_of(error) or type(error).__name__
            meaning = "no Object Lock on this bucket or for this role: archive.object_lock is not possible"
            outcome: Outcome = "fail" if self.required else "skipped"
            return replace(trial, found=f"refused ({code})", outcome=outcome, meaning=meaning), None
        if found is None or version is None:
            meaning = (
                "the server accepts a lock and drops it: archive.object_lock is refused here (to see a lock, the role "
                "needs s3:GetObjectRetention)"
            )
            return replace(trial, found="accepted and dropped", outcome="fail", meaning=meaning), None
        return trial, version

    def _marker(self, version: str) -> Trial:
        """A DELETE without a version must hide the object and leave the locked version."""
        delete = partial(self.bucket.call, "delete_object", self.name, action="delete", permission="s3:DeleteObject")
        refused = is_refused(delete)
        try:
            kept = self.bucket.read(self.name, version=version) == CANARY
        except ObjectMissing:
            kept = False
        found = "refused" if refused else "a delete marker, the version stays" if kept else "the version is gone"
        return Trial(
            name="marker", tried="delete the locked object by its name", expected="the version stays", found=found,
            outcome="pass" if kept else "fail", meaning="keys and content are read from versions" if kept else GONE,
        )  # fmt: skip

    def _deletion(self, version: str) -> Trial:
        refused = is_refused(partial(delete_version, self.bucket, self.name, version))
        return self._enforced("locked_deletion", "delete a locked version", refused=refused)

    def _enforced(self, name: str, tried: str, *, refused: bool) -> Trial:
        kept = "the lock holds" if self.may_delete or name == "shorten" else ROLE_REFUSES
        return Trial(
            name=name, tried=tried, expected="refused", found="refused" if refused else "done",
            outcome="pass" if refused else "fail", meaning=kept if refused else GONE,
        )  # fmt: skip

    def _shorten_refused(self, version: str) -> bool:
        until = utc_now() + SHORTER
        if not is_refused(partial(set_lock, self.bucket, self.name, version, mode=self.mode, until=until)):
            return False
        if self.mode == "GOVERNANCE":
            return True
        later = utc_now() + 2 * LOCKED_FOR
        return is_refused(partial(set_lock, self.bucket, self.name, version, mode="GOVERNANCE", until=later))

    def _hold(self) -> Trial:
        name = f"{self.name}-hold"
        version = self.bucket.put(name, CANARY, media_type="text/plain", **self.params)
        trial = Trial(
            name="hold", tried="delete a version under legal hold", expected="refused", found="refused", outcome="pass",
            meaning="held evidence stays until the hold is lifted",
        )  # fmt: skip
        try:
            self._set_hold(name, version, "ON")
        except StoreUnreachable:
            raise
        except StoreError as error:
            code = code_of(error) or type(error).__name__
            if code in NOT_ALLOWED:
                meaning = "right for the role of the workers; holds are set by another role"
                return replace(trial, found=f"this role may not hold ({code})", outcome="skipped", meaning=meaning)
            return replace(
                trial, found=f"no holds ({code})", outcome="warn", meaning="archive hold is not possible here"
            )
        if version is None or not is_refused(partial(delete_version, self.bucket, name, version)):
            return replace(trial, found="done", outcome="fail", meaning="a legal hold has no effect on this server")
        self._set_hold(name, version, "OFF")
        return trial

    def _set_hold(self, name: str, version: str | None, status: str) -> None:
        which = {"VersionId": version} if version else {}
        self.bucket.call(
            "put_object_legal_hold", name, action="hold", permission="s3:PutObjectLegalHold",
            LegalHold={"Status": status}, **which,
        )  # fmt: skip

    def _bypass(self, version: str) -> Trial:
        refused = is_refused(partial(delete_version, self.bucket, self.name, version, bypass=True))
        trial = Trial(
            name="bypass", tried="delete a locked version with the right to bypass", expected="refused",
            found="refused" if refused else "done", outcome="pass", meaning="nobody with this role can lift the lock",
        )  # fmt: skip
        if refused:
            return trial
        if self.mode == "COMPLIANCE":
            return replace(trial, outcome="fail", meaning=GONE)
        meaning = (
            "this role may lift GOVERNANCE: take s3:BypassGovernanceRetention from it, or use COMPLIANCE, which "
            "nobody may lift"
        )
        return replace(trial, outcome="warn", meaning=meaning)

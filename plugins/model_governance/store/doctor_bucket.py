"""What a bucket really does: each promise that the archive relies on, tried on canary objects."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.contract.protection import Protection
from model_governance.errors import ObjectConflict, StoreError, StoreUnreachable
from model_governance.store.doctor_lock import LockExam
from model_governance.store.protected import encryption_params, lock_params, unprotected, utc_now
from model_governance.store.s3_answers import NOT_ALLOWED, NOT_OFFERED
from model_governance.store.s3_bucket import checksums, code_of
from model_governance.store.trials import ONE_WINNER, Outcome, Trial, race
from model_governance.store.worm import CANARY, SHORTER, delete_version, is_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_governance.store.s3 import S3Store

CLOCKS_AGREE = timedelta(minutes=1)
OTHER = b"other bytes\n"
NOBODY = "000000000000"


class BucketExam:
    """Tries a bucket with objects below one folder, and removes what it may remove afterwards."""

    def __init__(self, store: S3Store, folder: str) -> None:
        self.bucket, self.protection = store.bucket, store.protection
        self.folder = store.name(folder)
        self.versioned = self.may_delete = self.locked_by_default = False

    def trials(self) -> Iterator[Trial]:
        """All tries, in order; a later one may rest on what an earlier one found.

        Raises:
            StoreUnreachable: the server does not answer.
            StoreError: it refuses the first write, so that nothing can be tried.
        """
        yield self._versioning()
        self.locked_by_default = self._default_lock()
        encryption = self._encryption()
        if encryption.outcome != "pass":
            self.protection = replace(self.protection, encryption=None, kms_key=None)
        self._create("overwrite")
        yield encryption
        yield from map(
            self._tried, (self._clock, self._overwrite, self._race, self._parts, self._checksum, self._deletion)
        )
        if self.protection.bucket_owner:
            yield self._tried(self._owner)
        exam = LockExam(
            self.bucket,
            f"{self.folder}/lock",
            protection=self.protection,
            params=self._always(),
            may_delete=self.may_delete,
        )
        yield from exam.trials()
        with contextlib.suppress(StoreError):  # what was found counts, whatever becomes of the canaries
            self._clean_up()

    def _tried(self, trial: Callable[[], Trial]) -> Trial:
        """A try; a refusal that it did not expect is an error of this try and ends no other."""
        try:
            return trial()
        except StoreUnreachable:
            raise
        except StoreError as error:
            name = trial.__name__.strip("_")
            return Trial(
                name=name, tried=name, expected="an answer", found=str(error), outcome="error",
                meaning="nothing is known; give the role the permission that the sentence names",
            )  # fmt: skip

    def _create(self, name: str, content: bytes = CANARY, **params: Any) -> str | None:
        params = self._always() | params
        return self.bucket.put(f"{self.folder}/{name}", content, media_type="text/plain", **params)

    def _always(self) -> dict[str, Any]:
        """What every canary is written with: a bucket with a default retention would keep it for years."""
        lock = lock_params("GOVERNANCE", until=utc_now() + SHORTER) if self.locked_by_default else {}
        return encryption_params(self.protection) | lock

    def _default_lock(self) -> bool:
        """Whether the bucket locks what carries no lock; a role that may not ask, or a server without locks, says no."""
        try:
            answer = self.bucket.call(
                "get_object_lock_configuration", action="ask for the default lock of",
                permission="s3:GetBucketObjectLockConfiguration",
            )  # fmt: skip
        except StoreUnreachable:
            raise
        except StoreError:
            return False
        return bool(answer.get("ObjectLockConfiguration", {}).get("Rule"))

    def _versioning(self) -> Trial:
        try:
            found = self.bucket.versioning() or "off"
        except StoreUnreachable:
            raise
        except StoreError as error:
            found = code_of(error)
            if found not in NOT_ALLOWED | NOT_OFFERED:
                raise
        self.versioned = found in ("Enabled", "Suspended")
        return Trial(
            name="versioning", tried="ask for versioning", expected="Enabled", found=found,
            outcome="pass" if found == "Enabled" else "warn",
            meaning="the oldest version of a key is its content, whoever overwrites or deletes it"
            if found == "Enabled"
            else "what is overwritten or deleted is gone: turn versioning on",
        )  # fmt: skip

    def _clock(self) -> Trial:
        answer = self.bucket.call("head_bucket", action="ask for", permission="s3:ListBucket")
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            found, apart = "the server sends no date", None
        else:
            apart = utc_now() - parsedate_to_datetime(date)
            found = f"{abs(apart.total_seconds()):.0f} s apart"
        near = apart is not None and abs(apart) <= CLOCKS_AGREE
        return Trial(
            name="clock", tried="compare the clock with the server's",
            expected=f"at most {CLOCKS_AGREE.seconds} s apart", found=found, outcome="pass" if near else "warn",
            meaning="moments of runs, locks and waivers agree"
            if near
            else "set the clock of this machine (NTP): locks end at another moment, and beyond 15 minutes S3 refuses",
        )  # fmt: skip

    def _overwrite(self) -> Trial:
        refused = _conflicts(partial(self._create, "overwrite", OTHER))
        return self._condition("overwrite", "create a key that exists", refused=refused)

    def _parts(self) -> Trial:
        params = {"ContentType": "text/plain", **self._always()}
        put = partial(self.bucket.put_parts, f"{self.folder}/overwrite", OTHER, **params)
        return self._condition("parts", "create a key that exists, in parts", refused=_conflicts(put))

    def _condition(self, name: str, tried: str, *, refused: bool) -> Trial:
        return Trial(
            name=name, tried=tried, expected="refused", found="refused" if refused else "the condition is ignored",
            outcome="pass" if refused else "warn" if self.versioned else "fail",
            meaning="a key keeps its first bytes" if refused else self._unconditional,
        )  # fmt: skip

    @property
    def _unconditional(self) -> str:
        if self.versioned:
            return "writers at the same moment both succeed; the oldest version counts, and no evidence is lost"
        return "the last writer wins and evidence can be lost: turn versioning on, or use another server"

    def _race(self) -> Trial:
        found = race(lambda content: self._create("race", content))
        outcome: Outcome = "pass" if found == ONE_WINNER else "warn" if self.versioned else "fail"
        return Trial(
            name="race", tried="create a key in eight threads", expected=ONE_WINNER, found=found, outcome=outcome,
            meaning="concurrent runs lose nothing" if outcome == "pass" else self._unconditional,
        )  # fmt: skip

    def _checksum(self) -> Trial:
        right, wrong = checksums(CANARY), checksums(OTHER)
        for algorithm, params in (
            ("SHA-256", right | {"ChecksumSHA256": wrong["ChecksumSHA256"]}),
            ("MD5", {"ContentMD5": wrong["ContentMD5"]}),
        ):
            put = partial(
                self.bucket.call, "put_object", f"{self.folder}/checksum-{algorithm}", action="store",
                permission="s3:PutObject", Body=CANARY, **self._always(), **params,
            )  # fmt: skip
            if is_refused(put):
                found = "refused" if algorithm == "SHA-256" else "SHA-256 ignored, MD5 refused"
                return Trial(
                    name="checksum", tried="send a wrong checksum", expected="refused", found=found, outcome="pass",
                    meaning="bytes that change on the way are not stored",
                )  # fmt: skip
        return Trial(
            name="checksum", tried="send a wrong checksum", expected="refused", found="SHA-256 and MD5 are ignored",
            outcome="fail", meaning="bytes that change on the way are stored and make a run unreadable",
        )  # fmt: skip

    def _deletion(self) -> Trial:
        if self.locked_by_default:
            return Trial(
                name="deletion", tried="delete an object that nothing locks", expected="refused to this role",
                found="the bucket locks every object", outcome="skipped",
                meaning="a default retention also locks what the package did not write; it needs none",
            )  # fmt: skip
        version = self._create("deletion")
        which = {"VersionId": version} if version else {}
        delete = partial(
            self.bucket.call, "delete_object", f"{self.folder}/deletion", action="delete",
            permission="s3:DeleteObject", **which,
        )  # fmt: skip
        refused = is_refused(delete)
        self.may_delete = not refused
        return Trial(
            name="deletion", tried="delete an object that nothing locks", expected="refused to this role",
            found="refused" if refused else "deleted", outcome="pass" if refused else "warn",
            meaning="this role cannot delete evidence"
            if refused
            else "right for an administrator; take s3:DeleteObject and s3:DeleteObjectVersion from the role of the workers",
        )  # fmt: skip

    def _owner(self) -> Trial:
        ask = partial(self.bucket.client.get_bucket_versioning, Bucket=self.bucket.name, ExpectedBucketOwner=NOBODY)

        def asked() -> None:
            with self.bucket.explaining("ask for", "", permission="s3:GetBucketVersioning"):
                ask()

        refused = is_refused(asked)
        return Trial(
            name="owner", tried="name another account as owner", expected="refused",
            found="refused" if refused else "the owner is ignored", outcome="pass" if refused else "fail",
            meaning="evidence goes to no bucket of somebody else"
            if refused
            else "artifacts.bucket_owner has no effect on this server: remove it",
        )  # fmt: skip

    def _encryption(self) -> Trial:
        asked = self.protection if self.protection.encryption else Protection(encryption="s3")
        required = self.protection.encryption is not None
        tried, version = f"ask for encryption: {asked.encryption}", None
        try:
            version = self._create("encryption", **encryption_params(asked))
        except StoreUnreachable:
            raise
        except StoreError as error:
            return Trial(
                name="encryption", tried=tried, expected="encrypted", found=str(error) if required else "refused",
                outcome="fail" if required else "skipped",
                meaning="the policy asks for it" if required else "leave artifacts.encryption out on this server",
            )  # fmt: skip
        head = self.bucket.head(f"{self.folder}/encryption", version=version)
        plain = Protection(encryption=asked.encryption, kms_key=asked.kms_key)
        lacking = list(unprotected(plain, head, utc_now()))
        if lacking:
            return Trial(
                name="encryption", tried=tried, expected="encrypted", found="; ".join(lacking),
                outcome="fail" if required else "warn", meaning="the server accepts the header and ignores it",
            )  # fmt: skip
        return Trial(
            name="encryption", tried=tried, expected="encrypted", found=str(head["ServerSideEncryption"]), outcome="pass",
            meaning="the server says so; what lies on its disks cannot be seen from here",
        )  # fmt: skip

    def _clean_up(self) -> None:
        """Remove the canaries that this role may remove; the rest expires by the lifecycle rule of the bucket."""
        for version in self.bucket.versions(f"{self.folder}/") if self.versioned else ():
            if is_refused(partial(delete_version, self.bucket, version.name, version.id)):
                continue
        for name in () if self.versioned else self.bucket.names(f"{self.folder}/"):
            is_refused(partial(self.bucket.call, "delete_object", name, action="delete", permission="s3:DeleteObject"))


def _conflicts(write: Callable[[], object]) -> bool:
    try:
        write()
    except ObjectConflict:
        return True
    return False

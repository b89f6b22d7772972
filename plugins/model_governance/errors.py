"""Everything that this package raises on purpose.

GovernanceError
├── PolicyError                 the policy text is wrong; every mistake is listed
├── SubjectError                a model or dataset cannot be taken as the policy describes it
│   ├── DigestMismatch          the bytes are not the bytes that were approved
│   ├── UntrustedModel          the file would run code, or needs an opt-in that is missing
│   └── SubjectUnreachable      the place does not answer (infrastructure: a retry may help)
├── CheckError                  a check could not measure
│   └── ModelMisbehaved         the model raised, or returned what no check can use
├── StoreError                  evidence could not be written or read
│   ├── ObjectConflict          the key already holds other bytes
│   ├── ObjectMissing           the key holds nothing
│   └── StoreUnreachable        the store does not answer (infrastructure: a retry may help)
├── EvidenceError               a stored record is missing, altered or incomplete
└── ThresholdViolation          a verdict that must stop the run (in `verdict.violation`: it carries the verdict)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class GovernanceError(Exception):
    """Root of the tree; `infrastructure` says whether trying again may help.

    Cause: every class below; the package raises no other exception on purpose.
    Cure: catch this class to catch all of them, and read the section of the class that was raised.
    """

    infrastructure: bool = False


class PolicyError(GovernanceError):
    """A policy that cannot be used; `problems` holds one located sentence per mistake.

    Cause: the policy file has an unknown key, a value that does not fit, or parts that contradict one another;
        a path or argument of the command line is wrong.
    Cure: correct the lines that the message names; `model-governance policy lint FILE` lists all mistakes at
        once.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("\n".join(self.problems))


class SubjectError(GovernanceError):
    """A model or dataset that cannot be taken as the policy describes it.

    Cause: a file or table is missing or empty, a column is missing or holds no value, the format is another
        one, or a required library is not installed.
    Cure: correct the address, the columns or the format in the policy, or repair the feed that writes the data.
    """


class DigestMismatch(SubjectError):
    """The bytes that were read are not the bytes that were approved.

    Cause: the file was replaced, or a new model was deployed without its digest in the policy.
    Cure: find out who changed the file. If the change is intended, review it and write the digest that the
        message names into the policy.
    """


class UntrustedModel(SubjectError):
    """A model file that would run code while loading, or that lacks the required opt-in.

    Cause: a pickle or joblib file without `allow_pickle: true`, a name outside the allow-list, or a type that
        skops does not know.
    Cure: save the model with skops; or review the types that the message names and list them under
        `model.trusted`.
    """


class SubjectUnreachable(SubjectError):
    """The place that holds a model or dataset does not answer.

    Cause: the network, the object store, the database or the inference endpoint is down or busy.
    Cure: wait for the retry of Airflow, or run again; look at the service that the message names.
    """

    infrastructure = True


class CheckError(GovernanceError):
    """A check could not measure; this is never a pass.

    Cause: the params do not fit the data or the model, a slice matches no row, an attack exceeded its seconds,
        or a measurement gave no finite number.
    Cure: follow the sentence of the message: it names the param or the column to change.
    """


class ModelMisbehaved(CheckError):
    """The model raised, or returned NaN, infinities or the wrong shape.

    Cause: the model does not accept the rows as the policy declares them, or it was written by another version
        of its library.
    Cure: call the model with a row of the dataset in the same environment; correct `columns.features` or save
        the model again.
    """


class StoreError(GovernanceError):
    """Evidence could not be written or read.

    Cause: the credentials do not permit it, the bucket or folder does not exist, the disk is full, or a
        checksum was refused.
    Cure: correct the address, the connection or the permissions of `artifacts`, then run again: without
        evidence there is no verdict.
    """


class ObjectConflict(StoreError):
    """A create-only key already holds other bytes.

    Cause: another program writes below the same prefix, or an object was altered.
    Cure: give the archive a prefix of its own and look for the second writer; the stored object is not
        replaced.
    """


class ObjectMissing(StoreError):
    """Nothing is stored under the key.

    Cause: the object was deleted, or the address names another archive than the one that was written.
    Cure: correct the address of the archive, or restore the object from its oldest version.
    """


class StoreUnreachable(StoreError):
    """The store does not answer, or answers that it is busy.

    Cause: the network or the object store is down or busy.
    Cure: wait for the retry of Airflow, or run again.
    """

    infrastructure = True


class EvidenceError(GovernanceError):
    """A stored record is missing, altered or incomplete.

    Cause: the bytes do not have the digest that names them; a document is another one than its key or its run says; a
        field is missing, of a wrong type or contradicts another; or the schema is one that this version does not read.
    Cure: restore the object that the message names from its oldest version. Where it is the baseline of a change,
        `model-governance accept` puts another run in its place. Read records of a newer schema with the version that
        wrote them.
    """

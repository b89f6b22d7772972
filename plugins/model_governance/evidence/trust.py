"""The trust file: which public keys may sign evidence, and when. It stays with the verifier, not in the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads it
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from model_governance.contract.moments import spell_moment
from model_governance.errors import EvidenceError
from model_governance.evidence.signing import is_signed, keyid_of, read_public_key

if TYPE_CHECKING:
    import os

    from model_governance.contract.connections import Connections
    from model_governance.evidence.envelope import Envelope, PublicKey
    from model_governance.policy import Policy

TRUST_SCHEMA = "model-governance/trust/v1"
MAX_BYTES = 1 << 20


class _KeyText(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keyid: str = Field(pattern="^[0-9a-f]{64}$")
    public_key: str
    owner: str = Field(min_length=1)
    valid_from: AwareDatetime
    valid_to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> _KeyText:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} is not after valid_from {self.valid_from}")
        return self


class _TrustText(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    trust_schema: Literal["model-governance/trust/v1"] = Field(alias="schema")
    keys: tuple[_KeyText, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key, whose it is, and the time in which it may sign (UTC; `valid_to` is excluded, None: no end)."""

    keyid: str
    key: PublicKey
    owner: str
    valid_from: datetime
    valid_to: datetime | None

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether it may sign at this moment."""
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)

    @property
    def window(self) -> str:
        """The time in which it may sign, for messages."""
        end = "with no end" if self.valid_to is None else f"until {spell_moment(self.valid_to)}"
        return f"from {spell_moment(self.valid_from)} {end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The keys that may sign evidence, by keyid."""

    keys: dict[str, TrustedKey]
    origin: str = "trust file"

    def problem_of(self, envelope: Envelope, *, moment: datetime) -> str:
        """Why the signatures of an envelope do not vouch for it, in words; empty where one does.

        Args:
            envelope: what is signed.
            moment: when it says that it was signed (UTC); a key must be valid then.
        """
        if not envelope.signatures:
            return "it is unsigned"
        problems = []
        for signature in envelope.signatures:
            trusted = self.keys.get(signature.keyid)
            if trusted is None:
                problems.append(f"it is signed by key {signature.keyid[:16]}, which {self.origin} does not name")
            elif not is_signed(envelope.message, signature.value, trusted.key):
                problems.append(f"its signature is not one of key {signature.keyid[:16]} ({trusted.owner})")
            elif not trusted.is_valid_at(moment):
                problems.append(
                    f"it is signed at {spell_moment(moment)} by key {signature.keyid[:16]} ({trusted.owner}), "
                    f"which is valid {trusted.window}"
                )
            else:
                return ""
        return "; ".join(problems)


def trust_of(policy: Policy, connections: Connections) -> Trust | None:
    """The keys that a policy trusts: `archive.trust`, else those of the installation; None without either.

    Raises: as `read_trust`.
    """
    path = trust_file_of(policy, connections)
    return None if path is None else read_trust(path)


def trust_file_of(policy: Policy, connections: Connections) -> Path | None:
    """The trust file that `trust_of` reads."""
    path, folder = policy.archive.trust, policy.folder
    if path is None:
        path, folder = connections.keys.trust, connections.keys.folder
    return None if path is None else folder / path


def read_trust(path: str | os.PathLike[str]) -> Trust:
    """The trust file at a path.

    Raises:
        EvidenceError: it cannot be read, is no trust file, or a keyid is not that of its public key.
    """
    import yaml

    try:
        with Path(path).open("rb") as file:
            raw = yaml.safe_load(file.read(MAX_BYTES))
        text = _TrustText.model_validate(raw)
    except OSError as error:
        raise EvidenceError(f"trust file {path}: cannot be read ({error.strerror}); pass the right path") from error
    except (yaml.YAMLError, ValidationError, RecursionError) as error:
        found = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        ) if isinstance(error, ValidationError) else "no YAML"  # fmt: skip
        raise EvidenceError(
            f"trust file {path}: expected schema {TRUST_SCHEMA} and keys with keyid, public_key, owner, valid_from; {found}"
        ) from error
    keys: dict[str, TrustedKey] = {}
    for each in text.keys:
        key = read_public_key(each.public_key.encode(), origin=f"trust file {path}, key {each.keyid[:16]}")
        if keyid_of(key) != each.keyid or each.keyid in keys:
            raise EvidenceError(
                f"trust file {path}: key {each.keyid[:16]}: expected the SHA-256 of its own public key, once; "
                f"that is {keyid_of(key)}"
            )
        keys[each.keyid] = TrustedKey(
            keyid=each.keyid, key=key, owner=each.owner, valid_from=each.valid_from, valid_to=each.valid_to
        )
    return Trust(keys=keys, origin=f"trust file {path}")


def trust_text(keyid: str, public_key: str, *, owner: str, valid_from: datetime) -> str:
    """A trust file with one key, as YAML."""
    pem = "".join(f"      {line}\n" for line in public_key.strip().splitlines())
    return (
        f"schema: {TRUST_SCHEMA}\nkeys:\n  - keyid: {keyid}\n    owner: {_quoted(owner)}\n"
        f"    valid_from: {valid_from.isoformat(timespec='seconds')}\n    valid_to: null\n    public_key: |\n{pem}"
    )


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)

"""`model-governance keys init`: make the first pair of keys, and the trust file that names the public one."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.errors import PolicyError, StoreError
from model_governance.evidence.signing import keyid_of, new_private_key, public_pem
from model_governance.evidence.trust import trust_text

if TYPE_CHECKING:
    import argparse

PRIVATE, PUBLIC, TRUST = "signing_key.pem", "signing_key.pub", "trust.yaml"


def add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    keys = commands.add_parser("keys", help="make keys that sign evidence").add_subparsers(
        required=True, metavar="COMMAND"
    )
    init = keys.add_parser("init", help="make an ed25519 pair and a trust file; overwrites nothing")
    init.add_argument("folder", type=Path, help="folder to write to; outside the archive and outside version control")
    init.add_argument("--owner", default=None, metavar="NAME", help="whose key it is, default the user of this machine")
    init.set_defaults(command=_init)


def make_keys(folder: Path, *, owner: str, moment: datetime) -> str:
    """Write a private key (readable by its user only), the public key and a trust file; returns the keyid.

    Args:
        folder: made where it is missing.
        owner: whose key it is, for messages of a verification.
        moment: from when on the key may sign (UTC).

    Raises:
        PolicyError: one of the three files exists; nothing is written.
        StoreError: the folder cannot be written.
    """
    existing = [str(folder / name) for name in (PRIVATE, PUBLIC, TRUST) if (folder / name).exists()]
    if existing:
        raise PolicyError(
            [f"{', '.join(existing)}: exists and is not overwritten; name another folder or move it away"]
        )
    private, public = new_private_key()
    keyid = keyid_of(public)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / PRIVATE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private)
        (folder / PUBLIC).write_text(public_pem(public))
        (folder / TRUST).write_text(trust_text(keyid, public_pem(public), owner=owner, valid_from=moment))
    except OSError as error:
        raise StoreError(
            f"cannot write keys to {folder}: {error.strerror}; name a folder that you may write to"
        ) from error
    return keyid


def _init(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    moment = datetime.now(UTC).replace(microsecond=0)
    keyid = make_keys(folder, owner=options.owner or getpass.getuser(), moment=moment)
    print(
        f"key {keyid}\n"
        f"{folder / PRIVATE}  private: give it to the workers as an Airflow connection's password, an environment variable or\n"
        "    a mounted secret, name it in the policy (archive.signing_key), and keep a copy in a safe. Whoever has it can sign\n"
        f"{folder / PUBLIC}  public: for auditors\n"
        f"{folder / TRUST}  names the public key: keep it where the writers of the archive cannot change it, give it to\n"
        "    auditors, and name it in the policy (archive.trust)"
    )
    return 0

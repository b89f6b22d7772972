"""Real databases for tests: a PostgreSQL cluster of our own in a temporary folder, and Spark in this process."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

USER = "governance"


def postgres_binaries() -> Path:
    """The folder with initdb and pg_ctl, of the newest version installed."""
    config = shutil.which("pg_config")
    if config:
        folder = Path(subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
        if (folder / "initdb").is_file():
            return folder
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    assert found, "PostgreSQL is not installed; apt-get install postgresql"
    return found[-1].parent


@contextmanager
def postgres():
    """The uri of a running PostgreSQL that holds nothing; it is gone afterwards."""
    binaries = postgres_binaries()
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        keys = _as_somebody_else(Path(folder))
        data = f"{folder}/data"
        run = lambda *command: subprocess.run(command, check=True, capture_output=True, timeout=120, **keys)  # noqa: E731
        run(binaries / "initdb", "-D", data, "-U", USER, "--auth=trust", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(binaries / "pg_ctl", "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _as_somebody_else(folder: Path) -> dict:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    somebody = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name))
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    return {"user": somebody.pw_uid, "group": somebody.pw_gid, "extra_groups": [], "cwd": folder}


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True

"""The environment that makes this repository an Airflow project of its own, apart from any other on the machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "include" / "demo" / "build"
HOME = ROOT / ".airflow"
KEYS = BUILD / "keys"
PORT = 28971
DAG_ID = "governance_acs_employment"


def airflow_environment(port: int = PORT) -> dict[str, str]:
    """Settings of Airflow: one folder, SQLite, loopback only, no account needed, nothing scheduled by itself."""
    return {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        # Tasks call the API under this address; without it they would look for port 8080.
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": (BUILD / "archive").as_uri(),
        "AIRFLOW__MODEL_GOVERNANCE__SIGNING_KEY": f"file:{KEYS / 'signing_key.pem'}",
        "AIRFLOW__MODEL_GOVERNANCE__TRUST": str(KEYS / "trust.yaml"),
        "DO_NOT_TRACK": "1",
        "TQDM_DISABLE": "1",
    }


def enter_project(port: int = PORT) -> None:
    """Set the environment of this process; call it before Airflow is imported."""
    os.environ.update(airflow_environment(port))


def in_use(port: int) -> bool:
    """Whether something on this machine listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

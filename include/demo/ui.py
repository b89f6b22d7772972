"""Starts Airflow on 127.0.0.1 with this project and opens it on the demo's runs; Ctrl-C stops all of it.

make ui
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from project import BUILD, DAG_ID, PORT, ROOT, airflow_environment, in_use

READY_WITHIN = 240


def main() -> int:
    if not (BUILD / "archive").exists():
        print("There are no runs yet: make demo first.")
        return 2
    if in_use(PORT):
        print(f"Port {PORT} is in use; stop what listens there first.")
        return 2
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        # Also where a shell started this in the background with interrupts ignored.
        signal.signal(interrupt, signal.default_int_handler)
    page = f"http://127.0.0.1:{PORT}/dags/{DAG_ID}"
    log = BUILD / "airflow_ui.log"
    print(f"Starting Airflow on 127.0.0.1:{PORT} (log: {log.relative_to(ROOT)}) …")
    programs = Path(sys.executable).parent
    # `standalone` starts its parts as `airflow`, which must be found although no environment is activated.
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    with log.open("wb") as sink:
        # A session of its own: `standalone` leaves its children behind unless the whole group is told.
        airflow = subprocess.Popen(
            [str(programs / "airflow"), "standalone"],
            env=os.environ | airflow_environment() | {"PATH": path}, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip
        try:
            wait_until_ready(airflow)
            # Whoever started this through a pipe waits for the line, which a full buffer would hold back for ever.
            print(
                f"Ready: {page}\nThe tab Details of each task has the button 'Governance report'. Ctrl-C stops Airflow.",
                flush=True,
            )
            webbrowser.open(page)
            airflow.wait()
        except KeyboardInterrupt:
            print("\nStopping …")
        finally:
            stop(airflow)
    return 0


def wait_until_ready(airflow: subprocess.Popen) -> None:
    """Return once the API server answers; its own banner comes before it listens."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if airflow.poll() is not None:
            raise SystemExit("Airflow stopped; its log says why")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/v2/monitor/health", timeout=2):
                return
        except OSError:
            time.sleep(1)
    raise SystemExit(f"Airflow did not answer within {READY_WITHIN} s; its log says why")


def stop(airflow: subprocess.Popen) -> None:
    """Interrupt the whole group, then end what is left of it."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(airflow.pid, one)
        except ProcessLookupError:
            return
        for _ in range(20):
            airflow.poll()
            time.sleep(0.5)
            try:
                os.killpg(airflow.pid, 0)
            except ProcessLookupError:
                return


if __name__ == "__main__":
    sys.exit(main())

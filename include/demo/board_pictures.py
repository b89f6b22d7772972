"""Takes the pictures of the board for the documentation: generated models, and the failing run of the demo.

make demo && python include/demo/board_pictures.py          (needs Debian's chromium and the extra [system])
"""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from board import board_of, generate
from picture import OFFLINE

from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.run import Run
from model_governance.policy.load import load_policy
from model_governance.policy.names import dag_id_of
from model_governance.run import run_policy
from model_governance.store.local import LocalStore
from model_governance.ui.app import Guards, create_app
from model_governance.ui.board.index import BoardIndex
from project import BUILD

APPROVED = Path(__file__).resolve().parent / "acs_employment.skops"
POLICY = Path(__file__).resolve().parents[1] / "policies" / "acs_employment.yaml"
SLICED = "employment"
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "pages" / "images"
WIDTH, HEIGHT = 1180, {"portfolio": 860, "model": 1415, "run": 1000, "coverage": 1400}
"""Pixels, by picture."""


def main() -> int:
    import uvicorn

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generated, demo = LocalStore(str(folder / "archive")), LocalStore(str(BUILD / "archive"))
        sliced = sliced_run(folder)
        newest = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
        generate(generated, models=90, runs=365, newest=newest)
        index = BoardIndex(folder / "board.sqlite", home=dag_id_of)
        index.refresh([lambda: generated, lambda: demo, lambda: sliced])
        model = next(each for each in index.models() if each["model"] == "acs-employment")
        failing = next(run for run in index.runs(model["id"]) if run["outcome"] == "fail")
        pages = {
            "portfolio": "/?owner=risk@example.com",
            "model": f"/dags/{dag_id_of('churn')}",
            "run": f"/dags/{model['dag_id']}/evidence/{failing['name']}",
            "coverage": f"/dags/{dag_id_of(SLICED)}#slices",
        }
        every = frozenset(each["dag_id"] for each in index.models())
        app = create_app(board_of(index, demo), Guards(dag=lambda dag_id: None, readable=lambda: every))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.1)
        take(f"http://127.0.0.1:{port}", pages)
        server.should_exit = True
        thread.join()
    return 0


def sliced_run(folder: Path) -> LocalStore:
    """An archive with one run of the demo's model, of today, whose quality is measured by slice and by group."""
    raw = yaml.safe_load(POLICY.read_text("utf-8"))
    parts: list[dict[str, Any]] = [
        {"column": "SEX"}, {"column": "CIT"}, {"column": "AGEP", "between": [16, 24], "name": "16 to 24 years"},
        {"column": "AGEP", "between": [25, 64], "name": "25 to 64 years"}, {"column": "AGEP", "between": [65, 99], "name": "65 years and older"},
    ]  # fmt: skip
    checks = {
        "file": raw["checks"]["file"],
        "quality": {
            "kind": "model_quality", "params": {"slices": parts},
            "thresholds": [{"metric": "accuracy", "geq_to": 0.8}, {"metric": "slice_accuracy", "geq_to": 0.7}],
        },
    }  # fmt: skip
    policy = {
        **{name: raw[name] for name in ("version", "owner", "description", "columns", "report")},
        "model": raw["model"] | {"name": SLICED, "uri": str(APPROVED)},
        "datasets": {"current": {"uri": str(BUILD / "current" / "2017-12-31.parquet")}},
        "checks": checks,
    }
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(policy))
    store = LocalStore(str(folder / "sliced"))
    today = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
    run = Run(run_id=f"scheduled__{today.isoformat()}", logical_date=today)
    run_policy(load_policy(file, catalogue()), run=run, store=store, connections=PlainConnections())
    return store


def take(root: str, pages: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OFFLINE)
        page = browser.new_page()
        for name, address in pages.items():
            page.set_viewport_size({"width": WIDTH, "height": HEIGHT[name]})
            page.goto(root + address)
            page.screenshot(path=str(IMAGES / f"board_{name}.png"))
        browser.close()


if __name__ == "__main__":
    sys.exit(main())

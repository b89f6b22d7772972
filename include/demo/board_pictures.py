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

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from board import board_of, generate
from picture import OFFLINE

from model_governance.policy.names import dag_id_of
from model_governance.store.local import LocalStore
from model_governance.ui.app import Guards, create_app
from model_governance.ui.board.index import BoardIndex
from project import BUILD

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "pages" / "images"
HEIGHT = 1000


def main() -> int:
    import uvicorn

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generated, demo = LocalStore(str(folder / "archive")), LocalStore(str(BUILD / "archive"))
        newest = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
        generate(generated, models=90, runs=365, newest=newest)
        index = BoardIndex(folder / "board.sqlite", home=dag_id_of)
        index.refresh([lambda: generated, lambda: demo])
        model = next(each for each in index.models() if each["model"] == "acs-employment")
        failing = next(run for run in index.runs(model["id"]) if run["outcome"] == "fail")
        pages = {
            "portfolio": "/?owner=risk@example.com",
            "model": f"/dags/{dag_id_of('churn')}",
            "run": f"/dags/{model['dag_id']}/evidence/{failing['name']}",
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


def take(root: str, pages: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OFFLINE)
        page = browser.new_page(viewport={"width": 1180, "height": HEIGHT})
        for name, address in pages.items():
            page.goto(root + address)
            page.screenshot(path=str(IMAGES / f"board_{name}.png"))
        browser.close()


if __name__ == "__main__":
    sys.exit(main())

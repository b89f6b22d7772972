"""The board in a real browser: every page in both themes, wide and narrow, by keyboard, without network, and a hostile report."""

from __future__ import annotations

import json
import threading
import time

import pytest
import uvicorn

from board_cases import app_for, board_over
from model_governance.contract.result import Artifact
from model_governance.store import put_blob
from model_governance.store.local import LocalStore
from project import CHEAP_CHECKS, small_project
from signed_archive import signed_archive
from system.page_checks import problems_of, serious_faults
from system.server import free_ports

pytestmark = pytest.mark.system

DAG = "governance_synthetic"
SLICED = CHEAP_CHECKS["quality"] | {"params": {"slices": [{"column": "region"}, {"column": "channel"}]}}
HOSTILE = b"""<!doctype html><title>hostile</title><ul id="got"></ul><script>
const say = (text) => { const line = document.createElement("li"); line.textContent = text; got.append(line); };
for (const [name, read] of Object.entries({
  cookie: () => document.cookie, storage: () => localStorage.getItem("secret"), parent: () => parent.document.title,
  top: () => { if (top === window) return "alone"; top.location = "https://example.invalid/"; return "moved"; },
})) try { say(`${name}: ${read()}`) } catch (error) { say(`${name}: refused`) }
fetch("/api/v1/models").then((answer) => answer.text()).then((text) => say(`api: ${text}`), () => say("api: refused"))
  .finally(() => say("done"));
</script>"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A board over a small signed archive, served on a port of this machine."""
    folder = tmp_path_factory.mktemp("board")
    store = LocalStore(str(signed_archive(folder).folder))
    (folder / "zones").mkdir()
    zones = small_project(folder / "zones", checks={"quality": SLICED})
    zones.change(model=zones.raw["model"] | {"name": "zones"}).run()
    board = board_over(folder, store, zones.store)
    board.surroundings.states["going-on"] = "running"
    board.surroundings.tasks["going-on"] = [("quality", "success"), ("archive", "not started")]
    board.surroundings.silent = [
        {"dag_id": "train_churn", "owner": "growth@example.com", "tags": ["model"], "reason": "No policy governs it."}
    ]
    hostile = put_blob(store, Artifact(name="evil.html", media_type="text/html", content=HOSTILE))
    report = {"key": hostile.key, "uri": hostile.uri}
    board.surroundings.verdicts["night-2", "hostile"] = {"name": "hostile", "outcome": "fail", "report": report}
    (port,) = free_ports(1)
    server = uvicorn.Server(
        uvicorn.Config(app_for(board, DAG, "train_churn", "governance_zones"), port=port, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", board
    server.should_exit = True
    thread.join(10)


def addresses(board):
    runs = [run["name"] for run in board.index.runs(1)]
    return [
        "/?passes=1", "/?outcome=faild", f"/dags/{DAG}", f"/dags/{DAG}/models/synthetic", f"/dags/{DAG}/evidence/{runs[1]}",
        f"/dags/{DAG}/evidence/{runs[2]}?verify=1", f"/dags/{DAG}/compare?a={runs[0]}&b={runs[1]}", "/coverage",
        f"/dags/{DAG}/runs/night-2/tasks/quality", "/dags/train_churn", "/dags/governance_zones",
        f"/dags/{DAG}/runs/going-on",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_named_readable_and_whole_and_asks_no_other_host(served, browser, scheme, width):
    root, board = served
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    found = {}
    for address in addresses(board):
        page.goto(root + address)
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        found[address] = problems_of(page)
    page.close()
    assert {address: problems for address, problems in found.items() if problems} == {}
    assert errors == []
    assert {url.partition("/dags")[0][: len(root)] for url in asked} == {root}


def archived_pages(board):
    """The page of a run and the report of its check, as they are archived."""
    store = board.stores.stores[0]
    (run,) = [run for run in board.index.runs(1) if run["run_id"] == "night-2"]
    manifest = json.loads(store.get(run["manifest"]))
    return [
        f"/dags/{DAG}/store/{run['manifest'].rpartition('/')[0]}/report.html",
        f"/dags/{DAG}/store/{manifest['checks'][0]['report']['key']}?run={run['name']}",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_on_any_page(served, browser, scheme):
    root, board = served
    # Archived pages forbid scripts, and so axe; the test that they do stands below.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = {}
    for address in addresses(board) + archived_pages(board):
        answer = page.goto(root + address)
        assert answer.status == 200, address
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        found[address] = serious_faults(page)
    context.close()
    assert {address: faults for address, faults in found.items() if faults} == {}


def test_axe_would_find_a_fault(browser):
    page = browser.new_page()
    page.set_content("<html lang=en><title>x</title><main><h1>x</h1><button></button></main>")
    assert [fault.partition(":")[0] for fault in serious_faults(page)] == ["button-name"]
    page.close()


def test_the_keyboard_leads_from_the_list_to_the_report(served, browser):
    root, _ = served
    page = browser.new_page()
    page.goto(f"{root}/?passes=1")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/synthetic")
    page.get_by_role("link", name="quality, 2026-03-02: fail").press("Enter")
    page.wait_for_url("**/evidence/**")
    page.locator("summary", has_text="quality").press("Enter")
    frame = page.frame_locator("iframe[title='Report of quality']")
    frame.get_by_role("heading", level=1).wait_for(timeout=20_000)
    assert "accuracy" in frame.locator("body").inner_text()
    page.close()


def test_a_page_that_waits_shows_what_has_come_without_a_reload(served, browser):
    root, board = served
    page = browser.new_page()
    page.goto(f"{root}/dags/{DAG}/runs/going-on")
    page.evaluate("window.same = true")
    board.surroundings.tasks["going-on"] = [("quality", "success"), ("archive", "running")]
    page.get_by_role("cell", name="running").wait_for(timeout=20_000)
    assert page.evaluate("window.same")
    page.close()


def test_every_page_works_without_scripts(served, browser):
    root, _ = served
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{root}/")
    page.get_by_label("Show models that hold").check()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("link", name="synthetic", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "synthetic"
    context.close()


def test_a_hostile_report_reads_no_cookie_no_storage_and_no_api(served, browser):
    root, _ = served
    context = browser.new_context()
    context.add_cookies([{"name": "_token", "value": "session-secret", "url": root}])
    page = context.new_page()
    page.goto(f"{root}/")
    page.evaluate("localStorage.setItem('secret', 'stored-secret')")
    report = f"{root}/dags/{DAG}/runs/night-2/tasks/hostile/report"
    for framed in (False, True):
        if framed:
            page.goto(f"{root}/")
            page.evaluate(
                "(url) => { const frame = document.createElement('iframe'); frame.src = url; document.body.append(frame); }",
                report,
            )
            frame = page.frame_locator("iframe")
        else:
            page.goto(report)
            frame = page
        frame.get_by_text("done").wait_for(timeout=20_000)
        lines = frame.locator("li").all_inner_texts()
        assert "cookie: refused" in lines
        assert "storage: refused" in lines
        assert "api: refused" in lines
        assert not any("secret" in line or "synthetic" in line for line in lines)
        if framed:
            assert "parent: refused" in lines
            assert page.url.startswith(root)
    context.close()

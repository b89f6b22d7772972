"""Servers and the browser that the system tests talk to."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from system.seaweed import SeaweedServer

OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync",
           "--disable-component-update", "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="session")
def seaweed() -> Iterator[SeaweedServer]:
    """A real S3 server, started by the first test that asks for it."""
    from system.seaweed import SeaweedServer

    with SeaweedServer() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The machine's Chromium, without what it would ask other hosts by itself.

    For one module only: the event loop of playwright must not run while another module uses asyncio.
    """
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OFFLINE)
        yield chromium
        chromium.close()

"""Servers that the system tests talk to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from system.seaweed import SeaweedServer


@pytest.fixture(scope="session")
def seaweed() -> Iterator[SeaweedServer]:
    """A real S3 server, started by the first test that asks for it."""
    from system.seaweed import SeaweedServer

    with SeaweedServer() as server:
        yield server

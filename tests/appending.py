"""Appends eight links to the chain of one model from threads of this process: STORE and the number of the process."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model_governance.contract.connections import PlainConnections
from model_governance.evidence.links import link_document
from model_governance.store import open_store

LINKS = 8


def main(uri: str, process: str) -> None:
    """Store eight documents and link them, all at the same time."""
    store = open_store(uri, folder=Path.cwd(), connections=PlainConnections())

    def one(number: int) -> None:
        content = json.dumps({"process": process, "number": number}).encode()
        key = f"v1/retraining/model=loans/{process}-{number}.json"
        store.put_once(key, content, media_type="application/json")
        link_document(store, "retraining_request", "loans", key=key, content=content, signer=None)

    with ThreadPoolExecutor(LINKS) as pool:
        list(pool.map(one, range(LINKS)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""The pages of an archive: one that cannot be drawn is replaced by one that says so, so that the record is written."""

from __future__ import annotations

import logging
from html import escape
from typing import TYPE_CHECKING, Any

from model_governance.errors import GovernanceError
from model_governance.report.check_page import render_check
from model_governance.report.highlights import read_highlights
from model_governance.report.reasons import read_facts
from model_governance.report.run_page import controls_of_run, render_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)


def page_of_check(record: Mapping[str, Any], pictures: Mapping[str, bytes], *, run: Mapping[str, Any]) -> bytes:
    """As `render_check`, or a plain page with the findings and the reason why there is no other."""
    return _drawn_or_explained(
        lambda: render_check(record, pictures, run=run), title=record["check"], verdict=record["verdict"]
    )


def page_of_run(
    manifest: Mapping[str, Any], *, folder: str, records: Iterable[Mapping[str, Any] | None], store: ArtifactStore
) -> bytes:
    """As `render_run`, or a plain page with the findings and the reason why there is no other.

    Args:
        manifest: the stored manifest.
        folder: key of the folder that the page is stored in; links are relative to it.
        records: those of the checks, for sentences and pictures; None where a check left none.
        store: holds the pictures.

    Raises:
        GovernanceError: the store cannot be reached, or evidence is not what was recorded.
    """
    depth = "../" * (folder.count("/") + 1)
    return _drawn_or_explained(
        lambda: draw_run(manifest, records=[*records], store=store, href=lambda key: depth + key),
        title=manifest["verdict"]["name"],
        verdict=manifest["verdict"],
    )


def draw_run(
    manifest: Mapping[str, Any], *, records: Sequence[Mapping[str, Any] | None], store: ArtifactStore,
    href: Callable[[str], str],
) -> bytes:  # fmt: skip
    """The page of a run with what its records add to the manifest: sentences, pictures, details and controls.

    Args:
        manifest: the stored manifest.
        records: those of the checks, in the order of the manifest; None where a check left none.
        store: holds the pictures.
        href: turns the key of a stored object into a link relative to the page.

    Raises:
        EvidenceError: the manifest has another schema, or a stored picture is not the recorded one.
        StoreUnreachable, ObjectMissing: as `ArtifactStore.get`.
    """
    return render_run(
        manifest,
        href=href,
        highlights=read_highlights(records, store),
        controls=controls_of_run(records),
        facts=read_facts(records),
    )


def _drawn_or_explained(draw: Callable[[], bytes], *, title: str, verdict: Mapping[str, Any]) -> bytes:
    try:
        return draw()
    except GovernanceError:
        # The store, or evidence that was tampered with: no fault of drawing.
        raise
    except Exception as error:
        log.exception("the page of %s could not be drawn", title)
        return _plain_page(
            title, f"{type(error).__name__}: {error}", [each["sentence"] for each in verdict["findings"]]
        )


def _plain_page(title: str, problem: str, sentences: Sequence[str]) -> bytes:
    findings = "".join(f"<li>{escape(sentence)}</li>\n" for sentence in sentences)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
        f"<body>\n<h1>{escape(title)}</h1>\n"
        f"<p>This page could not be drawn ({escape(problem)}). The record beside it is complete, and so is the verdict. "
        "Please report this as a defect.</p>\n"
        f"<ul>\n{findings}</ul>\n</body>\n</html>\n"
    ).encode()

"""The HTML pages: one per check and one per run, each a self-contained file without network access or script.

A page is a pure function of the stored record, so an archive can be rendered again years later.
"""

from model_governance.report.archived_page import page_of_check, page_of_run
from model_governance.report.check_page import render_check
from model_governance.report.highlights import CheckHighlights, read_highlights
from model_governance.report.run_page import render_run

__all__ = ["CheckHighlights", "page_of_check", "page_of_run", "read_highlights", "render_check", "render_run"]

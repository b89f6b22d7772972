"""The HTML pages: one per check and one per run, each a self-contained file without network access or script.

A page is a pure function of the stored record, so an archive can be rendered again years later.
"""

from model_governance.report.archived_page import draw_run, page_of_check, page_of_run
from model_governance.report.check_page import render_check
from model_governance.report.run_page import render_run

__all__ = ["draw_run", "page_of_check", "page_of_run", "render_check", "render_run"]

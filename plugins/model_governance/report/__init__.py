"""The pages people read: one per check and one per run, each a file of its own without network or script.

A page is a pure function of the stored record, so an archive can be rendered again years later.
"""

from model_governance.report.check_page import render_check
from model_governance.report.run_page import render_run
from model_governance.report.stories import Story, read_stories

__all__ = ["Story", "read_stories", "render_check", "render_run"]

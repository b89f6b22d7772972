"""What people are told of a run: what is new, what goes on, what is over; where it goes, and in which form.

It compares a run with the verified runs before it and judges nothing: outcomes and sentences are those of the verdict.
"""

from model_governance.notify.digest import digest_of
from model_governance.notify.late import late_note
from model_governance.notify.message import RunMessage, bare_note, message_of
from model_governance.notify.note import Note, Section
from model_governance.notify.routes import for_whole_model, is_quiet, recipients, routed
from model_governance.report.issues import track

__all__ = [
    "Note",
    "RunMessage",
    "Section",
    "bare_note",
    "digest_of",
    "for_whole_model",
    "is_quiet",
    "late_note",
    "message_of",
    "recipients",
    "routed",
    "track",
]

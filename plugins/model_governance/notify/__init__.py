"""What people are told of a run: what is new, what goes on, what is over; where it goes, and in which form.

It compares a run with the verified runs before it and judges nothing: outcomes and sentences are those of the verdict.
"""

from model_governance.notify.digest import digest_of
from model_governance.notify.issues import track
from model_governance.notify.message import RunMessage, bare_note, message_of
from model_governance.notify.note import Note, Section
from model_governance.notify.routes import is_quiet, recipients, routed

__all__ = [
    "Note",
    "RunMessage",
    "Section",
    "bare_note",
    "digest_of",
    "is_quiet",
    "message_of",
    "recipients",
    "routed",
    "track",
]

"""Export of the evidence of a model and some days: a bag with the objects, and what other tools read of them."""

from model_governance.evidence.export.bag import BagWriter, zipped
from model_governance.evidence.export.bom import bill_of_materials
from model_governance.evidence.export.junit import junit_of
from model_governance.evidence.export.model_card import model_card
from model_governance.evidence.export.oscal import assessment_results
from model_governance.evidence.export.selection import ExportedDocument, ExportedRun, Selection, select
from model_governance.evidence.export.violations import violations_of

__all__ = [
    "BagWriter",
    "ExportedDocument",
    "ExportedRun",
    "Selection",
    "assessment_results",
    "bill_of_materials",
    "junit_of",
    "model_card",
    "select",
    "violations_of",
    "zipped",
]

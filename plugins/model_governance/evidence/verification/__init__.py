"""Verification of an archive: signatures, chain, digests of objects, and that each verdict follows from its numbers."""

from model_governance.evidence.verification.archive import models_of, verify_archive, verify_model
from model_governance.evidence.verification.problems import CODES, Problem, Verification

__all__ = ["CODES", "Problem", "Verification", "models_of", "verify_archive", "verify_model"]

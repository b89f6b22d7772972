"""scikit-learn models stored with skops: no code in the file, every type in it named and reviewed."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

from model_governance.errors import SubjectError, UntrustedModel
from model_governance.formats.pickle_names import SKOPS_NAMES
from model_governance.subjects.loaders import missing_library
from model_governance.subjects.loaders.estimator import versions_noted, wrap_estimator
from model_governance.subjects.loaders.native_trees import CraftedBooster
from model_governance.subjects.loaders.skops_boosters import check_boosters

if TYPE_CHECKING:
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

# Weights are stored as they are or compressed some ten times: a file that grows more fills the memory and holds no model.
LARGEST_GROWTH, ALWAYS_ALLOWED, MAX_MEMBERS = 200, 64 << 20, 100_000


def load(content: bytes, spec: ModelSpec, columns: Columns) -> Model:
    """The estimator in a skops file.

    Raises:
        SubjectError: it is no skops file, or the estimator does not fit the policy.
        UntrustedModel: the file holds types that are neither on the allow-list nor in `model.trusted`.
    """
    import skops.io

    if not content.startswith(b"PK"):
        raise SubjectError(
            f"{spec.uri}: is not a skops file (no zip archive); save the model with skops.io.dump or correct `model.format`"
        )
    _refuse_bomb(content, uri=spec.uri)
    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - SKOPS_NAMES - set(spec.trusted))
    if unknown:
        raise UntrustedModel(
            f"{spec.uri}: holds types that nobody has reviewed: {', '.join(unknown)}. Nothing was loaded. "
            "List under `model.trusted` those you have read and accept, or save the model without them"
        )
    try:
        booster_versions = check_boosters(content)
    except CraftedBooster as error:
        raise UntrustedModel(
            f"{spec.uri}: {error}. Its library did not see it; take the model again from where it was trained"
        ) from error
    with versions_noted() as versions:
        try:
            estimator = skops.io.loads(content, trusted=[*sorted(SKOPS_NAMES), *spec.trusted])
        except ImportError as error:
            raise missing_library(error, uri=spec.uri) from error
    return wrap_estimator(estimator, spec, columns, versions=versions, booster_versions=booster_versions)


def _refuse_bomb(content: bytes, *, uri: str) -> None:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise SubjectError(f"{uri}: is damaged: {error}; save the model again") from error
    limit = LARGEST_GROWTH * len(content) + ALWAYS_ALLOWED
    if sum(member.file_size for member in members) > limit or len(members) > MAX_MEMBERS:
        raise UntrustedModel(
            f"{uri}: unpacks to more than {limit:,} bytes or {MAX_MEMBERS:,} members, which no model does; it was not read"
        )

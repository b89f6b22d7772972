"""Chooses the columns, opens both datasets, and refuses what cannot be compared before anything is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.stored_profile import select_columns
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.engine import open_relation, require_same_families
from model_governance.engine.features import require_values
from model_governance.engine.paired_pass import read_pair
from model_governance.engine.profiles import Profile, profile_of
from model_governance.engine.stored_profiles import read_profile
from model_governance.errors import CheckError, SubjectError
from model_governance.subjects.param_files import param_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.contract.subject import Role, Subject
    from model_governance.engine import Relation
    from model_governance.engine.profiles import Family

CATEGORY_KINDS = frozenset({"category", "boolean"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The current data and the fixed reference, with their profiles on the cells frozen with the reference.

    `frozen` is the reference's profile; `reference` is None where only that profile was given.
    """

    families: Mapping[str, Family]
    reference: Relation | None
    current: Relation
    frozen: Profile
    current_profile: Profile


def choose_features(subject: Subject, params: DriftParams) -> tuple[dict[str, Family], list[str]]:
    """The features to compare, by family, and a note on those whose kind no distance fits.

    Raises:
        CheckError: params name a feature that does not exist, or no feature can be compared.
    """
    features = subject.columns.features
    families: dict[str, Family] = {
        name: "numbers" if feature.kind in NUMBER_KINDS else "categories"
        for name, feature in features.items()
        if feature.kind in NUMBER_KINDS | CATEGORY_KINDS
    }
    chosen = tuple(dict.fromkeys(params.columns or ()))
    unknown = [name for name in chosen if name not in features]
    if unknown:
        raise CheckError(f"columns name {', '.join(unknown)}; the policy's features are {', '.join(features)}")
    if params.columns is not None:
        unsupported = [f"{name} ({features[name].kind})" for name in chosen if name not in families]
        if unsupported:
            raise CheckError(
                f"no distance compares {', '.join(unsupported)}; name numeric, integer, category or boolean columns"
            )
        return {name: families[name] for name in chosen}, []
    skipped = [f"{name} ({feature.kind})" for name, feature in features.items() if name not in families]
    if not families:
        raise CheckError(f"no feature can be compared: {', '.join(skipped)}; this check needs numbers or categories")
    notes = [f"not compared, because no distance fits their kind: {', '.join(skipped)}"] if skipped else []
    return families, notes


def open_comparison(subject: Subject, params: DriftParams, families: Mapping[str, Family]) -> Comparison:
    """Both datasets and their profiles, counted over all rows.

    Raises:
        SubjectError: a dataset was not given, has no rows, lacks a feature, or a feature holds no value.
        CheckError: numbers arrive as text, a category changed its type, or the profile file is none.
    """
    current = _open_dataset(subject, "current")
    current.require(subject.columns.names)
    _require_scalars(current, families)
    reference = None
    if params.profile is not None:
        file = param_file(subject, "profile", params.profile)
        frozen = select_columns(read_profile(file.content, origin=file.uri), families, origin=file.uri)
        _require_finite(current, families)
    else:
        reference = _open_dataset(subject, "reference")
        reference.require(subject.columns.names)
        _require_scalars(reference, families)
        read_pair(reference, current, [name for name, family in families.items() if family == "numbers"])
        for relation in (current, reference):
            _require_finite(relation, families)
        categories = [name for name, family in families.items() if family == "categories"]
        require_same_families(reference, current, categories)
        frozen = profile_of(reference, families, sketched=False)
    current_profile = profile_of(current, families, cells=frozen.cells, sketched=False)
    return Comparison(
        families=families, reference=reference, current=current, frozen=frozen, current_profile=current_profile
    )


def _open_dataset(subject: Subject, role: Role) -> Relation:
    if role not in subject.datasets:
        given = ", ".join(sorted(subject.datasets)) or "none"
        raise SubjectError(
            f"{subject.name}: dataset {role!r} is needed and was not given (given: {given}); add datasets.{role} to the "
            "policy" + (", or name a profile of it in params.profile" if role == "reference" else "")
        )
    dataset = subject.datasets[role]
    if dataset.rows == 0:
        raise SubjectError(f"{dataset.uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
    return open_relation(dataset)


def _require_scalars(relation: Relation, families: Mapping[str, Family]) -> None:
    """Refuse columns of lists or structs, which have no distance."""
    nested = [name for name, kind in relation.kinds(list(families)).items() if kind == "nested"]
    if nested:
        raise SubjectError(
            f"{relation.uri}: column(s) {', '.join(nested)} of dataset {relation.role!r} hold lists or structs, which no "
            "distance compares; repair the feed or take the column out of columns.features"
        )


def _require_finite(relation: Relation, families: Mapping[str, Family]) -> None:
    """Refuse columns that hold nothing, and numbers of which none is finite."""
    summaries = relation.summaries([name for name, family in families.items() if family == "numbers"])
    # The pass that counts labels gives the missing values of categories too.
    relation.labels([name for name, family in families.items() if family == "categories"])
    require_values(relation, list(families))
    nonfinite = [name for name, summary in summaries.items() if summary.finite == 0]
    if nonfinite:
        raise CheckError(
            f"column {nonfinite[0]!r} of dataset {relation.role!r} holds no finite number in any of {relation.rows:,} rows"
        )

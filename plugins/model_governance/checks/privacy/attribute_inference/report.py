"""Tables, figure and sentences of an attribute inference: aggregates only, never a row of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.attribute_inference.comparison import accuracy, attack_gain, member_gap
from model_governance.checks.privacy.attribute_inference.params import MIN_ROWS_PER_VALUE
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.privacy.attribute_inference.comparison import AttributeResult
    from model_governance.checks.privacy.attribute_inference.params import AttributeParams
    from model_governance.contract.result import Artifact

_METHODS_HEADER = ("attribute", "method", "members", "inferred", "low", "high", "non-members", "inferred", "low", "high",
                   "queries")  # fmt: skip


def tables(results: Sequence[AttributeResult]) -> tuple[Table, ...]:
    """The accuracy of each method on both groups, and by value."""
    return (_methods(results), _values(results))


def _methods(results: Sequence[AttributeResult]) -> Table:
    rows = []
    for result in results:
        for method in result.methods:
            inside, outside = accuracy(method.members), accuracy(method.non_members)
            rows.append((
                result.column, method.method, len(method.members), inside.value, *inside.interval(),
                len(method.non_members), outside.value, *outside.interval(), method.queries,
            ))  # fmt: skip
    title = "Share of rows whose attribute is inferred"
    return Table(name="methods", title=title, header=_METHODS_HEADER, rows=tuple(rows))


def _values(results: Sequence[AttributeResult]) -> Table:
    """Accuracy by value: shows an attack that infers only a rare value, which the overall accuracy hides."""
    rows = []
    for result in results:
        truth = result.target.members.truth
        for number, name in enumerate(result.target.values.names):
            for method in (result.imputation, *result.attacks):
                own = truth[: len(method.members)] == number
                if own.sum() >= MIN_ROWS_PER_VALUE:
                    share = float(method.members[own].mean())
                    rows.append((result.column, name, method.method, int(own.sum()), share))
    header = ("attribute", "value", "method", "members with the value", "share of them inferred")
    return Table(name="values", title="Members inferred, by value", header=header, rows=tuple(rows))


def figure(result: AttributeResult) -> Artifact:
    """Accuracy of each method on both groups with 95% intervals, beside imputation on members."""
    methods = result.methods
    picture, (axes,) = canvas(height=1.4 + 0.45 * len(methods))
    groups = (
        ("members (train)", "members", CURRENT, -0.14),
        (f"non-members ({result.target.non_members.rows.role})", "non_members", REFERENCE, 0.14),
    )
    for label, group, colour, offset in groups:
        for place, method in enumerate(methods):
            share = accuracy(getattr(method, group))
            axes.plot(share.interval(), (place + offset,) * 2, color=colour, linewidth=1.5)
            axes.plot(share.value, place + offset, "o", color=colour, markersize=5, label=label if place == 0 else None)
    axes.axvline(float(result.imputation.members.mean()), color=LIMIT, linestyle="--", linewidth=0.8)
    axes.set_yticks(range(len(methods)), [method.method.replace("_", " ") for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of rows whose attribute is inferred; dashed: members, without the model")
    axes.set_title(result.column)
    axes.legend(frameon=False, loc="best")
    slug = "".join(letter if letter.isalnum() else "_" for letter in result.column)
    title = f"{result.column}: inferred with the model and without"
    return to_svg(picture, name=f"attribute_{slug}.svg", title=title)


def highlights(results: Sequence[AttributeResult]) -> tuple[str, ...]:
    """One sentence per attribute: the attack with the largest gain, and whether it is memorisation or disclosure."""
    sentences = []
    for result in results:
        if not result.attacks:
            continue
        best = max(result.attacks, key=lambda attack: attack_gain(attack.members, result.imputation.members)[0])
        gain, (low, high) = attack_gain(best.members, result.imputation.members)
        share, without = float(best.members.mean()), float(result.imputation.members[: len(best.members)].mean())
        sentence = (
            f"{result.column}: {best.method} infers {share:.1%} of members, imputation without the model {without:.1%} "
            f"(gain {gain:+.3f}, {low:+.3f} to {high:+.3f})"
        )
        if low > 0 and member_gap(result, best).interval()[0] > 0:
            sentence += "; it infers fewer non-members with the same values: the model memorises"
        elif low > 0:
            sentence += "; it infers as many non-members: the outputs themselves disclose the attribute"
        sentences.append(sentence + ".")
    return tuple(sentences)


def notes(results: Sequence[AttributeResult], params: AttributeParams) -> tuple[str, ...]:
    """What the numbers are based on."""
    target = results[0].target
    members, non_members, own = (len(group.truth) for group in (target.members, target.non_members, target.attacker))
    role = target.non_members.rows.role
    sentences = [
        f"Members are {members:,} rows of train, non-members {non_members:,} of {role}; the attacker owns {own:,} more rows of {role}.",
        f"He knows the attribute of his own rows, and of all rows the true label and every other feature{_exceptions(params)}.",
        "Imputation and the attacks that train a classifier use gradient boosting on the attacker's rows; more rows improve both.",
        *params.attacker_access.limits,
    ]
    for result in results:
        if result.target.excluded:
            sentences.append(
                f"{result.column}: {result.target.excluded:,} rows have none of its frequent values and are excluded."
            )
        total = len(result.imputation.members)
        sentences.extend(
            f"{attack.method} on {result.column} reached {len(attack.members):,} of {total:,} members with its queries."
            for attack in result.attacks
            if len(attack.members) < total
        )
    return tuple(sentences)


def _exceptions(params: AttributeParams) -> str:
    unknown = [f"{', '.join(features)} where {column} is attacked" for column, features in params.unknown.items()]
    return f", except {'; '.join(unknown)}" if unknown else ""

"""Mutants of a module: small changes of its syntax tree, each of which some test should notice.

Whatever decides is changed: functions, properties, validators, constants and fields alike. Annotations, decorators,
messages and descriptions are not: they decide nothing, or nothing imports without them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
SILENT_FIELDS = frozenset({"annotation", "returns", "decorator_list", "format_spec"})
# Keywords that explain something to people, or guard what cannot happen.
SILENT_KEYWORDS = frozenset({"description", "strict"})
SILENT_NODES = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Raise)
TYPED_CALLS = frozenset({"isinstance", "getattr", "hasattr"})
OTHER_TEXT = "another text"
LONGEST = 90  # characters of a piece of code in the name of a mutant

Change = "tuple[str, str, Callable[[], None]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: where it is, what it replaces by what, and the function that makes it in the tree."""

    scope: str
    line: int
    before: str
    after: str
    apply: Callable[[], None]
    number: int = 1

    @property
    def name(self) -> str:
        """What identifies it while the code around it stays: no line number, a count where code repeats."""
        repeated = f" ({self.number})" if self.number > 1 else ""
        return f"{self.scope}{repeated}: `{self.before}` becomes `{self.after}`"


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its syntax tree."""
    found: list[Mutant] = []
    counts: dict[str, int] = {}
    for mutant in _walk(ast.parse(source), ""):
        counts[mutant.name] = counts.get(mutant.name, 0) + 1
        found.append(replace(mutant, number=counts[mutant.name]))
    return found


def mutated(source: str, position: int) -> ast.Module:
    """The syntax tree of a module after the change at that position of `mutants`; at -1 it is as it was."""
    tree = ast.parse(source)
    if position >= 0:
        next(islice(_walk(tree, ""), position, None)).apply()
    return ast.fix_missing_locations(tree)


def _walk(node: ast.AST, scope: str) -> Iterator[Mutant]:
    """The mutants of a node, then those of what is below it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    for kind, changes in CHANGES:
        if isinstance(node, kind):
            for before, after, apply in changes(node):
                yield Mutant(
                    scope=scope or "module",
                    line=getattr(node.target if isinstance(node, ast.comprehension) else node, "lineno", 0),
                    before=before,
                    after=after,
                    apply=apply,
                )
    for child in _speaking_children(node):
        yield from _walk(child, scope)


def _speaking_children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that can decide something."""
    if isinstance(node, SILENT_NODES) or _is_for_type_checkers(node) or _is_docstring(node):
        return
    for field, value in ast.iter_fields(node):
        if field in SILENT_FIELDS:
            continue
        for child in value if isinstance(value, list) else [value]:
            silent = isinstance(child, ast.keyword) and child.arg in SILENT_KEYWORDS
            if isinstance(child, ast.AST) and not silent:
                yield child


def _is_for_type_checkers(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__" or _is_type(node.value)
    return isinstance(node, ast.AnnAssign) and node.value is None


def _is_type(node: ast.AST) -> bool:
    """`Literal[...]` and the like, which only annotations use."""
    return (isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal") or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
    )


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _text(node: ast.AST) -> str:
    """The code of a node on one line, shortened."""
    text = " ".join(ast.unparse(node).split()).replace("`", "'").replace("|", "\\|")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _become(node: ast.AST, other: ast.AST) -> Callable[[], None]:
    """Turns a node into another one where it stands."""

    def apply() -> None:
        fields = dict(ast.iter_fields(other))
        node.__class__ = type(other)
        node.__dict__ = {**{name: getattr(node, name) for name in node._attributes if hasattr(node, name)}, **fields}

    return apply


def _set(node: ast.AST, field: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, field, value)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _compare(node: ast.Compare) -> Iterator[Change]:
    """Another comparison; of two tuples, one pair of elements less; of a membership, one member less."""
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield _text(node), _text(_with(node, ops=ops)), _set(node, "ops", ops)
    right = node.comparators[0]
    if isinstance(node.ops[0], ast.In | ast.NotIn) and isinstance(right, ast.Tuple | ast.List):
        right.unordered = True  # for `_collection`
        yield from _set_display(right)
    if isinstance(node.left, ast.Tuple) and isinstance(right, ast.Tuple) and len(node.left.elts) == len(right.elts):
        for place in range(len(right.elts)):
            other = ast.Compare(
                left=ast.Tuple(elts=_without(node.left.elts, place), ctx=ast.Load()),
                ops=node.ops,
                comparators=[ast.Tuple(elts=_without(right.elts, place), ctx=ast.Load())],
            )
            yield _text(node), _text(other), _become(node, other)


def _without(values: list, place: int) -> list:
    return [*values[:place], *values[place + 1 :]]


def _boolean(node: ast.BoolOp) -> Iterator[Change]:
    """`and` for `or`, and each operand dropped."""
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _text(node), _text(_with(node, op=other)), _set(node, "op", other)
    for place in range(len(node.values)):
        rest = _without(node.values, place)
        dropped = rest[0] if len(rest) == 1 else _with(node, values=rest)
        yield _text(node), _text(dropped), _become(node, dropped)


def _unary(node: ast.UnaryOp) -> Iterator[Change]:
    """Without `not` or the minus sign."""
    if isinstance(node.op, ast.Not | ast.USub):
        yield _text(node), _text(node.operand), _become(node, node.operand)


def _binary(node: ast.BinOp) -> Iterator[Change]:
    """The inverse operation, except between texts."""
    texts = any(isinstance(side, ast.JoinedStr | ast.Constant) and _is_text(side) for side in (node.left, node.right))
    if type(node.op) in OPERATORS and not texts:
        other = OPERATORS[type(node.op)]()
        yield _text(node), _text(_with(node, op=other)), _set(node, "op", other)


def _is_text(node: ast.JoinedStr | ast.Constant) -> bool:
    return isinstance(node, ast.JoinedStr) or isinstance(node.value, str)


def _constant(node: ast.Constant) -> Iterator[Change]:
    """A number one higher, the other truth, another word. A text with a space in it is a message."""
    value = node.value
    if isinstance(value, bool):
        other: object = not value
    elif isinstance(value, int | float):
        other = value + 1
    elif isinstance(value, str) and value and " " not in value:
        other = OTHER_TEXT
    else:
        return
    yield _text(node), repr(other), _set(node, "value", other)


def _condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[Change]:
    """A branch that is always taken, and one that never is."""
    if _is_for_type_checkers(node):
        return
    word = "while" if isinstance(node, ast.While) else "if"
    for value in (True, False):
        if value and isinstance(node, ast.While):
            continue
        yield f"{word} {_text(node.test)}", f"{word} {value}", _set(node, "test", ast.Constant(value))


def _comprehension(node: ast.comprehension) -> Iterator[Change]:
    """Each filter dropped."""
    for place, condition in enumerate(node.ifs):
        yield f"if {_text(condition)}", "no filter", _set(node, "ifs", _without(node.ifs, place))


def _statement(node: ast.Expr | ast.Raise | ast.AugAssign) -> Iterator[Change]:
    """A statement left out: a call for its effect, a value yielded, an error raised, a sum continued."""
    if not _is_docstring(node):
        yield _text(node), "pass", _become(node, ast.Pass())


def _jump(node: ast.Continue | ast.Break) -> Iterator[Change]:
    """`break` for `continue`."""
    other = ast.Break() if isinstance(node, ast.Continue) else ast.Continue()
    yield _text(node), _text(other), _become(node, other)


def _call(node: ast.Call) -> Iterator[Change]:
    """Each keyword dropped, and neighbouring arguments swapped."""
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in SILENT_KEYWORDS:
            rest = _without(node.keywords, place)
            yield f"{_text(node.func)}(… {_text(keyword)})", "argument dropped", _set(node, "keywords", rest)
    for first, second in pairwise(keyword for keyword in node.keywords if keyword.arg not in SILENT_KEYWORDS):
        if _are_kin(first.value, second.value):
            names = f"{first.arg}={_text(second.value)}, {second.arg}={_text(first.value)}"
            before = f"{_text(node.func)}(… {_text(first)}, {_text(second)})"
            yield before, names, _swap_values(first, second)
    if _text(node.func) not in TYPED_CALLS:
        yield from _swaps(node, "args", _text(node.func))


def _are_kin(first: ast.AST, second: ast.AST) -> bool:
    """Whether two values could be mistaken for one another: two names, two constants, two attributes of one object."""
    if type(first) is not type(second) or ast.dump(first) == ast.dump(second):
        return False
    if isinstance(first, ast.Attribute) and isinstance(second, ast.Attribute):
        return ast.dump(first.value) == ast.dump(second.value)
    if isinstance(first, ast.Constant) and isinstance(second, ast.Constant):
        return type(first.value) is type(second.value)
    return isinstance(first, ast.Name | ast.BinOp | ast.Compare | ast.Starred)


def _swap_values(first: ast.keyword, second: ast.keyword) -> Callable[[], None]:
    def apply() -> None:
        first.value, second.value = second.value, first.value

    return apply


def _collection(node: ast.Tuple | ast.List) -> Iterator[Change]:
    """Neighbours swapped where there is an order."""
    if isinstance(node.ctx, ast.Load) and not hasattr(node, "unordered"):
        yield from _swaps(node, "elts", "")


def _swaps(node: ast.AST, field: str, name: str) -> Iterator[Change]:
    values = getattr(node, field)
    for place, (first, second) in enumerate(pairwise(values)):
        if not _are_kin(first, second):
            continue
        swapped = [*values[:place], second, first, *values[place + 2 :]]
        yield f"{name}({_text(first)}, {_text(second)})", "swapped", _set(node, field, swapped)


def _set_display(node: ast.Set | ast.Tuple | ast.List) -> Iterator[Change]:
    """Each element dropped."""
    for place, element in enumerate(node.elts):
        if len(node.elts) > 1:
            yield f"element {_text(element)}", "dropped", _set(node, "elts", _without(node.elts, place))


CHANGES: tuple[tuple[object, Callable[..., Iterator[Change]]], ...] = (
    (ast.Compare, _compare),
    (ast.BoolOp, _boolean),
    (ast.UnaryOp, _unary),
    (ast.BinOp, _binary),
    (ast.Constant, _constant),
    (ast.If | ast.IfExp | ast.While, _condition),
    (ast.comprehension, _comprehension),
    (ast.Expr | ast.Raise | ast.AugAssign, _statement),
    (ast.Continue | ast.Break, _jump),
    (ast.Call, _call),
    (ast.Tuple | ast.List, _collection),
    (ast.Set, _set_display),
)
